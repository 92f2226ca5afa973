"""From the mark in a book to the call: left out, decided otherwise by one person, and on record."""

import pytest
from playwright.sync_api import Page, expect

from invites.models import AddressBook, Conference, Invitation, User
from tests.browser.conftest import Screenshot, SignIn
from tests.browser.looks import LOOKS, Look, settled, sideways
from tests.factories import MarkedContactFactory


class TestDoNotInvite:
    def test_person_is_marked_left_out_decided_upon_and_called(
        self, page: Page, sign_in: SignIn, organizer: User, colleagues: AddressBook, conference: Conference
    ) -> None:
        sign_in(organizer)
        page.goto(f"/books/{colleagues.pk}/")
        page.get_by_label("Select Alex Sample").check()
        page.get_by_role("button", name="Do not invite…").click()
        page.get_by_label("Reason").fill("On leave")
        page.get_by_role("button", name="Do not invite").click()
        expect(page.locator("#messages")).to_contain_text("1 person is not to be invited.")
        expect(page.get_by_role("row", name="Alex Sample")).to_contain_text("Do not invite · On leave")
        expect(page.get_by_role("link", name="Sales 1 (1 not to be invited)")).to_be_visible()

        page.goto(f"/conferences/{conference.pk}/")
        page.get_by_text("Pick from address books").click()
        group = page.get_by_role("button", name="Sales 1 (1 not to be invited)")
        expect(group).to_be_visible()
        settled(page)
        group.click()
        expect(page.locator("#draft_change")).to_contain_text("“Alex Sample” is left out")
        expect(page.locator("#draft_people li")).to_have_count(1)
        settled(page)
        page.get_by_role("button", name="Invite Alex Sample anyway").click()
        expect(page.locator("#draft_people li")).to_have_count(2)
        expect(page.locator("#draft_people")).to_contain_text("In spite of “do not invite”")
        expect(page.get_by_role("heading", name="is left out")).to_have_count(0)
        settled(page)

        page.get_by_role("button", name="Invite 2 people").click()
        people = page.locator("#people_list")
        expect(people).to_contain_text("Invited in spite of “do not invite”, as")
        expect(people.get_by_text("Invited", exact=True)).to_have_count(2)
        reasons = Invitation.objects.get().invitees.in_order().values_list("nick", "overridden_reason")
        assert list(reasons) == [("Robin Example", ""), ("Alex Sample", "On leave")]

    @pytest.mark.parametrize("look", LOOKS, ids=str)
    def test_it_fits_everywhere(
        self,
        page: Page,
        sign_in: SignIn,
        organizer: User,
        colleagues: AddressBook,
        conference: Conference,
        look: Look,
        screenshot: Screenshot,
    ) -> None:
        reason = "On parental leave until the summer; please do not disturb before the first of September"
        contact = MarkedContactFactory(
            book=colleagues, nick="Kim", union_id="sandbox-person-24", do_not_invite_reason=reason
        )
        sign_in(organizer)
        for name, url in (
            ("book", f"/books/{colleagues.pk}/"),
            ("form", f"/contacts/{contact.pk}/do-not-invite/"),
        ):
            page.goto(url)
            assert not sideways(page)
            screenshot(f"do-not-invite-{name}")
        page.goto(f"/conferences/{conference.pk}/")
        page.locator("#draft_text").fill("sandbox-person-24")
        page.locator("#draft_text").press("Enter")
        expect(page.locator("#draft_lines")).to_contain_text(reason)
        assert not sideways(page)
        screenshot("do-not-invite-composer")
