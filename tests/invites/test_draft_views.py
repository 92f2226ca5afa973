"""The composer's addresses: what each change answers, to htmx and without script, to everybody and to nobody."""

import re
from html import unescape
from http import HTTPStatus

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects, assertTemplateUsed

from invites import composing, sending
from invites.forms.draft import MOST_LINES
from invites.models import (
    AddressBook,
    Conference,
    Contact,
    ContactGroup,
    DraftLine,
    Invitation,
    Invitee,
    User,
)
from invites.models.conference import ConferenceStatus
from invites.models.invitation import Channel, InvitationState, LineProblem
from invites.views.draft import CLEARED_WITHOUT_ASKING
from invites.views.draft_pick import PEOPLE_SHOWN
from invites.views.draft_shown import LINES_SHOWN, ROWS_SHOWN
from tests.conftest import SignedIn
from tests.factories import (
    AddressBookFactory,
    ConferenceFactory,
    ContactFactory,
    ContactGroupFactory,
    InvitationFactory,
    InviteeFactory,
)

pytestmark = pytest.mark.django_db

UNION_ID = "exxxxxxxxQiE"
NUMBER = "+8613800138000"
CHANGE = {"HX-Request": "true", "HX-Target": "draft_change"}
BAR = {"HX-Request": "true", "HX-Target": "draft_bar"}
SEARCH = {"HX-Request": "true", "HX-Target": "draft_suggestions"}
OPERATOR = {"HX-Request": "true", "HX-Target": "draft_operator"}


@pytest.fixture
def conference(organizer: User) -> Conference:
    return ConferenceFactory(owner=organizer, title="Weekly review")


@pytest.fixture
def draft(conference: Conference) -> Invitation:
    return InvitationFactory(conference=conference)


@pytest.fixture
def person(draft: Invitation) -> Invitee:
    return InviteeFactory(invitation=draft, nick="Jane", value=UNION_ID, position=0)


@pytest.fixture
def line(draft: Invitation) -> DraftLine:
    return DraftLine.objects.create(invitation=draft, text="nobody", problem=LineProblem.NOTHING_USABLE)


@pytest.fixture
def book(conference: Conference, organizer: User) -> AddressBook:
    return AddressBookFactory(app=conference.app, owner=organizer, name="Colleagues")


@pytest.fixture
def browser(signed_in: SignedIn, organizer: User) -> Client:
    """The organizer's."""
    return signed_in(organizer)


def at(name: str, conference: Conference, *more: int) -> str:
    return reverse(f"invites:{name}", args=[conference.pk, *more])


def page_of(conference: Conference) -> str:
    return at("conference_detail", conference)


def seen(draft: Invitation) -> dict[str, int]:
    """What a page says of the draft that it shows."""
    draft.refresh_from_db()
    return {"draft": draft.pk, "revision": draft.revision}


def posts(conference: Conference) -> list[str]:
    """The addresses that take posts, with keys that nothing has."""
    names = ("add", "pick", "remove", "clear", "line_remove", "operator", "send")
    return [
        *(at(f"draft_{name}", conference) for name in names),
        at("draft_invitee", conference, 999),
        at("draft_line", conference, 999),
    ]


class TestWhoMayCompose:
    def test_anonymous_visitor_is_sent_to_sign_in(self, client: Client, conference: Conference) -> None:
        for address in posts(conference):
            assertRedirects(client.post(address), f"{reverse('login')}?next={address}")

    def test_auditor_may_not(self, signed_in: SignedIn, auditor: User, conference: Conference) -> None:
        for address in posts(conference):
            assert signed_in(auditor).post(address).status_code == HTTPStatus.FORBIDDEN

    def test_conference_of_somebody_else_is_not_there(
        self, signed_in: SignedIn, other_organizer: User, conference: Conference
    ) -> None:
        for address in posts(conference):
            assert signed_in(other_organizer).post(address).status_code == HTTPStatus.NOT_FOUND
        assert not Invitation.objects.exists()

    def test_people_and_lines_of_another_conference_are_not_there(
        self, browser: Client, conference: Conference
    ) -> None:
        other = InvitationFactory()
        person = InviteeFactory(invitation=other)
        line = DraftLine.objects.create(invitation=other, text="x", problem=LineProblem.NOTHING_USABLE)
        answers = [
            browser.post(at("draft_invitee", conference, person.pk), {"nick": "Kim"}),
            browser.post(at("draft_line", conference, line.pk), {"text": UNION_ID}),
            browser.post(at("draft_remove", conference), {"invitee": person.pk}),
            browser.post(at("draft_line_remove", conference), {"line": line.pk}),
            browser.post(at("draft_add", conference), {"text": UNION_ID, "draft": other.pk}),
            browser.post(at("draft_send", conference), {"draft": other.pk, "revision": 0}),
        ]
        assert {answer.status_code for answer in answers} == {HTTPStatus.NOT_FOUND}

    @pytest.mark.parametrize("key", ["", "x", "-1", "9" * 30, "٣"])
    def test_key_that_is_none_is_nobodys(self, browser: Client, conference: Conference, key: str) -> None:
        answer = browser.post(at("draft_remove", conference), {"invitee": key})
        assert answer.status_code == HTTPStatus.NOT_FOUND

    def test_co_organizer_shares_the_draft(
        self, signed_in: SignedIn, other_organizer: User, person: Invitee, conference: Conference
    ) -> None:
        conference.co_organizers.add(other_organizer)
        assertContains(signed_in(other_organizer).get(page_of(conference)), "Jane")


