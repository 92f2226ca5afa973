"""Rows in the order of time: where somebody stands among them, what lies beyond, and pages of that. Indexes of the
history hold it.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple, Self

from django.db import models
from django.db.models import F, Model, Q, QuerySet

from invites.models.keys import with_any


class Way(Enum):
    """In which direction somebody reads on."""

    OLDER = "older"
    NEWER = "newer"


class Position(NamedTuple):
    """A place in the history: that of one attempt. Of two that began at the same moment the later written is newer."""

    started_at: datetime
    pk: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page[M: Model]:
    """Some rows, newest first.

    ``newer`` and ``older`` are those after and before which the neighbouring pages begin; None where there is no such
    page. ``searched_until`` is how far was looked where that did not fill the page: more may lie beyond.
    """

    rows: Sequence[M] = ()
    newer: int | None = None
    older: int | None = None
    searched_until: datetime | None = None


type Rows[M: Model] = Callable[[list[int]], list[M]]
"""Gives the rows with some keys, newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """What was found by reading one way, the nearest first; ``end`` is where it stopped though more may follow.

    One that holds more than a page has no ``end``: the page itself ends before that.
    """

    found: list[Position] = field(default_factory=list)
    end: Position | None = None

    def older_page[M: Model](self, rows: Rows[M], *, size: int, is_first: bool) -> Page[M]:
        """The page of what was found by reading on to what is older."""
        shown = self.found[:size]
        first = shown[0] if shown else self.end
        last = shown[-1] if len(self.found) > size else self.end
        return Page(
            rows=rows([place.pk for place in shown]),
            newer=None if is_first else first.pk if first else 0,
            older=last.pk if last else None,
            searched_until=self.end.started_at if self.end else None,
        )

    def newer_page[M: Model](self, rows: Rows[M], start: Position | None, *, size: int) -> Page[M]:
        """The page of what was found by reading on to what is newer than ``start``: something, or as far as an end."""
        shown = self.found[:size]
        return Page(
            rows=rows([place.pk for place in shown]),
            newer=(self.end or shown[-1]).pk,
            older=(shown[0] if shown else start).pk if start else None,
            searched_until=self.end.started_at if self.end else None,
        )


class TimelineQuerySet[M: Model](models.QuerySet[M]):
    """Rows with ``started_at``; of those of the same moment the column ``tie`` decides, the key of an attempt."""

    tie = "pk"

    def between(self, since: datetime | None, until: datetime | None) -> Self:
        """Those that began at ``since`` or after and before ``until``, of which either may be open."""
        rows = self if since is None else self.filter(started_at__gte=since)
        return rows if until is None else rows.filter(started_at__lt=until)

    def beyond(self, position: Position | None, way: Way) -> Self:
        """Those that come after ``position`` for somebody who reads ``way``; all where there is none."""
        if position is None:
            return self
        at, pk = position
        # The first condition is the one that an index can use; it follows from the second.
        if way is Way.OLDER:
            later = Q(started_at__lt=at) | Q((f"{self.tie}__lt", pk))
            return self.filter(later, started_at__lte=at)
        later = Q(started_at__gt=at) | Q((f"{self.tie}__gt", pk))
        return self.filter(later, started_at__gte=at)

    def as_far_as(self, moment: datetime, way: Way) -> Self:
        """Those that began at ``moment`` or that somebody meets before it who reads ``way``."""
        if way is Way.OLDER:
            return self.filter(started_at__gte=moment)
        return self.filter(started_at__lte=moment)

    def in_order(self, way: Way, *, leading: str = "") -> Self:
        """As somebody meets them who reads ``way``; with a field first that is the same in all of them."""
        fields = ("started_at", self.tie)
        if way is Way.OLDER:
            return self.order_by(*filter(None, [leading]), *(f"-{field}" for field in fields))
        return self.order_by(*(f"-{field}" for field in filter(None, [leading])), *fields)

    def positions(self) -> "QuerySet[M, tuple[datetime, int]]":
        """Their places alone, which indexes hold."""
        return self.values_list("started_at", self.tie)

    def of_any(self, field: str, keys: "Collection[int] | QuerySet[Any]") -> Self:
        """Those with one of ``keys``, or of the rows of a query, in ``field``."""
        if isinstance(keys, QuerySet):
            return self.filter((f"{field}__in", keys))
        return self.filter(with_any(field, keys))

    def of_outer(self, field: str) -> Self:
        """Those with the key of the row of an outer query in ``field``."""
        return self.filter((field, models.OuterRef("pk")))


def furthest_last(expression: str, way: Way) -> models.expressions.OrderBy:
    """Orders by a moment as somebody meets it who reads ``way``, what has none at the end."""
    return F(expression).desc(nulls_last=True) if way is Way.OLDER else F(expression).asc(nulls_last=True)
