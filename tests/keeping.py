"""Lets tests empty the tables that the product's database keeps for good. Nothing else may go around its triggers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.core.management.commands import flush
from django.db import connection
from django.db.backends.base.operations import BaseDatabaseOperations
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.db.backends.utils import CursorWrapper

_OPERATIONS = DatabaseWrapper.ops_class
_flush_of_django = _OPERATIONS.sql_flush
# Migrating fills these, and no test changes them.
_NAMES = ("django_content_type", "auth_permission")


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


def let_tests_end_quickly() -> None:
    """Lets the end of a test empty the tables that have rows, and keep the names of models and permissions.

    Django empties all tables and gives those names anew, which takes longer than most of what tests do.
    """
    names = _count_names()

    def sql_flush(
        operations: BaseDatabaseOperations, style: object, tables: Sequence[str], **_kwargs: object
    ) -> list[str]:
        assert _count_names() == names, "a test has changed the names of models or permissions"
        filled = _filled([table for table in tables if table not in _NAMES])
        statements = [f"DELETE FROM {operations.quote_name(table)}" for table in filled]  # noqa: S608
        if not filled:
            return []
        if connection.vendor == "postgresql":
            # Neither our triggers are asked nor foreign keys.
            return ["SET LOCAL session_replication_role = replica", *statements]
        triggers = _triggers(*filled)
        return [*(f'DROP TRIGGER "{name}"' for name in triggers), *statements, *triggers.values()]

    type(connection.ops).sql_flush = sql_flush  # type: ignore[method-assign,assignment]
    flush.emit_post_migrate_signal = lambda *_args: None  # type: ignore[attr-defined]


def _count_names() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"SELECT count(*) FROM {table}" for table in _NAMES))  # noqa: S608
        return [number for (number,) in cursor.fetchall()]


def _filled(tables: Sequence[str]) -> list[str]:
    """Those that have rows, asked for in one question."""
    with connection.cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join(
                f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {connection.ops.quote_name(table)})"  # noqa: S608
                for table in tables
            )
        )
        return [table for (table,) in cursor.fetchall()]


def _triggers(*tables: str) -> dict[str, str]:
    """The statement of each trigger that keeps rows, by its name: of ``tables``, of all where none are named."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, sql, tbl_name FROM sqlite_master "
            "WHERE type = 'trigger' AND name LIKE 'invites_keep_%'"
        )
        return {name: sql for name, sql, table in cursor.fetchall() if not tables or table in tables}


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
