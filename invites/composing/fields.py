"""Cuts a pasted line into fields and says what each could be: a phone number, a unionId, or words.

Knows no database. Phone numbers are judged by libphonenumber alone. A unionId is told from a name by its `likeness`;
whoever wants no guess writes ``Name <unionId>`` or ``unionId: …``.
"""

import re
from dataclasses import dataclass
from functools import cached_property

from django.core.exceptions import ValidationError

from invites import phone_numbers
from invites.characters import NARROW, plain
from invites.labels import NAME_LABELS, PHONE_LABELS, UNION_ID_LABELS
from invites.likeness import FEWEST_DIGITS, Likeness, is_slip_of_the_finger, likeness
from invites.models.draft_line import LineProblem

# A number may be written in blocks, ``+86 138 0013 8000``; with more blocks than this on a line each stands alone.
MOST_BLOCKS, MOST_BLOCKS_IN_PIECES, LONGEST_NUMBER = 6, 500, 30

_SEPARATORS = r"\t,，;；|｜/／:：、"
_SEPARATOR = re.compile(rf"[{_SEPARATORS}<\n]|[ ]{{2}}")
_FIELD = re.compile(
    rf"""
      "(?P<quoted>(?:[^"]|"")*)" (?=[ ]*(?:[{_SEPARATORS}<]|[ ]{{2}}|$))
    | “(?P<curly>[^“”]*)”        (?=[ ]*(?:[{_SEPARATORS}<]|[ ]{{2}}|$))
    | <(?P<angled>[^<>]*)>
    | (?P<plain>(?:[^{_SEPARATORS}<\ ]|[ ](?![ ]))+)
    """,
    re.VERBOSE,
)
_LIST_NUMBER = re.compile(r"(?:\d{1,4}[.)）](?: +|(?=[^\d ]))|[-*•·–—](?= ))")
_PHONE_LIKE = re.compile(r"[\d().+\- ]+")
_PHONE_IN_TEXT = re.compile(r"(?<![A-Za-z0-9_+-])\+?[(]?\d[\d ().-]*\d(?![A-Za-z0-9_-])")
_WORD = re.compile(r"[^\s\"“”<>]+")
_BLOCK = re.compile(r"\S+")
LABELS = (
    UNION_ID_LABELS | PHONE_LABELS | NAME_LABELS | {"number", "no.", "no", "id", "#", "号码", "序号", "编号"}
)


@dataclass(frozen=True, slots=True)
class Phone:
    """What a number turned out to be: ``e164``, or the ``problem`` with it."""

    e164: str = ""
    problem: LineProblem | None = None


_PROBLEMS = {
    "too_short": LineProblem.TOO_SHORT,
    "area": LineProblem.TOO_SHORT,
    "too_long": LineProblem.TOO_LONG,
    "no_such_prefix": LineProblem.NO_SUCH_PREFIX,
}


def read_phone(text: str, *, country: str) -> Phone | None:
    """What ``text`` is as a phone number of ``country``, or None where it does not even look like one."""
    text = plain(text)
    if not _PHONE_LIKE.fullmatch(text) or not any(map(str.isdecimal, text)):
        return Phone(problem=LineProblem.NOT_A_NUMBER) if is_slip_of_the_finger(text) else None
    if text.startswith("00"):
        text = f"+{text[2:]}"
    try:
        return Phone(e164=phone_numbers.parse(text, country=country))
    except ValidationError as error:
        return Phone(problem=_PROBLEMS.get(str(error.code), LineProblem.NOT_A_NUMBER))


@dataclass(frozen=True, eq=False)
class Field:
    """One field of a line, which takes the line's characters from ``start`` to ``end``, quotes included."""

    text: str
    start: int
    end: int
    quoted: bool = False
    angled: bool = False
    labelled: bool = False

    @cached_property
    def narrow(self) -> str:
        """The field as a unionId would be written."""
        return plain(self.text)

    @cached_property
    def likeness(self) -> Likeness:
        """How much it looks like a unionId."""
        return likeness(self.narrow)

    @property
    def label(self) -> str:
        """The field as a column's title would be written."""
        return self.narrow.casefold()

    @property
    def last_word(self) -> str:
        """The last word of it as a label, as in ``Jane Doe unionId: …``."""
        return self.label.rpartition(" ")[2]

    @property
    def is_title(self) -> bool:
        """Whether it is the title of a column, or of several."""
        return self.label in LABELS or all(word in LABELS for word in self.label.split())

    @property
    def is_called_union_id(self) -> bool:
        """Whether its writer said that this is a unionId, so that its looks do not matter."""
        return self.angled or self.labelled


