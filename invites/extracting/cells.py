"""Writes one value into a cell: as JSON, as CSV and as a cell of a workbook. `cells_in_sql` says the same in SQL.

Who may not see phone numbers gets them masked, also where DingTalk's message repeats one: of any run of digits there
the last four are left, which is as much as a masked number shows.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

from invites.extracting.columns import Column, Kind
from invites.files.formulas import arm, arm_untyped

# What a row is read as; moments are aware.
type Value = int | str | date | datetime | None
type Plain = int | str | None

SHOWN_DIGITS: Final = 4
_OFFSET: Final = len("+00:00")
HIDDEN: Final = "•"
# No code begins another one.
E164: Final = rf"^\+({'|'.join(str(code) for code in sorted(COUNTRY_CODE_TO_REGION_CODE))})(.+)$"
HIDEABLE: Final = rf"[0-9](?=[0-9]{{{SHOWN_DIGITS}}})"

_E164: Final = re.compile(E164)
_HIDEABLE: Final = re.compile(HIDEABLE)
_FREE_TEXT: Final = {Kind.TEXT, Kind.MESSAGE, Kind.UNION_ID}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How an export writes: moments in ``zone``, and phone numbers in full or masked."""

    zone: ZoneInfo
    with_phone_numbers: bool


def as_plain(values: Sequence[Value], columns: Sequence[Column], manner: Manner) -> list[Plain]:
    """A row as JSON has it."""
    return [_plain(value, column.kind, manner) for value, column in zip(values, columns, strict=True)]


def as_csv(values: Sequence[Value], columns: Sequence[Column], manner: Manner) -> list[str]:
    """A row as cells of CSV, none of which a spreadsheet calculates."""
    cells = []
    for value, column in zip(values, columns, strict=True):
        plain = _plain(value, column.kind, manner)
        if column.kind in _FREE_TEXT:
            cells.append(arm_untyped(str(plain)))
        elif column.kind is Kind.PHONE_NUMBER:
            cells.append(_bracketed(str(plain)))
        elif column.kind is Kind.WORD:
            cells.append(_word(str(plain), column))
        elif isinstance(value, datetime):
            cells.append(_as_postgresql_writes(value.astimezone(manner.zone)))
        else:
            cells.append("" if plain is None else str(plain))
    return cells


def as_typed(values: Sequence[Value], columns: Sequence[Column], manner: Manner) -> list[Plain]:
    """A row as cells of a workbook, which say of themselves whether they are numbers or text."""
    cells: list[Plain] = []
    for value, column in zip(values, columns, strict=True):
        plain = _plain(value, column.kind, manner)
        if column.kind in _FREE_TEXT:
            cells.append(arm(str(plain)))
        else:
            cells.append(_word(str(plain), column) if column.kind is Kind.WORD else plain)
    return cells


def _plain(value: Value, kind: Kind, manner: Manner) -> Plain:
    if isinstance(value, datetime):
        return value.astimezone(manner.zone).isoformat(timespec="milliseconds")
    if isinstance(value, date):
        return value.isoformat()
    if value is None:
        return None if kind is Kind.NUMBER else ""
    if manner.with_phone_numbers or isinstance(value, int):
        return value
    if kind is Kind.MESSAGE:
        return _HIDEABLE.sub(HIDDEN, value)
    return _masked(value) if kind is Kind.PHONE_NUMBER else value


def _as_postgresql_writes(moment: datetime) -> str:
    """A moment as PostgreSQL writes it: ISO 8601 with a blank, no zeros at the end, and hours alone where they do."""
    whole = moment.isoformat(sep=" ")
    written, offset = whole[:-_OFFSET], whole[-_OFFSET:]
    if moment.microsecond:
        written = written.rstrip("0")
    return written + offset.removesuffix(":00")


def _masked(e164: str) -> str:
    """A number as `invites.phone_numbers.mask` masks it."""
    match = _E164.match(e164)
    if match is None:
        return HIDDEN + e164[-SHOWN_DIGITS:] if e164 else ""
    code, rest = match.groups()
    return f"+{code} {HIDDEN * max(len(rest) - SHOWN_DIGITS, 1)}{rest[-SHOWN_DIGITS:]}"


def _bracketed(number: str) -> str:
    """A number, masked or not, as the files of an address book have it: no formula, and none that is rounded."""
    match = _E164.match(number)
    if match is None:
        return arm(number)
    code, rest = match.groups()
    return f"(+{code}) {rest.removeprefix(' ')}"


def _word(value: str, column: Column) -> str:
    return next((str(word) for key, word in column.words if key == value), value)
