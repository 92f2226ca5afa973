"""Batches: the people of an invitation, cut into what one POST carries each.

waiting ⇄ taken        (its last attempt says the rest)
waiting ◀── looking_up ◀── taken        (somebody in it is unknown, and the contact operation is asked who)
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Self

from django.db import connection, models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from invites.models.app import App


class BatchState(models.TextChoices):
    """Where a batch stands."""

    WAITING = "waiting", _("Waiting")
    TAKEN = "taken", _("Taken")
    LOOKING_UP = "looking_up", _("Looking up")


# One statement for any number of people, the same on PostgreSQL and SQLite.
_PUT_INTO_BATCHES = """
    UPDATE invites_invitee SET batch_id = b.id
    FROM (
        SELECT id, (ROW_NUMBER() OVER (ORDER BY position, id) - 1) / %(size)s + 1 AS number
        FROM invites_invitee WHERE invitation_id = %(invitation)s AND state = 'pending'
    ) ranked
    JOIN invites_batch b ON b.invitation_id = %(invitation)s AND b.number = ranked.number
    WHERE invites_invitee.id = ranked.id
"""


class BatchQuerySet(models.QuerySet["Batch"]):
    """Queries over batches."""

    def due(self) -> Self:
        """Those that may be sent now, in their order."""
        return self.waiting().filter(not_before__lte=timezone.now()).order_by("number")

    def waiting(self) -> Self:
        """Those to be sent now or later."""
        return self.filter(state=BatchState.WAITING)

    def unsent(self) -> Self:
        """Those with people still to be called: waiting, or looked through for somebody unknown."""
        return self.filter(state__in=[BatchState.WAITING, BatchState.LOOKING_UP])

    def larger_than(self, people: int) -> Self:
        """Those with more people than that."""
        return self.filter(people__gt=people)

    def among(self, pks: Iterable[int]) -> Self:
        """Those with these keys, in their order."""
        return self.filter(pk__in=list(pks)).order_by("number")

    def looking_up(self) -> Self:
        """Those in which somebody is unknown, and somebody is finding out who."""
        return self.filter(state=BatchState.LOOKING_UP)

    def with_app(self) -> Self:
        """With the app through which each is sent, and its credentials."""
        return self.select_related("invitation__conference__app")

    def overdue(self) -> Self:
        """Those whose time is over, where that has an end."""
        return self.filter(not_before__lt=timezone.now())

    def of(self, invitation_id: int) -> Self:
        """Those of one invitation."""
        return self.filter(invitation=invitation_id)

    def of_app(self, app: App) -> Self:
        """Those of any invitation through ``app``."""
        return self.filter(invitation__conference__app=app)

    def cut(self, invitation_id: int, *, people: int, size: int, not_before: datetime) -> int:
        """Puts the ``people`` of an invitation who are to be called, in their order, into waiting batches of ``size``;
        returns how many.
        """
        starts = range(0, people, size)
        self.bulk_create(
            Batch(
                invitation_id=invitation_id,
                number=number,
                people=min(size, people - start),
                not_before=not_before,
            )
            for number, start in enumerate(starts, start=1)
        )
        with connection.cursor() as cursor:
            cursor.execute(_PUT_INTO_BATCHES, {"invitation": invitation_id, "size": size})
        return len(starts)

    def lock(self) -> list[int]:
        """Locks them until the transaction ends and returns their keys.

        Always in the same order, so that two who lock many do not wait for each other.
        """
        return [batch.pk for batch in self.select_for_update(of=("self",)).order_by("pk")]

    def waiting_by_app(self) -> dict[int, int]:
        """How many wait for each app that any wait for."""
        waiting = self.waiting().order_by().values_list("invitation__conference__app")
        return dict(waiting.annotate(n=models.Count("pk")))

    def next_due(self) -> datetime | None:
        """When the first of them may be sent."""
        return self.aggregate(first=models.Min("not_before"))["first"]  # type: ignore[no-any-return]


class Batch(models.Model):
    """The people that one POST carries. ``tries`` counts its attempts, the repeated ones included."""

    invitation = models.ForeignKey("invites.Invitation", on_delete=models.PROTECT, related_name="batches")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=16, choices=BatchState, default=BatchState.WAITING)
    people = models.PositiveSmallIntegerField()
    not_before = models.DateTimeField(default=timezone.now)
    tries = models.PositiveSmallIntegerField(default=0)
    # Halves take this over from the whole, so that the time for all tries together is bounded.
    first_tried_at = models.DateTimeField(null=True)
    token_was_stale = models.BooleanField(default=False)
    # How often it was made smaller because DingTalk may have refused its size.
    times_shrunk = models.PositiveSmallIntegerField(default=0)
    # Its people have been asked about, one by one: they are not asked about again.
    was_looked_up = models.BooleanField(default=False)
    half_of = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="halves")

    # By which channels its people are called: where a claim has asked for it.
    channels: str

    objects = BatchQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["invitation", "number"], name="batch_number_once"),
            models.CheckConstraint(condition=Q(state__in=BatchState.values), name="batch_state_is_known"),
        )
        indexes = (
            models.Index(
                fields=["invitation", "not_before"],
                condition=Q(state=BatchState.WAITING),
                name="batch_waiting",
            ),
            models.Index(
                fields=["invitation", "number"], condition=Q(state=BatchState.WAITING), name="batch_next"
            ),
            models.Index(
                fields=["not_before"], condition=Q(state=BatchState.LOOKING_UP), name="batch_looking_up"
            ),
        )

    def __str__(self) -> str:
        return f"{self.invitation_id}/{self.number}"

    @property
    def tells_who_failed(self) -> bool:
        """Whether the directory named those who failed in it; needs ``half_of``.

        It was asked about this very batch, and whomever it did not name has gone on in a part of it.
        """
        return self.was_looked_up and not (self.half_of is not None and self.half_of.was_looked_up)

    def put_back(self, *, not_before: datetime, token_was_stale: bool) -> None:
        """Lets it wait for another try."""
        self.state = BatchState.WAITING
        self.not_before = not_before
        self.token_was_stale = token_was_stale
        self.save(update_fields=["state", "not_before", "token_was_stale"])

    def look_up(self, *, until: datetime) -> None:
        """Lets it wait for somebody to find out who in it is unknown; after ``until`` that is given up."""
        self.state = BatchState.LOOKING_UP
        self.not_before = until
        self.save(update_fields=["state", "not_before"])

    def take(self) -> None:
        """Takes it out of what waits, for good or until it is put back."""
        self.state = BatchState.TAKEN
        self.save(update_fields=["state"])
