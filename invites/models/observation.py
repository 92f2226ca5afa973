"""Observations: when the members of a conference were read, who wants to know, and when they are read next."""

from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from invites.models.app import App
from invites.models.attempt import Attempt
from invites.models.conference import Conference
from invites.models.invitation import Invitation

# What a reading shows is told by an event as well, at most so long before or after.
EVENTS_TAKE = timedelta(seconds=30)


class ObservationQuerySet(models.QuerySet["Observation"]):
    """Queries over observations."""

    def of(self, conference_id: int) -> Self:
        """That of one conference."""
        return self.filter(conference=conference_id)

    def with_news(self) -> Self:
        """With ``has_news``: whether DingTalk answered for somebody who was invited since the last reading."""
        answered = Attempt.objects.filter(
            invitation=OuterRef("pk"), finished_at__gt=OuterRef(OuterRef("read_at"))
        )
        # An invitation that was over by then has no later answers: its attempts need not be looked through.
        later = Q(finished_at__isnull=True) | Q(finished_at__gt=OuterRef("read_at"))
        invitations = Invitation.objects.sent().filter(later, conference=OuterRef("conference"))
        return self.annotate(has_news=Exists(invitations.filter(Exists(answered))))

    def for_reading(self) -> Self:
        """With what a reading has to know."""
        return self.with_news().select_related("conference__app")

    def begin(self, conference_id: int) -> None:
        """Makes the row of a conference where there is none."""
        self.bulk_create([Observation(conference_id=conference_id)], ignore_conflicts=True)

    def lock(self, conference_id: int) -> "Observation":
        """The row of a conference, locked until the transaction ends, made where there is none."""
        row = self.of(conference_id).select_for_update()
        if (found := row.first()) is None:
            self.begin(conference_id)
            found = row.get()
        return found

    def trust_no_events(self, conference_id: int, *, asked_at: datetime) -> None:
        """A reading showed what no event had told, unless one came just before: from now on it is read as without."""
        self.of(conference_id).filter(event_at__lt=asked_at - EVENTS_TAKE).update(event_at=None)

    def note_watched(self, conference_id: int, *, at: datetime, last_before: datetime) -> None:
        """Somebody looked at ``at``; nothing is written where somebody else has since ``last_before``."""
        not_lately = Q(watched_at__isnull=True) | Q(watched_at__lt=last_before)
        self.of(conference_id).filter(not_lately).update(watched_at=at)

    def lease(self, seen: "Observation", *, at: datetime, until: datetime) -> bool:
        """Whether the next reading is the caller's to ask for: not where the row is no longer as it was ``seen``."""
        unchanged = self.of(seen.conference_id).filter(
            read_at=seen.read_at, next_read_at=seen.next_read_at, leased_until=seen.leased_until
        )
        return bool(unchanged.update(watched_at=at, next_read_at=at, leased_until=until))

    def take_up(self, conference_id: int, *, watched_after: datetime, until: datetime) -> bool:
        """Whether the reading that was asked for is the caller's to make, and to write down before ``until``.

        Of several who were asked one gets it, and nobody where none has looked since ``watched_after``.
        """
        asked_for = self.of(conference_id).filter(
            next_read_at__lt=F("leased_until"), watched_at__gte=watched_after
        )
        return bool(asked_for.update(next_read_at=until, leased_until=until))

    def hold(self, conference_id: int, *, until: datetime) -> bool:
        """Whether the reading is still the caller's; if so, the row is locked until the transaction ends."""
        held = self.of(conference_id).filter(leased_until=until).select_for_update()
        return held.values_list("pk", flat=True).first() is not None

    def put_off(
        self, *, leased_until: datetime, next_read_at: datetime, problem: str, calm: int | None = None
    ) -> None:
        """Gives up a reading that was to be written down before ``leased_until``; there is another try later."""
        calm_too = {} if calm is None else {"calm": calm}
        self.filter(leased_until=leased_until).update(
            next_read_at=next_read_at, leased_until=None, problem=problem, **calm_too
        )

    def put_all_off(self, app: App, *, watched_after: datetime, until: datetime, problem: str) -> None:
        """Nothing of ``app`` that somebody has looked at since ``watched_after`` is read before ``until``.

        The caller holds the transaction.
        """
        sooner = self.filter(
            conference__app=app,
            watched_at__gte=watched_after,
            next_read_at__lt=until,
            leased_until__isnull=True,
        )
        # Whoever holds one of them is about to find the same: nobody waits for that.
        rows = sooner.select_for_update(skip_locked=True, of=("self",)).values("pk")
        self.filter(pk__in=rows).update(next_read_at=until, problem=problem)


class Observation(models.Model):
    """When the members of a conference were read, and when they are read next.

    Whoever looks notes it in ``watched_at``; one of them takes the lease and asks for a reading; one worker takes that
    up, from when on ``next_read_at`` is the end of the lease. ``calm`` counts the readings in a row that showed nothing
    new: the pauses grow with it. ``read_at`` is when DingTalk was asked for what is on record.
    """

    conference = models.OneToOneField(
        Conference, on_delete=models.CASCADE, primary_key=True, related_name="observation"
    )
    watched_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)
    next_read_at = models.DateTimeField(null=True)
    leased_until = models.DateTimeField(null=True)
    calm = models.PositiveSmallIntegerField(default=0)
    # DingTalk did not take the number of members that was asked for at once, and is asked for its own number.
    asks_for_default_pages = models.BooleanField(default=False)
    # When an event about its members was last applied.
    event_at = models.DateTimeField(null=True)
    # Why the last reading failed; "" where it did not.
    problem = models.CharField(max_length=128, blank=True)

    # Only where it was asked for: see `ObservationQuerySet.with_news`.
    has_news: bool

    objects = ObservationQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.conference_id}"

    @property
    def is_told_by_events(self) -> bool:
        """Whether events tell who is in this conference: one has, and they still come."""
        return self.event_at is not None and self.conference.app.hears_now

    def is_quiet_since(self, moment: datetime) -> bool:
        """Whether no event about its members has been applied after ``moment``."""
        return self.event_at is None or self.event_at < moment
