"""Finds changes on record: pages of them, newest first, in a record of any length. Only reads.

A page follows one index in the order of time and looks at a bounded number of candidates, so that it costs the same
however long the record is; where these do not fill it, it says how far it has looked.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import NamedTuple

from invites.finding import by_the_index
from invites.models import AuditEntry
from invites.models.audit_entry import AuditEntryQuerySet
from invites.models.timeline import Position, Way
from invites.spelling import FEWEST_ANYWHERE

PAGE_SIZE = 50
NOBODY = 0
"""The key that stands for nobody: what happened by itself or on the command line."""

# So many candidates are looked at first, then so many times as many, and so many in all.
_FIRST, _MORE, _MOST = 256, 4, 5000
# Where a text finds no more than that, these are looked at and nothing else.
_LISTED = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What changes must fit, all at once; what is None or empty does not matter.

    ``since`` is the first moment and ``until`` the first one after; ``kind`` names a model, ``key`` one row of it.
    """

    since: datetime | None = None
    until: datetime | None = None
    actor: int | None = None
    kind: str = ""
    key: int | None = None
    action: int | None = None
    name: str = ""
    request: str = ""

    @property
    def filters(self) -> set[str]:
        """The names of those that are set, but for the time."""
        names = {each.name for each in fields(self)} - {"since", "until"}
        return {name for name in names if getattr(self, name) not in {None, ""}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some changes, newest first.

    ``newer`` and ``older`` are the entries after and before which the neighbouring pages begin; None where there is no
    such page. ``searched_until`` is how far was looked where that did not fill the page: more may lie beyond.
    """

    rows: Sequence[AuditEntry] = ()
    newer: int | None = None
    older: int | None = None
    searched_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch:
    """What was found by reading one way, the nearest first; ``end`` is where it stopped though more may follow."""

    found: list[Position] = field(default_factory=list)
    end: Position | None = None


class _Driver(NamedTuple):
    """Candidates that an index has in order, and the filters that all of them fit. ``leading`` is the first field of
    the index, where the database must be told.
    """

    entries: AuditEntryQuerySet
    fits: frozenset[str]
    leading: str = ""


def _about(entries: AuditEntryQuerySet, wanted: Wanted) -> AuditEntryQuerySet:
    return entries.about_key(wanted.key) if wanted.key is not None else entries


_CONDITIONS: dict[str, Callable[[AuditEntryQuerySet, Wanted], AuditEntryQuerySet]] = {
    "request": lambda entries, wanted: entries.in_request(wanted.request),
    "key": _about,
    "actor": lambda entries, wanted: entries.made_by(wanted.actor or None),
    "kind": lambda entries, wanted: entries.about_kind(wanted.kind),
    "action": lambda entries, wanted: entries.with_action(wanted.action or 0),
    "name": lambda entries, wanted: entries.matching(wanted.name),
}
# Each of these has an index in the order of time; the first that is asked for is taken.
_INDEXED = (frozenset({"request"}), frozenset({"kind", "key"}), frozenset({"actor"}), frozenset({"kind"}))


def find(
    entries: AuditEntryQuerySet, wanted: Wanted, *, before: int | None = None, after: int | None = None
) -> Page:
    """The newest of ``entries`` that fit, or those next to entry ``before`` (older) or ``after`` (newer).

    Pages hang on entries and not on numbers, so that rows which arrive meanwhile move nothing.
    """
    if after is not None:
        start = entries.at(after)
        stretch = _read(entries, wanted, start, Way.NEWER)
        if len(stretch.found) > PAGE_SIZE or stretch.end:
            return _newer_page(stretch, start)
        # The newest page begins within reach: show all of it.
        before = None
    if before is None:
        return _older_page(_read(entries, wanted, None, Way.OLDER), is_first=True)
    start = entries.at(before)
    return _older_page(_read(entries, wanted, start, Way.OLDER) if start else _Stretch(), is_first=False)


def _read(entries: AuditEntryQuerySet, wanted: Wanted, start: Position | None, way: Way) -> _Stretch:
    """At least one more than a page holds, where so many are found within what may be looked at."""
    driver = _driver(entries.in_time().between(wanted.since, wanted.until), wanted)
    rest = wanted.filters - driver.fits
    found: list[Position] = []
    looked_at, most = 0, _FIRST if rest else PAGE_SIZE + 1
    while True:
        rows = driver.entries.beyond(start, way).in_order(way, leading=driver.leading).positions()[: most + 1]
        window = [Position(*row) for row in rows]
        is_last = len(window) <= most
        window = window[:most]
        found += _fitting(window, rest, wanted)
        looked_at += len(window)
        if is_last or len(found) > PAGE_SIZE:
            return _Stretch(found=found)
        start = window[-1]
        if looked_at >= _MOST:
            return _Stretch(found=found, end=start)
        most = min(_MORE * most, _MOST - looked_at)


def _driver(entries: AuditEntryQuerySet, wanted: Wanted) -> _Driver:
    """The candidates that are fewest, as far as can be told at once."""
    asked = wanted.filters
    if "name" in asked and len(wanted.name) >= FEWEST_ANYWHERE and "request" not in asked:
        with by_the_index():
            few = list(entries.matching(wanted.name).order_by().values_list("pk", flat=True)[: _LISTED + 1])
        if len(few) <= _LISTED:
            return _Driver(entries.among(few), frozenset({"name"}))
    for fits in _INDEXED:
        if fits <= asked:
            # PostgreSQL does not see by itself that an index has what nobody did in order.
            leading = "actor_id" if "actor" in fits and wanted.actor == NOBODY else ""
            return _Driver(_narrowed(entries, fits, wanted), fits, leading)
    return _Driver(entries, frozenset())


def _fitting(candidates: list[Position], names: Collection[str], wanted: Wanted) -> list[Position]:
    """Those that fit the filters called ``names``, in their order."""
    if not names or not candidates:
        return candidates
    rows = _narrowed(AuditEntry.objects.among(place.pk for place in candidates), names, wanted)
    keys = set(rows.order_by().values_list("pk", flat=True))
    return [place for place in candidates if place.pk in keys]


def _narrowed(entries: AuditEntryQuerySet, names: Collection[str], wanted: Wanted) -> AuditEntryQuerySet:
    for name in sorted(names):
        entries = _CONDITIONS[name](entries, wanted)
    return entries


def _older_page(stretch: _Stretch, *, is_first: bool) -> Page:
    found, end = stretch.found[:PAGE_SIZE], stretch.end
    is_full = len(stretch.found) > PAGE_SIZE
    older = found[-1].pk if is_full else end.pk if end else None
    newer = None if is_first else found[0].pk if found else end.pk if end else 0
    until = None if is_full or not end else end.started_at
    return Page(rows=_rows(found), newer=newer, older=older, searched_until=until)


def _newer_page(stretch: _Stretch, start: Position | None) -> Page:
    found, end = stretch.found[:PAGE_SIZE], stretch.end
    is_full = len(stretch.found) > PAGE_SIZE
    newer = found[-1].pk if is_full or not end else end.pk
    older = found[0].pk if found and start else start.pk if start else None
    until = None if is_full or not end else end.started_at
    return Page(rows=_rows(found), newer=newer, older=older, searched_until=until)


def _rows(found: Sequence[Position]) -> list[AuditEntry]:
    keys = [place.pk for place in found]
    return list(AuditEntry.objects.among(keys).newest_first()) if keys else []
