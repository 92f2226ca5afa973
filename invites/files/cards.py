"""Reads vCards of any version, card by card, so that a broken one or a large picture is no trouble to the others.

vobject takes the single lines apart. Cutting a file into cards is done here, since vobject has one card that it cannot
read end the whole file, and holds pictures in memory.
"""

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO, Final

from vobject.base import ContentLine, VObjectError, textLineToContentLine
from vobject.icalendar import stringToTextValues

from invites.files.cells import join_groups
from invites.files.encodings import PIECE, encoding_of
from invites.files.errors import Unreadable
from invites.files.formats import LONGEST_CELL, MOST_ROWS, UNSTORABLE, Field, Format, Line, line_of

UNION_ID: Final = "X-DINGTALK-UNIONID"
DO_NOT_INVITE: Final = "X-DINGTALK-DO-NOT-INVITE"
DO_NOT_INVITE_UNTIL: Final = "X-DINGTALK-DO-NOT-INVITE-UNTIL"

COLUMNS: Final = tuple(Field)
"""What a line of a card holds, in this order."""

_BEGIN, _END = "BEGIN:VCARD", "END:VCARD"
_NAMES: Final = ("FN", "N", "NICKNAME", "ORG")
_WANTED: Final = frozenset(
    {*_NAMES, "TEL", "CATEGORIES", UNION_ID, "X-UNIONID", DO_NOT_INVITE, DO_NOT_INVITE_UNTIL}
)
_NAME: Final = re.compile(r"(?:[\w-]+\.)?([\w-]+)[;:]", re.ASCII)
_LONGEST_CARD: Final = 100_000
"""Characters, without pictures."""

_CHINESE: Final = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_NO_DIGIT: Final = re.compile(r"\D")
_MOBILE: Final = frozenset({"CELL", "MOBILE", "IPHONE"})
_NO_PHONE: Final = frozenset({"FAX", "PAGER", "MODEM", "BBS"})


def are_in(file: BinaryIO) -> bool:
    """Whether a file begins as vCards do, in whatever encoding."""
    file.seek(0)
    beginning = file.read(256).replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    return beginning[: len(_BEGIN)].upper() == _BEGIN.encode()


def sniff(file: BinaryIO) -> Format:
    """How cards are to be read. Raises Unreadable where there are none."""
    reading: dict[str, object] = {"encoding": encoding_of(file)}
    if not any(islice(lines(file, reading), 1)):
        raise Unreadable("no_cards")
    return Format("vcard", reading | {"has_headings": True, "headings": list(map(str, COLUMNS))})


def lines(file: BinaryIO, reading: dict[str, object]) -> Iterator[Line]:
    """A line for each card, with the `COLUMNS`. Raises Unreadable at what cannot be read."""
    for number, card in enumerate(_cards(file, str(reading["encoding"])), start=1):
        if number > MOST_ROWS:
            raise Unreadable("too_many_rows", most=MOST_ROWS)
        yield _line(number, card)


def _cards(file: BinaryIO, encoding: str) -> Iterator[list[str] | None]:
    """The wanted lines of each card, unfolded; None for a card that has no end or is longer than anybody's."""
    card: list[str] | None = None
    size = 0
    for line in _unfolded(file, encoding):
        mark = line.strip().upper()
        if mark == _BEGIN:
            if card is not None:
                yield None
            card, size = [], 0
        elif mark == _END and card is not None:
            yield card if size <= _LONGEST_CARD else None
            card = None
        elif card is not None and _is_wanted(line):
            size += len(line)
            if size <= _LONGEST_CARD:
                card.append(line)
    if card is not None:
        yield None


def _unfolded(file: BinaryIO, encoding: str) -> Iterator[str]:
    """Whole lines: one that is folded goes on after a blank, one in quoted-printable after a ``=`` at its end."""
    whole, size = io.StringIO(), 0
    goes_on = False
    for line in _text_lines(file, encoding):
        is_more = goes_on or line[:1] in {" ", "\t"}
        if not is_more:
            yield whole.getvalue()
            whole, size = io.StringIO(), 0
        more = line[1:] if is_more and not goes_on else line
        goes_on = more.endswith("=") and (goes_on or "QUOTED-PRINTABLE" in line.upper())
        more = more[:-1] if goes_on else more
        size += len(more)
        if size <= _LONGEST_CARD:
            whole.write(more)
    yield whole.getvalue()


