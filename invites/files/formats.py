"""What is known of a file and of its lines, and how much of it is read at most."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal

from invites.files.errors import Unreadable

MOST_BYTES: Final = 20 * 1024 * 1024
MOST_ROWS: Final = 200_000
MOST_COLUMNS: Final = 100
LONGEST_CELL: Final = 32_767
"""Characters, as many as a cell of Excel holds."""

HEAD: Final = 20
"""Lines that are looked at to find out what a file is like."""

UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")
"""Characters that no database keeps."""

type Kind = Literal["csv", "xlsx", "vcard"]


class Field(StrEnum):
    """What a column may hold, by the names that are also stored."""

    NICK = "nick"
    UNION_ID = "unionId"
    PHONE_NUMBER = "phoneNumber"
    GROUPS = "groups"
    DO_NOT_INVITE = "doNotInvite"
    DO_NOT_INVITE_UNTIL = "doNotInviteUntil"


@dataclass(frozen=True, slots=True)
class Format:
    """The kind of a file and how it is to be read; ``reading`` is plain JSON.

    has_headings, headings    of all kinds: whether the first line is none of a person; its cells
    encoding, delimiter       of CSV; the encoding also of vCard
    sheet                     of XLSX: the place of the sheet that is read, from 0
    """

    kind: Kind
    reading: dict[str, object] = field(default_factory=dict)

    @property
    def has_headings(self) -> bool:
        """Whether the first line names the columns."""
        return bool(self.reading.get("has_headings"))

    @property
    def headings(self) -> list[str]:
        """The names of the columns, [] where there are none."""
        headings = self.reading.get("headings") if self.has_headings else []
        return [str(heading) for heading in headings] if isinstance(headings, list) else []


@dataclass(frozen=True, slots=True)
class Line:
    """One row or card: its ``number`` in the file from 1 on, headings and empty rows counted, and its cells.

    ``remark`` says what must be known of it: "more_numbers" (a card has further phone numbers, which are left out) or
    "broken_card" (a card that cannot be read; its cells are empty).
    """

    number: int
    cells: tuple[str, ...]
    remark: str = ""


def line_of(number: int, cells: Iterable[str]) -> Line:
    """A line of tidy ``cells`` without the empty ones at its end.

    Raises Unreadable for one that is too wide or has a cell that is too long.
    """
    tidied = [cell.strip() for cell in cells]
    while tidied and not tidied[-1]:
        tidied.pop()
    if len(tidied) > MOST_COLUMNS:
        raise Unreadable("too_many_columns", row=number, most=MOST_COLUMNS)
    if any(len(cell) > LONGEST_CELL for cell in tidied):
        raise Unreadable("long_cell", row=number, most=LONGEST_CELL)
    return Line(number, tuple(tidied))


def width_of(lines: Sequence[Line]) -> int:
    """How many columns the widest of ``lines`` has."""
    return max((len(line.cells) for line in lines), default=0)
