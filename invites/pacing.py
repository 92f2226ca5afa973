"""Spaces the calls of all processes, on whatever machines: each books the next free moment and waits for it.

The algorithm is that of `pyrate_limiter`; what it has to remember, when the next call is free, stands in our own
database, since that is what all processes share. Calls are spread evenly, so that none of DingTalk's windows ever holds
more than it allows. Must not run inside a transaction, which would keep everybody waiting.
"""

import time
from collections.abc import Mapping

from django.db import connection, transaction
from pyrate_limiter import GCRA, Duration, Rate

from invites.models import App, Pace

# Of all apps together from one address: over 10,000 in 20 s and DingTalk shuts it out (section 7 of the API contract).
_OF_THE_ADDRESS = Rate(9000, 20 * Duration.SECOND, burst=500)
_ADDRESS = "address"

LONGEST_PATIENCE = 5.0
# Nobody books further ahead than that, and no rate is slower than one call a second: what seems to be booked
# further ahead was booked before the clock was set back.
_BOOKED_AT_MOST_MS = int((LONGEST_PATIENCE + 2.0) * 1000)
_algorithm = GCRA()


def take_turn(app: App, operation: str, *, patience: float) -> float:
    """Waits until ``app`` may make its next call of ``operation``, and returns 0.0.

    Where that is more than ``patience`` seconds away (at most `LONGEST_PATIENCE`), books nothing and returns at once
    after how many seconds to ask again.
    """
    rates = {
        f"{app.pk}:{operation}": Rate(app.calls_per_second, Duration.SECOND, burst=1),
        _ADDRESS: _OF_THE_ADDRESS,
    }
    wait = _book(rates, patience=min(patience, LONGEST_PATIENCE))
    if wait > patience:
        return wait
    time.sleep(wait)
    return 0.0


def _book(rates: Mapping[str, Rate], *, patience: float) -> float:
    """Seconds until the first moment that every rate has free, which is then taken unless it is too far away."""
    with transaction.atomic(durable=True):
        states = _locked_states(list(rates))
        now = _now_ms()
        wait = max(_wait_ms(rate, states[key], now) for key, rate in rates.items())
        if wait <= patience * 1000:
            booked = [
                Pace(
                    key=key,
                    state=list(_algorithm.step([rate], _sane(rate, states[key], now), now + wait, 1)[0]),
                )
                for key, rate in rates.items()
            ]
            Pace.objects.bulk_update(booked, ["state"])
    return wait / 1000


def _locked_states(keys: list[str]) -> dict[str, tuple[float, ...]]:
    """What is booked under each key; nobody else books under them until the transaction ends."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # Losing the last bookings in a crash does no harm; waiting for the disk at every call does.
            cursor.execute("SET LOCAL synchronous_commit TO OFF")
    states = _lock(keys)
    if len(states) < len(keys):
        Pace.objects.bulk_create([Pace(key=key) for key in keys], ignore_conflicts=True)
        states = _lock(keys)
    return states


def _lock(keys: list[str]) -> dict[str, tuple[float, ...]]:
    rows = Pace.objects.select_for_update().filter(key__in=keys).order_by("key")
    return {row.key: tuple(row.state) for row in rows}


def _wait_ms(rate: Rate, state: tuple[float, ...], now: int) -> int:
    _state, decision = _algorithm.step([rate], _sane(rate, state, now), now, 1)
    return decision.retry_after_ms or 0


def _sane(rate: Rate, state: tuple[float, ...], now: int) -> tuple[float, ...]:
    """``state``, or that of a rate never used, where it can only come from a clock that has been set back."""
    if len(state) != 1 or state[0] > (now + _BOOKED_AT_MOST_MS) * 1000 + rate.interval * 1000:
        return _algorithm.initial([rate])
    return state


def _now_ms() -> int:
    """The time, by one clock for all machines where there can be several."""
    if connection.vendor != "postgresql":
        return time.time_ns() // 1_000_000
    with connection.cursor() as cursor:
        cursor.execute("SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint")
        (now,) = cursor.fetchone()
    return int(now)