class TestComposerOnItsPage:
    def test_nothing_is_stored_by_looking(self, browser: Client, conference: Conference) -> None:
        assertContains(browser.get(page_of(conference)), "Nobody is on the list yet.")
        assert not Invitation.objects.exists()

    def test_list_and_what_it_comes_to_are_shown(
        self, browser: Client, conference: Conference, person: Invitee, line: DraftLine
    ) -> None:
        InviteeFactory(invitation=person.invitation, position=1, channel=Channel.PHONE, value=NUMBER)
        answer = browser.get(page_of(conference))
        assertTemplateUsed(answer, "invites/_composer.html")
        assertContains(answer, "Invite 2 people to “Weekly review”")
        assertContains(answer, "1 in DingTalk, 1 by phone")
        assertContains(answer, "1 call")
        assertContains(answer, "138 0013 8000")
        assertContains(answer, "1 line needs a look")

    def test_folded_person_says_so(self, browser: Client, conference: Conference, person: Invitee) -> None:
        Invitee.objects.update(times_added=2)
        assertContains(browser.get(page_of(conference)), "named 2 times, called once")

    def test_ended_conference_takes_nobody(
        self, browser: Client, conference: Conference, person: Invitee
    ) -> None:
        Conference.objects.update(status=ConferenceStatus.ENDED)
        answer = browser.get(page_of(conference))
        assertNotContains(answer, 'id="draft_bar"')
        assertContains(answer, "The list with 1 person is kept.")

    def test_long_list_shows_its_beginning_and_how_many_follow(
        self, browser: Client, conference: Conference, draft: Invitation
    ) -> None:
        fill(draft, ROWS_SHOWN + 5)
        answer = browser.get(page_of(conference))
        assert shown_rows(answer.content.decode()) == ROWS_SHOWN
        assertContains(answer, "5 more people are on the list.")
        assertContains(answer, "?shown=200")
        whole = browser.get(page_of(conference), {"shown": "all"})
        assert shown_rows(whole.content.decode()) == ROWS_SHOWN + 5

    def test_page_takes_as_many_queries_with_many_people_as_with_one(
        self, browser: Client, conference: Conference, draft: Invitation
    ) -> None:
        fill(draft, 1)
        with CaptureQueriesContext(
            connection,
        ) as few:
            browser.get(page_of(conference))
        fill(draft, 20, start=1)
        with CaptureQueriesContext(connection) as many:
            browser.get(page_of(conference))
        assert len(many) == len(few)


