"""In whose name a draft is sent, and what a press, a second press and a late press do."""

from http import HTTPStatus

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertRedirects, assertTemplateUsed

from invites import composing
from invites.conferring.operator import remember
from invites.models import (
    Conference,
    DraftLine,
    Invitation,
    Invitee,
    User,
)
from invites.models.conference import ConferenceStatus
from invites.models.draft_line import LineProblem
from invites.models.invitation import InvitationState
from tests.conftest import SignedIn
from tests.factories import (
    ConferenceFactory,
    InvitationFactory,
    InviteeFactory,
)
from tests.invites.composer import BAR, OPERATOR, UNION_ID, at, fill, page_of, seen, send

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


class TestDraftOperator:
    def test_union_id_is_remembered_for_the_person(
        self, browser: Client, conference: Conference, organizer: User
    ) -> None:
        answer = browser.post(at("draft_operator", conference), {"union_id": UNION_ID}, headers=OPERATOR)
        assertContains(answer, "Calls show your name")
        organizer.refresh_from_db()
        assert organizer.union_id == UNION_ID

    def test_of_whom_dingtalk_has_told_it_stays(
        self, browser: Client, conference: Conference, organizer: User
    ) -> None:
        SocialAccount.objects.create(user=organizer, provider="dingtalk", uid="open-1")
        answer = browser.post(at("draft_operator", conference), {"union_id": UNION_ID}, headers=OPERATOR)
        assertContains(answer, "whenever you sign in", status_code=HTTPStatus.UNPROCESSABLE_ENTITY)
        remember(organizer, UNION_ID)
        organizer.refresh_from_db()
        assert organizer.union_id == "operator-of-organizer"

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
