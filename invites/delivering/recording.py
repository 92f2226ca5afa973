"""Writes down what came of an attempt, in one transaction with all that follows from it.

A finished attempt is never touched again: whoever comes second (a slow sender after recovery has given it up)
changes nothing.
"""

import logging
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from invites.delivering.outcomes import NextStep, Outcome
from invites.dingtalk.codes import SHUT_OUT
from invites.models import App, Attempt, Batch, Conference, Invitation, Invitee
from invites.models.batch import BatchState
from invites.models.conference import ConferenceStatus
from invites.models.invitation import InvitationState
from invites.models.invitee import InviteeState

# Once for every call while people wait, like the statements of a claim.
_CLOSE_FINISHED = """
    UPDATE invites_invitation SET state = %(finished)s, finished_at = %(now)s
    WHERE state = %(under_way)s
        AND NOT EXISTS (
            SELECT 1 FROM invites_batch b
            WHERE b.invitation_id = invites_invitation.id AND b.state = %(waiting)s
        )
        AND NOT EXISTS (
            SELECT 1 FROM invites_invitee p
            WHERE p.invitation_id = invites_invitation.id AND p.state = %(in_a_call)s
        )
"""
_THIS_ONE = " AND id = %(invitation)s"
# The largest number that the column takes: an attempt may be found dead a month later.
_LONGEST_MS = 2**31 - 1

logger = logging.getLogger(__name__)


def record(attempt: Attempt, outcome: Outcome) -> bool:
    """Finishes ``attempt`` with ``outcome``, and its people and batch with it.

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
        Invitee.objects.in_batch(attempt.batch_id).sending().update(state=outcome.invitee)
        if outcome.next_step is not NextStep.DONE or outcome.shut_out:
            _go_on(attempt.batch, outcome)
    close_finished(attempt.invitation_id)
    return True


def leave_out_waiting(invitation_id: int, *, because: str) -> None:
    """Skips everybody of an invitation who is still to be called, with the code of the reason.

    An attempt under way is left to end by itself.
    """
    with transaction.atomic():
        App.objects.lock_that_of(invitation_id)
        numbers = Batch.objects.of(invitation_id).waiting().lock()
        if numbers:
            people = Invitee.objects.in_batches(Batch.objects.filter(pk__in=numbers)).pending()
            people.update(state=InviteeState.SKIPPED, skipped_because=because[:128])
            Batch.objects.filter(pk__in=numbers).update(state=BatchState.TAKEN)
    close_finished(invitation_id)


def close_finished(invitation_id: int | None = None) -> None:
    """Finishes an invitation of which nobody is waiting or in a call any more; without an id, every such one.

    To be called when the last word on a batch is committed: two senders who finish the last two batches at the same
    time would not see each other's from inside their transactions.
    """
    parameters = {
        "finished": InvitationState.FINISHED.value,
        "under_way": InvitationState.SENDING.value,
        "waiting": BatchState.WAITING.value,
        "in_a_call": InviteeState.SENDING.value,
        "now": connection.ops.adapt_datetimefield_value(timezone.now()),
        "invitation": invitation_id,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CLOSE_FINISHED if invitation_id is None else _CLOSE_FINISHED + _THIS_ONE, parameters)


def _go_on(batch: Batch, outcome: Outcome) -> None:
    now = timezone.now()
    if outcome.shut_out:
        # Before the own batch, as everywhere: who holds batches must not wait for those who lock all that wait.
        _let_the_app_rest(batch)
    if outcome.next_step is NextStep.REPEAT:
        batch.state = BatchState.WAITING
        batch.not_before = now + timedelta(seconds=outcome.pause)
        batch.token_was_stale = outcome.token_was_stale
        batch.save(update_fields=["state", "not_before", "token_was_stale"])
    elif outcome.next_step is NextStep.HALVE:
        _halve(batch)
    elif outcome.next_step is NextStep.STOP_INVITATION:
        leave_out_waiting(batch.invitation_id, because=outcome.code)
    if outcome.conference_over:
        Conference.objects.filter(invitations=batch.invitation_id).update(
            status=ConferenceStatus.ENDED, status_read_at=now
        )


def _let_the_app_rest(batch: Batch) -> None:
    """Nothing of the whole app is sent before the time is over: neither what waits nor what is sent meanwhile."""
    until = timezone.now() + timedelta(seconds=SHUT_OUT)
    app = App.objects.lock_that_of(batch.invitation_id)
    App.objects.filter(pk=app.pk).update(rests_until=until)
    waiting = Batch.objects.of_app(app).waiting().filter(not_before__lt=until)
    Batch.objects.filter(pk__in=waiting.lock()).update(not_before=until)


def _halve(batch: Batch) -> None:
    """Puts the people of a refused batch into two new ones, so that a wrong unionId ends up alone."""
    # Halves of one invitation are numbered one after the other, even where two workers halve at once. Claims, which
    # only refer to the invitation, need not wait.
    Invitation.objects.select_for_update(no_key=True).get(pk=batch.invitation_id)
    last = Batch.objects.of(batch.invitation_id).aggregate(last=Max("number"))["last"]
    people = list(batch.invitees.pending().in_order())
    middle = (len(people) + 1) // 2
    for offset, half in enumerate((people[:middle], people[middle:]), start=1):
        part = Batch.objects.create(
            invitation_id=batch.invitation_id,
            number=last + offset,
            people=len(half),
            half_of=batch,
            first_tried_at=batch.first_tried_at,
        )
        Invitee.objects.filter(pk__in=[person.pk for person in half]).update(batch=part)


def _milliseconds(span: timedelta) -> int:
    """``span`` as the column takes it, whatever the clock has done meanwhile."""
    return min(max(0, round(span.total_seconds() * 1000)), _LONGEST_MS)


def _storable(text: str) -> str:
    """``text`` without the one character that PostgreSQL does not take."""
    return text.replace("\x00", "\ufffd")
