"""Reads XLSX files: the values that were last calculated, row by row."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, time, timedelta
from itertools import islice
from typing import Any, BinaryIO, Final

from openpyxl import load_workbook
from openpyxl.cell.cell import ERROR_CODES

from invites.files import archives
from invites.files.errors import Unreadable
from invites.files.formats import HEAD, MOST_COLUMNS, MOST_ROWS, UNSTORABLE, Format, Line, line_of
from invites.files.formulas import disarm
from invites.files.recognising import are_headings

# What openpyxl warns of may quote a cell, and a phone number must not stand in a log.
warnings.filterwarnings("ignore", module=r"openpyxl\.")

_MOST_ROWS_OF_A_SHEET: Final = 1_048_576
_EXACT: Final = 2**53
"""Below this a number in a cell is the one that was typed; Excel keeps no more digits."""

# Control characters, and the underscore of a text that only looks like one; of others the library takes care.
_ESCAPED: Final = re.compile(r"_x(005[Ff]|00[01][0-9A-Fa-f])_")


def sniff(file: BinaryIO) -> Format:
    """Which sheet is to be read: the first with something in it, one that is hidden only if no other has.

    Raises Unreadable for what cannot be opened, or has nothing in it.
    """
    archives.check(file)
    with _opened(file) as book:
        place, first = _first_sheet(book.worksheets)
    has_headings = are_headings(first[0].cells, [line.cells for line in first[1:]])
    headings = list(first[0].cells) if has_headings else []
    return Format("xlsx", {"sheet": place, "has_headings": has_headings, "headings": headings})


def _first_sheet(sheets: list[Any]) -> tuple[int, list[Line]]:
    places = sorted(range(len(sheets)), key=lambda place: sheets[place].sheet_state != "visible")
    for place in places:
        if first := list(islice(_lines(sheets[place]), HEAD)):
            return place, first
    raise Unreadable("empty")


def lines(file: BinaryIO, reading: dict[str, object]) -> Iterator[Line]:
    """The rows that have something in them, headings included. Raises Unreadable at the one that cannot be read."""
    archives.check(file)
    with _opened(file) as book:
        yield from _lines(book.worksheets[int(str(reading["sheet"]))])


@contextmanager
def _opened(file: BinaryIO) -> Iterator[Any]:
    file.seek(0)
    try:
        book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        yield book
    except archives.BROKEN as error:
        raise Unreadable("broken_workbook") from error


def _lines(sheet: Any) -> Iterator[Line]:
    # What a sheet says about its own size is often wrong, and may be a lie.
    sheet.reset_dimensions()
    count = 0
    for number, values in enumerate(sheet.iter_rows(values_only=True), start=1):
        if number > _MOST_ROWS_OF_A_SHEET:
            raise Unreadable("too_many_rows", most=MOST_ROWS)
        if any(value is not None for value in values[MOST_COLUMNS:]):
            raise Unreadable("too_many_columns", row=number, most=MOST_COLUMNS)
        line = line_of(number, map(_text, values))
        if line.cells:
            count += 1
            if count > MOST_ROWS + 1:
                raise Unreadable("too_many_rows", most=MOST_ROWS)
            yield line


def _unescaped(match: re.Match[str]) -> str:
    """The character that Excel writes as ``_x000D_``, since XML cannot hold it."""
    return chr(int(match[1], 16))


def _text(value: object) -> str:
    """A value as a person would type it. A date keeps its time, so that it can be mistaken for no phone number."""
    if value is None or (isinstance(value, str) and value in ERROR_CODES):
        return ""
    if isinstance(value, str):
        return disarm(UNSTORABLE.sub("", _ESCAPED.sub(_unescaped, value)) if "_x" in value else value)
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    return str(value) if isinstance(value, int | float | date | time | timedelta) else ""
