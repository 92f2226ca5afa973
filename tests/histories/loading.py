"""Puts lines into tables of PostgreSQL as fast as it takes them: by COPY, with triggers off and indexes made last."""

from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Self

import psycopg
from django.db import connection
from django.db.backends.utils import CursorWrapper

from tests.histories.telling import COLUMNS, Teller


class Loader:
    """Copies lines into their tables, each over a connection of its own, while the next are told."""

    def __enter__(self) -> Self:
        self._open = ExitStack()
        self._connections = {}
        for table in COLUMNS:
            self._connections[table] = self._open.enter_context(connect())
            # Keys are known to fit, and nothing may be counted twice.
            self._connections[table].execute("SET session_replication_role = replica")
        self._threads = self._open.enter_context(ThreadPoolExecutor(len(COLUMNS)))
        self._loading: list[Future[None]] = []
        return self

    def load(self, teller: Teller) -> None:
        """Takes the lines of ``teller`` away."""
        self._wait()
        lines, teller.lines = teller.lines, defaultdict(list)
        self._loading = [
            self._threads.submit(self._copy, table, "".join(some)) for table, some in lines.items()
        ]

    def __exit__(self, *error: object) -> None:
        try:
            self._wait()
        finally:
            self._open.close()

    def _wait(self) -> None:
        for loading in self._loading:
            loading.result()

    def _copy(self, table: str, lines: str) -> None:
        own = self._connections[table]
        with (
            own.cursor() as cursor,
            cursor.copy(f"COPY invites_{table} ({COLUMNS[table]}) FROM STDIN") as copy,
        ):
            copy.write(lines.encode())


def connect() -> psycopg.Connection:
    """A connection of its own to the database of Django, each statement for itself."""
    wanted = connection.get_connection_params()
    kept = {
        key: value for key, value in wanted.items() if key in {"dbname", "user", "password", "host", "port"}
    }
    return psycopg.connect(**kept, autocommit=True)


@contextmanager
def indexes_made_last(*, are_many: bool) -> Iterator[None]:
    """Without indexes but those of keys meanwhile, where that pays."""
    if not are_many:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT i.indrelid::regclass, i.indexrelid::regclass, pg_get_indexdef(i.indexrelid), c.conname,
                pg_get_constraintdef(c.oid)
            FROM pg_index i LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.contype = 'u'
            WHERE i.indrelid::regclass::text = ANY(%s) AND NOT i.indisprimary ORDER BY 1, 2
            """,
            [[f"invites_{table}" for table in COLUMNS]],
        )
        found = cursor.fetchall()
        again = []
        for table, index, definition, constraint, rule in found:
            if constraint:
                cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")
                again.append(f"ALTER TABLE {table} ADD CONSTRAINT {constraint} {rule}")
            else:
                cursor.execute(f"DROP INDEX {index}")
                again.append(definition)
    yield
    with ThreadPoolExecutor(2) as threads:
        for made in [threads.submit(_make_index, statement) for statement in again]:
            made.result()


def _make_index(statement: str) -> None:
    with connect() as own:
        own.execute("SET maintenance_work_mem = '1GB'")
        own.execute(statement)


def go_on_counting(cursor: CursorWrapper) -> None:
    """Lets the keys of new rows begin after those that were copied in."""
    for table in ("conference", "invitation", "batch", "attempt", "invitee"):
        cursor.execute(
            f"SELECT setval(pg_get_serial_sequence('invites_{table}', 'id'), max(id)) FROM invites_{table}"  # noqa: S608
        )
