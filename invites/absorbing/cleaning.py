"""Cleans the cells of one row, or what the directory has of somebody: a person, or what is wrong. Knows no database.

This runs once for every row of a file, so what is usual is judged by the cheapest test that is sure of it, and only the
rest by the validators of the contact itself.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from invites import phone_numbers
from invites.characters import tidy
from invites.dingtalk import DirectoryPerson
from invites.dingtalk.sandbox.people import is_demo_value
from invites.files import Field, Line, read_day, read_mark, split_groups
from invites.models.contact import (
    NICK_LENGTH,
    REASON_LENGTH,
    UNION_ID_LENGTH,
    is_one_line,
    validate_nick,
    validate_union_id,
)

GROUP_LENGTH = 80
MOST_GROUPS = 50
_LINE_BREAKS = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
# A spreadsheet has taken a number for a date; some countries have numbers with as many digits.
_AFTER_A_YEAR = ("-", "/", ".", "年")
# What programs make of a number that they calculate with: its first digits alone, or a fraction that is none.
_CUT_SHORT = re.compile(r"\d+([.,]\d+)?[eE]\+?\d{1,2}")
_NO_FRACTION = ".0"
BROKEN_CARD = "broken_card"


class Person(NamedTuple):
    """Somebody as a row of an import names them. What is "" or empty says nothing about the person.

    ``remark`` is a word about something that the reader passed over, for example further phone numbers.
    """

    number: int
    nick: str = ""
    union_id: str = ""
    phone_number: str = ""
    groups: tuple[str, ...] = ()
    do_not_invite_reason: str = ""
    do_not_invite_until: date | None = None
    remark: str = ""


class Refusal(NamedTuple):
    """A row that cannot be used: what is wrong in a word, in which field, and what stood in it."""

    number: int
    problem: str
    field: str = ""
    cells: tuple[str, ...] = ()


class UnusableCellError(Exception):
    """A cell that cannot be used, with the word for what is wrong and the field that it is in."""

    def __init__(self, problem: str, field: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.field = field


type Cleaner = Callable[[Line], Person | Refusal]


def cleaner(*, columns: Sequence[str], country: str, is_sandbox: bool) -> Cleaner:
    """What cleans the lines of a file whose ``columns`` hold these fields ("" for none).

    ``country`` is where its phone numbers are written without a country code; people of the sandbox are refused where
    the book is not its own (``is_sandbox``).
    """
    places: dict[str, list[int]] = {}
    for place, field in enumerate(columns):
        if field:
            places.setdefault(field, []).append(place)

    def clean(line: Line) -> Person | Refusal:
        try:
            return _clean(line, places, country=country, is_sandbox=is_sandbox)
        except UnusableCellError as error:
            return Refusal(line.number, error.problem, error.field, line.cells)

    return clean


def colleague(person: DirectoryPerson) -> Person | None:
    """``person`` of the directory as a contact can be, in no row yet; None where it tells no way to reach them."""
    try:
        union_id = _union_id(person.union_id.strip())
        nick = _nick(tidy(_LINE_BREAKS.sub(" ", person.name))[:NICK_LENGTH] or person.user_id[:NICK_LENGTH])
    except UnusableCellError:
        return None
    if not nick.strip() or not (union_id or person.phone_number):
        return None
    return Person(0, nick=nick, union_id=union_id, phone_number=person.phone_number)


def _clean(line: Line, places: dict[str, list[int]], *, country: str, is_sandbox: bool) -> Person:
    cells = line.cells
    if line.remark == BROKEN_CARD:
        raise UnusableCellError(BROKEN_CARD, "")
    union_id = _union_id(_first(cells, places.get(Field.UNION_ID, ())))
    phone_number = _phone_number(_first(cells, places.get(Field.PHONE_NUMBER, ())), country)
    if not union_id and not phone_number:
        raise UnusableCellError("unreachable", Field.PHONE_NUMBER)
    if not is_sandbox:
        if is_demo_value(union_id):
            raise UnusableCellError("demo_person", Field.UNION_ID)
        if is_demo_value(phone_number):
            raise UnusableCellError("demo_person", Field.PHONE_NUMBER)
    nick = _nick(_first(cells, places.get(Field.NICK, ())))
    is_marked = Field.DO_NOT_INVITE in places or Field.DO_NOT_INVITE_UNTIL in places
    reason, until = _mark(cells, places) if is_marked else ("", None)
    groups = _groups(cells, places[Field.GROUPS]) if Field.GROUPS in places else ()
    return Person(line.number, nick, union_id, phone_number, groups, reason, until, line.remark)


def _first(cells: Sequence[str], places: Iterable[int]) -> str:
    """The first of several cells that has something in it. A ragged row may lack the last ones."""
    for place in places:
        if place < len(cells) and (text := cells[place].strip()):
            return text
    return ""


def _nick(text: str) -> str:
    if text.isprintable() and len(text) <= NICK_LENGTH:
        return text
    text = _LINE_BREAKS.sub(" ", text)
    try:
        validate_nick(text)
    except ValidationError as error:
        raise UnusableCellError(f"name_{error.code}", Field.NICK) from error
    return text


def _union_id(text: str) -> str:
    if not text or (text.isprintable() and " " not in text and len(text) <= UNION_ID_LENGTH):
        return text
    try:
        validate_union_id(text)
    except ValidationError as error:
        raise UnusableCellError(f"union_id_{error.code}", Field.UNION_ID) from error
    return text


def _phone_number(text: str, country: str) -> str:
    if not text:
        return ""
    if text[4:5] in _AFTER_A_YEAR and read_day(text):
        raise UnusableCellError("date_for_number", Field.PHONE_NUMBER)
    if text.endswith(_NO_FRACTION) and text.removesuffix(_NO_FRACTION).isdecimal():
        text = text.removesuffix(_NO_FRACTION)
    try:
        return phone_numbers.parse(text, country=country)
    except ValidationError as error:
        problem = "cut_short" if _CUT_SHORT.fullmatch(text) else str(error.code)
        raise UnusableCellError(problem, Field.PHONE_NUMBER) from error


def _groups(cells: Sequence[str], places: Sequence[int]) -> tuple[str, ...]:
    """The names of the groups in all cells for them, each once."""
    names: dict[str, str] = {}
    for place in places:
        for name in split_groups(cells[place]) if place < len(cells) else ():
            if len(name) > GROUP_LENGTH or not is_one_line(name):
                raise UnusableCellError("group_name", Field.GROUPS)
            names.setdefault(name.casefold(), name)
    if len(names) > MOST_GROUPS:
        raise UnusableCellError("many_groups", Field.GROUPS)
    return tuple(names.values())


def _mark(cells: Sequence[str], places: dict[str, list[int]]) -> tuple[str, date | None]:
    """The reason and the last day of the mark "do not invite"; "" and None for somebody who is not marked."""
    mark = read_mark(_first(cells, places.get(Field.DO_NOT_INVITE, ())))
    until = _first(cells, places.get(Field.DO_NOT_INVITE_UNTIL, ()))
    if len(mark.reason) > REASON_LENGTH or not is_one_line(mark.reason):
        raise UnusableCellError("reason", Field.DO_NOT_INVITE)
    if until and not mark.is_set:
        raise UnusableCellError("no_reason", Field.DO_NOT_INVITE)
    day = read_day(until) if until else None
    if until and day is None:
        raise UnusableCellError("date", Field.DO_NOT_INVITE_UNTIL)
    return (mark.reason or _("No reason was given.")) if mark.is_set else "", day