def _text_lines(file: BinaryIO, encoding: str) -> Iterator[str]:
    file.seek(0)
    text = io.TextIOWrapper(file, encoding=encoding)
    try:
        while line := text.readline(PIECE):
            yield line.rstrip("\r\n")
    except UnicodeError as error:
        raise Unreadable("encoding") from error
    finally:
        text.detach()


def _is_wanted(line: str) -> bool:
    match = _NAME.match(line)
    return match is not None and match[1].upper() in _WANTED


@dataclass(slots=True)
class _Person:
    """What a card says."""

    values: dict[str, str] = field(default_factory=dict)
    numbers: list[tuple[int, str]] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)


def _line(number: int, card: list[str] | None) -> Line:
    try:
        person = _person(card) if card is not None else None
    except (VObjectError, ValueError, LookupError):
        person = None
    if person is None:
        return Line(number, ("",) * len(COLUMNS), "broken_card")
    best = min(person.numbers, key=lambda rated: rated[0], default=(0, ""))[1]
    cells = {
        Field.NICK: next(filter(None, map(person.values.get, _NAMES)), ""),
        Field.UNION_ID: person.values.get(UNION_ID) or person.values.get("X-UNIONID", ""),
        Field.PHONE_NUMBER: best,
        Field.GROUPS: join_groups(person.groups),
        Field.DO_NOT_INVITE: person.values.get(DO_NOT_INVITE, ""),
        Field.DO_NOT_INVITE_UNTIL: person.values.get(DO_NOT_INVITE_UNTIL, ""),
    }
    remark = "more_numbers" if any(_are_two(best, text) for _rating, text in person.numbers) else ""
    line = line_of(number, (UNSTORABLE.sub("", cells[column])[:LONGEST_CELL] for column in COLUMNS))
    return Line(line.number, line.cells + ("",) * (len(COLUMNS) - len(line.cells)), remark)


def _are_two(number: str, other: str) -> bool:
    """Whether two numbers are not one that is written with and without its country code."""
    one, two = _NO_DIGIT.sub("", number), _NO_DIGIT.sub("", other)
    return not (one.endswith(two) or two.endswith(one))


def _person(card: Iterable[str]) -> _Person:
    person = _Person()
    for text in card:
        line = textLineToContentLine(text)
        if line.name == "TEL":
            _add_number(person, line)
        elif line.name == "CATEGORIES":
            person.groups += [group.strip() for group in stringToTextValues(line.value) if group.strip()]
        elif line.name in {"N", "ORG"}:
            person.values.setdefault(line.name, _joined(line))
        else:
            person.values.setdefault(
                line.name, "".join(stringToTextValues(line.value, listSeparator="")).strip()
            )
    return person


def _joined(line: ContentLine) -> str:
    """The parts of a name in the order in which they are spoken; Chinese ones have no blank between."""
    parts = [part.strip() for part in stringToTextValues(line.value, listSeparator=";")]
    if line.name == "N":
        family, given, more, prefix, suffix = (parts + [""] * 5)[:5]
        if _CHINESE.search(family + given):
            return family + more + given
        parts = [prefix, given, more, family, suffix]
    return " ".join(filter(None, parts))


def _add_number(person: _Person, line: ContentLine) -> None:
    """Notes a number with how well it serves: mobile before others, the preferred one first, no fax."""
    types = {word.strip().upper() for word in line.singletonparams}
    for listed in line.params.get("TYPE", []):
        types |= {word.strip().upper() for word in listed.split(",")}
    text = line.value.strip()
    text = text[4:] if text[:4].casefold() == "tel:" else text
    if text and not types & _NO_PHONE:
        is_preferred = "PREF" in types or line.params.get("PREF") == ["1"]
        person.numbers.append((2 * (not types & _MOBILE) + (not is_preferred), text))