def after_list_number(line: str) -> int:
    """Where a line goes on after ``1.``, ``2)`` or a bullet."""
    return match.end() if (match := _LIST_NUMBER.match(line)) else 0


def cut(line: str) -> list[Field]:
    """The fields of a tidy line: what stands between separators, two blanks, quotes or ``<>``; no empty ones."""
    found: list[Field] = []
    label_before = False
    for match in _FIELD.finditer(line, after_list_number(line)):
        kind = str(match.lastgroup)
        text = match[kind].replace('""', '"').strip() if kind == "quoted" else match[kind].strip()
        quoted = kind in {"quoted", "curly"}
        if text and (quoted or text.strip('"“”')):
            angled = kind == "angled"
            field = Field(
                text, match.start(), match.end(), quoted=quoted, angled=angled, labelled=label_before
            )
            found.append(field)
            label_before = not quoted and (
                field.label in UNION_ID_LABELS or field.last_word in UNION_ID_LABELS
            )
    return found


def holds_a_separator(text: str) -> bool:
    """Whether ``text`` has several fields, as a line that names somebody has and a word to search for has not."""
    return bool(_SEPARATOR.search(text))


def is_written_as_union_id(text: str) -> bool:
    """Whether ``text`` can be a unionId where its writer says so: visible ASCII, no blank, no mail address."""
    return text.isascii() and text.isprintable() and " " not in text and "@" not in text and bool(text)


@dataclass(frozen=True, slots=True)
class Inside:
    """Something found inside a stretch of text, from ``start`` to ``end`` of it."""

    text: str
    start: int
    end: int


def phones_inside(text: str, *, country: str) -> tuple[list[Inside], LineProblem | None]:
    """The phone numbers (E.164) amid words, and the problem of what is nearly one where there is none."""
    narrow = text if text.isascii() else text.translate(NARROW)
    found: list[Inside] = []
    problem: LineProblem | None = None
    for run in _PHONE_IN_TEXT.finditer(narrow):
        phones = _phones_of_run(run[0], offset=run.start(), country=country)
        found += phones
        if not phones and sum(map(str.isdecimal, run[0])) >= FEWEST_DIGITS:
            phone = read_phone(run[0], country=country)
            problem = problem or (phone.problem if phone else None)
    return found, problem


def union_ids_inside(text: str) -> list[tuple[Inside, Likeness]]:
    """The words of ``text`` that look most like a unionId, and how much they do; none where no word does."""
    narrow = text if text.isascii() else text.translate(NARROW)
    words = [Inside(match[0], match.start(), match.end()) for match in _WORD.finditer(narrow)]
    judged = [(word, likeness(word.text)) for word in words]
    best = max((like for _, like in judged), default=Likeness.NONE)
    return [(word, like) for word, like in judged if like == best > Likeness.NONE]


def _phones_of_run(run: str, *, offset: int, country: str) -> list[Inside]:
    """The numbers in a run of digits and blanks, the longest first, since a number may be written in blocks."""
    blocks = [(block.start(), block.end()) for block in _BLOCK.finditer(run)]
    most_blocks = MOST_BLOCKS if len(blocks) <= MOST_BLOCKS_IN_PIECES else 1
    found: list[Inside] = []
    at = 0
    while at < len(blocks):
        for until in range(min(at + most_blocks, len(blocks)), at, -1):
            start, end = blocks[at][0], blocks[until - 1][1]
            if not FEWEST_DIGITS <= end - start <= LONGEST_NUMBER:
                continue
            phone = read_phone(run[start:end], country=country)
            if phone and phone.e164:
                found.append(Inside(phone.e164, offset + start, offset + end))
                at = until
                break
        else:
            at += 1
    return found
