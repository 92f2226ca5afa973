"""The figures of the last 30 days, from kept counts alone: of everything, or of the conferences of one organizer."""

from collections import defaultdict
from dataclasses import astuple, dataclass
from datetime import date, timedelta
from typing import Self

from invites import clock
from invites.explaining import Explanation, explain
from invites.models import AppCount, Attempt, ConferenceCount, DayTurnout, Turnout
from invites.models.attempt import AttemptState
from invites.models.conference import ConferenceKeys
from invites.models.outcome_count import (
    AppCountQuerySet,
    ConferenceCountQuerySet,
    DayCount,
    DayTurnoutQuerySet,
    TurnoutQuerySet,
)

DAYS = 30
CODES_SHOWN = 8
SLOWEST_SHOWN = 5

type Counts = AppCountQuerySet | ConferenceCountQuerySet
type Turnouts = DayTurnoutQuerySet | TurnoutQuerySet


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What happened in one day, or in several together.

    ``invited``, ``not_invited`` and ``in_doubt`` are the people of calls that succeeded, failed, or ended without an
    answer: somebody who was in two calls counts twice. Of the people that DingTalk took, ``observed`` were seen on a
    list of members, and ``joined`` have been in the meeting.
    """

    invitations: int = 0
    calls: int = 0
    calls_succeeded: int = 0
    invited: int = 0
    not_invited: int = 0
    in_doubt: int = 0
    observed: int = 0
    joined: int = 0

    def __add__(self, other: Self) -> "Tally":
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Tally(**dict(zip(self.__dataclass_fields__, map(sum, pairs), strict=True)))

    @property
    def people(self) -> int:
        """Those of all calls together."""
        return self.invited + self.not_invited + self.in_doubt

    @property
    def share_succeeded(self) -> int | None:
        """How many of a hundred calls succeeded: 100 only where all did. None where there were none."""
        return _share(self.calls_succeeded, self.calls)

    @property
    def share_joined(self) -> int | None:
        """How many of a hundred observed people have come. None where nobody was observed."""
        return _share(self.joined, self.observed)

    @property
    def not_joined(self) -> int:
        """Those observed who have not come."""
        return self.observed - self.joined


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day of the installation's clock."""

    day: date
    tally: Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeTally:
    """How many calls ended with a code, and what it means."""

    explained: Explanation
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow:
    """An answer that took ``ms``; ``attempt`` is None once retention has removed it."""

    day: date
    ms: int
    attempt: Attempt | None

    @property
    def seconds(self) -> float:
        """As people say it."""
        return self.ms / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of the days up to the last one, the oldest first; ``codes`` and ``slowest`` are of all of them together."""

    days: tuple[Day, ...]
    codes: tuple[CodeTally, ...]
    slowest: tuple[Slow, ...]

    @property
    def today(self) -> Tally:
        """The figures of the last of the days."""
        return self.days[-1].tally

    @property
    def together(self) -> Tally:
        """The figures of all of the days."""
        return sum((day.tally for day in self.days), start=Tally())

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all has happened."""
        return self.together == Tally()


def figures(conferences: ConferenceKeys | None, *, last: date | None = None, length: int = DAYS) -> Figures:
    """The figures of these conferences, given by their keys, or of everything (None).

    Of so many days up to ``last``, which is today where nothing else is said.
    """
    last = last or clock.today()
    first = last - timedelta(days=length - 1)
    counts: Counts
    turnouts: Turnouts
    if conferences is None:
        counts, turnouts = AppCount.objects.all(), DayTurnout.objects.all()
    else:
        # Of many conferences few were invited into lately: the counts of those alone are looked for. Who was invited
        # late on the day before may have been called on the first one.
        lately = Turnout.objects.among(conferences).between(first - timedelta(days=1), last).conferences()
        counts = ConferenceCount.objects.among(lately)
        turnouts = Turnout.objects.among(lately)
    counts, turnouts = counts.between(first, last), turnouts.between(first, last)
    tallies = _tallies(counts, turnouts)
    days = (first + timedelta(days=number) for number in range(length))
    return Figures(
        days=tuple(Day(day=day, tally=tallies[day]) for day in days),
        codes=tuple(
            CodeTally(explained=explain(code), calls=calls) for code, calls in counts.by_code(CODES_SHOWN)
        ),
        slowest=_slowest(counts),
    )


def _tallies(counts: Counts, turnouts: Turnouts) -> defaultdict[date, Tally]:
    tallies: defaultdict[date, Tally] = defaultdict(Tally)
    for count in counts.by_day():
        tallies[count.day] += _tally(count)
    for day, invitations, observed, joined in turnouts.by_day():
        tallies[day] += Tally(invitations=invitations, observed=observed, joined=joined)
    return tallies


def _tally(count: DayCount) -> Tally:
    match count.state:
        case AttemptState.SUCCEEDED:
            return Tally(calls=count.attempts, calls_succeeded=count.attempts, invited=count.people)
        case AttemptState.UNKNOWN:
            return Tally(calls=count.attempts, in_doubt=count.people)
        case _:
            return Tally(calls=count.attempts, not_invited=count.people)


def _slowest(counts: Counts) -> tuple[Slow, ...]:
    slowest = counts.slowest(SLOWEST_SHOWN)
    there = Attempt.objects.with_conference().in_bulk([answer.attempt for answer in slowest])
    return tuple(Slow(day=answer.day, ms=answer.ms, attempt=there.get(answer.attempt)) for answer in slowest)


def _share(part: int, whole: int) -> int | None:
    return part * 100 // whole if whole else None
