"""Takes the next batch for one sender: before a byte leaves, its attempt is on record and nobody else has it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from invites.models import Attempt, AttemptInvitee, Batch, Invitation, Invitee
from invites.models.invitation import BatchState, InviteeState

# The total time of one call, its token included, and the margin after which its process must have died.
CALL_SECONDS = 15.0
GRACE_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One attempt that is about to be made: its row, its batch and its people, in their order."""

    attempt: Attempt
    batch: Batch
    invitation: Invitation
    invitees: list[Invitee]
    claimed_at: datetime


def claim_next_batch(invitation: Invitation) -> Claim | None:
    """Claims the first due batch of an invitation and writes its attempt as started; None where none is due.

    The claim is committed on return: a caller inside a transaction is a bug, and ``durable`` says so.
    """
    with transaction.atomic(durable=True):
        batch = Batch.objects.of(invitation.pk).due().select_for_update(skip_locked=True).first()
        if batch is None:
            return None
        now = timezone.now()
        invitees = list(batch.invitees.pending().in_order().for_sending())
        batch.tries += 1
        batch.state = BatchState.IN_FLIGHT
        batch.first_tried_at = batch.first_tried_at or now
        batch.save(update_fields=["tries", "state", "first_tried_at"])
        attempt = Attempt.objects.create(
            invitation=invitation,
            batch=batch,
            number=batch.tries,
            people=len(invitees),
            started_at=now,
            deadline=now + timedelta(seconds=CALL_SECONDS + GRACE_SECONDS),
        )
        AttemptInvitee.objects.bulk_create(
            AttemptInvitee(attempt=attempt, invitee=person) for person in invitees
        )
        batch.invitees.pending().update(state=InviteeState.SENDING, last_attempt=attempt)
    return Claim(attempt=attempt, batch=batch, invitation=invitation, invitees=invitees, claimed_at=now)
