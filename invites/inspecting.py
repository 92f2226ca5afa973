"""Finds changes on record: pages of them, newest first, in a record of any length. Only reads.

A page follows one index in the order of time and looks at a bounded number of candidates, so that it costs the same
however long the record is; where these do not fill it, it says how far it has looked.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import reduce
from operator import and_
from typing import NamedTuple

from django.contrib.contenttypes.models import ContentType
from django.db.models import Q

from invites.finding import by_the_index
from invites.models import AuditEntry
from invites.models.audit_entry import AuditEntryQuerySet
from invites.models.timeline import Page, Position, Stretch, Way
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


class _Driver(NamedTuple):
    """Candidates that an index has in order, and the filters that all of them fit. ``leading`` is the first field of
    the index, where the database must be told.
    """

    entries: AuditEntryQuerySet
    fits: frozenset[str]
    leading: str = ""


_CONDITIONS: dict[str, Callable[[Wanted], Q]] = {
    "request": lambda wanted: Q(cid=wanted.request),
    "key": lambda wanted: Q(object_id=wanted.key),
    "actor": lambda wanted: Q(actor=wanted.actor or None),
    "kind": lambda wanted: Q(content_type=ContentType.objects.get_by_natural_key("invites", wanted.kind).pk),
    "action": lambda wanted: Q(action=wanted.action),
    "name": lambda wanted: Q(object_repr__icontains=wanted.name),
}
# Each of these has an index in the order of time; the first that is asked for is taken.
_INDEXED = (frozenset({"request"}), frozenset({"kind", "key"}), frozenset({"actor"}), frozenset({"kind"}))


def find(
    entries: AuditEntryQuerySet, wanted: Wanted, *, before: int | None = None, after: int | None = None
) -> Page[AuditEntry]:
    """The newest of ``entries`` that fit, or those next to entry ``before`` (older) or ``after`` (newer).

    Pages hang on entries and not on numbers, so that rows which arrive meanwhile move nothing.
    """
    if after is not None:
        start = entries.at(after)
        stretch = _read(entries, wanted, start, Way.NEWER)
        if len(stretch.found) > PAGE_SIZE or stretch.end:
            return stretch.newer_page(_rows, start, size=PAGE_SIZE)
        # The newest page begins within reach: show all of it.
        before = None
    if before is None:
        newest = _read(entries, wanted, None, Way.OLDER)
        return newest.older_page(_rows, size=PAGE_SIZE, is_first=True)
    start = entries.at(before)
    stretch = _read(entries, wanted, start, Way.OLDER) if start else Stretch()
    return stretch.older_page(_rows, size=PAGE_SIZE, is_first=False)


def entries_that_fit(entries: AuditEntryQuerySet, wanted: Wanted) -> AuditEntryQuerySet:
    """All of ``entries`` that fit, in no order. It has no bound: for what reads all of them."""
    return entries.in_time().between(wanted.since, wanted.until).filter(_all_of(wanted.filters, wanted))


def _read(entries: AuditEntryQuerySet, wanted: Wanted, start: Position | None, way: Way) -> Stretch:
    """At least one more than a page holds, where so many are found within what may be looked at."""
    entries = entries.in_time().between(wanted.since, wanted.until)
    driver = _driver(entries, wanted)
    found: list[Position] = []
    looked_at, most = 0, PAGE_SIZE + 1 if wanted.filters == driver.fits else _FIRST
    while True:
        window = _window(driver, wanted, start, way, most=most)
        found += window.found
        looked_at += most
        if window.end is None or len(found) > PAGE_SIZE:
            return Stretch(found=found)
        start = window.end
        if looked_at >= _MOST:
            few = _few_called_so(entries, wanted) if "name" not in driver.fits else None
            if few is None:
                return Stretch(found=found, end=start)
            driver, looked_at = few, 0
        most = min(_MORE * most, _MOST - looked_at)


def _window(driver: _Driver, wanted: Wanted, start: Position | None, way: Way, *, most: int) -> Stretch:
    """Those of the next ``most`` candidates that fit; ``end`` is the last candidate where more may follow."""
    rows = driver.entries.beyond(start, way).in_order(way, leading=driver.leading)
    rest = _all_of(wanted.filters - driver.fits, wanted)
    if rest:
        judged = rows.places_that_fit(rest)[: most + 1]
        places = [(Position(moment, pk), bool(fits)) for moment, pk, fits in judged]
    else:
        places = [(Position(*place), True) for place in rows.positions()[: most + 1]]
    found = [place for place, fits in places[:most] if fits]
    return Stretch(found=found, end=places[most - 1][0] if len(places) > most else None)


def _driver(entries: AuditEntryQuerySet, wanted: Wanted) -> _Driver:
    """The candidates that are fewest, as far as can be told at once."""
    for fits in _INDEXED:
        if fits <= wanted.filters:
            # PostgreSQL does not see by itself that an index has what nobody did in order.
            leading = "actor_id" if "actor" in fits and wanted.actor == NOBODY else ""
            return _Driver(entries.filter(_all_of(fits, wanted)), fits, leading)
    return _Driver(entries, frozenset())


def _few_called_so(entries: AuditEntryQuerySet, wanted: Wanted) -> _Driver | None:
    """Those about something that is called so, where these are few and the name long enough for an index.

    It is asked late: of what many are called like, the newest candidates have had enough.
    """
    if len(wanted.name) < FEWEST_ANYWHERE:
        return None
    called = entries.filter(_all_of({"name"}, wanted)).order_by()
    with by_the_index():
        keys = list(called.values_list("pk", flat=True)[: _LISTED + 1])
    return _Driver(entries.among(keys), frozenset({"name"})) if len(keys) <= _LISTED else None


def _all_of(names: Collection[str], wanted: Wanted) -> Q:
    """That an entry fits all of the filters called ``names``."""
    return reduce(and_, (_CONDITIONS[name](wanted) for name in sorted(names)), Q())


def _rows(keys: Sequence[int]) -> list[AuditEntry]:
    return list(AuditEntry.objects.among(keys).newest_first())
