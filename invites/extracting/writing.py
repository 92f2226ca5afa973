"""Writes an export as CSV, XLSX or JSON Lines, in parts that know how many rows they are and how far back they reach.

CSV is UTF-8 with a mark for Excel, and has the same bytes whichever database the rows come from.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from invites.extracting.cells import as_csv, as_plain, as_typed
from invites.extracting.contents import Contents
from invites.extracting.workbook import MOST_ROWS, Book, Layout
from invites.models.history_export import ExportFormat

_BOM: Final = "\ufeff"
_NEEDS_QUOTES: Final = re.compile(r'[",\r\n]')


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a file: its bytes, how many rows came with it, and when the last of their calls or changes was."""

    data: bytes | bytearray
    rows: int = 0
    reached: datetime | None = None


def write(contents: Contents, file_format: ExportFormat, *, most_rows: int = MOST_ROWS) -> Iterator[Part]:
    """A file of ``contents``; ``most_rows`` is what a sheet of a workbook may hold."""
    match file_format:
        case ExportFormat.CSV:
            return _csv(contents)
        case ExportFormat.JSONL:
            return _json_lines(contents)
        case ExportFormat.XLSX:
            layout = Layout(
                title=contents.title,
                headings=[str(column.heading) for column in contents.columns],
                widths=[column.width for column in contents.columns],
                most_rows=most_rows,
            )
            return _workbook(contents, Book(layout))


def _csv(contents: Contents) -> Iterator[Part]:
    yield Part(data=(_BOM + _line([str(column.heading) for column in contents.columns])).encode())
    lines = contents.lines()
    if lines is None:
        yield from csv_by_row(contents)
        return
    for each in lines:
        yield Part(data=each.data, rows=each.rows, reached=each.last.started_at)


def csv_by_row(contents: Contents) -> Iterator[Part]:
    """The lines of a CSV file where no database writes them."""
    for piece in contents.pieces():
        text = "".join(_line(as_csv(row, contents.columns, contents.manner)) for row in piece.rows)
        yield Part(data=text.encode(), rows=len(piece.rows), reached=piece.last.started_at)


def _json_lines(contents: Contents) -> Iterator[Part]:
    keys = [column.key for column in contents.columns]
    for piece in contents.pieces():
        rows = (as_plain(row, contents.columns, contents.manner) for row in piece.rows)
        text = "".join(
            json.dumps(dict(zip(keys, row, strict=True)), ensure_ascii=False, separators=(",", ":")) + "\n"
            for row in rows
        )
        yield Part(data=text.encode(), rows=len(piece.rows), reached=piece.last.started_at)


def _workbook(contents: Contents, book: Book) -> Iterator[Part]:
    for piece in contents.pieces():
        data = book.add(as_typed(row, contents.columns, contents.manner) for row in piece.rows)
        yield Part(data=data, rows=len(piece.rows), reached=piece.last.started_at)
    yield Part(data=book.finish())


def _line(cells: Sequence[str]) -> str:
    quoted = ('"' + cell.replace('"', '""') + '"' if _NEEDS_QUOTES.search(cell) else cell for cell in cells)
    return ",".join(quoted) + "\n"
