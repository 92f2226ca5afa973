"""How people are spelled for the search: names in one form, with their pinyin, initials and numbers beside them.

Knows no database. Every stretch from which a search may begin stands behind a blank, so that ``" zs"`` finds where a
word begins; an index over three characters each then serves a search for one or two of them as well.
"""

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import product

# A name is read character by character; the phrases would only cost memory and a slow start.
os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")

from pypinyin import Style, lazy_pinyin, pinyin

FEWEST_ANYWHERE = 3
"""A text of so many characters is found anywhere, a shorter one where a word begins."""

FEWEST_DIGITS = 3
_LONGEST = 600
# Of a long name the beginning must do: each further character would cost as many characters again.
_CHARACTERS, _LETTERS, _READINGS = 8, 24, 3
_APART = re.compile(r"[^\w]+|_+")
_PHONE = re.compile(r"[\d\s().+-]+")
# As in +44 (0)20 …: the zero that is dialled from within the country alone.
_TRUNK_PREFIX = re.compile(r"\(0\)")
_BLANKS = re.compile(r"\s+")


def fold(text: str) -> str:
    """``text`` as it is compared: without capitals, accents, full-width forms and repeated blanks."""
    if text.isascii():
        folded = text
    else:
        split = unicodedata.normalize("NFKD", text)
        marked = "".join(character for character in split if not unicodedata.combining(character))
        folded = unicodedata.normalize("NFC", marked)
    return _BLANKS.sub(" ", folded.casefold()).strip()


def search_text(*, nick: str, phone_number: str) -> str:
    """What a person called ``nick`` with this E.164 number is found by, at most 600 characters.

    For 张三丰 that is ``" 张三丰 三丰 丰 zhangsanfeng sanfeng feng zsf sf f"``, then the digits of the number.
    """
    folded = fold(nick)
    digits = phone_number.lstrip("+")
    words = dict.fromkeys([folded, *_words(folded)])
    text = " " + " ".join(words)
    return f"{text[: _LONGEST - len(digits) - 1].rstrip()} {digits}" if digits else text[:_LONGEST].rstrip()


def patterns(text: str) -> list[str]:
    """What to look for in the `search_text` of people to find ``text``: any of these; none for nothing to look for."""
    folded = fold(text)
    if not folded:
        return []
    found = [_pattern(folded)]
    letters = _APART.sub("", folded)
    if letters != folded and len(letters) > 1 and not letters.isdecimal():
        # "zhang san", "Z.S."
        found.append(_pattern(letters))
    if digits := phone_digits(text):
        found.append(digits)
    return list(dict.fromkeys(found))


def joined(text: str) -> str:
    """A folded ``text`` as the pinyin or the initials of somebody would be written: letters without anything between;
    the text itself where it has no letters.
    """
    folded = fold(text)
    letters = _APART.sub("", folded)
    return letters if letters.isascii() and letters.isalpha() else folded


def phone_digits(text: str) -> str:
    """The digits of ``text`` as they stand inside an E.164 number, where it looks like a part of one; else nothing."""
    if not _PHONE.fullmatch(text.strip()):
        return ""
    written = _TRUNK_PREFIX.sub("", unicodedata.normalize("NFKC", text))
    digits = "".join(filter(str.isdecimal, written))
    # The zeros with which a number is dialled are not part of it: 00 86 …, 010 ….
    dialled = digits.lstrip("0") if digits.startswith("0") and len(digits) > FEWEST_DIGITS + 2 else digits
    return dialled if len(dialled) >= FEWEST_DIGITS else ""


def read_aloud(text: str) -> str:
    """A folded ``text`` with pinyin in place of Chinese characters: lists are put in the order of this."""
    return "".join(lazy_pinyin(fold(text)))


def _pattern(text: str) -> str:
    return text if len(text) >= FEWEST_ANYWHERE else f" {text}"


def _words(folded: str) -> Iterator[str]:
    """Everything from which a search for a folded name may begin, besides the name itself."""
    apart = [word for word in _APART.split(folded) if word]
    yield from apart
    if len(apart) > 1 and all(word.isascii() for word in apart):
        yield "".join(word[0] for word in apart)
    for word in apart:
        if not word.isascii():
            yield from _readings(word[:_CHARACTERS])


def _readings(word: str) -> Iterator[str]:
    """The ends of a word in another script than the Latin one, then their pinyin, then their initials."""
    yield from (word[start:] for start in range(1, len(word)))
    spoken = [syllables(character) for character in word]
    if not all(spoken):
        return
    yield from _ends(spoken, longest=_LETTERS)
    yield from _ends([_initials(readings) for readings in spoken], longest=_CHARACTERS)


def _ends(syllables: list[tuple[str, ...]], *, longest: int) -> Iterator[str]:
    """The ends of a word by its syllables. Only its first has several readings: surnames are read in their own way."""
    usual = [readings[0] for readings in syllables]
    for first, *rest in product(syllables[0], *((reading,) for reading in usual[1:])):
        yield "".join([first, *rest])[:longest]
    yield from ("".join(usual[start:])[:longest] for start in range(1, len(usual)))


def _initials(readings: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(reading[0] for reading in readings))


@lru_cache(maxsize=8192)
def syllables(character: str) -> tuple[str, ...]:
    """The readings of one character in pinyin without tones, the usual one first; none for what has none."""
    if character.isascii():
        return (character,) if character.isalnum() else ()
    read = pinyin(character, style=Style.NORMAL, heteronym=True, errors="ignore")
    readings = dict.fromkeys(reading for readings in read for reading in readings if reading.isascii())
    # "ü" is typed as "v", and in passports it is a "u".
    readings |= dict.fromkeys(reading.replace("v", "u") for reading in readings)
    return tuple(readings)[:_READINGS]
