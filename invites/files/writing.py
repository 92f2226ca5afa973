"""Writes contacts as CSV, XLSX and vCards, from which `invites.files` reads the same people again."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import batched
from typing import IO, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django_stubs_ext import StrOrPromise
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.utils.cell import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet
from vobject.base import backslashEscape

from invites.files import cards
from invites.files.cells import NOT_MARKED, Mark, join_groups, mark_cell
from invites.files.formats import Field
from invites.files.formulas import arm, arm_untyped, phone_cell

HEADINGS: Final[dict[Field, StrOrPromise]] = {
    Field.NICK: pgettext_lazy("person", "Name"),
    Field.UNION_ID: "unionId",
    Field.PHONE_NUMBER: gettext_lazy("Phone number"),
    Field.GROUPS: gettext_lazy("Groups"),
    Field.DO_NOT_INVITE: gettext_lazy("Do not invite"),
    Field.DO_NOT_INVITE_UNTIL: gettext_lazy("Do not invite until"),
}
"""What stands over the columns; `recognise` knows these in every language."""

_BOM: Final = "\ufeff"
"""By which Excel sees that a CSV file is in UTF-8."""

_ROWS_AT_ONCE: Final = 500
_CONTROLS: Final = re.compile("[\0-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_LIKE_AN_ESCAPE: Final = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_LINE: Final = 74
_WIDTHS: Final = (24, 30, 20, 30, 24, 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A person as they are written to a file."""

    nick: str
    union_id: str = ""
    phone_number: str = ""
    groups: tuple[str, ...] = ()
    mark: Mark = NOT_MARKED
    marked_until: date | None = None

    def cells(self) -> list[str]:
        """Its cells in the order of `HEADINGS`."""
        until = self.marked_until.isoformat() if self.marked_until else ""
        return [
            self.nick,
            self.union_id,
            self.phone_number,
            join_groups(self.groups),
            mark_cell(self.mark),
            until,
        ]


def write_csv(rows: Iterable[Row]) -> Iterator[bytes]:
    """A CSV file in pieces: UTF-8 with a mark for Excel, no cell of which is a formula."""
    headings = [str(heading) for heading in HEADINGS.values()]
    return _csv(headings, (_csv_cells(row) for row in rows))


def _csv_cells(row: Row) -> list[str]:
    nick, union_id, phone_number, groups, mark, until = row.cells()
    number = phone_cell(phone_number) if phone_number else ""
    return [arm_untyped(nick), arm_untyped(union_id), number, arm_untyped(groups), arm_untyped(mark), until]


def write_lines_csv(headings: Sequence[str], lines: Iterable[tuple[Sequence[str], str]]) -> Iterator[bytes]:
    """Lines of a file as CSV, each with a last cell that says what is wrong with it, which `recognise` passes over.

    Cells beyond the ``headings`` are left out: they belong to nothing. Headings that are all "" are not written.
    """
    width = len(headings)
    cells = (
        [arm_untyped(cell) for cell in (*line, *[""] * width)[:width]] + [arm_untyped(problem)]
        for line, problem in lines
    )
    return _csv([*map(arm, headings), _("What is wrong")] if any(headings) else [], cells)


def _csv(headings: list[str], rows: Iterable[list[str]]) -> Iterator[bytes]:
    yield _BOM.encode()
    if headings:
        yield _csv_text([headings])
    for some in batched(rows, _ROWS_AT_ONCE):
        yield _csv_text(some)


def _csv_text(rows: Iterable[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def write_xlsx(rows: Iterable[Row], file: IO[bytes]) -> None:
    """An XLSX file of text cells, written to ``file``."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(_("Contacts"))
    sheet.freeze_panes = "A2"
    for place, width in enumerate(_WIDTHS, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = width
    sheet.append([str(heading) for heading in HEADINGS.values()])
    for row in rows:
        nick, union_id, phone_number, *others = row.cells()
        cells = [arm(nick), arm(union_id), phone_number, *map(arm, others)]
        sheet.append([_text_cell(sheet, cell) if cell else None for cell in cells])
    book.save(file)


def _text_cell(sheet: WriteOnlyWorksheet, text: str) -> object:
    """``text`` as a cell of text, whatever it begins with."""
    cell = WriteOnlyCell(sheet, workbook_text(text))
    cell.data_type = "s"
    return cell


def workbook_text(text: str) -> str:
    """``text`` as it may stand in a workbook, and means the same there."""
    return _LIKE_AN_ESCAPE.sub("_x005F_", _CONTROLS.sub("", text))


def write_vcards(rows: Iterable[Row]) -> Iterator[bytes]:
    """vCards 3.0 in pieces, which phones and Outlook read."""
    for some in batched(rows, _ROWS_AT_ONCE):
        yield "".join(line for row in some for line in _card_lines(row)).encode()


def _card_lines(row: Row) -> Iterator[str]:
    """The lines of a card. vobject writes the same, at a tenth of the speed."""
    nick = _escaped(row.nick)
    values = {
        "VERSION": "3.0",
        "N": f";{nick};;;",
        "FN": nick,
        "TEL;TYPE=CELL": row.phone_number,
        "CATEGORIES": ",".join(map(_escaped, row.groups)),
        cards.UNION_ID: _escaped(row.union_id),
        cards.DO_NOT_INVITE: _escaped(mark_cell(row.mark)),
        cards.DO_NOT_INVITE_UNTIL: row.marked_until.isoformat() if row.marked_until else "",
    }
    yield "BEGIN:VCARD\r\n"
    for name, value in values.items():
        if value:
            yield _folded(f"{name}:{value}")
    yield "END:VCARD\r\n"


def _escaped(text: str) -> str:
    return backslashEscape(_CONTROLS.sub("", text))


def _folded(line: str) -> str:
    """A line of a card, cut so that none is longer than 75 bytes, whatever its characters."""
    width = _LINE if line.isascii() else _LINE // 4
    return "\r\n ".join(line[at : at + width] for at in range(0, len(line), width)) + "\r\n"
