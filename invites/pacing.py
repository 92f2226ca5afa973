"""Spaces the calls of all processes, on whatever machines: each books the next free moment and waits for it.

What people do is counted in the same way by `limiting`, which waits for nothing.

The algorithm is that of `pyrate_limiter`; what it has to remember, when the next call is free, stands in our own
database, since that is what all processes share. Calls are spread evenly, so that none of DingTalk's windows ever holds
more than it allows. Must not run inside a transaction, which would keep everybody waiting.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from pyrate_limiter import GCRA, Duration, Rate

from invites.models import App, Pace

# Of all apps together from one address: over 10,000 in 20 s and DingTalk shuts it out (section 7 of the API contract).
_OF_THE_ADDRESS = Rate(9000, 20 * Duration.SECOND, burst=500)
_ADDRESS = "address"
# DingTalk counts when calls arrive, and they do not all travel equally fast.
_A_GOOD_SECOND_MS = 1040

LONGEST_PATIENCE = 5.0
# Nobody books further ahead than that, and no rate is slower than one call a second: what seems to be booked
# further ahead was booked before the clock was set back.
_BOOKED_AT_MOST_MS = int((LONGEST_PATIENCE + 2.0) * 1000)
_algorithm = GCRA()

# Once for every call while people wait, so in SQL; always in the same order, so that nobody waits in a circle.
_READ = "SELECT key, state FROM invites_pace WHERE key IN ({}) ORDER BY key"
_READ_AND_LOCK = f"{_READ} FOR UPDATE"
_WRITE = "UPDATE invites_pace SET state = %s WHERE key = %s"

type State = tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """The turn is ours in ``wait`` seconds if ``is_booked``; if not, one may ask again after so long."""

    is_booked: bool
    wait: float


def take_turn(app: App, operation: str, *, patience: float) -> float:
    """Waits until ``app`` may make its next call of ``operation``, and returns 0.0.

    Where that is more than ``patience`` seconds away (at most `LONGEST_PATIENCE`), books nothing and returns at once
    after how many seconds to ask again.
    """
    turn = book_turn(app, operation, patience=patience)
    if not turn.is_booked:
        return turn.wait
    time.sleep(turn.wait)
    return 0.0


def book_turn(app: App, operation: str, *, patience: float) -> Turn:
    """Books the next call of ``operation`` that ``app`` may make, for somebody who has something to do until then.

    Nothing is booked where that is more than ``patience`` seconds away (at most `LONGEST_PATIENCE`).
    """
    rates = {
        f"{app.pk}:{operation}": Rate(app.calls_per_second, _A_GOOD_SECOND_MS, burst=1),
        _ADDRESS: _OF_THE_ADDRESS,
    }
    return book(rates, patience=min(patience, LONGEST_PATIENCE))


def book(rates: Mapping[str, Rate], *, patience: float) -> Turn:
    """Books the first moment that the rate of every key in ``rates`` has free, unless it is too far away."""
    wait = _book(rates, patience=patience)
    return Turn(is_booked=wait <= patience, wait=wait)


def waits() -> list[tuple[int, str, float]]:
    """The app, the operation, and how many seconds a call that is wanted now would wait, for all that ever called."""
    with connection.cursor() as cursor:
        now_us = _now_ms(cursor) * 1000
    return [
        (int(app), operation, max(0.0, (state[0] - now_us) / 1_000_000))
        for key, state in Pace.objects.values_list("key", "state")
        for app, separator, operation in [key.partition(":")]
        if separator and state and app.isdecimal()
    ]


def _book(rates: Mapping[str, Rate], *, patience: float) -> float:
    """Seconds until the first moment that every rate has free, which is then taken unless it is too far away."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        states = _locked_states(cursor, list(rates))
        if len(states) == len(rates):
            now = _now_ms(cursor)
            wait = max(_wait_ms(rate, states[key], now) for key, rate in rates.items())
            if wait <= patience * 1000:
                for key, rate in rates.items():
                    state, _decision = _algorithm.step([rate], _sane(rate, states[key], now), now + wait, 1)
                    cursor.execute(_WRITE, [json.dumps(state), key])
            return wait / 1000
    # Only when nothing is locked any more: whoever sees the new row at once locks it before the one held here.
    Pace.objects.bulk_create([Pace(key=key) for key in sorted(rates)], ignore_conflicts=True)
    return _book(rates, patience=patience)


def _locked_states(cursor: CursorWrapper, keys: list[str]) -> dict[str, State]:
    """What is booked under each key that there is; nobody else books under them until the transaction ends."""
    if connection.vendor == "postgresql":
        # Losing the last bookings in a crash does no harm; waiting for the disk at every call does.
        cursor.execute("SET LOCAL synchronous_commit TO OFF")
    locks = connection.features.has_select_for_update
    read = (_READ_AND_LOCK if locks else _READ).format(", ".join(["%s"] * len(keys)))
    cursor.execute(read, keys)
    return {key: tuple(json.loads(state)) for key, state in cursor.fetchall()}


def _wait_ms(rate: Rate, state: State, now: int) -> int:
    _state, decision = _algorithm.step([rate], _sane(rate, state, now), now, 1)
    return decision.retry_after_ms or 0


def _sane(rate: Rate, state: State, now: int) -> State:
    """``state``, or that of a rate never used, where it can only come from a clock that has been set back."""
    if len(state) != 1 or state[0] > (now + _BOOKED_AT_MOST_MS) * 1000 + rate.interval * 1000:
        return _algorithm.initial([rate])
    return state


def _now_ms(cursor: CursorWrapper) -> int:
    """The time, by one clock for all machines where there can be several."""
    if connection.vendor != "postgresql":
        return time.time_ns() // 1_000_000
    cursor.execute("SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint")
    return int(cursor.fetchone()[0])
