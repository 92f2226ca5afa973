"""Rows in the order of time: where somebody stands among them, and what lies beyond. Indexes of the history hold it."""

from datetime import datetime
from enum import Enum
from typing import NamedTuple, Self

from django.db import models
from django.db.models import F, Model, Q, QuerySet


class Way(Enum):
    """In which direction somebody reads on."""

    OLDER = "older"
    NEWER = "newer"


class Position(NamedTuple):
    """A place in the history: that of one attempt. Of two that began at the same moment the later written is newer."""

    started_at: datetime
    pk: int


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

    def of_any(self, field: str, keys: object) -> Self:
        """Those with one of ``keys`` in ``field``."""
        return self.filter((f"{field}__in", keys))

    def of_outer(self, field: str) -> Self:
        """Those with the key of the row of an outer query in ``field``."""
        return self.filter((field, models.OuterRef("pk")))


def furthest_last(expression: str, way: Way) -> models.expressions.OrderBy:
    """Orders by a moment as somebody meets it who reads ``way``, what has none at the end."""
    return F(expression).desc(nulls_last=True) if way is Way.OLDER else F(expression).asc(nulls_last=True)
