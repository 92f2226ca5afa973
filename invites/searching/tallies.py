"""How many attempts fit, by outcome and by code: from the counts that the database keeps, or counted up to a bound."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time

from django.db.models import Count, Sum
from django.utils import timezone

from invites import permissions
from invites.models import AppCount, ConferenceCount, SealedDay
from invites.models.attempt import AttemptState
from invites.models.outcome_count import AppCountQuerySet, ConferenceCountQuerySet
from invites.models.timeline import Way
from invites.permissions import Viewer
from invites.searching.conditions import attempts
from invites.searching.criteria import Criteria
from invites.searching.drivers import best
from invites.searching.question import Question

COUNTED = 10_000
"""No more attempts than so many are counted one by one."""

# What the database keeps counts of.
_KEPT = {"since", "until", "conference", "app", "outcome", "code"}
_CODES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many attempts fit; where not all were counted, ``is_exact`` is false, and each number is a lower bound."""

    total: int
    is_exact: bool
    outcomes: list[tuple[str, int]]
    codes: list[tuple[str, int]]


def tally(criteria: Criteria, user: Viewer) -> Tally:
    """How many attempts fit that ``user`` may read."""
    kept = _kept(criteria, user)
    return _counted(criteria, user) if kept is None else kept


def _kept(criteria: Criteria, user: Viewer) -> Tally | None:
    """What the kept counts say; None where they do not know it, or where too many of them would have to be added up."""
    first, last = _day(criteria.since), _day(criteria.until)
    are_whole_days = bool(first) == bool(criteria.since) and bool(last) == bool(criteria.until)
    rows = _counts(criteria, user)
    if not are_whole_days or rows is None:
        return None
    # Counts stay when retention removes the attempts of a day.
    removed = SealedDay.objects.last_removed()
    bounds = {
        "day__gt": removed and removed.day,
        "day__gte": first,
        "day__lt": last,
        "state": criteria.outcome,
    }
    bounds["error_code" if criteria.whole_code else "error_code__istartswith"] = criteria.code
    rows = rows.filter(**{name: bound for name, bound in bounds.items() if bound})
    counts = rows.order_by().values_list("state", "error_code").annotate(n=Sum("attempts"))
    return _tally([*counts, *_under_way(criteria, user)], is_exact=True)


def _counts(criteria: Criteria, user: Viewer) -> AppCountQuerySet | ConferenceCountQuerySet | None:
    """Those of one conference, or of the whole of the history or one app for somebody who may read all of it."""
    if not set(criteria.filters) <= _KEPT:
        return None
    if criteria.conference and not criteria.app:
        visible = permissions.conferences_in_history(user).filter(pk=criteria.conference)
        return ConferenceCount.objects.of_conferences(visible)
    if criteria.conference or not permissions.may_read_all_history(user):
        return None
    return AppCount.objects.of_app(criteria.app) if criteria.app else AppCount.objects.all()


def _under_way(criteria: Criteria, user: Viewer) -> list[tuple[str, str, int]]:
    """The few attempts whose answer is awaited, which no count knows yet."""
    rows = attempts(criteria, user).with_state(AttemptState.STARTED)
    return [(AttemptState.STARTED.value, "", len(rows.order_by().values_list("pk")[:COUNTED]))]


def _counted(criteria: Criteria, user: Viewer) -> Tally:
    question = Question(criteria, user)
    driver, _window = best(question, None, Way.OLDER, size=1)
    window = driver.source.window(None, Way.OLDER, most=COUNTED)
    rows = question.narrowed(window.positions, question.filters - driver.fits)
    counts = rows.order_by().values_list("state", "error_code").annotate(n=Count("pk"))
    return _tally(counts, is_exact=window.end is None)


def _tally(counts: Iterable[tuple[str, str, int]], *, is_exact: bool) -> Tally:
    states: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    for state, code, number in counts:
        states[state] += number
        codes[code] += number
    total = states.total()
    del codes[""]
    found = [(state, states[state]) for state in AttemptState.values if states[state]]
    return Tally(total=total, is_exact=is_exact, outcomes=found, codes=codes.most_common(_CODES))


def _day(moment: datetime | None) -> date | None:
    """The day that begins with ``moment`` by the clock of the installation; None where none does."""
    if moment is None:
        return None
    here = timezone.localtime(moment, timezone=timezone.get_default_timezone())
    return here.date() if here.time() == time.min else None