class TestDraftAdd:
    def test_page_has_room_for_a_list(self, browser: Client, conference: Conference) -> None:
        answer = browser.get(at("draft_add", conference))
        assertTemplateUsed(answer, "invites/draft_add.html")

    def test_without_script_it_leads_back_to_the_page(self, browser: Client, conference: Conference) -> None:
        text = f"Jane, {UNION_ID}\nnobody"
        answer = browser.post(at("draft_add", conference), {"text": text}, follow=True)
        assertRedirects(answer, page_of(conference))
        assertContains(answer, "“Jane” was added. 1 line needs a look.")
        draft = composing.find_draft(conference)
        assert draft is not None
        assert (draft.invitees.get().nick, draft.draft_lines.get().text) == ("Jane", "nobody")

    def test_answer_holds_only_what_changed(
        self, browser: Client, conference: Conference, person: Invitee
    ) -> None:
        text = "Kim, 13800138000\nnobody"
        answer = browser.post(
            at("draft_add", conference), {"text": text, **seen(person.invitation)}, headers=CHANGE
        )
        html = answer.content.decode()
        assertContains(answer, "“Kim” was added.")
        assertContains(answer, "1 line needs a look.")
        assertContains(answer, 'hx-swap-oob="beforeend:#draft_people"')
        assertContains(answer, "Invite 2 people to “Weekly review”")
        assertNotContains(answer, "Jane")
        assertNotContains(answer, 'id="draft_list"')
        assert shown_rows(html) == 1

    def test_somebody_named_again_is_shown_again_in_their_row(
        self, browser: Client, conference: Conference, person: Invitee
    ) -> None:
        data = {"text": UNION_ID, **seen(person.invitation)}
        answer = browser.post(at("draft_add", conference), data, headers=CHANGE)
        assertContains(answer, "“Jane” is on the list already.")
        assertContains(answer, f'<li id="invitee-{person.pk}"')
        assertContains(answer, "named 2 times, called once")

    def test_rows_that_the_page_does_not_show_are_not_replaced(
        self, browser: Client, conference: Conference, person: Invitee
    ) -> None:
        hidden = InviteeFactory(invitation=person.invitation, position=5, value="qzR1abcdefiEiE")
        data = {"text": f"{UNION_ID}\nqzR1abcdefiEiE", "hidden_after": 0, "hidden_to": 5}
        answer = browser.post(
            at("draft_add", conference), {**data, **seen(person.invitation)}, headers=CHANGE
        )
        assertContains(answer, f'id="invitee-{person.pk}"')
        assertNotContains(answer, f'id="invitee-{hidden.pk}"')

    def test_list_that_somebody_else_changed_comes_whole(
        self, browser: Client, conference: Conference, person: Invitee
    ) -> None:
        data = {"text": "13800138000", "draft": person.invitation_id, "revision": 7}
        answer = browser.post(at("draft_add", conference), data, headers=CHANGE)
        assertContains(answer, '<div id="draft_list" hx-swap-oob="true">')
        assertContains(answer, "Jane")

    def test_large_addition_answers_with_the_beginning_of_the_list(
        self, browser: Client, conference: Conference
    ) -> None:
        text = "\n".join(f"Person {n}, qzR{n:08}abiEiE" for n in range(ROWS_SHOWN + 20))
        answer = browser.post(at("draft_add", conference), {"text": text, "revision": 0}, headers=CHANGE)
        assertContains(answer, "120 people were added.")
        assert shown_rows(answer.content.decode()) == ROWS_SHOWN

    @pytest.mark.parametrize("text", ["", "  \n ", "\u200b"])
    def test_empty_text_is_answered_at_the_field(
        self, browser: Client, conference: Conference, text: str
    ) -> None:
        answer = browser.post(at("draft_add", conference), {"text": text}, headers=CHANGE)
        assertContains(answer, "Type a name", status_code=HTTPStatus.UNPROCESSABLE_ENTITY)
        page = browser.post(at("draft_add", conference), {"text": text})
        assertContains(page, "Type a name", status_code=HTTPStatus.UNPROCESSABLE_ENTITY)
        assert not Invitation.objects.exists()

    def test_far_too_much_is_refused_as_a_whole_and_kept_in_the_field(
        self, browser: Client, conference: Conference
    ) -> None:
        answer = browser.post(at("draft_add", conference), {"text": "x\n" * (MOST_LINES + 1)})
        assertContains(answer, "too much at once", status_code=HTTPStatus.UNPROCESSABLE_ENTITY)
        assertContains(answer, "x\nx\nx", status_code=HTTPStatus.UNPROCESSABLE_ENTITY)

    def test_draft_that_was_sent_meanwhile_is_left_alone_and_the_list_refreshed(
        self, browser: Client, conference: Conference, person: Invitee, organizer: User
    ) -> None:
        send(person.invitation, organizer)
        data = {"text": "13800138000", "draft": person.invitation_id, "revision": 0}
        answer = browser.post(at("draft_add", conference), data, headers=CHANGE)
        assertContains(answer, "has been sent meanwhile", status_code=HTTPStatus.CONFLICT)
        assertContains(answer, "Nobody is on the list yet.", status_code=HTTPStatus.CONFLICT)
        assertContains(answer, 'id="latest_invitation"', status_code=HTTPStatus.CONFLICT)
        page = browser.post(at("draft_add", conference), data)
        assertContains(page, "has been sent meanwhile", status_code=HTTPStatus.CONFLICT)
        assert person.invitation.invitees.count() == 1

    def test_answer_takes_as_many_queries_to_a_draft_of_200_as_to_one_of_2(
        self, browser: Client, conference: Conference, draft: Invitation
    ) -> None:
        fill(draft, 2)
        with CaptureQueriesContext(connection) as few:
            browser.post(at("draft_add", conference), {"text": UNION_ID, **seen(draft)}, headers=CHANGE)
        fill(draft, 200, start=10)
        with CaptureQueriesContext(connection) as many:
            browser.post(at("draft_add", conference), {"text": "13800138000", **seen(draft)}, headers=CHANGE)
        assert len(many) == len(few)


