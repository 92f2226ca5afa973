"""Writes down what came of an attempt, in one transaction with all that follows from it.

A finished attempt is never touched again: whoever comes second (a slow sender after recovery has given it up)
changes nothing.
"""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from invites.counting import count_call
from invites.delivering.marking import clear_marks, mark_refused_alone
from invites.delivering.outcomes import NextStep, Outcome
from invites.delivering.splitting import halve, shrink_waiting
from invites.dingtalk.calls import INVITE_USERS
from invites.models import App, Attempt, Batch, Conference, Invitee
from invites.models.batch import BatchState
from invites.models.conference import ConferenceStatus
from invites.models.invitation import InvitationState
from invites.models.invitee import InviteeState

# Once for every call while people wait, like the statements of a claim.
_PUT_PEOPLE = """
    UPDATE invites_invitee SET state = %(state)s, changed_at = %(now)s
    WHERE batch_id = %(batch)s AND state = %(in_a_call)s
"""
_CLOSE_FINISHED = """
    UPDATE invites_invitation
    SET state = CASE WHEN cancelled_at IS NULL THEN %(finished)s ELSE %(cancelled)s END, finished_at = %(now)s
    WHERE state IN (%(sending)s, %(paused)s)
        AND NOT EXISTS (
            SELECT 1 FROM invites_batch b
            WHERE b.invitation_id = invites_invitation.id AND b.state IN (%(waiting)s, %(looking_up)s)
        )
        AND NOT EXISTS (
            SELECT 1 FROM invites_invitee p
            WHERE p.invitation_id = invites_invitation.id AND p.state = %(in_a_call)s
        )
"""
_THIS_ONE = " AND id = %(invitation)s"
# Longer than DingTalk ever asks for; nobody is called later than an hour after Send in any case.
_LONGEST_REST = 3600.0
# The largest number that the column takes: an attempt may be found dead a month later.
_LONGEST_MS = 2**31 - 1

logger = logging.getLogger(__name__)


def record(attempt: Attempt, outcome: Outcome, *, are_from_books: bool = True) -> bool:
    """Finishes ``attempt`` with ``outcome``, and its people and batch with it. It comes with its invitation's app.

    ``are_from_books`` is False where none of its people is in an address book, so that no book has to be looked into.
    Returns False, with nothing changed, where the attempt had been finished before.
    """
    now = timezone.now()
    with transaction.atomic():
        # Whoever changes this row first has the attempt; the others wait for it here, and then change nothing.
        finished = Attempt.objects.finish(
            attempt.pk,
            state=outcome.attempt,
            people_state=outcome.invitee,
            finished_at=now,
            duration_ms=_milliseconds(now - attempt.started_at),
            http_status=outcome.http_status,
            error_code=outcome.code[:128],
            error_message=_storable(outcome.message),
            request_id=outcome.request_id[:128],
            response_excerpt=_storable(outcome.excerpt),
        )
        if not finished:
            logger.warning(
                "Attempt %s had been given up; its late outcome %s changes nothing", attempt.pk, outcome.code
            )
            return False
        _put_people(attempt, state=outcome.invitee, now=now)
        _go_on(attempt, outcome, now)
        if are_from_books:
            _note_who_is_known(attempt, outcome)
        if outcome.left:
            # Last, since every other sender of this app counts in the same row.
            count_call(attempt.invitation.conference.app_id, INVITE_USERS)
    close_finished(attempt.invitation_id)
    return True


def leave_out_waiting(invitation_id: int, *, because: str) -> None:
    """Skips everybody of an invitation who is still to be called, with the code of the reason.

    An attempt under way is left to end by itself.
    """
    with transaction.atomic():
        App.objects.lock_that_of(invitation_id)
        numbers = Batch.objects.of(invitation_id).unsent().lock()
        if numbers:
            people = Invitee.objects.in_batches(Batch.objects.filter(pk__in=numbers)).pending()
            people.leave_out(because=because, at=timezone.now())
            Batch.objects.filter(pk__in=numbers).update(state=BatchState.TAKEN)
    close_finished(invitation_id)


