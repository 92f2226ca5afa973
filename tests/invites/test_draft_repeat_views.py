"""Inviting the people of an earlier invitation again: two presses, everybody once, contacts kept."""

from http import HTTPStatus

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects, assertTemplateUsed

from invites import composing
from invites.models import Conference, Invitation, Invitee, User
from invites.models.address_book import Sharing
from invites.models.conference import ConferenceStatus
from invites.models.invitee import Channel, InviteeState
from tests.conftest import SignedIn, htmx
from tests.factories import (
    ConferenceFactory,
    ContactFactory,
    InvitationFactory,
    InviteeFactory,
    SentInvitationFactory,
)
from tests.invites.composer import CHANGE, NUMBER, UNION_ID, at, fill, page_of, seen

pytestmark = pytest.mark.django_db

EARLIER = htmx("draft_earlier")


@pytest.fixture
def conference(organizer: User) -> Conference:
    return ConferenceFactory(owner=organizer, title="Weekly review")


@pytest.fixture
def earlier(conference: Conference) -> Invitation:
    """Two people, one by each channel, who were not reached."""
    invitation: Invitation = SentInvitationFactory(conference=conference)
    InviteeFactory(invitation=invitation, position=0, nick="Jane", value=UNION_ID, state=InviteeState.FAILED)
    InviteeFactory(invitation=invitation, position=1, nick="Kim", channel=Channel.PHONE, value=NUMBER)
    return invitation


def repeat(invitation: Invitation) -> str:
    return reverse("invites:invitation_repeat", args=[invitation.pk])


class TestInvitationRepeat:
    def test_two_presses_invite_the_same_people_again(
        self, browser: Client, conference: Conference, earlier: Invitation
    ) -> None:
        assertRedirects(browser.post(repeat(earlier)), page_of(conference))
        draft = composing.find_draft(conference)
        assert draft is not None
        assert [person.nick for person in draft.invitees.in_order()] == ["Jane", "Kim"]
        assert {person.state for person in draft.invitees.all()} == {InviteeState.PENDING}
        browser.post(at("draft_send", conference), seen(draft))
        assert Invitation.objects.sending().get() == draft

    def test_people_are_folded_with_those_on_the_list(
        self, browser: Client, conference: Conference, earlier: Invitation
    ) -> None:
        draft = composing.open_draft(conference=conference)
        InviteeFactory(invitation=draft, position=0, value=UNION_ID, nick="Jane, here already")
        answer = browser.post(repeat(earlier), follow=True)
        assertContains(answer, "1 repetition was folded into one person.")
        assert [person.nick for person in draft.invitees.in_order()] == ["Jane, here already", "Kim"]

    def test_second_press_adds_nobody_twice(
        self, browser: Client, conference: Conference, earlier: Invitation
    ) -> None:
        browser.post(repeat(earlier))
        browser.post(repeat(earlier))
        assert Invitee.objects.on(conference.invitations.drafts()).count() == 2

    def test_contact_is_kept_and_says_how_they_are_reached_by_now(
        self, browser: Client, conference: Conference, earlier: Invitation, organizer: User
    ) -> None:
        contact = ContactFactory(book__app=conference.app, book__owner=organizer, union_id=UNION_ID)
        earlier.invitees.filter(value=UNION_ID).update(contact=contact)
        contact.union_id = "corrected"
        contact.save()
        browser.post(repeat(earlier))
        person = Invitee.objects.on(conference.invitations.drafts()).in_order()[0]
        assert (person.contact, person.value) == (contact, "corrected")

    def test_contact_of_a_private_book_is_not_passed_on(
        self, browser: Client, conference: Conference, earlier: Invitation, other_organizer: User
    ) -> None:
        contact = ContactFactory(
            book__app=conference.app, book__owner=other_organizer, book__sharing=Sharing.PRIVATE
        )
        earlier.invitees.filter(value=UNION_ID).update(contact=contact)
        browser.post(repeat(earlier))
        person = Invitee.objects.on(conference.invitations.drafts()).in_order()[0]
        assert (person.contact, person.value) == (None, UNION_ID)

    def test_ended_conference_is_refused(
        self, browser: Client, conference: Conference, earlier: Invitation
    ) -> None:
        Conference.objects.update(status=ConferenceStatus.ENDED)
        assert browser.post(repeat(earlier)).status_code == HTTPStatus.CONFLICT

    def test_invitation_of_somebody_else_is_not_there(
        self, signed_in: SignedIn, other_organizer: User, earlier: Invitation
    ) -> None:
        assert signed_in(other_organizer).post(repeat(earlier)).status_code == HTTPStatus.NOT_FOUND

    def test_auditor_may_not(self, signed_in: SignedIn, auditor: User, earlier: Invitation) -> None:
        assert signed_in(auditor).post(repeat(earlier)).status_code == HTTPStatus.FORBIDDEN
        page = signed_in(auditor).get(reverse("invites:invitation_detail", args=[earlier.pk]))
        assertNotContains(page, "Invite these people again")

    def test_its_page_and_its_row_offer_it(
        self, browser: Client, conference: Conference, earlier: Invitation
    ) -> None:
        page = browser.get(reverse("invites:invitation_detail", args=[earlier.pk]))
        assertContains(page, repeat(earlier))
        SentInvitationFactory(conference=conference)
        assertContains(browser.get(page_of(conference)), repeat(earlier))