class TestDraftRemove:
    def test_person_is_taken_off_and_can_be_put_back(
        self, browser: Client, conference: Conference, person: Invitee
    ) -> None:
        data = {"invitee": person.pk, **seen(person.invitation)}
        answer = browser.post(at("draft_remove", conference), data, headers=CHANGE)
        assertContains(answer, "“Jane” was taken off the list.")
        assertContains(answer, f'<li id="invitee-{person.pk}" hx-swap-oob="delete">')
        assert not person.invitation.invitees.exists()
        browser.post(at("draft_add", conference), {"text": undo_of(answer.content.decode())})
        back = person.invitation.invitees.get()
        assert (back.nick, back.channel, back.value) == ("Jane", person.channel, person.value)

    def test_without_script_it_leads_back_to_the_page(
        self, browser: Client, conference: Conference, person: Invitee
    ) -> None:
        assertRedirects(
            browser.post(at("draft_remove", conference), {"invitee": person.pk}), page_of(conference)
        )


class TestDraftClear:
    def test_short_list_is_cleared_at_once_and_can_be_put_back(
        self, browser: Client, conference: Conference, draft: Invitation
    ) -> None:
        fill(draft, CLEARED_WITHOUT_ASKING)
        answer = browser.post(at("draft_clear", conference), seen(draft), headers=CHANGE)
        assertContains(answer, "10 people were taken off the list.")
        assertContains(answer, "Nobody is on the list yet.")
        assert undo_of(answer.content.decode()).count("\n") == CLEARED_WITHOUT_ASKING - 1

    def test_long_list_is_asked_about_first(
        self, browser: Client, conference: Conference, draft: Invitation
    ) -> None:
        fill(draft, CLEARED_WITHOUT_ASKING + 1)
        DraftLine.objects.create(invitation=draft, text="nobody", problem=LineProblem.NOTHING_USABLE)
        question = "Take all 11 people off the list?"
        assertContains(browser.post(at("draft_clear", conference), seen(draft), headers=CHANGE), question)
        page = browser.post(at("draft_clear", conference))
        assertTemplateUsed(page, "confirm.html")
        assertContains(page, question)
        assertContains(page, "The lines that need a look go, too.")
        assert draft.invitees.count() == CLEARED_WITHOUT_ASKING + 1
        answer = browser.post(at("draft_clear", conference), {"confirmed": "yes"})
        assertRedirects(answer, page_of(conference))
        assert not draft.invitees.exists()


class TestDraftInvitee:
    def test_row_opens_for_a_new_name_and_closes_again(
        self, browser: Client, conference: Conference, person: Invitee
    ) -> None:
        headers = {"HX-Request": "true", "HX-Target": f"invitee-{person.pk}"}
        address = at("draft_invitee", conference, person.pk)
        assertTemplateUsed(browser.get(address, headers=headers), "invites/_draft_person_form.html")
        closed = browser.get(f"{address}?cancelled", headers=headers)
        assertTemplateUsed(closed, "invites/_draft_person.html")
        assertContains(closed, "autofocus")

    def test_new_name_is_shown_in_its_row(
        self, browser: Client, conference: Conference, person: Invitee
    ) -> None:
        data = {"nick": " Kim\u200b ", **seen(person.invitation)}
        answer = browser.post(at("draft_invitee", conference, person.pk), data, headers=CHANGE)
        assertContains(answer, "The name was changed to “Kim”.")
        assertContains(answer, f'<li id="invitee-{person.pk}"')
        person.refresh_from_db()
        assert person.nick == "Kim"

    @pytest.mark.parametrize("nick", ["", "  ", "\u200b", "x" * 101])
    def test_unusable_name_is_answered_at_its_field(
        self, browser: Client, conference: Conference, person: Invitee, nick: str
    ) -> None:
        address = at("draft_invitee", conference, person.pk)
        answer = browser.post(address, {"nick": nick}, headers=CHANGE)
        assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assertTemplateUsed(answer, "invites/_draft_person_form.html")
        page = browser.post(address, {"nick": nick})
        assert page.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assertTemplateUsed(page, "invites/draft_form.html")
        person.refresh_from_db()
        assert person.nick == "Jane"

    def test_without_script_it_is_a_page_that_leads_back(
        self, browser: Client, conference: Conference, person: Invitee
    ) -> None:
        address = at("draft_invitee", conference, person.pk)
        assertContains(browser.get(address), 'value="Jane"')
        assertRedirects(browser.post(address, {"nick": "Kim"}), page_of(conference))

    def test_person_of_a_sent_invitation_keeps_their_name(
        self, browser: Client, conference: Conference, person: Invitee, organizer: User
    ) -> None:
        send(person.invitation, organizer)
        answer = browser.post(at("draft_invitee", conference, person.pk), {"nick": "Kim"})
        assert answer.status_code == HTTPStatus.CONFLICT


