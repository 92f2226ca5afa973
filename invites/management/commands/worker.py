"""Runs a worker: it delivers invitations, and every few seconds puts right what a dead process left behind."""

import logging
import os
import signal
import socket
import sys
import threading
import time
from argparse import ArgumentTypeError
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error, close_old_connections, connection
from django.tasks import DEFAULT_TASK_BACKEND_ALIAS, task_backends
from django.utils import timezone
from django.utils.crypto import get_random_string
from django_tasks_db import DatabaseBackend

from invites import bell, demo, receiving
from invites.connecting import ensure_apps
from invites.management.crew import Crew
from invites.models import Worker as WorkerRow
from invites.recovering import recover

PRUNE_EVERY_SECONDS = 3600

logger = logging.getLogger(__name__)


class Caretaker:
    """Reports that the worker is alive and recovers, in a thread of its own, until it is told to stop."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="caretaker", daemon=True)

    def __enter__(self) -> None:
        try:
            self.round()
        except BaseException:
            # Told to stop at this very moment.
            self._take_leave()
            raise
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=5)
        self._take_leave()

    def _take_leave(self) -> None:
        WorkerRow.objects.filter(pk=self._name).delete()

    def round(self) -> None:
        """One heartbeat and one recovery."""
        now = timezone.now()
        WorkerRow.objects.update_or_create(
            pk=self._name, defaults={"seen_at": now}, create_defaults={"started_at": now, "seen_at": now}
        )
        WorkerRow.objects.gone().delete()
        recover()

    def _run(self) -> None:
        next_pruning = time.monotonic()
        while not self._stop.wait(settings.HEARTBEAT_SECONDS):
            close_old_connections()
            try:
                self.round()
                if time.monotonic() >= next_pruning:
                    # What was done stands in our own history; the engine's rows are of no use afterwards.
                    call_command("prune_db_task_results", min_age_days=1, failed_min_age_days=7, verbosity=0)
                    # Here and not in every round, since it looks through all events that are kept.
                    receiving.forget_old()
                    next_pruning = time.monotonic() + PRUNE_EVERY_SECONDS
            except Error:
                # A database that is away comes back; until then there is nothing to put right.
                logger.exception("The database did not answer; trying again")
                connection.close()
        connection.close()


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ArgumentTypeError("at least 1")
    return number


def _stop_on_signals(crew: Crew) -> None:
    """Told once, the worker finishes its calls; told twice, it ends at once, and they are closed as unknown later."""

    def stop(number: int, frame: FrameType | None) -> None:
        if crew.is_stopping:
            sys.exit(1)
        crew.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)


class Command(BaseCommand):
    """``python manage.py worker``"""

    help = "Delivers invitations. Start as many as you like, on as many machines as share the database."

    def add_arguments(self, parser: CommandParser) -> None:
        """Adds how much it does at the same time."""
        parser.add_argument(
            "--calls-in-flight",
            type=_positive,
            default=settings.CALLS_IN_FLIGHT,
            help="how many calls to DingTalk may be under way at the same time (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Works until it is told to stop; the calls under way are finished first."""
        if not isinstance(task_backends[DEFAULT_TASK_BACKEND_ALIAS], DatabaseBackend):
            raise CommandError("TASKS_BACKEND names another engine: start that engine's own worker.")
        name = f"{socket.gethostname()[:40]}-{os.getpid()}-{get_random_string(6)}"
        ensure_apps()
        demo.withdraw()
        # The engine speaks of every look for work, and warns of every stop, which is no trouble; the attempts are what
        # an administrator wants to read.
        logging.getLogger("django_tasks_db").setLevel(logging.ERROR)
        listening = bell.ear()
        crew = Crew(name=name, size=options["calls_in_flight"])
        _stop_on_signals(crew)
        with Caretaker(name), crew:
            try:
                while not crew.is_stopping:
                    crew.look()
                    listening.wait()
            finally:
                listening.close()
