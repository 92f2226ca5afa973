"""Later and again in a real browser: a set time, ringing again by itself, an earlier invitation's people."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from invites import composing, scheduling
from invites.models import CallCount, Conference, Invitation, User
from invites.models.spending import quota_month
from tests.browser.conftest import Screenshot, SignIn
from tests.browser.looks import LOOKS, Look, settled, sideways
from tests.factories import ContactFactory, InviteeFactory


@pytest.fixture
def draft(conference: Conference) -> Invitation:
    """Two people of the sandbox."""
    draft = composing.open_draft(conference=conference)
    for number in (21, 22):
        InviteeFactory(invitation=draft, value=f"sandbox-person-{number}", nick=f"Person {number}")
    return draft


@pytest.fixture
def opened(page: Page, sign_in: SignIn, organizer: User, draft: Invitation) -> Page:
    """The page of the conference with two people on the list."""
    sign_in(organizer)
    page.goto(f"/conferences/{draft.conference_id}/")
    return page


def at(moment_in: timedelta) -> str:
    """What somebody in Shanghai types."""
    return f"{timezone.localtime(timezone.now() + moment_in):%Y-%m-%dT%H:%M}"


class TestSetTime:
    def test_list_is_put_aside_changed_put_aside_again_and_sent(self, opened: Page) -> None:
        opened.get_by_text("Later…").click()
        opened.get_by_label("Call them at").fill(at(timedelta(hours=2)))
        opened.get_by_role("button", name="Send at this time").click()
        scheduled = opened.locator("#draft_scheduled li")
        expect(scheduled).to_contain_text("· 2 people")
        expect(opened.locator("#draft_people li")).to_have_count(0)
        settled(opened)
        opened.get_by_role("button", name="Change").click()
        expect(opened.locator("#draft_people li")).to_have_count(2)
        expect(opened.locator("#draft_bar")).to_contain_text("This list is sent by itself at")
        settled(opened)
        opened.get_by_role("button", name="Remove Person 22").click()
        expect(opened.locator("#draft_people li")).to_have_count(1)
        settled(opened)
        opened.get_by_role("button", name="Put aside").click()
        expect(scheduled).to_contain_text("· 1 person")
        opened.get_by_role("button", name="Send now").click()
        expect(opened.locator("#latest_invitation")).to_contain_text("Person 21")
        expect(scheduled).to_have_count(0)

    def test_bad_time_is_said_at_its_field_which_stays_open_and_the_list_stays(self, opened: Page) -> None:
        later = opened.locator("#draft_later")
        opened.get_by_text("Later…").click()
        field = opened.get_by_label("Call them at")
        field.fill("2020-01-01T10:00")
        later.get_by_role("button", name="Send at this time").click()
        expect(opened.locator("#later_at_error")).to_have_text("This time has passed already.")
        expect(opened.locator("#later_at_error")).to_be_visible()
        expect(field).to_be_visible()
        expect(field).to_have_value("2020-01-01T10:00")
        expect(opened.locator("#draft_people li")).to_have_count(2)
        settled(opened)
        field.fill(at(timedelta(hours=2)))
        later.get_by_role("button", name="Send at this time").click()
        expect(opened.locator("#draft_scheduled li")).to_contain_text("2 people")

    def test_time_that_was_typed_outlives_a_change_of_the_list(self, opened: Page) -> None:
        opened.get_by_text("Later…").click()
        typed = at(timedelta(hours=2))
        opened.get_by_label("Call them at").fill(typed)
        opened.get_by_role("button", name="Remove Person 22").click()
        expect(opened.locator("#draft_people li")).to_have_count(1)
        expect(opened.get_by_label("Call them at")).to_have_value(typed)
        opened.get_by_role("button", name="Send at this time").click()
        expect(opened.locator("#draft_scheduled li")).to_contain_text("· 1 person")

    def test_open_page_shows_the_people_when_their_time_has_come(
        self, page: Page, sign_in: SignIn, organizer: User, draft: Invitation
    ) -> None:
        sign_in(organizer)
        # Once the browser has opened a page, the next is there well before the time has come.
        page.goto("/conferences/")
        scheduling.schedule(
            invitation=draft, revision=0, at=timezone.now() + timedelta(seconds=5), user=organizer
        )
        page.goto(f"/conferences/{draft.conference_id}/")
        expect(page.locator("#draft_scheduled li")).to_have_count(1)
        expect(page.locator("#latest_invitation")).to_contain_text("Person 21", timeout=20_000)
        expect(page.locator("#draft_scheduled li")).to_have_count(0)


class TestRingAgain:
    def test_switch_is_kept_with_the_list(self, opened: Page) -> None:
        opened.get_by_text("Rings once").click()
        opened.get_by_label("How often").select_option("5")
        opened.get_by_label("Ring those again who do not join").check()
        expect(opened.locator("#draft_rings")).to_contain_text("every 5 minutes")
        opened.reload()
        expect(opened.locator("#draft_rings")).to_contain_text("every 5 minutes")


class TestEarlierInvitation:
    def test_its_people_are_invited_again_with_two_presses(self, opened: Page) -> None:
        opened.locator("#draft_send").click()
        expect(opened.locator("#latest_invitation")).to_contain_text("Person 21")
        settled(opened)
        opened.get_by_text("Pick from an earlier invitation").click()
        earlier = opened.get_by_role("button", name="2 people of “Weekly review”")
        expect(earlier).to_be_visible()
        settled(opened)
        earlier.click()
        expect(opened.locator("#draft_people li")).to_have_count(2)
        settled(opened)
        opened.locator("#draft_send").click()
        expect(opened.locator("#earlier_invitations")).to_contain_text("2 people")


@pytest.mark.parametrize("look", LOOKS, ids=str)
class TestLooks:
    def test_everything_fits(
        self,
        page: Page,
        sign_in: SignIn,
        organizer: User,
        draft: Invitation,
        look: Look,
        screenshot: Screenshot,
    ) -> None:
        for hours, problem in ((20, ""), (0, "appUnavailable")):
            aside = Invitation.objects.create(
                conference=draft.conference,
                state="scheduled",
                scheduled_for=timezone.now() + timedelta(hours=hours) if hours else None,
                scheduled_by=organizer,
                schedule_problem=problem,
            )
            InviteeFactory(invitation=aside)
        contact = ContactFactory(book__app=draft.conference.app, refused_at=timezone.now())
        InviteeFactory(invitation=draft, contact=contact, value=contact.union_id, position=9)
        draft.scheduled_for, draft.scheduled_by = timezone.now() + timedelta(hours=30), organizer
        draft.save()
        CallCount.objects.create(
            app=draft.conference.app, operation="InviteUsers", month=quota_month(), calls=4200
        )
        sign_in(organizer)
        page.goto(f"/conferences/{draft.conference_id}/")
        screenshot("later-closed")
        for details in page.locator("#draft_later summary").all():
            details.click()
        screenshot("later-open")
        assert sideways(page) == 0


@pytest.mark.parametrize("look", [Look(scripts=False)], ids=str)
class TestWithoutScript:
    def test_time_is_set_and_taken_back(
        self, page: Page, sign_in: SignIn, organizer: User, draft: Invitation, look: Look
    ) -> None:
        sign_in(organizer)
        page.goto(f"/conferences/{draft.conference_id}/")
        page.get_by_text("Later…").click()
        page.get_by_label("Call them at").fill("2020-01-01T10:00")
        page.get_by_role("button", name="Send at this time").click()
        expect(page.get_by_text("This time has passed already.").first).to_be_visible()
        page.get_by_label("Call them at").fill(at(timedelta(hours=2)))
        page.get_by_role("button", name="Send at this time").click()
        expect(page.locator("#draft_scheduled li")).to_contain_text("· 2 people")
        page.get_by_role("button", name="Change").click()
        # The page before says how often it rings, too.
        expect(page.locator("#draft_people li")).to_have_count(2)
        page.get_by_text("Rings once").click()
        page.get_by_label("Ring those again who do not join").check()
        page.get_by_role("button", name="Save").last.click()
        expect(page.locator("#draft_rings")).to_contain_text("every 3 minutes")
