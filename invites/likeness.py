"""Tells a unionId from a name by how it looks, since it has no documented form. Knows no database."""

import re
from enum import IntEnum

# Fewer digits than this are a row number or an age rather than a phone number.
FEWEST_DIGITS = 5
_UNION_ID = re.compile(r"[A-Za-z0-9_-]+")
_WORDS = re.compile(r"[A-Za-z]?[a-z]*(?:-?[A-Z][a-z]+|-[a-z]+)*|[A-Z]+(?:-[A-Z]+)*")
_MOSTLY_DIGITS = re.compile(r"\d(?:\d*[A-Za-z]){0,2}\d*")
_CASE_CHANGE = re.compile(r"[a-z](?=[A-Z])|[A-Z](?=[a-z])")
_DIGIT_INSIDE = re.compile(r"\d[_-]?[A-Za-z]")
LIKELY_LENGTH, STRONG_LENGTH = 8, 12


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
    if is_slip_of_the_finger(word):
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


def is_slip_of_the_finger(word: str) -> bool:
    """Whether this was meant to be a number: a letter or two between many digits."""
    return bool(_MOSTLY_DIGITS.fullmatch(word)) and len(word) >= FEWEST_DIGITS + 2 and not word.isdecimal()
