"""Reads pasted text: which people it names, and which of its lines cannot be used.

Knows no database. A line may hold, in any order and between any usual separators:

    a name and a unionId, a name and a phone number, all three, or a number or unionId alone
    ``"Doe, Jane" <unionId>``, ``unionId: …``       a name and a unionId that no guess is needed for
    several numbers, or several unionIds            one person each, where no name stands beside them
    ``Jane 138…; Kim 139…``                         one person each, where every part has a name

Row numbers, bullets, column titles and mail addresses beside a name are passed over. Of further words the first
stretch is the name. A number and a unionId on one line are one person, who is then called by unionId.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from invites.characters import is_visible, tidy
from invites.composing import fields
from invites.composing.fields import Field
from invites.labels import PHONE_LABELS, UNION_ID_LABELS
from invites.likeness import Likeness, likeness
from invites.models.contact import NICK_LENGTH, UNION_ID_LENGTH
from invites.models.draft_line import LineProblem
from invites.models.invitee import Channel

# What one line of a draft can keep; a longer one that is of no use is kept in pieces.
LINE_LENGTH = 500
_BETWEEN_PEOPLE = (re.compile(r"[;；]"), re.compile(r"[,，、]"))
_AROUND_A_NAME = ' \t,，;；|｜/／:：、<>"“”-–—·•'
_OPENING, _CLOSING = "([{（【", ")]}）】"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One person as written: a unionId, an E.164 number, or both; ``nick`` is empty where none was given."""

    nick: str = ""
    union_id: str = ""
    phone_number: str = ""

    @property
    def channel(self) -> Channel:
        """How this person is to be called: by unionId where there is one."""
        return Channel.UNION_ID if self.union_id else Channel.PHONE

    @property
    def value(self) -> str:
        """The unionId or the E.164 number that is called."""
        return self.union_id or self.phone_number


@dataclass(frozen=True, slots=True, kw_only=True)
class BadLine:
    """A line, or a piece of a very long one, of at most LINE_LENGTH characters that cannot be used as it is."""

    text: str
    problem: LineProblem


def read(text: str, *, country: str) -> list[Entry | BadLine]:
    """Everything that ``text`` says, in its order. ``country`` is the one of numbers without a country code.

    Lines of nothing but separators and lines of column titles are left out; every other gives at least one item.
    """
    return [item for line in text.splitlines() for item in _read_line(tidy(line), country=country)]


def line_of(*, nick: str, channel: str, value: str) -> str:
    """A line that `read` takes for exactly this person; ``nick`` may be empty."""
    quoted = nick.replace('"', '""')
    name = f'"{quoted}", ' if nick else ""
    return f"{name}unionId: <{value}>" if channel == Channel.UNION_ID else f"{name}<{value}>"


def _read_line(line: str, *, country: str) -> Iterator[Entry | BadLine]:
    cut = fields.cut(line)
    if all(field.is_title for field in cut):
        return
    result = _Line(line, cut, country=country).people()
    if result is LineProblem.TWO_PEOPLE:
        result = _people_of_parts(line, country=country) or result
    if isinstance(result, LineProblem):
        for start in range(0, len(line), LINE_LENGTH):
            if piece := line[start : start + LINE_LENGTH].strip():
                yield BadLine(text=piece, problem=result)
    else:
        yield from result


def _people_of_parts(line: str, *, country: str) -> list[Entry] | None:
    """The people of a line like ``Jane 138…; Kim 139…``, or None where some part of it is not complete."""
    for separator in _BETWEEN_PEOPLE:
        parts = [part.strip() for part in separator.split(line) if part.strip()]
        people: list[Entry] = []
        for part in parts:
            result = _Line(part, fields.cut(part), country=country).people()
            if isinstance(result, LineProblem) or not result[0].nick:
                break
            people += result
        else:
            return people
    return None


@dataclass(frozen=True, slots=True)
class _Value:
    """A unionId or phone number, and the stretch of the line that it takes."""

    text: str
    start: int
    end: int
    is_phone: bool


