"""Counts of the history that the database keeps up by itself, with triggers (migration 0007), for pages that
must cost the same however long the history is.

A row is for one day by the installation's clock, one state and one code. ``shard`` only keeps senders on PostgreSQL
from waiting for each other: rows that differ in nothing else are added up. Counts stay when retention removes attempts.
"""

from datetime import date
from typing import NamedTuple, Self

from django.db import connection, models
from django.db.models import Max, Q, Sum
from django.utils.translation import gettext_lazy as _

from invites.models.app import App
from invites.models.conference import Conference, ConferenceKeys, ConferenceQuerySet
from invites.models.keys import with_any
from invites.models.member import CAME

LATENCY_BUCKETS_MS = (100, 250, 500, 1000, 2500, 5000, 10_000)
"""Upper bounds of the columns ``ms_…``, which count the answers between one bound and the one before."""


def _to_compact(name: str) -> models.Index:
    """What finds the rows that are still to be added up into shard 0 once their day is over."""
    return models.Index(fields=["day"], condition=Q(shard__gt=0), name=name)


class DayCount(NamedTuple):
    """The attempts of one day that ended in one state."""

    day: date
    state: str
    attempts: int
    people: int


class CodeCount(NamedTuple):
    """How often attempts ended with one code."""

    code: str
    attempts: int


class OutcomeCount(NamedTuple):
    """How many attempts ended in one state, and with how many people."""

    state: str
    attempts: int
    people: int


class CodeSeen(NamedTuple):
    """How often attempts ended with one code, and when that was last."""

    code: str
    attempts: int
    last: date


class SlowestAnswer(NamedTuple):
    """The slowest answer of one day, state and code; the attempt may have been removed."""

    day: date
    ms: int
    attempt: int


class _CountsQuerySet[C: "_Counts"](models.QuerySet[C]):
    """What is asked of both kinds of counts."""

    def between(self, first: date, last: date) -> Self:
        """Those of the days from ``first`` to ``last``."""
        return self.filter(day__range=(first, last))

    def by_day(self) -> list[DayCount]:
        """Attempts and people of each day and state that occurs."""
        rows = self.order_by().values_list("day", "state").annotate(n=Sum("attempts"), of=Sum("people"))
        return [DayCount(*row) for row in rows]

    def by_code(self, limit: int) -> list[CodeCount]:
        """The ``limit`` codes that attempts ended with most often."""
        rows = self.exclude(error_code="").values_list("error_code").annotate(n=Sum("attempts"))
        return [CodeCount(*row) for row in rows.order_by("-n", "error_code")[:limit]]

    def by_outcome(self) -> list[OutcomeCount]:
        """Attempts and people of each state that occurs, the most frequent first."""
        rows = self.order_by().values_list("state").annotate(n=Sum("attempts"), of=Sum("people"))
        return [OutcomeCount(*row) for row in rows.order_by("-n", "state")]

    def codes_seen(self) -> list[CodeSeen]:
        """All codes that occur, with how often and on which day last."""
        rows = self.exclude(error_code="").order_by().values_list("error_code")
        return [CodeSeen(*row) for row in rows.annotate(n=Sum("attempts"), last=Max("day"))]

    def slowest(self, limit: int) -> list[SlowestAnswer]:
        """The ``limit`` slowest answers, of which each row tells its own one."""
        rows = self.filter(slowest_ms__gt=0, slowest_attempt__isnull=False).order_by("-slowest_ms", "-day")
        return [
            SlowestAnswer(*row) for row in rows.values_list("day", "slowest_ms", "slowest_attempt")[:limit]
        ]


class _Counts(models.Model):
    day = models.DateField()
    state = models.CharField(max_length=16)
    error_code = models.CharField(max_length=128, blank=True)
    shard = models.PositiveSmallIntegerField(default=0)
    attempts = models.PositiveBigIntegerField(default=0)
    people = models.PositiveBigIntegerField(default=0)
    slowest_ms = models.PositiveIntegerField(default=0)
    # Not a key: the attempt may have been removed.
    slowest_attempt = models.BigIntegerField(null=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.day} {self.state} {self.error_code}: {self.attempts}"


class OutcomeTotal(NamedTuple):
    """What was ever counted of one app, state and code; ``answered_within`` holds the sums of the columns ``ms_…``."""

    app: int
    state: str
    code: str
    attempts: int
    people: int
    ms: int
    answered_within: tuple[int, ...]


