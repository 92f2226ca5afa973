"""When people invite: three years with office hours, weekends, holidays and growth."""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

YEARS = 3
GROWTH = 4.0
"""So many times as much on the last day as on the first."""

# Monday to Sunday, beside an ordinary Tuesday; and the hours from 0 to 21.
_WEEKDAYS = (0.9, 1, 1.05, 1, 0.85, 0.12, 0.08)
_HOURS = (0.2, 0.1, 0.1, 0.1, 0.1, 0.2, 0.6, 2, 8, 14, 13, 9, 5, 9, 14, 13, 10, 7, 4, 3, 2, 1)
# Spring festival and the national holiday, roughly.
_HOLIDAYS = ((1, 28, 2, 3), (10, 1, 10, 7))


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day by the installation's clock: so many attempts, at these moments, in order."""

    day: date
    moments: list[float]


def days(choose: random.Random, *, attempts: int, until: datetime, zone: ZoneInfo) -> Iterator[Day]:
    """The days up to ``until``, the earliest first, with ``attempts`` in all."""
    last = until.astimezone(zone).date()
    length = 365 * YEARS
    dates = [last - timedelta(days=back) for back in range(length - 1, -1, -1)]
    weights = [_weight(choose, which, number / length) for number, which in enumerate(dates)]
    # The last day is not over yet.
    so_far = until.astimezone(zone).time()
    weights[-1] *= sum(_HOURS[: so_far.hour]) / sum(_HOURS) or 0.001
    total, done, given = sum(weights), 0.0, 0
    for which, weight in zip(dates, weights, strict=True):
        done += weight
        share = round(attempts * done / total) - given
        given += share
        begins = datetime.combine(which, time(), zone).timestamp()
        ends = min(until.timestamp() - 60 - begins, 22 * 3600)
        yield Day(day=which, moments=_moments(choose, share, begins=begins, ends=max(ends, 1)))


def _weight(choose: random.Random, which: date, age: float) -> float:
    weight = _WEEKDAYS[which.weekday()] * math.pow(GROWTH, age) * choose.uniform(0.8, 1.2)
    for month, day, last_month, last_day in _HOLIDAYS:
        if (month, day) <= (which.month, which.day) <= (last_month, last_day):
            return weight * 0.1
    return weight


def _moments(choose: random.Random, count: int, *, begins: float, ends: float) -> list[float]:
    hours = choose.choices(range(len(_HOURS)), _HOURS, k=count)
    seconds = (hour * 3600 + choose.random() * 3600 for hour in hours)
    return sorted(begins + (second if second < ends else second % ends) for second in seconds)
