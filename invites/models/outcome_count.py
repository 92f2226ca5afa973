"""Counts of the history that the database keeps up by itself, with triggers (migration 0006), for pages that must cost
the same however long the history is.

A row is for one day by the installation's clock, one state and one code. ``shard`` only keeps senders on PostgreSQL
from waiting for each other: rows that differ in nothing else are added up. Counts stay when retention removes attempts.
"""

from datetime import date
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from invites.models.app import App
from invites.models.conference import Conference, ConferenceQuerySet

LATENCY_BUCKETS_MS = (100, 250, 500, 1000, 2500, 5000, 10_000)
"""Upper bounds of the columns ``ms_…``, which count the answers between one bound and the one before."""


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


class AppCountQuerySet(models.QuerySet["AppCount"]):
    """Queries over counts for apps."""

    def between(self, first: date, last: date) -> Self:
        """Those of the days from ``first`` to ``last``."""
        return self.filter(day__range=(first, last))

    def of_app(self, app: App) -> Self:
        """Those of ``app``."""
        return self.filter(app=app)


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


class ConferenceCountQuerySet(models.QuerySet["ConferenceCount"]):
    """Queries over counts for conferences."""

    def between(self, first: date, last: date) -> Self:
        """Those of the days from ``first`` to ``last``."""
        return self.filter(day__range=(first, last))

    def of_conferences(self, conferences: ConferenceQuerySet) -> Self:
        """Those of any of ``conferences``."""
        return self.filter(conference__in=conferences)


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


class TurnoutQuerySet(models.QuerySet["Turnout"]):
    """Queries over turnouts."""

    def between(self, first: date, last: date) -> Self:
        """Those of the days from ``first`` to ``last``."""
        return self.filter(day__range=(first, last))

    def of_conferences(self, conferences: ConferenceQuerySet) -> Self:
        """Those of any of ``conferences``."""
        return self.filter(conference__in=conferences)


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