class AppCountQuerySet(_CountsQuerySet["AppCount"]):
    """Queries over counts for apps."""

    def first_day(self, *, after: date | None, before: date) -> date | None:
        """The first day on which any attempt was made: after ``after``, where that is given, and before ``before``."""
        return self._days(after, before).first()

    def of_app(self, app: App | int) -> Self:
        """Those of ``app``."""
        return self.filter(app=app)

    def totals(self) -> "list[OutcomeTotal]":
        """All that was ever counted, for each app, state and code."""
        within = [f"ms_{bound}" for bound in (*LATENCY_BUCKETS_MS, "more")]
        rows = (
            self.order_by()
            .values_list("app", "state", "error_code")
            .annotate(
                n=Sum("attempts"),
                of=Sum("people"),
                ms=Sum("ms_sum"),
                **{f"n_{name}": Sum(name) for name in within},
            )
        )
        return [
            OutcomeTotal(
                app=app, state=state, code=code, attempts=n, people=of, ms=ms, answered_within=tuple(counts)
            )
            for app, state, code, n, of, ms, *counts in rows
        ]

    def days(self, *, after: date | None, before: date) -> list[date]:
        """The days, in order, on which any attempt was made, between ``before`` and, where it is given, ``after``."""
        return list(self._days(after, before).distinct())

    def _days(self, after: date | None, before: date) -> "models.QuerySet[AppCount, date]":
        """The day of each row between ``before`` and, where it is given, ``after``, in order."""
        found = self.filter(day__lt=before) if after is None else self.filter(day__gt=after, day__lt=before)
        return found.order_by("day").values_list("day", flat=True)


class AppCount(_Counts):
    """Finished attempts through one app, with how long they took."""

    app = models.ForeignKey(App, on_delete=models.PROTECT, related_name="+", db_index=False)
    ms_sum = models.PositiveBigIntegerField(default=0)
    ms_100 = models.PositiveBigIntegerField(default=0)
    ms_250 = models.PositiveBigIntegerField(default=0)
    ms_500 = models.PositiveBigIntegerField(default=0)
    ms_1000 = models.PositiveBigIntegerField(default=0)
    ms_2500 = models.PositiveBigIntegerField(default=0)
    ms_5000 = models.PositiveBigIntegerField(default=0)
    ms_10000 = models.PositiveBigIntegerField(default=0)
    ms_more = models.PositiveBigIntegerField(default=0)

    objects = AppCountQuerySet.as_manager()

    class Meta:
        verbose_name = _("count of outcomes of an app")
        constraints = (
            models.UniqueConstraint(
                fields=["day", "app", "state", "error_code", "shard"], name="app_count_once"
            ),
        )
        indexes = (_to_compact("app_count_to_compact"),)


class ConferenceCountQuerySet(_CountsQuerySet["ConferenceCount"]):
    """Queries over counts for conferences."""

    def of_conferences(self, conferences: ConferenceQuerySet) -> Self:
        """Those of any of ``conferences``."""
        return self.filter(conference__in=conferences)

    def among(self, conferences: ConferenceKeys) -> Self:
        """Those of the conferences with these keys."""
        return self.filter(with_any("conference", conferences))


class ConferenceCount(_Counts):
    """Finished attempts into one conference, for those who may see only some conferences."""

    conference = models.ForeignKey(Conference, on_delete=models.PROTECT, related_name="+", db_index=False)

    objects = ConferenceCountQuerySet.as_manager()

    class Meta:
        verbose_name = _("count of outcomes of a conference")
        constraints = (
            models.UniqueConstraint(
                fields=["conference", "day", "state", "error_code", "shard"], name="conference_count_once"
            ),
        )
        indexes = (_to_compact("conference_count_to_compact"),)


class DayTurnoutOf(NamedTuple):
    """What was sent on one day, and how many of its people were seen and have come."""

    day: date
    invitations: int
    observed: int
    joined: int


class TurnoutTotal(NamedTuple):
    """How many invitations were sent, of how many people the conference told anything, and how many have come."""

    invitations: int
    observed: int
    joined: int


class _TurnoutsQuerySet[T: models.Model](models.QuerySet[T]):
    """What is asked of turnouts of conferences and of those of whole days."""

    def between(self, first: date, last: date) -> Self:
        """Those of the days from ``first`` to ``last``."""
        return self.filter(day__range=(first, last))

    def total(self) -> TurnoutTotal:
        """The sums of all of these."""
        fields = ("invitations", "observed", "joined")
        sums = self.aggregate(**{field: Sum(field, default=0) for field in fields})
        return TurnoutTotal(**sums)

    def by_day(self) -> list[DayTurnoutOf]:
        """The sums of each day that occurs."""
        sums = {"n": Sum("invitations"), "seen": Sum("observed"), "came": Sum("joined")}
        return [DayTurnoutOf(*row) for row in self.order_by().values_list("day").annotate(**sums)]


