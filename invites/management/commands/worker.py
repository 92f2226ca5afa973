"""Runs a worker: it delivers invitations, and every few seconds puts right what a dead process left behind."""

import logging
import os
import socket
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import Error, close_old_connections, connection
from django.utils import timezone
from django.utils.crypto import get_random_string

from invites import demo
from invites.connecting import ensure_apps
from invites.models import Worker
from invites.models.worker import HEARTBEAT_EVERY
from invites.recovering import recover

logger = logging.getLogger(__name__)


class Caretaker:
    """Reports that the worker is alive and recovers, in a thread of its own, until it is told to stop."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="caretaker", daemon=True)

    def __enter__(self) -> None:
        self.round()
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=5)
        Worker.objects.filter(pk=self._name).delete()

    def round(self) -> None:
        """One heartbeat and one recovery."""
        now = timezone.now()
        Worker.objects.update_or_create(
            pk=self._name, defaults={"seen_at": now}, create_defaults={"started_at": now, "seen_at": now}
        )
        Worker.objects.gone().delete()
        recover()

    def _run(self) -> None:
        while not self._stop.wait(HEARTBEAT_EVERY.total_seconds()):
            close_old_connections()
            try:
                self.round()
            except Error:
                # A database that is away comes back; until then there is nothing to put right.
                logger.exception("The database did not answer; trying again")
                connection.close()
        connection.close()


class Command(BaseCommand):
    """``python manage.py worker``"""

    help = "Delivers invitations. Start as many as you like, on as many machines as share the database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How often an idle worker looks for work."""
        parser.add_argument(
            "--interval", type=float, default=0.2, help="seconds between two looks for work (default: 0.2)"
        )

    def handle(self, *args: Any, interval: float, **options: Any) -> None:
        """Works until it is told to stop; what is under way is finished first."""
        name = f"{socket.gethostname()[:40]}-{os.getpid()}-{get_random_string(6)}"
        ensure_apps()
        demo.withdraw()
        with Caretaker(name):
            call_command("db_worker", interval=interval, worker_id=name, startup_delay=False, reload=False)
