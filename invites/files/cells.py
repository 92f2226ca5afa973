"""Cells that hold more than one word: groups, the mark "do not invite" and days."""

import re
from collections.abc import Iterable
from datetime import date
from typing import Final, NamedTuple

_SEPARATORS: Final = ";；,，、|\n"
_GROUP: Final = re.compile(
    rf'\s*(?:"(?P<quoted>(?:[^"]|"")*)"\s*(?=[{_SEPARATORS}]|$)|(?P<plain>[^{_SEPARATORS}]*))'
)
_NEEDS_QUOTES: Final = re.compile(rf'[{_SEPARATORS}"]|^\s|\s$')
_DAY: Final = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[T ]00:00(?::00)?)?")
_YES: Final = frozenset({"yes", "y", "true", "1", "x", "✓", "✔", "√", "是", "对"})
_NO: Final = frozenset({"", "no", "n", "false", "0", "否", "不"})
_REASON: Final = "yes: "


class Mark(NamedTuple):
    """Whether somebody is marked "do not invite", and why."""

    is_set: bool
    reason: str = ""


NOT_MARKED: Final = Mark(is_set=False)


def join_groups(names: Iterable[str]) -> str:
    """Names of groups in one cell, from which `split_groups` reads the same."""
    return "; ".join(
        '"{}"'.format(name.replace('"', '""')) if _NEEDS_QUOTES.search(name) else name for name in names
    )


def split_groups(text: str) -> list[str]:
    """The names of groups in a cell, each once: between commas, semicolons or bars of any kind, or in quotes."""
    names = []
    at = 0
    while at <= len(text) and (match := _GROUP.match(text, at)):
        quoted = match["quoted"]
        names.append(match["plain"].strip() if quoted is None else quoted.replace('""', '"'))
        at = match.end() + 1
    return [name for name in dict.fromkeys(names) if name]


def mark_cell(mark: Mark) -> str:
    """A mark as a cell, from which `read_mark` reads the same: "", "yes" or "yes: the reason"."""
    if not mark.is_set:
        return ""
    return f"{_REASON}{mark.reason}" if mark.reason else "yes"


def read_mark(text: str) -> Mark:
    """What a cell says about "do not invite": any text but a plain yes or no is the reason why not."""
    if text.startswith(_REASON):
        return Mark(is_set=True, reason=text.removeprefix(_REASON).strip())
    word = text.strip().casefold()
    if word in _NO:
        return NOT_MARKED
    return Mark(is_set=True, reason="" if word in _YES else text.strip())


def read_day(text: str) -> date | None:
    """The day that a cell names with its year first, as ``2026-01-31`` or ``2026年1月31日``; None for anything else.

    A phone number cannot be written like this, so whoever finds one in such a cell has found a date.
    """
    match = _DAY.fullmatch(text.strip())
    try:
        return date(*map(int, match.groups())) if match else None
    except ValueError:
        return None