class TestDraftLine:
    def test_corrected_line_goes_and_its_person_comes(
        self, browser: Client, conference: Conference, line: DraftLine
    ) -> None:
        data = {"text": f"Jane, {UNION_ID}", **seen(line.invitation)}
        answer = browser.post(at("draft_line", conference, line.pk), data, headers=CHANGE)
        assertContains(answer, "“Jane” was added.")
        assertContains(answer, '<div id="draft_lines" hx-swap-oob="true">')
        assertNotContains(answer, "nobody")

    def test_line_that_is_still_wrong_says_why(
        self, browser: Client, conference: Conference, line: DraftLine
    ) -> None:
        data = {"text": "Jane, 138", **seen(line.invitation)}
        answer = browser.post(at("draft_line", conference, line.pk), data, headers=CHANGE)
        assertContains(answer, "This phone number is too short.")
        assertContains(answer, "1 line needs a look.")

    def test_empty_correction_is_refused(
        self, browser: Client, conference: Conference, line: DraftLine
    ) -> None:
        address = at("draft_line", conference, line.pk)
        for headers in ({}, CHANGE):
            answer = browser.post(address, {"text": ""}, headers=headers)
            assertContains(answer, "Correct the line", status_code=HTTPStatus.UNPROCESSABLE_ENTITY)
        assert DraftLine.objects.exists()

    def test_without_script_it_leads_back_to_the_page(
        self, browser: Client, conference: Conference, line: DraftLine
    ) -> None:
        address = at("draft_line", conference, line.pk)
        assertRedirects(browser.post(address, {"text": "still nobody"}), page_of(conference))
        assert DraftLine.objects.get().text == "still nobody"

    def test_line_is_removed_alone_or_with_all_others(
        self, browser: Client, conference: Conference, line: DraftLine
    ) -> None:
        draft = line.invitation
        DraftLine.objects.bulk_create(
            DraftLine(invitation=draft, text=f"line {n}", problem=LineProblem.TOO_LONG)
            for n in range(LINES_SHOWN + 1)
        )
        data = {"line": line.pk, **seen(draft)}
        answer = browser.post(at("draft_line_remove", conference), data, headers=CHANGE)
        assertContains(answer, "The line was removed.")
        assertContains(answer, "Further lines follow")
        assertContains(answer, "line 49")
        assertNotContains(answer, "line 50")
        assertRedirects(browser.post(at("draft_line_remove", conference)), page_of(conference))
        assert not DraftLine.objects.exists()


class TestDraftPeople:
    def test_next_people_follow_those_that_are_shown(
        self, browser: Client, conference: Conference, draft: Invitation
    ) -> None:
        fill(draft, 2 * ROWS_SHOWN + 10)
        headers = {"HX-Request": "true", "HX-Target": "draft_more"}
        data = {"hidden_after": ROWS_SHOWN - 1, "hidden_to": 2 * ROWS_SHOWN + 5}
        answer = browser.get(at("draft_people", conference), data, headers=headers)
        assert shown_rows(answer.content.decode()) == ROWS_SHOWN
        assertContains(answer, "6 more people are on the list.")
        data["hidden_after"] = 2 * ROWS_SHOWN - 1
        answer = browser.get(at("draft_people", conference), data, headers=headers)
        assert shown_rows(answer.content.decode()) == 6
        assertNotContains(answer, 'id="draft_more"')

    def test_whatever_else_asks_is_led_to_the_page(self, browser: Client, conference: Conference) -> None:
        assertRedirects(browser.get(at("draft_people", conference)), page_of(conference))