def close_finished(invitation_id: int | None = None) -> None:
    """Finishes an invitation of which nobody is waiting or in a call any more; without an id, every such one.

    To be called when the last word on a batch is committed: two senders who finish the last two batches at the same
    time would not see each other's from inside their transactions.
    """
    parameters = {
        "finished": InvitationState.FINISHED.value,
        "cancelled": InvitationState.CANCELLED.value,
        "sending": InvitationState.SENDING.value,
        "paused": InvitationState.PAUSED.value,
        "waiting": BatchState.WAITING.value,
        "looking_up": BatchState.LOOKING_UP.value,
        "in_a_call": InviteeState.SENDING.value,
        "now": connection.ops.adapt_datetimefield_value(timezone.now()),
        "invitation": invitation_id,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CLOSE_FINISHED if invitation_id is None else _CLOSE_FINISHED + _THIS_ONE, parameters)


def _put_people(attempt: Attempt, *, state: InviteeState, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            _PUT_PEOPLE,
            {
                "state": state.value,
                "now": connection.ops.adapt_datetimefield_value(now),
                "batch": attempt.batch_id,
                "in_a_call": InviteeState.SENDING.value,
            },
        )


def _note_who_is_known(attempt: Attempt, outcome: Outcome) -> None:
    """Keeps in the address books what the outcome says about the people themselves."""
    people = Invitee.objects.in_batch(attempt.batch_id)
    if outcome.invitee is InviteeState.INVITED:
        clear_marks(people)
    elif outcome.about_person and attempt.people == 1:
        mark_refused_alone(attempt.invitation, people, code=outcome.code)


def _go_on(attempt: Attempt, outcome: Outcome, now: datetime) -> None:
    """What follows for the batch and for all that wait."""
    if outcome.rest:
        # Before the own batch, as everywhere: who holds batches must not wait for those who lock all that wait.
        App.objects.let_rest(
            attempt.invitation.conference.app_id,
            until=now + timedelta(seconds=min(outcome.rest, _LONGEST_REST)),
        )
    match outcome.next_step:
        case NextStep.REPEAT:
            attempt.batch.put_back(
                not_before=now + timedelta(seconds=outcome.pause), token_was_stale=outcome.token_was_stale
            )
        case NextStep.LOOK_UP:
            attempt.batch.look_up(until=now + timedelta(seconds=settings.LOOK_UP_SECONDS))
        case NextStep.HALVE:
            halve(attempt.batch)
        case NextStep.SHRINK:
            _shrink(attempt.batch)
        case NextStep.STOP_INVITATION:
            leave_out_waiting(attempt.invitation_id, because=outcome.code)
        case NextStep.DONE if outcome.invitee is InviteeState.INVITED and attempt.batch.times_shrunk:
            _learn_size(attempt)
    if outcome.conference_over:
        Conference.objects.filter(invitations=attempt.invitation_id).update(
            status=ConferenceStatus.ENDED, status_read_at=now
        )


def _shrink(batch: Batch) -> None:
    """Tries the halves of a batch that may have been too large; what waits in that size gets no larger a chance."""
    App.objects.lock_that_of(batch.invitation_id)
    halves = halve(batch, times_shrunk=batch.times_shrunk + 1)
    shrink_waiting(batch.invitation_id, to=max(half.people for half in halves))


def _learn_size(attempt: Attempt) -> None:
    """Remembers the size of a batch that was taken in two halves after it was refused as a whole.

    One half alone says nothing: a wrong unionId in the other would look the same.
    """
    whole = attempt.batch.half_of
    if whole is None or whole.times_shrunk == attempt.batch.times_shrunk:
        return
    halves = list(whole.halves.all())
    if len(halves) > 1 and Attempt.objects.succeeded_of(halves) == len(halves):
        App.objects.note_largest_batch(
            attempt.invitation.conference.app_id, people=max(half.people for half in halves)
        )


def _milliseconds(span: timedelta) -> int:
    """``span`` as the column takes it, whatever the clock has done meanwhile."""
    return min(max(0, round(span.total_seconds() * 1000)), _LONGEST_MS)


def _storable(text: str) -> str:
    """``text`` without the one character that PostgreSQL does not take."""
    return text.replace("\x00", "\ufffd")
