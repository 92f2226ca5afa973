"""Writes down what came of an attempt, in one transaction with all that follows from it.

A finished attempt is never touched again: whoever comes second (a slow sender after recovery has given it up)
changes nothing.
"""

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from invites.delivering.outcomes import NextStep, Outcome
from invites.dingtalk.codes import SHUT_OUT
from invites.models import App, Attempt, Batch, Conference, Invitation, Invitee
from invites.models.conference import ConferenceStatus
from invites.models.invitation import BatchState, InvitationState, InviteeState

logger = logging.getLogger(__name__)


def record(attempt: Attempt, outcome: Outcome) -> bool:
    """Finishes ``attempt`` with ``outcome``, and its people and batch with it.

    Returns False, with nothing changed, where the attempt had been finished before.
    """
    now = timezone.now()
    with transaction.atomic():
        batch = Batch.objects.select_for_update(of=("self",)).get(pk=attempt.batch_id)
        finished = Attempt.objects.finish(
            attempt.pk,
            state=outcome.attempt,
            finished_at=now,
            duration_ms=max(0, round((now - attempt.started_at).total_seconds() * 1000)),
            http_status=outcome.http_status,
            error_code=outcome.code[:128],
            error_message=outcome.message,
            request_id=outcome.request_id[:128],
            response_excerpt=outcome.excerpt,
        )
        if not finished:
            logger.warning(
                "Attempt %s was finished already; its late outcome %s changes nothing",
                attempt.pk,
                outcome.attempt,
            )
            return False
        attempt.people_sent.update(state=outcome.invitee)
        sent = batch.invitees.sending()
        sent.update(state=outcome.invitee)
        _go_on(batch, outcome)
        close_if_finished(batch.invitation_id)
    return True


def leave_out_waiting(invitation_id: int, *, because: str) -> None:
    """Skips everybody of an invitation who is still to be called, with the code of the reason.

    The caller is in a transaction or needs none; an attempt under way is left to end by itself.
    """
    with transaction.atomic():
        waiting = Batch.objects.of(invitation_id).waiting()
        Invitee.objects.in_batches(waiting).pending().update(
            state=InviteeState.SKIPPED, skipped_because=because[:128]
        )
        waiting.update(state=BatchState.DONE)
        close_if_finished(invitation_id)


def close_if_finished(invitation_id: int) -> None:
    """Finishes an invitation once none of its batches is left."""
    invitation = Invitation.objects.select_for_update(of=("self",)).get(pk=invitation_id)
    if invitation.state != InvitationState.SENDING or invitation.batches.unfinished().exists():
        return
    invitation.state = InvitationState.FINISHED
    invitation.finished_at = timezone.now()
    invitation.save(update_fields=["state", "finished_at"])


def _go_on(batch: Batch, outcome: Outcome) -> None:
    batch.token_was_stale = outcome.token_was_stale
    batch.state = BatchState.DONE
    if outcome.next_step is NextStep.REPEAT:
        batch.state = BatchState.WAITING
        batch.not_before = timezone.now() + timedelta(seconds=outcome.pause)
    batch.save(update_fields=["state", "not_before", "token_was_stale"])
    if outcome.next_step is NextStep.HALVE:
        _halve(batch)
    elif outcome.next_step is NextStep.STOP_INVITATION:
        leave_out_waiting(batch.invitation_id, because=outcome.code)
    if outcome.conference_over:
        Conference.objects.filter(invitations=batch.invitation_id).update(
            status=ConferenceStatus.ENDED, status_read_at=timezone.now()
        )
    if outcome.shut_out:
        App.objects.filter(conferences__invitations=batch.invitation_id).update(
            rests_until=timezone.now() + timedelta(seconds=SHUT_OUT)
        )


def _halve(batch: Batch) -> None:
    """Puts the people of a refused batch into two new ones, so that a wrong unionId ends up alone."""
    # Halves of one invitation are numbered one after the other, even where two workers halve at once.
    Invitation.objects.select_for_update(of=("self",)).get(pk=batch.invitation_id)
    last = Batch.objects.of(batch.invitation_id).aggregate(last=Max("number"))["last"]
    people = list(batch.invitees.pending().in_order())
    middle = (len(people) + 1) // 2
    for offset, half in enumerate((people[:middle], people[middle:]), start=1):
        part = Batch.objects.create(
            invitation_id=batch.invitation_id,
            number=last + offset,
            half_of=batch,
            first_tried_at=batch.first_tried_at,
        )
        Invitee.objects.filter(pk__in=[person.pk for person in half]).update(batch=part)
