"""Reads the rows of an export a piece at a time, each in a statement of its own that begins where the last one ended.

So nothing stays open in the database while a slow reader takes the file, and memory holds one piece.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from django.db import connection, transaction
from django.db.models import F, RowRange, Sum, Value, Window

from invites.extracting import cells
from invites.extracting.columns import Column, Kind
from invites.models import AttemptInvitee, AuditEntry
from invites.models.attempt import AttemptQuerySet
from invites.models.audit_entry import AuditEntryQuerySet
from invites.models.invitee import Channel
from invites.models.timeline import Position, Way

ROWS_AT_ONCE: Final = 2000
# Each is told in words, which takes longer than to read it.
CHANGES_AT_ONCE: Final = 500
_OF_CHANNEL: Final = {Kind.UNION_ID: Channel.UNION_ID, Kind.PHONE_NUMBER: Channel.PHONE}


type Rows = Callable[[Sequence[AuditEntry]], list[list[cells.Value]]]
"""Makes a row of each change, with a value for each column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some rows, the newest first, and the place of the attempt or the change of the last of them."""

    rows: list[list[cells.Value]]
    last: Position


def pieces(attempts: AttemptQuerySet, *, columns: Sequence[Column], until: datetime) -> Iterator[Piece]:
    """All of ``attempts`` that began before ``until``, with the values of ``columns``."""
    position, many = None, False
    while True:
        with in_order_of_an_index(many):
            piece = _piece(attempts.between(None, until), columns=columns, beyond=position)
        if piece is None:
            return
        position, many = piece.last, len(piece.rows) > ROWS_AT_ONCE // 2
        yield piece


def pieces_of_changes(entries: AuditEntryQuerySet, *, until: datetime, rows: Rows) -> Iterator[Piece]:
    """All of ``entries`` that happened before ``until``, the newest first, as ``rows`` makes rows of some of them."""
    position, many = None, False
    rest = entries.in_time().between(None, until)
    while True:
        with in_order_of_an_index(many):
            found = list(rest.beyond(position, Way.OLDER).in_order_of_time()[:CHANGES_AT_ONCE])
        if not found:
            return
        position, many = Position(found[-1].timestamp, found[-1].pk), len(found) == CHANGES_AT_ONCE
        yield Piece(rows=rows(found), last=position)


@contextmanager
def in_order_of_an_index(many: bool) -> Iterator[None]:
    """Lets PostgreSQL sort nothing where ``many`` rows have been found, so that more of them are likely.

    It would read and sort all that are left for each piece, where it takes a filter for a narrow one. Now all pieces
    together read the history once.
    """
    if not many or connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('enable_sort', 'off', true)")
        yield
        # The end of the transaction would do it, where it is ours.
        cursor.execute("SELECT set_config('enable_sort', 'on', true)")


def next_attempts(
    attempts: AttemptQuerySet, *, columns: Sequence[Column], beyond: Position | None, limit: int
) -> AttemptQuerySet:
    """The first ``limit`` of ``attempts`` beyond a place, the newest first; each with the number of people up to it in
    ``so_far`` where people have rows of their own, and 0 there where they do not.
    """
    rest = attempts.beyond(beyond, Way.OLDER).in_order(Way.OLDER)
    order = [F("started_at").desc(), F("pk").desc()]
    so_far = Window(Sum("people"), order_by=order, frame=RowRange(end=0))
    return rest.annotate(so_far=so_far if is_by_person(columns) else Value(0))[:limit]


def is_by_person(columns: Sequence[Column]) -> bool:
    """Whether each person of a call has a row of their own."""
    return any(column.of_person for column in columns)


def _piece(attempts: AttemptQuerySet, *, columns: Sequence[Column], beyond: Position | None) -> Piece | None:
    paths = [column.path for column in columns if not column.of_person]
    found = next_attempts(attempts, columns=columns, beyond=beyond, limit=ROWS_AT_ONCE)
    calls = list(found.values_list("started_at", "pk", "people", "so_far", *paths))
    if not calls:
        return None
    # All people of a call, so that a file goes on after a whole one.
    calls = [call for call in calls if call[3] <= ROWS_AT_ONCE or call[3] == call[2]]
    people = _people([call[1] for call in calls], columns) if is_by_person(columns) else {}
    nobody: list[cells.Value] = [
        None if column.kind is Kind.NUMBER else "" for column in columns if column.of_person
    ]
    rows = [_row(call[4:], person, columns) for call in calls for person in (people.get(call[1]) or [nobody])]
    return Piece(rows=rows, last=Position(*calls[-1][:2]))


def _people(attempts: list[int], columns: Sequence[Column]) -> dict[int, list[list[cells.Value]]]:
    """The values of each person of these attempts, in the order in which they stood in the calls."""
    wanted = [column for column in columns if column.of_person]
    found = AttemptInvitee.objects.of_attempts(attempts).in_order_made()
    people: dict[int, list[list[cells.Value]]] = defaultdict(list)
    for attempt, channel, *values in found.values_list(
        "attempt_id", "person__channel", *(column.path for column in wanted)
    ):
        people[attempt].append(
            [
                value if _OF_CHANNEL.get(column.kind, channel) == channel else ""
                for value, column in zip(values, wanted, strict=True)
            ]
        )
    return people


def _row(call: Sequence[Any], person: Sequence[cells.Value], columns: Sequence[Column]) -> list[cells.Value]:
    of_call, of_person = iter(call), iter(person)
    return [cast("cells.Value", next(of_person if column.of_person else of_call)) for column in columns]
