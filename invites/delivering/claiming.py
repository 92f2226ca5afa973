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

    @property
    def deadline(self) -> datetime:
        """When the call must be over."""
        return self.claimed_at + timedelta(seconds=CALL_SECONDS)


def claim_next_batch(invitation_id: int) -> Claim | None:
    """Claims the first due batch of an invitation and writes its attempt as started; None where none is due.

    The claim is committed on return, whatever transaction the caller may think it is in: a caller inside one is
    a bug, and ``durable`` says so.
    """
    with transaction.atomic(durable=True):
        due = Batch.objects.of(invitation_id).due().select_for_update(skip_locked=True, of=("self",))
        batch = due.select_related("invitation__conference__app").first()
        if batch is None or _rests(batch):
            return None
        invitees = list(batch.invitees.pending().in_order())
        now = timezone.now()
        batch.tries += 1
        batch.state = BatchState.IN_FLIGHT
        batch.first_tried_at = batch.first_tried_at or now
        batch.save(update_fields=["tries", "state", "first_tried_at"])
        attempt = Attempt.objects.create(
            invitation=batch.invitation,
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
        return Claim(
            attempt=attempt, batch=batch, invitation=batch.invitation, invitees=invitees, claimed_at=now
        )


def _rests(batch: Batch) -> bool:
    """Whether the batch's app is shut out; if so the batch waits until it no longer is."""
    rests_until = batch.invitation.conference.app.rests_until
    if rests_until is None or rests_until <= timezone.now():
        return False
    batch.not_before = rests_until
    batch.save(update_fields=["not_before"])
    return True
