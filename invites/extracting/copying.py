"""Lets PostgreSQL write the lines of a CSV file itself: many times as fast as iterating over rows.

Titles and names are made into cells once for each conference, app, organizer and person, since the joins remember
them; and the joins keep the order of the index, so nothing is sorted.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from invites.extracting.cells import Manner
from invites.extracting.cells_in_sql import cell
from invites.extracting.columns import Column
from invites.extracting.reading import in_order_of_an_index, is_by_person, next_attempts
from invites.models import Attempt
from invites.models.attempt import AttemptQuerySet
from invites.models.timeline import Position

# So many that PostgreSQL remembers the cells of each conference, which costs less than making them anew.
ROWS_AT_ONCE: Final = 40_000
_PERSON: Final = "person"
_TABLES: Final = {
    "conference": "invites_conference",
    "app": "invites_app",
    "organizer": "invites_user",
    _PERSON: "invites_person",
}
_ALWAYS: Final = {"pk", "started_at", "people"}
_SETTLE: Final = """
    SELECT set_config('TimeZone', %s, true), set_config('DateStyle', 'ISO', true), set_config('jit', 'off', true)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Some lines of a file, how many rows they are, and the place of the attempt of the last of them."""

    data: bytearray
    rows: int
    last: Position


def copy(
    attempts: AttemptQuerySet, *, columns: Sequence[Column], manner: Manner, until: datetime
) -> Iterator[Lines]:
    """The lines of all of ``attempts`` that began before ``until``, the newest first. Only on PostgreSQL."""
    rest = attempts.between(None, until)
    position: Position | None = None
    many = False
    while True:
        found = next_attempts(rest, columns=columns, beyond=position, limit=ROWS_AT_ONCE)
        with in_order_of_an_index(many), _written_for(manner) as cursor:
            data, rows, last = _copied(cursor, _statement(cursor, found, columns, manner))
        # Only now that moments come in UTC again.
        position = Attempt.objects.at(last) if rows else None
        if position is None:
            return
        many = rows > ROWS_AT_ONCE // 2
        yield Lines(data=data, rows=rows, last=position)


def _copied(cursor: CursorWrapper, statement: str) -> tuple[bytearray, int, int]:
    """The lines that ``statement`` copies, how many they are, and the key of the attempt of the last, its first cell;
    0 where there is none.
    """
    data, rows, begins = bytearray(), 0, 0
    with cursor.copy(statement) as copied:
        for line in copied:
            begins = len(data)
            data += line
            rows += 1
    return data, rows, int(data[begins : data.index(b",", begins)]) if rows else 0


@contextmanager
def _written_for(manner: Manner) -> Iterator[CursorWrapper]:
    """A cursor whose moments are written in the zone of an export."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_SETTLE, [manner.zone.key])
        yield cursor
        # The end of the transaction would do it, where it is ours.
        cursor.execute(_SETTLE, [connection.timezone_name])


def _statement(
    cursor: CursorWrapper, attempts: AttemptQuerySet, columns: Sequence[Column], manner: Manner
) -> str:
    """COPY of the cells of ``attempts``, with whatever they were narrowed to written out in it."""
    tables = [table for table in _TABLES if any(_table(column) == table for column in columns)]
    own = {column.path for column in columns if _table(column) is None and not column.of_person}
    keys = {f"{table}_id" for table in tables if table != _PERSON}
    inner = attempts.values("so_far", *sorted(own | keys | _ALWAYS))
    calls = cursor.mogrify(*inner.query.sql_with_params())
    people, whole, order = "", "", "a.started_at DESC, a.pk DESC"
    if is_by_person(columns):
        people = "LEFT JOIN invites_attemptinvitee s ON s.attempt_id = a.pk"
        # All people of a call, so that a file goes on after a whole one.
        whole = f"WHERE a.so_far <= {ROWS_AT_ONCE} OR a.so_far = a.people"
        order += ", s.id"
    joins = " ".join(_join(table, columns, manner) for table in tables)
    cells = ", ".join(_reference(column, manner) for column in columns)
    return (
        f"COPY (SELECT {cells} FROM ({calls}) a {people} {joins} {whole} ORDER BY {order})"  # noqa: S608
        " TO STDOUT (FORMAT csv)"
    )


def _table(column: Column) -> str | None:
    """The table that a column comes from, None for what an attempt or its person's part in it holds itself."""
    table, _, field = column.path.partition("__")
    return table if field else None


def _join(table: str, columns: Sequence[Column], manner: Manner) -> str:
    """The cells that come from another table; OFFSET keeps them together, so that they are remembered as written."""
    cells = ", ".join(
        f'{cell(column, "t." + column.path.partition("__")[2], manner)} AS "{column.key}"'
        for column in columns
        if _table(column) == table
    )
    key = f"s.{table}_id" if table == _PERSON else f"a.{table}_id"
    rows = f"SELECT {cells} FROM {_TABLES[table]} t WHERE t.id = {key} OFFSET 0"  # noqa: S608
    return f"LEFT JOIN LATERAL ({rows}) {table} ON true"


def _reference(column: Column, manner: Manner) -> str:
    table = _table(column)
    if table is not None:
        return f'{table}."{column.key}"'
    return cell(column, f"s.{column.path}" if column.of_person else f"a.{column.path}", manner)
