"""Cuts a pasted line into fields and says what each could be: a phone number, a unionId, or words.

Knows no database. Phone numbers are judged by libphonenumber alone. A unionId has no documented form, so it is told
from a name by how it looks (`Likeness`); whoever wants no guess writes ``Name <unionId>`` or ``unionId: …``.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

from django.core.exceptions import ValidationError

from invites import phone_numbers
from invites.models.draft_line import LineProblem

# Fewer digits than this are a row number or an age rather than a phone number.
FEWEST_DIGITS = 5
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
# One character for one, so that places in the text stay where they are.
_NARROW = str.maketrans(
    dict.fromkeys("‐‑‒–—―−", "-") | {chr(0xFEE0 + code): chr(code) for code in range(0x21, 0x7F)}
)
_WORD = re.compile(r"[^\s\"“”<>]+")
_BLOCK = re.compile(r"\S+")
_JOINERS = "\u200c\u200d"
# Letters and symbols by category that nobody can see, so that a name of these alone is none.
_BLANK_LETTERS = str.maketrans(dict.fromkeys("\u115f\u1160\u3164\uffa0\u2800", " ") | {"\u034f": None})

_UNION_ID = re.compile(r"[A-Za-z0-9_-]+")
_WORDS = re.compile(r"[A-Za-z]?[a-z]*(?:-?[A-Z][a-z]+|-[a-z]+)*|[A-Z]+(?:-[A-Z]+)*")
_MOSTLY_DIGITS = re.compile(r"\d(?:\d*[A-Za-z]){0,2}\d*")
_CASE_CHANGE = re.compile(r"[a-z](?=[A-Z])|[A-Z](?=[a-z])")
_DIGIT_INSIDE = re.compile(r"\d[_-]?[A-Za-z]")
LIKELY_LENGTH, STRONG_LENGTH = 8, 12

UNION_ID_LABELS = frozenset({"unionid", "union_id", "union id", "dingtalk unionid", "钉钉unionid"})
PHONE_LABELS = frozenset(
    {
        "phone",
        "phone number",
        "phonenumber",
        "phone_number",
        "mobile",
        "mobile phone",
        "mobile number",
        "cell",
    }
    | {"tel", "tel.", "telephone", "手机", "手机号", "手机号码", "电话", "电话号码", "联系电话", "联系方式"}
)
LABELS = (
    UNION_ID_LABELS
    | PHONE_LABELS
    | {"name", "nick", "nickname", "nick name", "full name", "display name", "number", "no.", "no", "id", "#"}
    | {"姓名", "名字", "名称", "昵称", "联系人", "成员", "号码", "序号", "编号"}
)


class Likeness(IntEnum):
    """How much a word looks like a unionId, from what is surely none to what is hardly anything else.

    WEAK    ``user1``, ``some_id``, ``-x``: taken where it stands in a field of its own beside a name
    LIKELY  8 characters with a digit, or with capitals where no word has them: also taken alone
    STRONG  12 characters with digits or capitals strewn in: also taken beside a phone number
    """

    NONE = 0
    WEAK = 1
    LIKELY = 2
    STRONG = 3


def likeness(word: str) -> Likeness:
    """How much ``word`` looks like a unionId: Latin letters, digits, ``_`` and ``-``, no blank, not just a name."""
    if not _UNION_ID.fullmatch(word) or not any(map(str.isalpha, word)):
        return Likeness.NONE
    if word.startswith("sandbox-") and len(word) > LIKELY_LENGTH:
        return Likeness.STRONG
    if _WORDS.fullmatch(word):
        return Likeness.WEAK if word.count("-") > 1 and word.islower() else Likeness.NONE
    if _is_slip_of_the_finger(word):
        return Likeness.NONE
    return _likeness_by_make(word)


def _likeness_by_make(word: str) -> Likeness:
    changes_of_case = len(_CASE_CHANGE.findall(word))
    is_mixed = bool(_DIGIT_INSIDE.search(word)) or changes_of_case > 2  # noqa: PLR2004
    has_digit = any(map(str.isdigit, word))
    if len(word) >= STRONG_LENGTH and is_mixed:
        return Likeness.STRONG
    if len(word) >= LIKELY_LENGTH and (has_digit or changes_of_case):
        return Likeness.LIKELY
    return Likeness.WEAK if has_digit or "_" in word or word.startswith("-") else Likeness.NONE


def _is_slip_of_the_finger(word: str) -> bool:
    """Whether this was meant to be a number: a letter or two between many digits."""
    return bool(_MOSTLY_DIGITS.fullmatch(word)) and len(word) >= FEWEST_DIGITS + 2 and not word.isdecimal()


def tidy(text: str) -> str:
    """``text`` without control and invisible characters, every kind of blank but the tab as a plain one.

    The joiners that hold emoji and Persian or Indic letters together stay.
    """
    if text.isprintable():
        return text.translate(_BLANK_LETTERS).strip() if not text.isascii() else text.strip()
    kept = []
    for character in text:
        category = unicodedata.category(character)
        if category[0] == "Z":
            kept.append(" ")
        elif character in "\t" + _JOINERS or category not in {"Cc", "Cf", "Cs"}:
            kept.append(character)
    return "".join(kept).translate(_BLANK_LETTERS).strip()


def plain(text: str) -> str:
    """``text`` in the characters of a unionId or a phone number: full-width ones narrow, dashes as ``-``."""
    if text.isascii():
        return text.strip()
    narrow = unicodedata.normalize("NFKC", text).translate(_NARROW)
    return "".join(character for character in narrow if character not in _JOINERS).strip()


def is_visible(text: str) -> bool:
    """Whether there is anything to see in a tidy ``text``, and not only marks and joiners."""
    return any(
        unicodedata.category(character)[0] not in "MZ" for character in text if character not in _JOINERS
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
        return Phone(problem=LineProblem.NOT_A_NUMBER) if _is_slip_of_the_finger(text) else None
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
    narrow = text if text.isascii() else text.translate(_NARROW)
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
    narrow = text if text.isascii() else text.translate(_NARROW)
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
