"""Pages of the history: some attempts, newest first, and how to go on from there."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from invites.models import Attempt
from invites.models.timeline import Position, Way
from invites.permissions import Viewer
from invites.searching.criteria import Criteria
from invites.searching.drivers import best, further
from invites.searching.question import Question

PAGE_SIZE = 50
# A page looks at so many candidates in so many windows at most, each so many times as large as the last.
_LOOKED_AT, _WINDOWS, _MORE = 2000, 4, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some attempts, newest first.

    ``newer`` and ``older`` are the attempts after and before which the neighbouring pages begin; None where there is no
    such page. ``searched_until`` is how far was looked where that did not fill the page: more may lie beyond.
    """

    rows: Sequence[Attempt]
    newer: int | None = None
    older: int | None = None
    searched_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch:
    """What was found by reading one way, the nearest first; ``end`` is where it stopped though more may follow."""

    found: list[Position] = field(default_factory=list)
    end: Position | None = None


def find(
    criteria: Criteria,
    user: Viewer,
    *,
    before: int | None = None,
    after: int | None = None,
    size: int = PAGE_SIZE,
) -> Page:
    """The newest attempts that fit, or those next to attempt ``before`` (older) or ``after`` (newer).

    Pages hang on attempts and not on numbers, so that rows which arrive meanwhile move nothing.
    """
    question = Question(criteria, user)
    if after is not None:
        start = Attempt.objects.at(after)
        stretch = _read(question, start, Way.NEWER, size=size)
        if len(stretch.found) > size or stretch.end:
            return _newer_page(stretch, start, size=size)
        # The newest page begins within reach: show all of it, unless it ends before it gets here.
        newest = _read(question, None, Way.OLDER, size=size)
        if stretch.found and newest.end and (start is None or newest.end > start):
            return _newer_page(stretch, start, size=size)
        return _older_page(newest, size=size)
    if before is None:
        return _older_page(_read(question, None, Way.OLDER, size=size), size=size)
    start = Attempt.objects.at(before)
    stretch = _read(question, start, Way.OLDER, size=size) if start else _Stretch()
    return _older_page(stretch, size=size, is_first=False)


def _read(question: Question, start: Position | None, way: Way, *, size: int) -> _Stretch:
    """At least ``size`` + 1 attempts that fit, where so many are found within what may be looked at."""
    driver, window = best(question, start, way, size=size + 1)
    found: dict[Position, None] = {}
    looked_at, most = 0, len(window.positions)
    for windows in range(1, _WINDOWS + 1):
        unsure = question.filters - driver.fits
        found |= dict.fromkeys(question.fitting(window.positions, unsure))
        looked_at += len(window.positions)
        end = window.end
        if len(found) > size or end is None or windows == _WINDOWS or looked_at >= _LOOKED_AT:
            break
        if windows == 1:
            driver = further(question, driver)
        is_sure = driver.fits == question.filters
        most = size + 1 if is_sure else max(size, min(_MORE * max(most, size), _LOOKED_AT - looked_at))
        window = driver.source.window(end, way, most=most)
    return _Stretch(found=list(found), end=None if len(found) > size else end)


def _older_page(stretch: _Stretch, *, size: int, is_first: bool = True) -> Page:
    found, end = stretch.found[:size], stretch.end
    is_full = len(stretch.found) > size
    older = found[-1].pk if is_full else end.pk if end else None
    newer = None if is_first else found[0].pk if found else end.pk if end else 0
    until = None if is_full or not end else end.started_at
    return Page(rows=_rows(found), newer=newer, older=older, searched_until=until)


def _newer_page(stretch: _Stretch, start: Position | None, *, size: int) -> Page:
    found, end = stretch.found[:size], stretch.end
    is_full = len(stretch.found) > size
    newer = found[-1].pk if is_full or not end else end.pk
    older = found[0].pk if found and start else start.pk if start else None
    until = None if is_full or not end else end.started_at
    return Page(rows=_rows(found), newer=newer, older=older, searched_until=until)


def _rows(found: Sequence[Position]) -> list[Attempt]:
    return Attempt.objects.rows([position.pk for position in found]) if found else []