# One member is one person, however often called: they count on the day on which they were called last. Days that nobody
# belongs to any more are counted anew as well, but for those whose rows retention has removed.
_KEEP_TURNOUT = """
    INSERT INTO invites_turnout (conference_id, day, invitations, observed, joined)
    WITH people AS (
        SELECT MAX(a.day) AS day,
            MAX(CASE WHEN m.joined_at IS NOT NULL OR m.attendance IN ({came}) THEN 1 ELSE 0 END) AS came
        FROM invites_invitation v
        JOIN invites_invitee p ON p.invitation_id = v.id AND p.state = 'invited'
        JOIN invites_member m ON m.id = p.member_id
        JOIN invites_attempt a ON a.id = p.last_attempt_id
        WHERE v.conference_id = %(conference)s AND v.sent_at IS NOT NULL
        GROUP BY m.id
    ), counted AS (
        SELECT day, COUNT(*) AS observed, SUM(came) AS joined FROM people GROUP BY day
        UNION ALL
        SELECT t.day, 0, 0 FROM invites_turnout t
        WHERE t.conference_id = %(conference)s AND t.observed > 0
            AND NOT EXISTS (SELECT 1 FROM people WHERE people.day = t.day)
            AND NOT EXISTS (SELECT 1 FROM invites_sealedday s WHERE s.day = t.day AND s.removed_at IS NOT NULL)
    )
    SELECT %(conference)s, day, 0, observed, joined FROM counted WHERE TRUE ORDER BY day
    ON CONFLICT (conference_id, day) DO UPDATE SET observed = excluded.observed, joined = excluded.joined
    WHERE invites_turnout.observed <> excluded.observed OR invites_turnout.joined <> excluded.joined
"""


class TurnoutQuerySet(_TurnoutsQuerySet["Turnout"]):
    """Queries over turnouts."""

    def conferences(self) -> list[int]:
        """The keys of the conferences that they are of."""
        return list(self.order_by().values_list("conference_id", flat=True).distinct())

    def keep(self, conference_id: int) -> None:
        """Counts anew, in one statement, who of the people of a conference was observed and who has come."""
        came = ", ".join(f"'{attendance.value}'" for attendance in CAME)
        with connection.cursor() as cursor:
            cursor.execute(_KEEP_TURNOUT.format(came=came), {"conference": conference_id})

    def among(self, conferences: ConferenceKeys) -> Self:
        """Those of the conferences with these keys."""
        return self.filter(with_any("conference", conferences))


class Turnout(models.Model):
    """How many invitations were sent into a conference on one day; and of the people whom DingTalk took for it that
    day, of how many the conference has told anything (``observed``), and how many have been in it (``joined``).

    ``invitations`` is kept by a trigger; the rest by whoever reads the conference's members (`invites.observing`).
    """

    conference = models.ForeignKey(
        Conference, on_delete=models.PROTECT, related_name="turnouts", db_index=False
    )
    day = models.DateField()
    invitations = models.PositiveIntegerField(default=0)
    observed = models.PositiveIntegerField(default=0)
    joined = models.PositiveIntegerField(default=0)

    objects = TurnoutQuerySet.as_manager()

    class Meta:
        verbose_name = _("turnout")
        constraints = (models.UniqueConstraint(fields=["conference", "day"], name="turnout_once"),)
        indexes = (models.Index(fields=["day"], name="turnout_by_day"),)

    def __str__(self) -> str:
        return f"{self.conference_id} {self.day}"


class DayTurnoutQuerySet(_TurnoutsQuerySet["DayTurnout"]):
    """Queries over turnouts of whole days."""


class DayTurnout(models.Model):
    """The turnouts of all conferences on one day, added up by a trigger on them.

    A shard alone may be below nothing: what was counted in one may be taken back in another.
    """

    day = models.DateField()
    shard = models.PositiveSmallIntegerField(default=0)
    invitations = models.BigIntegerField(default=0)
    observed = models.BigIntegerField(default=0)
    joined = models.BigIntegerField(default=0)

    objects = DayTurnoutQuerySet.as_manager()

    class Meta:
        verbose_name = _("turnout of a day")
        constraints = (models.UniqueConstraint(fields=["day", "shard"], name="day_turnout_once"),)
        indexes = (_to_compact("day_turnout_to_compact"),)

    def __str__(self) -> str:
        return f"{self.day}/{self.shard}"
