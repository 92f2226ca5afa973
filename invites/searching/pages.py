"""Pages of the history: some attempts, newest first, and how to go on from there."""

from invites.models import Attempt
from invites.models.timeline import Page, Position, Rows, Stretch, Way
from invites.permissions import Viewer
from invites.searching.criteria import Criteria
from invites.searching.drivers import best, further
from invites.searching.question import Question

PAGE_SIZE = 50
# A page looks at so many candidates in so many windows at most, each so many times as large as the last.
_LOOKED_AT, _WINDOWS, _MORE = 2000, 4, 4


def find(
    criteria: Criteria,
    user: Viewer,
    *,
    before: int | None = None,
    after: int | None = None,
    size: int = PAGE_SIZE,
) -> Page[Attempt]:
    """The newest attempts that fit, or those next to attempt ``before`` (older) or ``after`` (newer).

    Pages hang on attempts and not on numbers, so that rows which arrive meanwhile move nothing.
    """
    question = Question(criteria, user)

    def rows(keys: list[int]) -> list[Attempt]:
        return Attempt.objects.rows(keys, looked_for=question.looked_for)

    if after is None:
        return _older(question, before=before, size=size, rows=rows)
    start = Attempt.objects.at(after)
    stretch = _read(question, start, Way.NEWER, size=size)
    if len(stretch.found) > size or stretch.end:
        return stretch.newer_page(rows, start, size=size)
    # The newest page begins within reach: show all of it, unless it ends before it gets here.
    newest = _read(question, None, Way.OLDER, size=size)
    if stretch.found and newest.end and (start is None or newest.end > start):
        return stretch.newer_page(rows, start, size=size)
    return newest.older_page(rows, size=size, is_first=True)


def find_older(
    criteria: Criteria, user: Viewer, *, before: int | None, size: int, rows: Rows[Attempt]
) -> Page[Attempt]:
    """As `find`, one way only, for whoever shows something else of attempts than a row: they come from ``rows``."""
    return _older(Question(criteria, user), before=before, size=size, rows=rows)


def _older(question: Question, *, before: int | None, size: int, rows: Rows[Attempt]) -> Page[Attempt]:
    if before is None:
        newest = _read(question, None, Way.OLDER, size=size)
        return newest.older_page(rows, size=size, is_first=True)
    start = Attempt.objects.at(before)
    stretch = _read(question, start, Way.OLDER, size=size) if start else Stretch()
    return stretch.older_page(rows, size=size, is_first=False)


def _read(question: Question, start: Position | None, way: Way, *, size: int) -> Stretch:
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
            driver = further(question, driver, has_found=bool(found))
        is_sure = driver.fits == question.filters
        most = size + 1 if is_sure else max(size, min(_MORE * max(most, size), _LOOKED_AT - looked_at))
        window = driver.source.window(end, way, most=most)
    return Stretch(found=list(found), end=None if len(found) > size else end)
