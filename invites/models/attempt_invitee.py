"""Who was part of which attempt. Written with the attempt, and kept as it is by the database."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from django.db import models

from invites.models.invitee import Invitee
from invites.models.person import Person
from invites.models.timeline import TimelineQuerySet

if TYPE_CHECKING:
    from invites.models.attempt import Attempt


class AttemptInviteeQuerySet(TimelineQuerySet["AttemptInvitee"]):
    """Queries over the people of attempts."""

    tie = "attempt"

    def of_attempts(self, attempts: Sequence[int]) -> Self:
        """Those of these attempts, given by their keys."""
        return self.filter(attempt__in=attempts)

    def in_order_made(self) -> Self:
        """As they were written: those of an attempt as they stood in the call."""
        return self.order_by("attempt", "pk")


class AttemptInvitee(models.Model):
    """That a person was part of an attempt."""

    attempt: "models.ForeignKey[Attempt, Attempt]" = models.ForeignKey(
        "Attempt", on_delete=models.PROTECT, related_name="people_sent", db_index=False
    )
    invitee = models.ForeignKey(Invitee, on_delete=models.PROTECT, related_name="sendings")
    # Who it is, and when the attempt was made, so that an index gives the newest of anybody.
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="sendings", db_index=False)
    started_at = models.DateTimeField()

    objects = AttemptInviteeQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["attempt", "invitee"], name="invitee_once_per_attempt"),
        )
        indexes = (models.Index(fields=["person", "-started_at", "-attempt"], name="attempt_of_person"),)

    def __str__(self) -> str:
        return f"{self.attempt_id}: {self.invitee_id}"

    @property
    def state(self) -> str:
        """The state in which the attempt left this person."""
        return self.attempt.people_state
