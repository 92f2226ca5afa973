"""What Prometheus reads: how everything is, and how much was called, from counts that the database keeps.

Nothing here grows with the history, and no counter ever goes down: the counts of a day stay when its attempts are
removed. Each scrape asks afresh, so that all processes tell the same.
"""

import logging
from collections.abc import Iterator
from itertools import accumulate

from django.db import Error
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from dashboard import about, health
from invites import pacing
from invites.models import App, AppCount, Batch, CallCount, ContactImport
from invites.models.outcome_count import LATENCY_BUCKETS_MS
from invites.models.spending import spending_of_apps

logger = logging.getLogger(__name__)


class _Answers:
    """How long the answers to one app took: the counts of `invites.models.outcome_count`, bucket by bucket."""

    def __init__(self) -> None:
        self.counts = [0] * (len(LATENCY_BUCKETS_MS) + 1)
        self.ms = 0

    def add(self, counts: tuple[int, ...], ms: int) -> None:
        self.counts = [one + other for one, other in zip(self.counts, counts, strict=True)]
        self.ms += ms

    @property
    def buckets(self) -> list[tuple[str, float]]:
        """As Prometheus wants them: everything up to each bound."""
        bounds = [str(bound / 1000) for bound in LATENCY_BUCKETS_MS]
        return list(zip([*bounds, "+Inf"], map(float, accumulate(self.counts)), strict=True))


class HistoryCollector(Collector):
    """Everything that stands in the database. Where it does not answer, that alone is told."""

    def collect(self) -> Iterator[Metric]:
        """All families; a scrape is never half of the truth."""
        try:
            families = [*_attempts(), *_calls(), *_vitals()]
        except Error:
            logger.exception("The database did not answer a scrape")
            families = []
        yield GaugeMetricFamily("invites_database_up", "Whether the database answered.", value=bool(families))
        yield from families


def _attempts() -> Iterator[Metric]:
    totals = AppCount.objects.totals()
    # After what names them: an app may be new.
    names = App.objects.names()
    attempts = CounterMetricFamily(
        "invites_attempts", "Calls that invite people, by outcome.", labels=["app", "state", "code"]
    )
    people = CounterMetricFamily(
        "invites_people", "People in those calls, by what became of the call.", labels=["app", "state"]
    )
    answers = {pk: _Answers() for pk in names}
    of_state: dict[tuple[int, str], int] = {}
    for row in totals:
        attempts.add_metric([names[row.app], row.state, row.code], row.attempts)
        of_state[row.app, row.state] = of_state.get((row.app, row.state), 0) + row.people
        answers[row.app].add(row.answered_within, row.ms)
    for (app, state), number in of_state.items():
        people.add_metric([names[app], state], number)
    seconds = HistogramMetricFamily(
        "invites_answer_seconds", "From the claim of a batch to DingTalk's answer.", labels=["app"]
    )
    for app, answer in answers.items():
        seconds.add_metric([names[app]], answer.buckets, answer.ms / 1000)
    yield from (attempts, people, seconds)


def _calls() -> Iterator[Metric]:
    calls = CounterMetricFamily(
        "invites_calls", "All calls to DingTalk, by operation.", labels=["app", "operation", "exempt"]
    )
    for app, operation, is_exempt, number in CallCount.objects.totals():
        calls.add_metric([app, operation, str(is_exempt).lower()], number)
    spent = GaugeMetricFamily(
        "invites_quota_spent_calls", "Calls of this month that are taken from the quota.", labels=["app"]
    )
    quota = GaugeMetricFamily(
        "invites_quota_calls", "Calls that a month may have; 0 where there is no limit.", labels=["app"]
    )
    for each in spending_of_apps():
        spent.add_metric([each.app.name], each.spent)
        quota.add_metric([each.app.name], each.quota)
    yield from (calls, spent, quota)


def _vitals() -> Iterator[Metric]:
    now = health.vitals()
    batches = Batch.objects.waiting_by_app()
    names = App.objects.names()
    yield GaugeMetricFamily("invites_workers", "Workers that reported lately.", value=now.workers)
    yield GaugeMetricFamily(
        "invites_apps_resting",
        "Apps that leave DingTalk alone because it asked for that.",
        value=now.apps_resting,
    )
    yield GaugeMetricFamily(
        "invites_apps_refused", "Apps whose last call lacked a token or a permission.", value=now.apps_refused
    )
    yield GaugeMetricFamily(
        "invites_apps_silent", "Apps whose connection for events is gone.", value=now.apps_silent
    )
    yield GaugeMetricFamily(
        "invites_oldest_due_batch_seconds",
        "How long people have been due whom nobody calls.",
        value=now.batch_waits,
    )
    tasks = GaugeMetricFamily(
        "invites_oldest_due_task_seconds",
        "How long a task has been due that no worker took.",
        labels=["queue"],
    )
    for queue, waits in now.task_waits.items():
        tasks.add_metric([queue], waits)
    waiting = GaugeMetricFamily("invites_batches_waiting", "Batches still to be sent.", labels=["app"])
    for app, number in batches.items():
        waiting.add_metric([names[app]], number)
    turn = GaugeMetricFamily(
        "invites_rate_limit_wait_seconds",
        "How long a call that is wanted now has to wait for its turn.",
        labels=["app", "operation"],
    )
    for app, operation, seconds in pacing.waits():
        turn.add_metric([names.get(app, ""), operation], seconds)
    yield from (tasks, waiting, turn)
    yield GaugeMetricFamily(
        "invites_unsealed_days", "Days of the history that are over and not sealed.", value=len(now.unsealed)
    )
    yield GaugeMetricFamily(
        "invites_imports_under_way",
        "Lists that workers read or store.",
        value=ContactImport.objects.under_way().count(),
    )
    yield InfoMetricFamily("invites_build", "What runs here.", value={"version": about.product_version()})


def _registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(HistoryCollector())
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return registry


REGISTRY = _registry()
