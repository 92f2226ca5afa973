"""Holding an invitation, letting it go on, calling it off: also in the middle of calls and by several at once."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from invites import delivering
from invites.delivering import WORKER
from invites.delivering.claiming import claim_next_batch
from invites.delivering.outcomes import outcome_of_process_death
from invites.delivering.recording import record
from invites.dingtalk.sandbox import SandboxServer
from invites.errors import AppUnavailable, ConferenceEnded, ConferenceLocked, InvitationOver, InviteError
from invites.explaining import explain
from invites.models import App, Batch, Conference, Invitation, Invitee, User
from invites.models.conference import ConferenceStatus
from invites.models.invitation import InvitationState
from invites.models.invitee import InviteeState
from invites.sending import send
from invites.steering import cancel, pause, resume
from tests.factories import InvitationFactory, InviteeFactory
from tests.invites.test_delivering_together import over_and_over
from tests.keeping import tampering

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = 6


@pytest.fixture
def invitation(conference: Conference, organizer: User) -> Invitation:
    """Under way: six people in three batches, none of which has been called."""
    App.objects.update(batch_size=2)
    draft = InvitationFactory(conference=conference)
    for position in range(PEOPLE):
        InviteeFactory(invitation=draft, position=position, value=f"somebody-{position}")
    send(invitation=draft, revision=0, user=organizer)
    return Invitation.objects.select_related("conference__app").get(pk=draft.pk)


def states(invitation: Invitation) -> list[str]:
    return [person.state for person in invitation.invitees.in_order()]


def state_of(invitation: Invitation) -> str:
    return Invitation.objects.get(pk=invitation.pk).state


def work(invitation: Invitation) -> None:
    delivering.deliver(invitation_id=invitation.pk, policy=WORKER)


class TestPause:
    def test_no_call_begins_while_it_is_paused(
        self, sandbox: SandboxServer, invitation: Invitation, organizer: User
    ) -> None:
        assert pause(invitation=invitation, user=organizer).state == InvitationState.PAUSED
        work(invitation)
        assert sandbox.invitations == []
        assert set(states(invitation)) == {InviteeState.PENDING}

    def test_call_under_way_ends_by_itself_and_the_others_wait(
        self, invitation: Invitation, organizer: User
    ) -> None:
        claim = claim_next_batch(invitation)
        assert claim is not None
        pause(invitation=invitation, user=organizer)
        record(claim.attempt, outcome_of_process_death())
        assert states(invitation) == [InviteeState.UNKNOWN] * 2 + [InviteeState.PENDING] * 4
        assert state_of(invitation) == InvitationState.PAUSED

    def test_second_press_changes_nothing(self, invitation: Invitation, organizer: User) -> None:
        pause(invitation=invitation, user=organizer)
        assert pause(invitation=invitation, user=organizer).state == InvitationState.PAUSED

    def test_what_is_over_cannot_be_paused(self, invitation: Invitation, organizer: User) -> None:
        work(invitation)
        with pytest.raises(InvitationOver):
            pause(invitation=invitation, user=organizer)
        assert state_of(invitation) == InvitationState.FINISHED

    def test_it_finishes_where_everybody_had_been_called_already(
        self, invitation: Invitation, organizer: User
    ) -> None:
        Batch.objects.update(state="taken")
        Invitee.objects.update(state=InviteeState.INVITED)
        assert pause(invitation=invitation, user=organizer).state == InvitationState.FINISHED

    def test_draft_cannot_be_paused(self, conference: Conference, organizer: User) -> None:
        with pytest.raises(InvitationOver):
            pause(invitation=InvitationFactory(conference=conference), user=organizer)


class TestResume:
    @pytest.fixture
    def paused(self, invitation: Invitation, organizer: User) -> Invitation:
        pause(invitation=invitation, user=organizer)
        return invitation

    def test_it_goes_on_and_everybody_is_called_once(
        self, sandbox: SandboxServer, paused: Invitation, organizer: User
    ) -> None:
        resumed = resume(invitation=paused, user=organizer)
        assert resumed.resumed_at is not None
        work(paused)
        assert state_of(paused) == InvitationState.FINISHED
        rung = sorted(person.value for post in sandbox.invitations for person in post.people)
        assert rung == [f"somebody-{position}" for position in range(PEOPLE)]

    def test_second_press_rings_for_nobody_else(self, paused: Invitation, organizer: User) -> None:
        before = DBTaskResult.objects.count()
        resume(invitation=paused, user=organizer)
        rung = DBTaskResult.objects.count()
        assert rung > before
        resume(invitation=paused, user=organizer)
        assert DBTaskResult.objects.count() == rung

    def test_pause_that_lasted_long_is_not_held_against_the_people(
        self, sandbox: SandboxServer, paused: Invitation, organizer: User
    ) -> None:
        with tampering():
            Invitation.objects.update(sent_at=timezone.now() - timedelta(hours=2))
        resume(invitation=paused, user=organizer)
        work(paused)
        assert set(states(paused)) == {InviteeState.INVITED}

    @pytest.mark.parametrize(
        ("what_happened", "refusal"),
        [
            (lambda: Conference.objects.update(status=ConferenceStatus.ENDED), ConferenceEnded),
            (lambda: Conference.objects.update(locked_at=timezone.now()), ConferenceLocked),
            (lambda: App.objects.update(enabled=False), AppUnavailable),
        ],
    )
    def test_it_stays_paused_where_nobody_can_be_called(
        self,
        paused: Invitation,
        organizer: User,
        what_happened: Callable[[], object],
        refusal: type[InviteError],
    ) -> None:
        what_happened()
        with pytest.raises(refusal):
            resume(invitation=paused, user=organizer)
        assert state_of(paused) == InvitationState.PAUSED


class TestCancel:
    @pytest.mark.parametrize("is_paused", [False, True])
    def test_everybody_who_waits_is_left_out_with_the_reason(
        self, sandbox: SandboxServer, invitation: Invitation, organizer: User, is_paused: bool
    ) -> None:
        if is_paused:
            pause(invitation=invitation, user=organizer)
        cancelled = cancel(invitation=invitation, user=organizer)
        assert cancelled.state == InvitationState.CANCELLED
        assert (cancelled.cancelled_by, cancelled.finished_at is not None) == (organizer, True)
        people = invitation.invitees.with_last_attempt()
        assert {(person.state, person.problem_code) for person in people} == {("skipped", "cancelled")}
        work(invitation)
        assert sandbox.invitations == []

    def test_the_reason_is_explained(self) -> None:
        explanation = explain(delivering.CANCELLED)
        assert explanation.known
        assert "cancelled" in str(explanation.what)

    @pytest.mark.parametrize("is_paused", [False, True])
    def test_call_under_way_ends_by_itself_and_stays_on_record(
        self, invitation: Invitation, organizer: User, is_paused: bool
    ) -> None:
        claim = claim_next_batch(invitation)
        assert claim is not None
        if is_paused:
            pause(invitation=invitation, user=organizer)
        assert cancel(invitation=invitation, user=organizer).state == InvitationState.SENDING
        record(claim.attempt, outcome_of_process_death())
        assert states(invitation) == [InviteeState.UNKNOWN] * 2 + [InviteeState.SKIPPED] * 4
        assert state_of(invitation) == InvitationState.CANCELLED

    @pytest.mark.parametrize("is_paused", [False, True])
    def test_those_whom_a_call_under_way_puts_back_are_not_called_again(
        self, sandbox: SandboxServer, invitation: Invitation, organizer: User, is_paused: bool
    ) -> None:
        claim = claim_next_batch(invitation)
        assert claim is not None
        if is_paused:
            pause(invitation=invitation, user=organizer)
        cancel(invitation=invitation, user=organizer)
        # What the sender of that claim would write down when DingTalk turns the call away.
        Invitee.objects.in_batch(claim.attempt.batch_id).update(state=InviteeState.PENDING)
        Batch.objects.filter(pk=claim.attempt.batch_id).update(state="waiting")
        work(invitation)
        assert sandbox.invitations == []
        assert set(states(invitation)) == {InviteeState.SKIPPED}
        assert state_of(invitation) == InvitationState.CANCELLED

    def test_second_press_is_told_that_it_is_over(self, invitation: Invitation, organizer: User) -> None:
        cancel(invitation=invitation, user=organizer)
        with pytest.raises(InvitationOver):
            cancel(invitation=invitation, user=organizer)

    def test_it_can_be_neither_paused_nor_resumed_afterwards(
        self, invitation: Invitation, organizer: User
    ) -> None:
        claim_next_batch(invitation)
        cancel(invitation=invitation, user=organizer)
        for verb in (pause, resume):
            with pytest.raises(InvitationOver):
                verb(invitation=invitation, user=organizer)


class TestAllAtOnce:
    def test_whoever_presses_what_while_workers_send_nobody_is_called_twice_or_forgotten(
        self, sandbox: SandboxServer, invitation: Invitation, organizer: User
    ) -> None:
        def press(verb: Callable[..., object]) -> None:
            with suppress(InvitationOver):
                verb(invitation=invitation, user=organizer)

        presses = iter([pause, resume] * 10)

        def press_next() -> None:
            press(next(presses, resume))

        def cancel_at_last() -> None:
            if next(presses, None) is None:
                press(cancel)

        raised = over_and_over(
            *[lambda: work(invitation)] * 3,
            *[press_next] * 2,
            cancel_at_last,
            until=lambda: Invitation.objects.get(pk=invitation.pk).is_over,
        )
        assert raised == []
        assert Invitation.objects.get(pk=invitation.pk).is_over
        rung = sorted(person.value for post in sandbox.invitations for person in post.people)
        invited = invitation.invitees.with_state(InviteeState.INVITED).values_list("value", flat=True)
        assert rung == sorted(invited)
        assert set(states(invitation)) <= {InviteeState.INVITED, InviteeState.SKIPPED}
