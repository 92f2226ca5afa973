"""The composer's list: what each change answers, to htmx and without script, to everybody and to nobody."""

from http import HTTPStatus

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects, assertTemplateUsed

from invites import composing
from invites.forms.draft import MOST_LINES
from invites.models import (
    Conference,
    DraftLine,
    Invitation,
    Invitee,
    User,
)
from invites.models.conference import ConferenceStatus
from invites.models.draft_line import LineProblem
from invites.models.invitee import Channel
from invites.views.draft import CLEARED_WITHOUT_ASKING
from invites.views.draft_shown import LINES_SHOWN, ROWS_SHOWN
from tests.conftest import SignedIn, htmx
from tests.factories import (
    ConferenceFactory,
    InvitationFactory,
    InviteeFactory,
)
from tests.invites.composer import (
    CHANGE,
    NUMBER,
    UNION_ID,
    at,
    fill,
    page_of,
    seen,
    send,
    shown_rows,
    undo_of,
)

pytestmark = pytest.mark.django_db


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
            assert client.post(address)["Location"].startswith(reverse("login"))

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
        ]
        assert {answer.status_code for answer in answers} == {HTTPStatus.NOT_FOUND}

    def test_draft_that_is_not_this_conferences_by_now_is_not_touched(
        self, browser: Client, conference: Conference
    ) -> None:
        other = InvitationFactory()
        answers = [
            browser.post(at("draft_add", conference), {"text": UNION_ID, "draft": other.pk}),
            browser.post(at("draft_send", conference), {"draft": other.pk, "revision": 0}),
        ]
        assert {answer.status_code for answer in answers} == {HTTPStatus.CONFLICT}
        assert not other.invitees.exists()

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
        headers = htmx(f"invitee-{person.pk}")
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
        headers = htmx("draft_more")
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