class TestDraftEarlier:
    def test_latest_invitations_of_the_same_app_are_listed(
        self, browser: Client, conference: Conference, organizer: User, earlier: Invitation
    ) -> None:
        SentInvitationFactory(
            conference=ConferenceFactory(owner=organizer, app=conference.app, title="Last week")
        )
        SentInvitationFactory(conference=ConferenceFactory(owner=organizer, title="Another app"))
        SentInvitationFactory(conference=ConferenceFactory(app=conference.app, title="Somebody else's"))
        InvitationFactory(conference=ConferenceFactory(owner=organizer, app=conference.app, title="A draft"))
        answer = browser.get(at("draft_earlier", conference), headers=EARLIER)
        assertTemplateUsed(answer, "invites/_draft_earlier.html")
        assertContains(answer, "2 people of “Weekly review”")
        assertContains(answer, "Last week")
        for hidden in ("Another app", "Somebody else", "A draft"):
            assertNotContains(answer, hidden)

    def test_one_press_adds_all_people_of_another_conference(
        self, browser: Client, conference: Conference, organizer: User, earlier: Invitation
    ) -> None:
        now = ConferenceFactory(owner=organizer, app=conference.app)
        draft = composing.open_draft(conference=now)
        answer = browser.post(
            at("draft_earlier", now), {**seen(draft), "invitation": earlier.pk}, headers=CHANGE
        )
        assertContains(answer, "2 people were added.")
        assert draft.invitees.count() == 2

    def test_without_script_it_is_a_page(
        self, browser: Client, conference: Conference, earlier: Invitation
    ) -> None:
        assertTemplateUsed(browser.get(at("draft_earlier", conference)), "invites/draft_earlier.html")
        answer = browser.post(at("draft_earlier", conference), {"invitation": earlier.pk})
        assertRedirects(answer, page_of(conference))
        assert Invitee.objects.on(conference.invitations.drafts()).count() == 2

    def test_without_any_it_says_so(self, browser: Client, conference: Conference) -> None:
        answer = browser.get(at("draft_earlier", conference), headers=EARLIER)
        assertContains(answer, "Nobody has been invited through this app yet.")

    @pytest.mark.parametrize("which", ["another app", "somebody else's", "a draft", "none", "x"])
    def test_any_other_invitation_is_refused(
        self, browser: Client, conference: Conference, organizer: User, which: str
    ) -> None:
        others = {
            "another app": SentInvitationFactory(conference__owner=organizer).pk,
            "somebody else's": SentInvitationFactory(conference__app=conference.app).pk,
            "a draft": InvitationFactory(conference=conference).pk,
            "none": "",
        }
        data = {"invitation": others.get(which, which)}
        for headers in (CHANGE, {}):
            answer = browser.post(at("draft_earlier", conference), data, headers=headers)
            assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert not Invitee.objects.on(conference.invitations.drafts()).exists()

    def test_number_of_queries_does_not_grow_with_the_list(
        self,
        browser: Client,
        conference: Conference,
        earlier: Invitation,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        browser.get(at("draft_earlier", conference), headers=EARLIER)
        with CaptureQueriesContext(connection) as few:
            browser.get(at("draft_earlier", conference), headers=EARLIER)
        for number in range(12):
            fill(SentInvitationFactory(conference=conference), number)
        with django_assert_num_queries(len(few)):
            browser.get(at("draft_earlier", conference), headers=EARLIER)


class TestManyPeople:
    def test_ten_thousand_are_taken_over_in_the_queries_of_a_paste(
        self, conference: Conference, organizer: User
    ) -> None:
        sent: Invitation = SentInvitationFactory(conference=conference)
        fill(sent, 10_000)
        text = "\n".join(f"{person.nick}, {person.value}" for person in sent.invitees.in_order())
        pasted = composing.open_draft(conference=conference)
        with CaptureQueriesContext(connection) as of_paste:
            composing.add_text(draft=pasted, text=text, user=organizer)
        taken = composing.open_draft(conference=ConferenceFactory(app=conference.app, owner=organizer))
        with CaptureQueriesContext(connection) as of_taking:
            change = composing.add_invitation(draft=taken, invitation=sent, user=organizer)
        assert len(change.added) == 10_000
        assert len(of_taking) <= len(of_paste)