class TestDraftSearch:
    @pytest.fixture
    def jane(self, book: AddressBook) -> Contact:
        contact: Contact = ContactFactory(book=book, nick="Jane Doe", union_id=UNION_ID)
        ContactGroupFactory(book=book, name="Janitors").contacts.add(contact)
        return contact

    def test_contacts_and_groups_are_options(
        self, browser: Client, conference: Conference, jane: Contact
    ) -> None:
        answer = browser.get(at("draft_search", conference), {"text": "jan"}, headers=SEARCH)
        assertTemplateUsed(answer, "invites/_draft_suggestions.html")
        assert answer.content.decode().count('role="option"') == 2
        assertContains(answer, f'name="contact" value="{jane.pk}"')
        assertNotContains(answer, "<html")

    def test_nothing_found_says_nothing(self, browser: Client, conference: Conference, jane: Contact) -> None:
        answer = browser.get(at("draft_search", conference), {"text": "zzz"}, headers=SEARCH)
        assertNotContains(answer, 'role="option"')

    def test_without_script_it_leads_to_the_page_of_address_books(
        self, browser: Client, conference: Conference
    ) -> None:
        answer = browser.get(at("draft_search", conference), {"text": "a&b"})
        assertRedirects(answer, f"{at('draft_pick', conference)}?q=a%26b")

    def test_auditor_may_not(self, signed_in: SignedIn, auditor: User, conference: Conference) -> None:
        for name in ("draft_search", "draft_pick", "draft_people"):
            assert signed_in(auditor).get(at(name, conference)).status_code == HTTPStatus.FORBIDDEN

    def test_queries_do_not_grow_with_what_is_found(
        self,
        browser: Client,
        conference: Conference,
        book: AddressBook,
        draft: Invitation,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        for contact in ContactFactory.create_batch(20, book=book, nick="Jane"):
            ContactGroupFactory(book=book, name=f"Jane {contact.pk}").contacts.add(contact)
        with django_assert_max_num_queries(9):
            browser.get(at("draft_search", conference), {"text": "jane"}, headers=SEARCH)


class TestDraftPick:
    @pytest.fixture
    def group(self, book: AddressBook) -> ContactGroup:
        group: ContactGroup = ContactGroupFactory(book=book, name="Sales")
        group.contacts.set(ContactFactory.create_batch(2, book=book))
        return group

    def test_page_lists_books_groups_and_contacts(
        self, browser: Client, conference: Conference, group: ContactGroup
    ) -> None:
        answer = browser.get(at("draft_pick", conference))
        assertTemplateUsed(answer, "invites/draft_pick.html")
        for text in ("All of “Colleagues”", "Sales", group.contacts.all()[0].nick):
            assertContains(answer, text)

    @pytest.mark.parametrize(
        ("target", "template"),
        [
            ("draft_picker", "invites/_draft_picker.html"),
            ("draft_picker_more", "invites/_draft_picker_people.html"),
            ("elsewhere", "invites/draft_pick.html"),
        ],
    )
    def test_panel_and_its_continuation_are_fragments(
        self, browser: Client, conference: Conference, group: ContactGroup, target: str, template: str
    ) -> None:
        answer = browser.get(
            at("draft_pick", conference), headers={"HX-Request": "true", "HX-Target": target}
        )
        assert answer.templates[0].name == template

    def test_search_narrows_it(self, browser: Client, conference: Conference, book: AddressBook) -> None:
        ContactFactory(book=book, nick="Jane")
        ContactFactory(book=book, nick="Kim")
        answer = browser.get(at("draft_pick", conference), {"q": "jan"})
        assertContains(answer, "Jane")
        assertNotContains(answer, "Kim")
        assertContains(browser.get(at("draft_pick", conference), {"q": "zz"}), "Nobody was found.")

    def test_many_contacts_come_in_pages(
        self, browser: Client, conference: Conference, book: AddressBook
    ) -> None:
        for number in range(PEOPLE_SHOWN + 1):
            ContactFactory(book=book, nick=f"Person {number:03}")
        first = browser.get(at("draft_pick", conference))
        assertContains(first, "Person 049")
        assertNotContains(first, "Person 050")
        assertContains(
            browser.get(at("draft_pick", conference), {"after": first.context["next_cursor"]}), "Person 050"
        )

    def test_without_a_book_it_says_what_belongs_there(self, browser: Client, conference: Conference) -> None:
        assertContains(browser.get(at("draft_pick", conference)), "You have no address book for this app yet")

    def test_ticked_contacts_a_group_or_a_book_are_added(
        self, browser: Client, conference: Conference, draft: Invitation, group: ContactGroup
    ) -> None:
        other = ContactFactory(book=group.book)
        last = ContactFactory(book=group.book)
        answer = browser.post(
            at("draft_pick", conference), {"contact": [other.pk], **seen(draft)}, headers=CHANGE
        )
        assertContains(answer, f"“{other.nick}” was added.")
        answer = browser.post(
            at("draft_pick", conference), {"group": group.pk, **seen(draft)}, headers=CHANGE
        )
        assertContains(answer, "2 people were added.")
        assertRedirects(
            browser.post(at("draft_pick", conference), {"book": group.book.pk}), page_of(conference)
        )
        assert draft.invitees.count() == 4
        assert draft.invitees.get(contact=last).times_added == 1

    def test_nothing_ticked_is_refused(self, browser: Client, conference: Conference) -> None:
        page = browser.post(at("draft_pick", conference))
        assertContains(page, "Tick at least one person.", status_code=HTTPStatus.UNPROCESSABLE_ENTITY)
        answer = browser.post(at("draft_pick", conference), headers=CHANGE)
        assertContains(answer, "Tick at least one person.", status_code=HTTPStatus.UNPROCESSABLE_ENTITY)

    def test_contact_that_one_may_not_read_is_refused(self, browser: Client, conference: Conference) -> None:
        stranger = ContactFactory(book__app=conference.app)
        answer = browser.post(at("draft_pick", conference), {"contact": [stranger.pk]}, headers=CHANGE)
        assertContains(
            answer, "not in your address books any more", status_code=HTTPStatus.UNPROCESSABLE_ENTITY
        )
        assert not Invitee.objects.exists()

    def test_queries_do_not_grow_with_the_books(
        self,
        browser: Client,
        conference: Conference,
        book: AddressBook,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        for contact in ContactFactory.create_batch(20, book=book):
            ContactGroupFactory(book=book).contacts.add(contact)
        with django_assert_max_num_queries(9):
            browser.get(at("draft_pick", conference))


class TestDraftOperator:
    def test_union_id_is_remembered_for_the_person(
        self, browser: Client, conference: Conference, organizer: User
    ) -> None:
        answer = browser.post(at("draft_operator", conference), {"union_id": UNION_ID}, headers=OPERATOR)
        assertContains(answer, "Calls show your name")
        organizer.refresh_from_db()
        assert organizer.union_id == UNION_ID

    def test_without_one_it_says_what_calls_show(
        self, browser: Client, conference: Conference, organizer: User
    ) -> None:
        assertRedirects(browser.post(at("draft_operator", conference), {"union_id": ""}), page_of(conference))
        organizer.refresh_from_db()
        assert organizer.union_id == ""
        assertContains(browser.get(page_of(conference)), "Calls show no inviter")

    @pytest.mark.parametrize("union_id", ["a b", "x" * 129, "sandbox-person-01"])
    def test_unusable_union_id_is_refused_at_its_field(
        self, browser: Client, conference: Conference, organizer: User, union_id: str
    ) -> None:
        address = at("draft_operator", conference)
        for headers in ({}, OPERATOR):
            answer = browser.post(address, {"union_id": union_id}, headers=headers)
            assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        organizer.refresh_from_db()
        assert organizer.union_id == "operator-of-organizer"


class TestDraftSend:
    def test_press_sends_the_draft_that_was_seen(
        self, browser: Client, conference: Conference, person: Invitee, organizer: User
    ) -> None:
        answer = browser.post(at("draft_send", conference), seen(person.invitation))
        assertRedirects(answer, page_of(conference))
        sent = Invitation.objects.get()
        assert (sent.state, sent.sent_by) == (InvitationState.SENDING, organizer)

    def test_people_come_alive_beside_an_empty_list(
        self, browser: Client, conference: Conference, person: Invitee
    ) -> None:
        answer = browser.post(at("draft_send", conference), seen(person.invitation), headers=BAR)
        assertContains(answer, '<div id="draft_list" hx-swap-oob="true">')
        assertContains(answer, "Add at least one person first.")
        assertContains(answer, 'id="latest_invitation"')
        assertContains(answer, "1 person is being invited.")
        assertContains(answer, "Jane")

    def test_invitation_before_joins_the_earlier_ones(
        self, browser: Client, conference: Conference, person: Invitee, organizer: User
    ) -> None:
        send(person.invitation, organizer)
        following = InviteeFactory(invitation=InvitationFactory(conference=conference)).invitation
        answer = browser.post(at("draft_send", conference), seen(following), headers=BAR)
        earlier = reverse("invites:invitation_detail", args=[person.invitation_id])
        assertContains(answer, '<section id="earlier_invitations"')
        assertContains(answer, earlier)

    def test_calls_are_made_in_the_name_of_whoever_presses(
        self,
        signed_in: SignedIn,
        conference: Conference,
        person: Invitee,
        other_organizer: User,
    ) -> None:
        conference.co_organizers.add(other_organizer)
        signed_in(other_organizer).post(at("draft_send", conference), seen(person.invitation))
        assert Invitation.objects.get().operator_union_id == other_organizer.union_id

    def test_second_press_sends_nothing(
        self, browser: Client, conference: Conference, person: Invitee
    ) -> None:
        data = seen(person.invitation)
        browser.post(at("draft_send", conference), data)
        assert browser.post(at("draft_send", conference), data).status_code == HTTPStatus.CONFLICT
        answer = browser.post(at("draft_send", conference), data, headers=BAR)
        assertContains(answer, "already been sent", status_code=HTTPStatus.CONFLICT)
        assert Invitation.objects.count() == 1

    def test_list_that_changed_after_it_was_seen_is_shown_instead(
        self, browser: Client, conference: Conference, person: Invitee, organizer: User
    ) -> None:
        data = seen(person.invitation)
        composing.add_text(draft=person.invitation, text="Kim, 13800138000", user=organizer)
        answer = browser.post(at("draft_send", conference), data, headers=BAR)
        assertContains(answer, "The list has changed", status_code=HTTPStatus.CONFLICT)
        assertContains(answer, "Kim", status_code=HTTPStatus.CONFLICT)
        assert browser.post(at("draft_send", conference), data).status_code == HTTPStatus.CONFLICT
        assert Invitation.objects.get().is_draft

    def test_many_people_are_asked_about_once(
        self, browser: Client, conference: Conference, draft: Invitation
    ) -> None:
        fill(draft, 51)
        question = "The phones of 51 people would ring now."
        assertContains(browser.post(at("draft_send", conference), seen(draft), headers=BAR), question)
        page = browser.post(at("draft_send", conference), seen(draft))
        assertTemplateUsed(page, "invites/draft_send.html")
        assertContains(page, question)
        assert Invitation.objects.get().is_draft
        browser.post(at("draft_send", conference), {**seen(draft), "confirmed": "yes"})
        assert not Invitation.objects.get().is_draft

    def test_meeting_that_has_not_started_is_asked_about(
        self, browser: Client, conference: Conference, person: Invitee
    ) -> None:
        Conference.objects.update(status=ConferenceStatus.NOT_STARTED)
        answer = browser.post(at("draft_send", conference), seen(person.invitation), headers=BAR)
        assertContains(answer, "This meeting has not started.")

    def test_nobody_on_the_list_is_refused(self, browser: Client, conference: Conference) -> None:
        answer = browser.post(at("draft_send", conference))
        assertContains(answer, "There is nobody to invite yet.", status_code=HTTPStatus.CONFLICT)

    def test_ended_conference_is_refused(
        self, browser: Client, conference: Conference, person: Invitee
    ) -> None:
        Conference.objects.update(status=ConferenceStatus.ENDED)
        answer = browser.post(at("draft_send", conference), seen(person.invitation), headers=BAR)
        assert answer.status_code == HTTPStatus.CONFLICT
        assert Invitation.objects.get().is_draft

    def test_lines_that_need_a_look_stay_for_the_next_invitation(
        self, browser: Client, conference: Conference, person: Invitee, line: DraftLine
    ) -> None:
        answer = browser.post(at("draft_send", conference), seen(person.invitation), headers=BAR)
        assertContains(answer, "nobody")
        following = composing.find_draft(conference)
        assert following is not None
        assert following.draft_lines.get() == line


def fill(draft: Invitation, people: int, *, start: int = 0) -> None:
    Invitee.objects.bulk_create(
        Invitee(
            invitation=draft,
            position=position,
            channel=Channel.UNION_ID,
            value=f"person-number-{position}",
            nick=f"Person {position}",
        )
        for position in range(start, start + people)
    )


def send(draft: Invitation, user: User) -> None:
    sending.send(invitation=draft, revision=draft.revision, user=user)


def shown_rows(html: str) -> int:
    return len(re.findall(r'<li id="invitee-\d+"', html))


def undo_of(html: str) -> str:
    """The text that the button *Undo* sends."""
    found = re.search(r'name="text" value="([^"]*)"', html)
    assert found
    return unescape(found[1])
