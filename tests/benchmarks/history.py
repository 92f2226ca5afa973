"""Histories of ten thousand to five million attempts: what finding in them costs, and what the home page costs.

At a million, also beside Django's own admin, and with exports and the check of the sealed chain.
"""

import gc
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.core.management import call_command
from django.test import Client
from django.test.utils import setup_test_environment, teardown_test_environment

from dashboard.warming import warm_up
from invites.dingtalk.sandbox import SandboxServer
from invites.models import User
from tests.benchmarks.figures import Figure, milliseconds, timed_page
from tests.benchmarks.history_admin import beside_the_admin
from tests.benchmarks.history_asked import cases
from tests.benchmarks.history_export import exports
from tests.benchmarks.history_seals import seals
from tests.histories.filling import History, fill

SIZES = (10_000, 100_000, 1_000_000, 5_000_000)
FLAT_FROM, MILLION = 100_000, 1_000_000
MOST_MS = 50
WARM, HOMES = 2, 40
# The one of sixty who organizes most, and one of those who organize little.
ORGANIZERS = {"a busy organizer": 0, "a quiet organizer": -1}

type Kind = tuple[str, str, str]


@dataclass(kw_only=True)
class _Medians:
    """The median of each kind of question, by the size of the history."""

    by_kind: dict[Kind, dict[int, float]] = field(default_factory=dict)

    def note(self, kind: Kind, size: int, median: float) -> None:
        """Keeps one."""
        self.by_kind.setdefault(kind, {})[size] = median

    def flatness(self) -> Figure:
        """How much dearer the kind of question is that became dearest."""
        growth = {
            kind: by_size[SIZES[-1]] / by_size[FLAT_FROM]
            for kind, by_size in self.by_kind.items()
            if SIZES[-1] in by_size and FLAT_FROM in by_size
        }
        worst = max(growth, key=lambda kind: growth[kind])
        return Figure(
            name=f"a page at {SIZES[-1]:,} attempts / at {FLAT_FROM:,}, the kind that grows most",
            value=growth[worst],
            at_most=1.5,
            unit="×",
            detail=f"({', '.join(worst)}; on average {statistics.mean(growth.values()):.2f} ×)",
        )


def measure(_sandbox: SandboxServer) -> Iterator[Figure]:
    """One history after the other; whatever else is in the database is thrown away."""
    medians = _Medians()
    _empty()
    # As every web process does when it starts.
    warm_up()
    for size in SIZES:
        begun = time.perf_counter()
        history = fill(size)
        print(f"       ({size:,} attempts filled in {time.perf_counter() - begun:.0f} s)")
        # What tests note about every template that is rendered would be measured, too.
        teardown_test_environment()
        try:
            yield from measure_filled(history, medians)
            if size == MILLION:
                yield from beside_the_admin(history)
                yield from exports(history)
                yield from seals()
        finally:
            setup_test_environment()
            _empty()
    yield medians.flatness()


def measure_filled(history: History, medians: _Medians) -> Iterator[Figure]:
    """What pages cost in one history."""
    history.auditor.may_see_phone_numbers = True
    history.auditor.save()
    viewers = {"an auditor": history.auditor}
    viewers |= {name: history.organizers[place] for name, place in ORGANIZERS.items()}
    for name, user in viewers.items():
        client = Client(SERVER_NAME="localhost")
        client.force_login(user)
        for deep in (False, True):
            yield _slowest_kind(client, user, name, history.attempts, medians, deep=deep)
        home = [timed_page(client, "/", {}) for _ in range(WARM + HOMES)][WARM:]
        median, high = milliseconds(home)
        yield Figure(
            name=f"home page of {name}, {history.attempts:,} attempts, 95th percentile",
            value=high,
            at_most=MOST_MS,
            unit="ms",
            detail=f"(median {median:.1f} ms)",
        )


def _slowest_kind(
    client: Client, user: User, name: str, size: int, medians: _Medians, *, deep: bool
) -> Figure:
    """Of the kinds of questions that ``user`` asks, the one whose 95th percentile is the highest."""
    where = "deep down" if deep else "first"
    found: list[tuple[float, float, str]] = []
    asked = list(cases(user, deep=deep))
    # The attempts that the questions are about are gone by now; no server would hold thousands of them.
    gc.collect()
    for case in asked:
        took = [timed_page(client, "/history/", query) for query in case.queries]
        median, high = milliseconds(took[WARM:])
        medians.note((name, where, case.name), size, median)
        found.append((high, median, case.name))
    found.sort(reverse=True)
    dearest = ", ".join(f"{kind} {high:.0f}" for high, _median, kind in found[:4])
    usual = statistics.median(median for _high, median, _kind in found)
    return Figure(
        name=f"{where} pages of {name}, {size:,} attempts, each kind of question: highest 95th percentile",
        value=found[0][0],
        at_most=MOST_MS,
        unit="ms",
        detail=f"({dearest} ms; median of all {usual:.0f} ms)",
    )


def _empty() -> None:
    call_command("flush", interactive=False, verbosity=0)
