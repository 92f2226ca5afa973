"""The time line of an attempt: how it came about, and what followed."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains

from invites.models import Attempt, Conference, DraftEdit, Invitation, User
from invites.models.attempt import AttemptState
from invites.models.batch import BatchState
from invites.models.draft_edit import EditKind
from invites.models.invitation import InvitationState
from invites.models.invitee import InviteeState
from invites.models.member import Attendance
from invites.recounting import EDITS_TOLD, Kin, StepKind, recount
from tests.factories import (
    AttemptFactory,
    ConferenceFactory,
    InviteeFactory,
    MemberFactory,
    SentInvitationFactory,
)

pytestmark = pytest.mark.django_db

NOW = timezone.now()


@pytest.fixture
def conference(organizer: User) -> Conference:
    return ConferenceFactory(owner=organizer)


@pytest.fixture
def invitation(conference: Conference) -> Invitation:
    return SentInvitationFactory(
        conference=conference, sent_at=NOW - timedelta(minutes=5), trace_id="request-of-the-press"
    )


@pytest.fixture
def attempt(invitation: Invitation) -> Attempt:
    """One that was turned away, and whose person waited for the next."""
    person = InviteeFactory(invitation=invitation, state=InviteeState.PENDING)
    return AttemptFactory(
        invitation=invitation,
        state=AttemptState.FAILED,
        error_code="system.busy",
        started_at=NOW - timedelta(minutes=4),
        sent_to=[person],
    )


def told(attempt: Attempt) -> list[StepKind]:
    return [step.kind for step in recount(again(attempt)).steps]


def again(attempt: Attempt) -> Attempt:
    """As the page reads it."""
    return Attempt.objects.for_detail().get(pk=attempt.pk)


class TestOrder:
    def test_it_goes_from_the_list_to_what_the_conference_reported(
        self, attempt: Attempt, invitation: Invitation, organizer: User
    ) -> None:
        for kind in (EditKind.ADDED, EditKind.REMOVED):
            DraftEdit.objects.note(invitation, kind, by=organizer, people=2)
        DraftEdit.objects.update(at=NOW - timedelta(minutes=10))
        AttemptFactory(
            invitation=invitation, batch=attempt.batch, number=2, started_at=NOW - timedelta(minutes=3)
        )
        member = MemberFactory(conference=invitation.conference, read_at=NOW - timedelta(minutes=2))
        invitation.invitees.update(member=member)
        SentInvitationFactory(
            conference=invitation.conference, repeats=invitation, sent_at=NOW - timedelta(minutes=1)
        )
        assert told(attempt) == [
            StepKind.EDITED,
            StepKind.EDITED,
            StepKind.SENT,
            StepKind.TRIED,
            StepKind.TRIED,
            StepKind.REPORTED,
            StepKind.REPEATED,
        ]

    def test_pause_between_two_tries_is_told(self, attempt: Attempt) -> None:
        AttemptFactory(
            invitation=attempt.invitation,
            batch=attempt.batch,
            number=2,
            started_at=attempt.started_at + timedelta(seconds=12.12),
        )
        assert [step.paused for step in recount(again(attempt)).steps if step.attempt] == [0, 12]

    def test_tries_say_of_which_batch_they_were(self, attempt: Attempt) -> None:
        half = AttemptFactory(
            invitation=attempt.invitation,
            batch__half_of=attempt.batch,
            started_at=attempt.started_at + timedelta(seconds=1),
        )
        kin = [step.kin for step in recount(again(attempt)).steps if step.attempt]
        assert kin == [Kin.SAME, Kin.HALF]
        kin = [step.kin for step in recount(again(half)).steps if step.attempt]
        assert kin == [Kin.WHOLE, Kin.SAME]

    def test_long_list_of_changes_is_cut_at_its_beginning(
        self, attempt: Attempt, invitation: Invitation, organizer: User
    ) -> None:
        for people in range(EDITS_TOLD + 1):
            DraftEdit.objects.note(invitation, EditKind.ADDED, by=organizer, people=people)
        line = recount(again(attempt))
        edits = [step.edit.people for step in line.steps if step.edit]
        assert edits == list(range(1, EDITS_TOLD + 1))
        assert line.begins_earlier


class TestPage:
    def test_it_says_who_pressed_and_in_which_request(
        self, browser: Client, attempt: Attempt, organizer: User
    ) -> None:
        page = browser.get(f"/history/{attempt.pk}/")
        assertContains(page, "Invitation sent")
        assertContains(page, 'data-copy="request-of-the-press"')

    def test_changes_of_the_list_are_told_in_words(
        self, browser: Client, attempt: Attempt, invitation: Invitation, organizer: User
    ) -> None:
        DraftEdit.objects.note(invitation, EditKind.ADDED, by=organizer, people=1200)
        DraftEdit.objects.note(invitation, EditKind.ADDED, by=organizer)
        DraftEdit.objects.note(invitation, EditKind.UNSCHEDULED, by=None)
        page = browser.get(f"/history/{attempt.pk}/")
        assertContains(page, "1,200 people added to the list")
        assertContains(page, "Added to the list, but nobody new")
        assertContains(page, EditKind.UNSCHEDULED.label)

    def test_time_of_the_next_try_is_told_while_it_is_waited_for(
        self, browser: Client, organizer: User, conference: Conference
    ) -> None:
        sent = SentInvitationFactory(conference=conference, state=InvitationState.SENDING, finished_at=None)
        person = InviteeFactory(invitation=sent, state=InviteeState.PENDING)
        attempt = AttemptFactory(
            invitation=sent,
            batch__state=BatchState.WAITING,
            batch__not_before=timezone.now() + timedelta(minutes=10, seconds=5),
            state=AttemptState.FAILED,
            error_code="system.busy",
            sent_to=[person],
        )
        assertContains(browser.get(f"/history/{attempt.pk}/"), "in 10 min")

    def test_ring_by_itself_leads_to_its_invitation(
        self, browser: Client, attempt: Attempt, invitation: Invitation
    ) -> None:
        ring = SentInvitationFactory(
            conference=invitation.conference, repeats=invitation, is_automatic=True, sent_by=None
        )
        page = browser.get(f"/history/{attempt.pk}/")
        assertContains(page, "Rung again by itself")
        assertContains(page, f'href="/invitations/{ring.pk}/"')

    def test_people_lead_to_all_that_happened_to_them_and_say_what_the_conference_reported(
        self, browser: Client, attempt: Attempt, invitation: Invitation
    ) -> None:
        member = MemberFactory(
            conference=invitation.conference,
            attendance=Attendance.JOINED,
            joined_at=timezone.now() - timedelta(minutes=7),
        )
        invitation.invitees.update(member=member)
        page = browser.get(f"/history/{attempt.pk}/")
        person = attempt.people_sent.get().person_id
        assertContains(page, f'href="/history/people/{person}/"')
        assertContains(page, "7 min ago")

    def test_without_report_nothing_is_said_of_one(self, browser: Client, attempt: Attempt) -> None:
        assertNotContains(browser.get(f"/history/{attempt.pk}/"), "The conference reported")
