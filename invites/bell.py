"""Wakes idle workers the moment there is something to do. Must not carry what is to be done: tasks do.

On PostgreSQL a worker listens, which costs nothing while nobody rings; on SQLite, where nobody can ring, it looks again
after a moment. Either way it also looks by itself now and then, for tasks that were put off until later.
"""

import logging
import time
from typing import Protocol

import psycopg
from django.db import connection

CHANNEL = "invites_bell"
# How long a worker sleeps at most before it looks by itself, in seconds.
LISTENING = 1.0
LOOKING = 0.25

logger = logging.getLogger(__name__)


class Ear(Protocol):
    """What an idle worker sleeps on."""

    def wait(self) -> None:
        """Returns when somebody rang, or after a while."""

    def close(self) -> None:
        """Ends the listening."""


def ring() -> None:
    """Wakes every idle worker, once the transaction that this is called in is committed."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])


def ear() -> Ear:
    """An ear for the database in use."""
    return ListeningEar() if connection.vendor == "postgresql" else LookingEar()


class LookingEar:
    """Sleeps for a moment, so that the worker looks for itself."""

    def wait(self) -> None:
        """Returns after a moment."""
        time.sleep(LOOKING)

    def close(self) -> None:
        """Nothing is open."""


class ListeningEar:
    """Sleeps on a connection of its own until PostgreSQL passes on a ring."""

    def __init__(self) -> None:
        self._connection: psycopg.Connection | None = None

    def wait(self) -> None:
        """Returns when somebody rang, or after a while; while the server is away, after a while."""
        try:
            for _ring in self._listening().notifies(timeout=LISTENING, stop_after=1):
                return
        except psycopg.Error:
            logger.warning("Not listening to PostgreSQL at present; looking for work instead")
            self.close()
            time.sleep(LISTENING)

    def close(self) -> None:
        """Ends the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _listening(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            ours = {"cursor_factory", "context", "prepare_threshold"}
            parameters = {k: v for k, v in connection.get_connection_params().items() if k not in ours}
            self._connection = psycopg.connect(**parameters, autocommit=True)
            self._connection.execute(f"LISTEN {CHANNEL}")
        return self._connection
