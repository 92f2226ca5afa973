"""Compares the people of an import with its book and stages them, piece by piece.

Each piece is a transaction of its own that also says how far it has come. Whoever stages notices at the next piece that
somebody else has begun anew, and stops.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import batched, count

from django.db import connection, transaction
from django.utils import timezone

from invites.absorbing.cleaning import Person, Refusal
from invites.absorbing.comparing import ADD, CHANGE, LEAVE, REFUSE, SAME, Comparison, Row
from invites.models import Contact, ContactImport, ImportRow
from invites.models.contact_import import ImportSource, ImportState

PIECE = 2000
# A column of names that is taken for one of groups would make a group of everybody.
MOST_GROUPS = 1000
_COPY = f"COPY invites_importrow (contact_import_id, {', '.join(Row._fields)}) FROM STDIN"

type Cells = Sequence[str]


class TakenOverError(Exception):
    """Somebody else has this import by now, or nobody: it was discarded."""


class TooLongError(Exception):
    """There are more rows than may be read at once."""


class TooManyGroupsError(Exception):
    """So many groups that their column must be another one."""


def hear(contact_import: ContactImport, **changes: object) -> None:
    """Notes with ``changes`` that whoever has this import goes on. Raises TakenOverError where they have it no more."""
    now = timezone.now()
    if not ContactImport.objects.hear(
        contact_import.pk, heard_at=contact_import.heard_at, now=now, **changes
    ):
        raise TakenOverError
    contact_import.heard_at = now


class Staging:
    """The staging of one import by whoever was last heard at its ``heard_at``.

    ``most`` bounds the rows; ``progress`` tells which part of the whole has been read, from 0 to 1.
    """

    def __init__(
        self,
        contact_import: ContactImport,
        *,
        most: int | None = None,
        progress: Callable[[], float] | None = None,
    ) -> None:
        self._import = contact_import
        self._most = most
        self._progress = progress
        self._staged = 0

    def run(self, people: Iterable[tuple[Person | Refusal, Cells]], *, tells_who_left: bool = False) -> None:
        """Stages ``people``, each with what is given back where it is refused, and makes the import READY.

        Raises TakenOverError, TooLongError or TooManyGroupsError.
        """
        book, is_directory = self._import.book, self._import.source == ImportSource.DIRECTORY
        # Before the first contact is looked at: what happens to the book from here on makes the preview out of date.
        book.refresh_from_db(fields=["updated_at"])
        with transaction.atomic():
            hear(self._import, rows_read=0, rows_total=None)
            self._import.rows.all().delete()
        comparison = Comparison(book, unmarks_leavers=is_directory)
        for piece in batched(people, PIECE):
            self._stage(_with_cells(comparison.compare([person for person, _cells in piece]), piece))
            if len(comparison.group_names) > MOST_GROUPS:
                raise TooManyGroupsError
        if tells_who_left:
            self._stage_leavers(comparison)
            met = Contact.objects.of_book(book).in_rows(self._import.rows.met())
            met.note_in_directory(at=timezone.now())
        self._finish(comparison.counts, compared_at=book.updated_at)

    def _finish(self, counts: Counter[str], *, compared_at: datetime) -> None:
        """Makes the import READY."""
        hear(
            self._import,
            state=ImportState.READY,
            compared_at=compared_at,
            rows_total=self._staged,
            added=counts[ADD],
            changed=counts[CHANGE],
            unchanged=counts[SAME],
            refused=counts[REFUSE],
            left=counts[LEAVE],
        )
        self._import.refresh_from_db()

    def _stage(self, rows: Sequence[Row]) -> None:
        """Writes one piece."""
        self._staged += len(rows)
        if self._most is not None and self._staged > self._most:
            raise TooLongError
        done = self._progress() if self._progress else 0.0
        with transaction.atomic():
            total = round(self._staged / done) if done else None
            hear(self._import, rows_read=self._staged, rows_total=total)
            _write(self._import, rows)

    def _stage_leavers(self, comparison: Comparison) -> None:
        """Stages those of the book whom the directory has had and who were not met now."""
        there = (
            Contact.objects.of_book(self._import.book).of_directory().order_by("pk").values_list("pk", "nick")
        )
        numbers = count(self._staged + 1)
        leavers = (
            Row(next(numbers), LEAVE, nick, contact_key=pk)
            for pk, nick in there.iterator(chunk_size=PIECE)
            if not comparison.has_met(pk)
        )
        for piece in batched(leavers, PIECE):
            comparison.counts[LEAVE] += len(piece)
            self._stage(piece)


def _with_cells(rows: Iterable[Row], piece: Sequence[tuple[Person | Refusal, Cells]]) -> list[Row]:
    """``rows``, those refused with what stood in the file."""
    return [
        row._replace(cells=cells) if row.outcome == REFUSE else row
        for row, (_person, cells) in zip(rows, piece, strict=True)
    ]


def _write(contact_import: ContactImport, rows: Sequence[Row]) -> None:
    """Writes ``rows`` as fast as the database takes them."""
    if connection.vendor == "postgresql":
        _copy(contact_import.pk, rows)
    else:
        ImportRow.objects.bulk_create(
            [ImportRow(contact_import=contact_import, **row._asdict()) for row in rows]
        )


def _copy(pk: int, rows: Iterable[Row]) -> None:
    # Most rows have no list at all, and many share their groups.
    lists: dict[Cells, str] = {(): "[]"}
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for row in rows:
            groups = lists.get(row.groups) or lists.setdefault(row.groups, json.dumps(row.groups))
            cells = json.dumps(row.cells) if row.cells else "[]"
            copy.write_row((pk, *row[:6], groups, *row[7:12], cells))
