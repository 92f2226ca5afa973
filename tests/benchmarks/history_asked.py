"""What people ask a history: every filter by itself and the pairs that matter, each about something that is there."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle, islice

from django.db.models import Max, Min

from invites.models import Attempt, Person, User
from invites.models.attempt import AttemptState
from invites.models.user import Role

ROUNDS = 20
# Of so many attempts, taken by chance, enough have failed.
_TAKEN = 4000

type Query = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One kind of question; each of ``queries`` is asked once, and stands for the address of a page."""

    name: str
    queries: list[Query]


def _person(attempt: Attempt) -> Query:
    return {"person": _first(attempt).nick}


def _number(attempt: Attempt) -> Query:
    return {"person": _first(attempt).value[-8:]}


def _time(attempt: Attempt) -> Query:
    day = attempt.started_at
    return {
        "since": f"{day - timedelta(days=20):%Y-%m-%dT%H:%M}",
        "until": f"{day + timedelta(minutes=1):%Y-%m-%dT%H:%M}",
    }


def _words(attempt: Attempt) -> Query:
    return {"text": attempt.error_message[2:12].strip()}


def _conference(attempt: Attempt) -> Query:
    return {"conference": str(attempt.conference_id)}


def _code(attempt: Attempt) -> Query:
    return {"code": attempt.error_code}


def _outcome(attempt: Attempt) -> Query:
    return {"outcome": attempt.state}


# About attempts of any kind, and about those that did not succeed.
_OF_ANY: dict[str, Callable[[Attempt], Query]] = {
    "nothing": lambda attempt: {},
    "time": _time,
    "conference": _conference,
    "organizer": lambda attempt: {"organizer": str(attempt.organizer_id or "")},
    "app": lambda attempt: {"app": str(attempt.app_id)},
    "succeeded": lambda attempt: {"outcome": AttemptState.SUCCEEDED.value},
    "channel": lambda attempt: {"channel": "phone"},
    "person": _person,
    "number": _number,
    "request": lambda attempt: {"request": attempt.request_id},
    "anything": lambda attempt: {"q": _first(attempt).nick},
    "conference + outcome": lambda attempt: _conference(attempt) | _outcome(attempt),
    "person + time": lambda attempt: _person(attempt) | _time(attempt),
}
_OF_FAILED: dict[str, Callable[[Attempt], Query]] = {
    "outcome": _outcome,
    "code": _code,
    "beginning of a code": lambda attempt: {"code": "http_"},
    "message": _words,
    "code + time": lambda attempt: _code(attempt) | _time(attempt),
    "person + outcome": lambda attempt: _person(attempt) | _outcome(attempt),
    "organizer + code": lambda attempt: {"organizer": str(attempt.organizer_id or "")} | _code(attempt),
}


def cases(user: User, *, deep: bool) -> Iterator[Case]:
    """What ``user`` asks for the first page, or for one that lies ``deep`` in the older half of the history."""
    any_kind = _some_attempts(user, deep=deep)
    failed = [attempt for attempt in any_kind if attempt.error_code and attempt.error_message]
    for kinds, attempts in ((_OF_ANY, any_kind), (_OF_FAILED, failed)):
        for name, asks in kinds.items():
            if name == "organizer" and user.role == Role.ORGANIZER:
                continue
            # Of somebody who organizes little, the same ones again and again.
            queries = [
                asks(attempt) | ({"before": str(attempt.pk)} if deep else {})
                for attempt in islice(cycle(attempts), ROUNDS + 2)
            ]
            if queries:
                yield Case(name=name, queries=queries)


def _some_attempts(user: User, *, deep: bool) -> list[Attempt]:
    """Attempts that ``user`` may see, taken by chance, the same each time."""
    ends = Attempt.objects.aggregate(first=Min("pk"), last=Max("pk"))
    first, last = ends["first"], ends["last"]
    middle = (first + last) // 2
    keys = range(first + (last - first) // 20, middle) if deep else range(middle, last + 1)
    taken = Attempt.objects.filter(pk__in=random.Random(3).sample(keys, min(_TAKEN, len(keys))))
    if user.role == Role.ORGANIZER:
        taken = taken.filter(conference__owner=user)
    found = list(taken.order_by("request_id").prefetch_related("people_sent__person"))
    return [attempt for attempt in found if attempt.request_id]


def _first(attempt: Attempt) -> Person:
    return attempt.people_sent.all()[0].person