class _Line:
    """One line on its way to people: first what its fields are, then who that makes."""

    def __init__(self, text: str, cut: list[Field], *, country: str) -> None:
        self.text = text
        self.country = country
        self.values: list[_Value] = []
        self.words: list[Field] = []
        self.names: list[Field] = []
        self.passed_over: list[Field] = []
        self.problem: LineProblem | None = None
        has_angled = any(field.angled for field in cut)
        for field in cut:
            if field.quoted and has_angled:
                self.names.append(field)
            else:
                self._sort(field)

    def people(self) -> list[Entry] | LineProblem:
        """Who stands in this line, or why nobody can be made out."""
        if all(value.is_phone for value in self.values):
            self._take_union_ids()
        if not self.values:
            self._look_inside_words()
        distinct = dict.fromkeys((value.text, value.is_phone) for value in self.values)
        if not distinct:
            return self.problem or LineProblem.NOTHING_USABLE
        nick = self._nick()
        union_ids = [text for text, is_phone in distinct if not is_phone]
        numbers = [text for text, is_phone in distinct if is_phone]
        if len(nick) > NICK_LENGTH:
            return LineProblem.NICK_TOO_LONG
        if any(len(union_id) > UNION_ID_LENGTH for union_id in union_ids):
            return LineProblem.VALUE_TOO_LONG
        if len(union_ids) <= 1 and len(numbers) <= 1:
            return [Entry(nick=nick, union_id="".join(union_ids), phone_number="".join(numbers))]
        if nick:
            return LineProblem.TWO_PEOPLE
        return [Entry(phone_number=text) if phone else Entry(union_id=text) for text, phone in distinct]

    def _sort(self, field: Field) -> None:
        """Puts a field among the values, the words, or what is passed over."""
        phone = None if field.labelled else fields.read_phone(field.narrow, country=self.country)
        if phone and phone.e164:
            self._take(field, phone.e164, is_phone=True)
        elif field.label in fields.LABELS and not field.is_called_union_id:
            self.passed_over.append(field)
        elif field.is_called_union_id and not (phone and phone.problem and field.narrow.isdecimal()):
            self._take_what_is_called_union_id(field)
        elif phone:
            self.passed_over.append(field)
            self._look_for_phones_inside(field)
            self.problem = self.problem or phone.problem
        elif "@" in field.text:
            self.passed_over.append(field)
        else:
            self.words.append(field)

    def _take_what_is_called_union_id(self, field: Field) -> None:
        if fields.is_written_as_union_id(field.narrow):
            self._take(field, field.narrow)
            return
        self.passed_over.append(field)
        if fields.is_written_as_union_id(field.narrow.replace(" ", "")):
            self.problem = LineProblem.BLANK_IN_UNION_ID

    def _take(self, field: Field, text: str, *, is_phone: bool = False) -> None:
        self.values.append(_Value(text, field.start, field.end, is_phone=is_phone))

    def _take_union_ids(self) -> None:
        """Moves those words among the values that look most like a unionId, if they do so enough."""
        best = max((field.likeness for field in self.words), default=Likeness.NONE)
        alike = [field for field in self.words if field.likeness == best]
        is_name_left = len(alike) < len(self.words)
        if best is Likeness.WEAK:
            # `name, id` is the usual order; a weak likeness says nothing about more fields than these two.
            if self.values or not (is_name_left or len(alike) == 2):  # noqa: PLR2004
                return
            alike = alike[-1:]
        elif best is Likeness.NONE or (best is Likeness.LIKELY and self.values and not is_name_left):
            return
        taken = set(alike)
        self.words = [field for field in self.words if field not in taken]
        for field in alike:
            self._take(field, field.narrow)

    def _look_inside_words(self) -> None:
        """Finds the value in a field like ``Jane Doe 138 0013 8000``, whose parts single blanks separate."""
        for field in self.words:
            self._look_for_phones_inside(field)
        if not self.values and not self.problem:
            for field in self.words:
                self._look_for_union_id_inside(field)

    def _look_for_phones_inside(self, field: Field) -> None:
        found, problem = fields.phones_inside(self.text[field.start : field.end], country=self.country)
        self.problem = self.problem or problem
        for phone in found:
            start, end = field.start + phone.start, field.start + phone.end
            self.values.append(_Value(phone.text, start, end, is_phone=True))

    def _look_for_union_id_inside(self, field: Field) -> None:
        found = fields.union_ids_inside(self.text[field.start : field.end])
        needed = Likeness.LIKELY if len(self.words) == 1 else Likeness.STRONG
        if len(found) == 1 and found[0][1] >= needed:
            word = found[0][0]
            self.values.append(
                _Value(word.text, field.start + word.start, field.start + word.end, is_phone=False)
            )
        elif " " in field.narrow and likeness(field.narrow.replace(" ", "")) is Likeness.STRONG:
            self.problem = LineProblem.BLANK_IN_UNION_ID

    def _nick(self) -> str:
        """The first stretch of words that no value and nothing passed over interrupts."""
        cuts = [(value.start, value.end) for value in self.values]
        cuts += [(field.start, field.end) for field in self.passed_over]
        at = fields.after_list_number(self.text)
        for start, end in sorted([*cuts, (len(self.text), len(self.text))]):
            if nick := self._nick_between(at, start):
                return nick
            at = max(at, end)
        return ""

    def _nick_between(self, start: int, end: int) -> str:
        within = [field for field in (*self.names, *self.words) if start <= field.start and field.end <= end]
        is_quoted = len(within) == 1 and within[0].quoted
        nick = within[0].text if is_quoted else _without_separators(self.text[start:end])
        nick = unicodedata.normalize("NFC", re.sub(r"\s+", " ", nick))
        return nick if is_visible(nick) else ""


def _without_separators(stretch: str) -> str:
    """A stretch of words without what only separated it from its neighbours."""
    nick = stretch.strip(_AROUND_A_NAME).rstrip(_OPENING + _AROUND_A_NAME).lstrip(_CLOSING + _AROUND_A_NAME)
    before, blank, last = nick.rpartition(" ")
    if blank and last.casefold() in PHONE_LABELS | UNION_ID_LABELS:
        nick = before.rstrip(_AROUND_A_NAME)
    return nick if nick.strip(_OPENING + _CLOSING) else ""
