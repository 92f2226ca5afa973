"""The rows of days as lines: one each, in the order of keys, fields separated by tabs, the key first.

PostgreSQL makes the lines itself, and many at a time for a check of millions; SQLite gives rows that are written here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from itertools import batched, groupby
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from invites.sealing.fields import NOTHING
from invites.sealing.sections import Section

# So many keys of a section go into one block: 1,024.
_BLOCK_BITS = 10
# Rows that are read at a time.
_PIECE = 2000
# And blocks, which are large.
_BLOCKS = 20
_SORTING_MEMORY = "64MB"


@contextmanager
def snapshot() -> Iterator[None]:
    """Everything that is read within is of one moment, and nobody is kept from writing meanwhile."""
    if connection.in_atomic_block:
        # Whoever holds a transaction has decided what is seen.
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
    else:
        with connection.cursor() as cursor:
            # Django's own would take the lock of writers.
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")


def lines(section: Section, day: date) -> Iterator[tuple[int, bytes]]:
    """Each row of ``day`` with its key; on PostgreSQL the caller holds a transaction or a snapshot."""
    if connection.vendor == "postgresql":
        query = f"SELECT key, line FROM ({_rows_on_postgresql(section)}) AS r ORDER BY key"  # noqa: S608 - of our own
        yield from ((key, line.encode()) for key, line in _read(query, [day, day]))
    else:
        yield from ((key, line) for _day, key, line in _rows_on_sqlite(section, day, day))


def blocks(section: Section, first: date, last: date) -> Iterator[tuple[date, bytes]]:
    """All lines from ``first`` to ``last`` in larger pieces, each with its day; the caller holds a snapshot."""
    if connection.vendor == "postgresql":
        query = f"""
            SELECT day, convert_to(string_agg(line, '' ORDER BY key), 'UTF8')
            FROM ({_rows_on_postgresql(section)}) AS r
            GROUP BY day, key >> {_BLOCK_BITS} ORDER BY day, key >> {_BLOCK_BITS}
        """  # noqa: S608 - of our own
        yield from ((day, bytes(block)) for day, block in _read(query, [first, last], size=_BLOCKS))
        return
    for day, rows in groupby(_rows_on_sqlite(section, first, last), key=lambda row: row[0]):
        for piece in batched(rows, _PIECE):
            yield day, b"".join(line for _day, _key, line in piece)


def _rows_on_postgresql(section: Section) -> str:
    fields = r" || E'\t' || ".join(rf"coalesce({field.postgresql}, '{NOTHING}')" for field in section.fields)
    return rf"""
        SELECT {section.day} AS day, {section.key} AS key, {fields} || E'\n' AS line
        FROM {section.source} WHERE {section.day} BETWEEN %s AND %s
    """  # noqa: S608 - of our own


def _read(query: str, parameters: list[Any], *, size: int = _PIECE) -> Iterator[tuple[Any, ...]]:
    """What PostgreSQL answers, ``size`` at a time."""
    with connection.cursor() as cursor:
        _say_how_to_write(cursor)
    with connection.chunked_cursor() as cursor:
        cursor.execute(query, parameters)
        while rows := cursor.fetchmany(size):
            yield from rows


def _say_how_to_write(cursor: CursorWrapper) -> None:
    # Until the end of the transaction. Lines must not depend on how a server or a role is set up.
    cursor.execute(
        "SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL bytea_output = 'hex'"
    )
    # All of it is wanted, and as fast as possible, not its beginning as soon as possible.
    cursor.execute(
        f"SET LOCAL cursor_tuple_fraction = 1; SET LOCAL jit = off; SET LOCAL work_mem = '{_SORTING_MEMORY}'"
    )


def _rows_on_sqlite(section: Section, first: date, last: date) -> Iterator[tuple[date, int, bytes]]:
    columns = [column for field in section.fields for column in field.columns]
    query = f"""
        SELECT {section.day}, {", ".join(columns)} FROM {section.source}
        WHERE {section.day} BETWEEN %s AND %s ORDER BY {section.day}, {section.key}
    """  # noqa: S608 - of our own
    with connection.cursor() as cursor:
        cursor.execute(query, [first.isoformat(), last.isoformat()])
        while rows := cursor.fetchmany(_PIECE):
            for day, *values in rows:
                yield day, values[0], _line(section, values)


def _line(section: Section, values: list[Any]) -> bytes:
    forms, begin = [], 0
    for field in section.fields:
        end = begin + len(field.columns)
        form = field.form(*values[begin:end])
        forms.append(NOTHING if form is None else form)
        begin = end
    return ("\t".join(forms) + "\n").encode()
