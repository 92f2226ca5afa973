"""Whether this process can answer, and how everything behind it is. Anybody may ask, so nothing here tells a name.

The database and its migrations decide whether it can answer. Everything else is told and takes nothing offline: the
history can be read while nobody can be invited.
"""

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from invites import clock
from invites.models import App, AppCount, Attempt, SealedDay, Worker
from invites.surveying import running
from invites.tasks import LISTS

ANSWER_WITHIN = 2.0
"""A database that has said nothing for so many seconds counts as away."""

# Migrations that were found applied are not looked for again for so long; the code of a process never changes.
MIGRATIONS_GOOD_FOR = 60.0
# Who is due waits for a free worker that long at most, in seconds, while anything works.
LATE_AFTER = 60.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """How everything behind the pages is, at one moment.

    ``apps_refused`` are those whose last call DingTalk refused for want of a token or a permission, ``apps_silent``
    those whose connection for events is gone; ``batch_waits`` and ``task_waits`` say how many seconds the longest has
    waited that could be taken up, the latter for each queue.
    """

    workers: int
    apps_resting: int
    apps_refused: int
    apps_silent: int
    batch_waits: float
    task_waits: Mapping[str, float]
    unsealed: tuple[date, ...]

    def complaints(self) -> Iterator[tuple[str, str]]:
        """What is amiss, and why."""
        if not self.workers:
            yield "workers", "No worker has reported lately: nobody is invited until one is started."
        if self.apps_resting:
            yield "dingtalk", f"DingTalk asked {self.apps_resting} app(s) to wait."
        if self.apps_refused:
            yield (
                "dingtalk",
                f"DingTalk refused the last call of {self.apps_refused} app(s): see the history.",
            )
        if self.apps_silent:
            yield (
                "events",
                f"No events come for {self.apps_silent} app(s): does manage.py dingtalk_stream run?",
            )
        if self.batch_waits > LATE_AFTER:
            yield "queue", f"People have been due for {self.batch_waits:.0f} s, and nobody calls them."
        for queue, waits in self.task_waits.items():
            if waits > LATE_AFTER and queue != LISTS:
                yield "queue", f"A task in the queue {queue} has waited for {waits:.0f} s."
        # Yesterday is sealed when the last of its attempts has an outcome, some time today.
        if self.unsealed and self.unsealed[0] < clock.today() - timedelta(days=1):
            yield "sealing", f"The history has not been sealed since before {self.unsealed[0]}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Whether requests can be answered; if not, ``problem`` says why. ``complaints`` do not decide it."""

    problem: str = ""
    complaints: tuple[tuple[str, str], ...] = ()

    @property
    def status(self) -> str:
        """In one word."""
        if self.problem:
            return "unavailable"
        return "degraded" if self.complaints else "ok"


def vitals() -> Vitals:
    """How everything is now. A few queries, each of which costs the same however long the history is."""
    usable = App.objects.usable()
    newest = Attempt.objects.newest_answered_of_app()
    apps = list(usable.with_last_answer(newest).without_secrets())
    sealed = SealedDay.objects.last_sealed()
    return Vitals(
        workers=Worker.objects.alive().count(),
        apps_resting=usable.resting().count(),
        apps_refused=sum(
            bool(app.answer_code) and running.lacks_access(app.answer_code or "") for app in apps
        ),
        apps_silent=sum(app.is_silent for app in apps),
        batch_waits=_seconds_since(running.people_wait_since()),
        task_waits={queue: _seconds_since(since) for queue, since in running.queues_wait_since().items()},
        unsealed=tuple(AppCount.objects.days(after=sealed.day if sealed else None, before=clock.today())),
    )


def _seconds_since(moment: datetime | None) -> float:
    return 0.0 if moment is None else max(0.0, (timezone.now() - moment).total_seconds())


@dataclass(slots=True)
class _Migrations:
    """Whether the database is as the code wants it, remembered for a while once it is."""

    applied_until: float = 0.0

    def pending(self) -> int:
        if time.monotonic() < self.applied_until:
            return 0
        executor = MigrationExecutor(connection)
        pending = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        if not pending:
            self.applied_until = time.monotonic() + MIGRATIONS_GOOD_FOR
        return pending


_migrations = _Migrations()


def _look() -> Health:
    try:
        if pending := _migrations.pending():
            return Health(problem=f"The database lacks {pending} migration(s): run manage.py migrate.")
        return Health(complaints=tuple(vitals().complaints()))
    except Error:
        logger.exception("The database did not answer")
        return Health(problem="The database does not answer.")


class _Look(threading.Thread):
    """One look, in a thread of its own: a server that is cut off keeps whoever asks it for minutes."""

    def __init__(self) -> None:
        super().__init__(name="health", daemon=True)
        self.health = Health(problem="The database did not answer in time.")
        self.done = threading.Event()

    def run(self) -> None:
        try:
            self.health = _look()
        finally:
            connection.close()
            self.done.set()


@dataclass(slots=True)
class _Looks:
    """Whoever asks while a look is under way gets what comes of it: one thread waits for a server that is gone."""

    last: _Look | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def result(self) -> Health:
        with self.lock:
            look = self.last
            if look is None or look.done.is_set():
                look = self.last = _Look()
                look.start()
        look.done.wait(ANSWER_WITHIN)
        return look.health


_looks = _Looks()


def check() -> Health:
    """How everything is, after ANSWER_WITHIN seconds at the latest."""
    return _looks.result()
