"""Who was part of which attempt. Written with the attempt, and kept as it is by the database."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from django.db import models
from django.db.models.functions import RowNumber

from invites.models.invitee import Invitee
from invites.models.keys import with_any
from invites.models.person import Person
from invites.models.timeline import TimelineQuerySet

if TYPE_CHECKING:
    from invites.models.attempt import Attempt


class Named(NamedTuple):
    """Somebody in a row of the history: the key of the person, and the name under which they were called."""

    person: int
    nick: str


class AttemptInviteeQuerySet(TimelineQuerySet["AttemptInvitee"]):
    """Queries over the people of attempts."""

    tie = "attempt"

    def of_attempts(self, attempts: Sequence[int]) -> Self:
        """Those of these attempts, given by their keys."""
        return self.filter(with_any("attempt", attempts))

    def in_order_made(self) -> Self:
        """As they were written: those of an attempt as they stood in the call."""
        return self.order_by("attempt", "pk")

    def first_of(
        self, attempts: Sequence[int], *, limit: int, before_others: Collection[int] = ()
    ) -> dict[int, list[Named]]:
        """The first ``limit`` people of each of these attempts: those with a key in ``before_others``, then the others,
        as they stood in the call.
        """
        order: list[Any] = ["invitee__position", "pk"]
        if before_others:
            is_before = with_any("person", before_others)
            order.insert(0, models.ExpressionWrapper(is_before, models.BooleanField()).desc())
        place = models.Window(RowNumber(), partition_by="attempt", order_by=order)
        first = self.of_attempts(attempts).annotate(place=place).filter(place__lte=limit)
        found: dict[int, list[Named]] = {}
        rows = first.order_by("attempt", "place").values_list("attempt", "person", "invitee__nick")
        for attempt, person, nick in rows:
            found.setdefault(attempt, []).append(Named(person, nick))
        return found


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
