"""Pages of the history: some attempts, newest first, and how to go on from there."""

from dataclasses import dataclass
from datetime import datetime

from invites.models import Attempt
from invites.models.timeline import Way
from invites.permissions import Viewer
from invites.searching.conditions import attempts
from invites.searching.criteria import Criteria

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some attempts, newest first.

    ``newer`` and ``older`` are the attempts after and before which the neighbouring pages begin; None where there is no
    such page. ``searched_until`` is how far was looked, where that was not far enough to fill the page.
    """

    rows: list[Attempt]
    newer: int | None = None
    older: int | None = None
    searched_until: datetime | None = None


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
    found = attempts(criteria, user)
    if after is not None:
        at = Attempt.objects.at(after)
        rows = list(found.beyond(at, Way.NEWER).in_order(Way.NEWER).for_rows()[: size + 1])
        if len(rows) > size:
            rows = rows[size - 1 :: -1]
            return Page(rows=rows, newer=rows[0].pk, older=rows[-1].pk)
        before = None
    position = None if before is None else Attempt.objects.at(before)
    rows = list(found.beyond(position, Way.OLDER).in_order(Way.OLDER).for_rows()[: size + 1])
    older = rows[size - 1].pk if len(rows) > size else None
    newer = None if before is None else rows[0].pk if rows else 0
    return Page(rows=rows[:size], newer=newer, older=older)
