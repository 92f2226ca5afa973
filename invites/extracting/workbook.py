"""Writes a workbook (XLSX) of any length in pieces as its rows come, with constant memory.

A library makes everything but the rows: its workbook of headings alone is cut open where rows belong. It would keep
the whole file on the disk before the first byte leaves, and whoever waits behind a proxy would be cut off.
"""

import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl import Workbook
from openpyxl.utils.cell import get_column_letter

from invites.extracting.cells import Plain
from invites.files import workbook_text

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

MOST_ROWS: Final = 1_048_576
"""So many rows, headings included, does a sheet hold for the programs that open it."""

# Beyond 2 GiB a member of an archive is written in a way that Excel does not read.
_MOST_BYTES: Final = 1_500_000_000
_LONGEST_TEXT: Final = 32_767
_LITTLE: Final = 3
_ROWS_END: Final = b"</sheetData>"
# It would say that headings are all there is.
_EXTENT: Final = re.compile(rb"<dimension[^>]*/>")
_SHEETS: Final = "xl/worksheets/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a sheet is called, and its headings with the widths of their columns."""

    title: str
    headings: Sequence[str]
    widths: Sequence[int]
    most_rows: int = MOST_ROWS


class _Sink(io.RawIOBase):
    """Where the archive goes until somebody takes it; it can only be written on."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def write(self, part: "ReadableBuffer") -> int:
        """Keeps a part."""
        self._parts.append(bytes(part))
        return len(self._parts[-1])

    def take(self) -> bytes:
        """What has been written since it was last taken."""
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


class Book:
    """A workbook on its way: the archive, and the sheet that is being written."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._sink = _Sink()
        self._archive = ZipFile(self._sink, "w", ZIP_DEFLATED, compresslevel=_LITTLE)
        self._before, self._after = _around_rows(layout)
        self._sheets = 0
        self._open_sheet()

    def add(self, rows: Iterable[Sequence[Plain]]) -> bytes:
        """Adds rows, and gives what can leave."""
        for row in rows:
            if self._rows >= self._layout.most_rows or self._bytes > _MOST_BYTES:
                self._close_sheet()
                self._open_sheet()
            line = _row(row)
            self._member.write(line)
            self._rows += 1
            self._bytes += len(line)
        return self._sink.take()

    def finish(self) -> bytes:
        """Ends the file, and gives the rest of it."""
        self._close_sheet()
        with ZipFile(io.BytesIO(_headings_alone(self._layout, sheets=self._sheets))) as empty:
            for name in empty.namelist():
                if not name.startswith(_SHEETS):
                    self._archive.writestr(name, empty.read(name))
        self._archive.close()
        return self._sink.take()

    def _open_sheet(self) -> None:
        self._sheets += 1
        self._member: IO[bytes] = self._archive.open(f"{_SHEETS}sheet{self._sheets}.xml", "w")
        self._member.write(self._before)
        self._rows, self._bytes = 1, len(self._before)

    def _close_sheet(self) -> None:
        self._member.write(self._after)
        self._member.close()


def _around_rows(layout: Layout) -> tuple[bytes, bytes]:
    """What stands in a sheet before its rows, headings included, and after them."""
    with ZipFile(io.BytesIO(_headings_alone(layout, sheets=1))) as empty:
        sheet = _EXTENT.sub(b"", empty.read(f"{_SHEETS}sheet1.xml"))
    before, after = sheet.split(_ROWS_END)
    return before, _ROWS_END + after


def _headings_alone(layout: Layout, *, sheets: int) -> bytes:
    book = Workbook()
    book.remove(book.worksheets[0])
    for number in range(1, sheets + 1):
        sheet = book.create_sheet(layout.title if number == 1 else f"{layout.title} {number}")
        sheet.freeze_panes = "A2"
        for place, width in enumerate(layout.widths, start=1):
            sheet.column_dimensions[get_column_letter(place)].width = width
        sheet.append(layout.headings)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _row(cells: Sequence[Plain]) -> bytes:
    return f"<row>{''.join(map(_cell, cells))}</row>".encode()


def _cell(value: Plain) -> str:
    if value is None or value == "":
        return "<c/>"
    if isinstance(value, int):
        return f"<c><v>{value}</v></c>"
    text = escape(workbook_text(value)[:_LONGEST_TEXT])
    return f'<c t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
