"""Where the attempts of a page may come from: one index, many stretches of one, several sources, or a list.

A source is asked for a window: candidates in the order in which somebody meets them who reads one way. A window is
complete as far as it reaches, so that windows follow each other without a gap, and its cost is bounded.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.db.models import QuerySet, Subquery

from invites.models.keys import with_any
from invites.models.timeline import Position, TimelineQuerySet, Way, furthest_last

# So many rows of an index a window over many keys may gather, and so many are sifted for one.
_GATHERED, _SIFTED = 20_000, 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Candidates, the nearest first. ``end`` is the last of them where more may lie beyond, None where nothing does."""

    positions: list[Position]
    end: Position | None = None


class Source(Protocol):
    """Anything that has windows."""

    def window(self, start: Position | None, way: Way, *, most: int) -> Window:
        """About ``most`` candidates beyond ``start``, or from the very end of the history where that is None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Along:
    """One stretch of an index: rows of one kind, which the database has in order. ``leading`` is its first field, where
    the database must be told.
    """

    rows: TimelineQuerySet[Any]
    leading: str = ""

    def window(self, start: Position | None, way: Way, *, most: int) -> Window:
        """Exactly ``most``, where there are as many."""
        rows = self.rows.beyond(start, way).in_order(way, leading=self.leading).positions()[: most + 1]
        found = [Position(*row) for row in rows]
        return Window(positions=found[:most], end=found[most - 1] if len(found) > most else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sifted[Q: TimelineQuerySet[Any]]:
    """Those of one stretch of an index that fit, where the database asks one after the other until it has enough.

    Where to ask one costs ``weight`` times as much as usual, so many fewer are asked.
    """

    rows: Q
    fitting: Callable[[Q], Q]
    weight: int = 1

    def window(self, start: Position | None, way: Way, *, most: int) -> Window:
        """At most ``most``: as many as there are among the rows that are looked at."""
        beyond, last = self.rows.beyond(start, way), max(1, _SIFTED // self.weight)
        edges = [Position(*row) for row in beyond.in_order(way).positions()[last - 1 : last]]
        near = beyond.as_far_as(edges[0].started_at, way) if edges else beyond
        found = [Position(*row) for row in self.fitting(near).in_order(way).positions()[: most + 1]]
        if len(found) > most:
            return Window(positions=found[:most], end=found[most - 1])
        # All of the very moment of the edge were looked at.
        reached = in_order(edges + found[-1:], way)
        return Window(positions=found, end=reached[-1] if edges else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Many:
    """Many stretches of one index: the rows with one of ``keys``, which are those of ``owners``, in ``field``.

    PostgreSQL would gather and sort all of their rows. So it is asked first how far back a page may reach at most: for
    the newest row of each key, which leaves only the keys that come first; then, of these, for one row further on.
    """

    rows: TimelineQuerySet[Any]
    field: str
    owners: "QuerySet[Any]"
    keys: Collection[int]

    def window(self, start: Position | None, way: Way, *, most: int) -> Window:
        """At most ``most``: as far as so many keys reach, or as far as one key has its share of the rows."""
        beyond = self.rows.beyond(start, way)
        keys, last = self._reached(beyond, way, most=most)
        if not keys:
            return Window(positions=[])
        share = max(1, min(most, _GATHERED // len(keys)))
        full = self._moments(beyond, keys, way, row=share - 1)
        reach = _nearest([moment for _key, moment in full[:1]] + ([last] if last else []), way)
        rows = beyond.of_any(self.field, keys)
        if reach is not None:
            rows = rows.as_far_as(reach, way)
        found = [Position(*row) for row in rows.in_order(way).positions()[: most + 1]]
        is_over = len(found) <= most and reach is None
        return Window(positions=found[:most], end=None if is_over else found[:most][-1])

    def _reached(
        self, rows: TimelineQuerySet[Any], way: Way, *, most: int
    ) -> tuple[Collection[int], datetime | None]:
        """The keys whose rows may be the first ``most``, and when the last of these began at the latest."""
        if len(self.keys) <= most:
            return self.keys, None
        heads = self._moments(rows, self.keys, way, row=0)
        last = heads[most - 1][1] if len(heads) > most else None
        # Also those that begin at the very moment of the last.
        return [key for key, moment in heads if last is None or not _is_beyond(moment, last, way)], last

    def _moments(
        self, rows: TimelineQuerySet[Any], keys: Collection[int], way: Way, *, row: int
    ) -> list[tuple[int, datetime]]:
        """When the row with number ``row`` of each key began, the nearest first, without the keys that have none."""
        moment = rows.of_outer(self.field).in_order(way).values("started_at")[row : row + 1]
        owners = self.owners.filter(with_any("pk", keys)).annotate(moment=Subquery(moment))
        found = owners.order_by(furthest_last("moment", way)).values_list("pk", "moment")
        return [(key, moment) for key, moment in found if moment is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    """What any of several sources has."""

    sources: Sequence[Source]

    def window(self, start: Position | None, way: Way, *, most: int) -> Window:
        """As far as the one reaches that has its ``most`` first."""
        windows = [source.window(start, way, most=most) for source in self.sources]
        end = _nearest([window.end for window in windows if window.end], way)
        found = in_order({position for window in windows for position in window.positions}, way)
        if end is None:
            return Window(positions=found)
        return Window(positions=[each for each in found if not _is_beyond(each, end, way)], end=end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A few attempts that were looked up."""

    positions: Sequence[Position]

    def window(self, start: Position | None, way: Way, *, most: int) -> Window:
        """All of them that lie beyond."""
        older = way is Way.OLDER
        beyond = [
            each for each in self.positions if start is None or (each < start if older else each > start)
        ]
        return Window(positions=in_order(beyond, way))


def in_order(positions: Iterable[Position], way: Way) -> list[Position]:
    """Each position once, as somebody meets them who reads ``way``."""
    return sorted(set(positions), reverse=way is Way.OLDER)


def _is_beyond[T: (datetime, Position)](place: T, other: T, way: Way) -> bool:
    return place < other if way is Way.OLDER else place > other


def _nearest[T: (Position, Any)](places: list[T], way: Way) -> T | None:
    """Which of these is met first."""
    if not places:
        return None
    return max(places) if way is Way.OLDER else min(places)
