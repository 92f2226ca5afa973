"""Lets tests empty the tables that the product's database keeps for good. Nothing else may go around its triggers."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.backends.base.operations import BaseDatabaseOperations
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.db.backends.utils import CursorWrapper

_OPERATIONS = DatabaseWrapper.ops_class
_flush_of_django = _OPERATIONS.sql_flush


def let_tables_be_emptied() -> None:
    """Lets the end of a test, or a benchmark, empty whole tables of this database; rows stay as they are kept."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT tgrelid::regclass FROM pg_trigger WHERE tgname = 'invites_keep_all'")
            for (table,) in cursor.fetchall():
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER invites_keep_all")
    else:
        _OPERATIONS.sql_flush = _flush  # type: ignore[method-assign,assignment]


def _flush(operations: BaseDatabaseOperations, *args: object, **kwargs: object) -> list[str]:
    """Django's statements, which delete from every table on SQLite, with the triggers taken away meanwhile."""
    statements = _flush_of_django(operations, *args, **kwargs)  # type: ignore[arg-type]
    triggers = _triggers()
    dropped = [f'DROP TRIGGER "{name}"' for name in triggers]
    return [*dropped, *statements, *triggers.values()]


def _triggers() -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'invites_keep_%'"
        )
        return dict(cursor.fetchall())


@contextmanager
def tampering() -> Iterator[CursorWrapper]:
    """A cursor for what somebody could do who rules the database: with no trigger in the way."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET session_replication_role = replica")
            yield cursor
            cursor.execute("SET session_replication_role = DEFAULT")
            return
        triggers = _triggers()
        for name in triggers:
            cursor.execute(f'DROP TRIGGER "{name}"')
        yield cursor
        for statement in triggers.values():
            cursor.execute(statement)
