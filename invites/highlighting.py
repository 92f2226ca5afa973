"""Where in a name, a unionId or a phone number the text of a search was found, as stretches of characters to mark.

The counterpart of `ContactQuerySet.matching` for one person on a page. Knows no database.
"""

from collections.abc import Iterable
from itertools import pairwise

from invites import spelling

type Stretch = tuple[int, int]
"""The first character, and the one behind the last."""

type Readings = tuple[str, ...]
"""What one character may be typed as; an empty one is passed over."""

_UNTYPED: Readings = ("",)


def in_name(nick: str, text: str) -> list[Stretch]:
    """Where ``text`` finds a name: as it is written, by its pinyin, or by its initials; the first way that does."""
    letters = spelling.joined(text)
    ways = (
        (_as_written(nick), spelling.fold(text)),
        (_in_pinyin(nick), letters),
        (_by_initials(nick), letters),
    )
    found = (_stretches(nick, readings, wanted) for readings, wanted in ways if wanted)
    return next((stretches for stretches in found if stretches), [])


def in_union_id(union_id: str, text: str) -> list[Stretch]:
    """The beginning of a unionId, where ``text`` is one."""
    wanted = text.strip()
    finds = len(wanted) >= spelling.FEWEST_ANYWHERE and union_id.startswith(wanted)
    return [(0, len(wanted))] if finds else []


def in_number(shown: str, text: str, *, e164: str) -> list[Stretch]:
    """Which digits of a number, as it is ``shown``, are found by ``text``, blanks between them included.

    What is found of a country code that is not shown cannot be marked. Both forms agree from their end on.
    """
    wanted, stored = spelling.phone_digits(text), e164.lstrip("+")
    at = stored.rfind(wanted) if wanted else -1
    if at < 0:
        return []
    places = [place for place, character in enumerate(shown) if character.isdecimal()]
    # Counted from the end: 010 6552 9988 is shown, 86 10 6552 9988 is stored.
    behind = len(stored) - at - len(wanted)
    found = places[-behind - len(wanted) : -behind or None] if behind < len(places) else []
    digits = "".join(shown[place] for place in found)
    return [(found[0], found[-1] + 1)] if digits and wanted.endswith(digits) else []


def _as_written(nick: str) -> list[Readings]:
    """Blanks one after the other count once, as in `spelling.fold`."""
    return [
        (spelling.fold(character) or (" " if character.isspace() and not last.isspace() else ""),)
        for last, character in pairwise(f" {nick}")
    ]


def _in_pinyin(nick: str) -> list[Readings]:
    return [_spoken(character) for character in nick]


def _by_initials(nick: str) -> list[Readings]:
    """The first letter of each Chinese character, or of each word where all are Latin."""
    if not nick.isascii():
        return [tuple(reading[:1] for reading in _spoken(character)) for character in nick]
    return [_UNTYPED if last.isalnum() else _spoken(character) for last, character in pairwise(f" {nick}")]


def _spoken(character: str) -> Readings:
    return spelling.syllables(spelling.fold(character)) if character.isalnum() else _UNTYPED


def _stretches(nick: str, readings: list[Readings], wanted: str) -> list[Stretch]:
    """Every stretch that ``wanted`` spells, one after the other."""
    found: list[int] = []
    for start, (last, character) in enumerate(pairwise(f" {nick}")):
        begins = not last.isalnum() or not character.isascii()
        anywhere = len(wanted) >= spelling.FEWEST_ANYWHERE
        if (not found or start > found[-1]) and (begins or anywhere):
            found += _from(start, readings, wanted, inside=anywhere)
    return _joined(found)


def _from(start: int, readings: list[Readings], wanted: str, *, inside: bool) -> list[int]:
    """The characters from ``start`` on that spell ``wanted``, where it is ``inside`` from within its reading."""
    for reading in filter(None, readings[start]):
        for offset in range(len(reading) if inside else 1):
            rest = reading[offset:]
            if rest.startswith(wanted):
                return [start]
            if wanted.startswith(rest) and (end := _on(start + 1, readings, wanted[len(rest) :])):
                return [start, *end]
    return []


def _on(place: int, readings: list[Readings], wanted: str) -> list[int]:
    """The characters from ``place`` on that go on with the rest of what is wanted; none where they do not."""
    if place == len(readings):
        return []
    for reading in readings[place]:
        if not reading:
            if found := _on(place + 1, readings, wanted):
                return found
        elif reading.startswith(wanted):
            return [place]
        elif wanted.startswith(reading) and (found := _on(place + 1, readings, wanted[len(reading) :])):
            return [place, *found]
    return []


def _joined(places: Iterable[int]) -> list[Stretch]:
    """Characters that stand side by side as one stretch."""
    stretches: list[Stretch] = []
    for place in places:
        if stretches and stretches[-1][1] == place:
            stretches[-1] = (stretches[-1][0], place + 1)
        else:
            stretches.append((place, place + 1))
    return stretches
