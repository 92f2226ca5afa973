"""Writes an export as CSV, XLSX or JSON Lines, in parts that know how many rows they are and how far back they reach.

CSV is UTF-8 with a mark for Excel, and has the same bytes whichever database the rows come from.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from django.db import connection
from django.utils.translation import gettext as _

from invites.extracting.cells import Manner, as_csv, as_plain, as_typed
from invites.extracting.columns import COLUMNS, Column
from invites.extracting.copying import copy
from invites.extracting.reading import pieces
from invites.extracting.workbook import MOST_ROWS, Book, Layout
from invites.models.attempt import AttemptQuerySet
from invites.models.history_export import ExportFormat, ExportRows

_BOM: Final = "\ufeff"
_NEEDS_QUOTES: Final = re.compile(r'[",\r\n]')


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a file: its bytes, how many rows came with it, and when the last of their calls began."""

    data: bytes | bytearray
    rows: int = 0
    reached: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What goes into a file: attempts that began before ``until``, and what of each of them."""

    attempts: AttemptQuerySet
    columns: Sequence[Column]
    manner: Manner
    until: datetime


def worded(rows_are: ExportRows) -> list[Column]:
    """The columns with headings and words in the language of whoever asks, whatever language is spoken later."""
    return [
        replace(
            column,
            heading=str(column.heading),
            words=tuple((key, str(word)) for key, word in column.words),
        )
        for column in COLUMNS[rows_are]
    ]


def write(contents: Contents, file_format: ExportFormat, *, most_rows: int = MOST_ROWS) -> Iterator[Part]:
    """A file of ``contents``; ``most_rows`` is what a sheet of a workbook may hold."""
    match file_format:
        case ExportFormat.CSV:
            return _csv(contents)
        case ExportFormat.JSONL:
            return _json_lines(contents)
        case ExportFormat.XLSX:
            layout = Layout(
                title=_("Calls"),
                headings=[str(column.heading) for column in contents.columns],
                widths=[column.width for column in contents.columns],
                most_rows=most_rows,
            )
            return _workbook(contents, Book(layout))


def _csv(contents: Contents) -> Iterator[Part]:
    yield Part(data=(_BOM + _line([str(column.heading) for column in contents.columns])).encode())
    if connection.vendor == "postgresql":
        for lines in copy(
            contents.attempts, columns=contents.columns, manner=contents.manner, until=contents.until
        ):
            yield Part(data=lines.data, rows=lines.rows, reached=lines.last.started_at)
        return
    yield from csv_by_row(contents)


def csv_by_row(contents: Contents) -> Iterator[Part]:
    """The lines of a CSV file where no database writes them."""
    for piece in pieces(contents.attempts, columns=contents.columns, until=contents.until):
        text = "".join(_line(as_csv(row, contents.columns, contents.manner)) for row in piece.rows)
        yield Part(data=text.encode(), rows=len(piece.rows), reached=piece.last.started_at)


def _json_lines(contents: Contents) -> Iterator[Part]:
    keys = [column.key for column in contents.columns]
    for piece in pieces(contents.attempts, columns=contents.columns, until=contents.until):
        rows = (as_plain(row, contents.columns, contents.manner) for row in piece.rows)
        text = "".join(
            json.dumps(dict(zip(keys, row, strict=True)), ensure_ascii=False, separators=(",", ":")) + "\n"
            for row in rows
        )
        yield Part(data=text.encode(), rows=len(piece.rows), reached=piece.last.started_at)


def _workbook(contents: Contents, book: Book) -> Iterator[Part]:
    for piece in pieces(contents.attempts, columns=contents.columns, until=contents.until):
        data = book.add(as_typed(row, contents.columns, contents.manner) for row in piece.rows)
        yield Part(data=data, rows=len(piece.rows), reached=piece.last.started_at)
    yield Part(data=book.finish())


def _line(cells: Sequence[str]) -> str:
    quoted = ('"' + cell.replace('"', '""') + '"' if _NEEDS_QUOTES.search(cell) else cell for cell in cells)
    return ",".join(quoted) + "\n"
