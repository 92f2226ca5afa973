"""Calls of all processes are spread by one booking in the database."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import Error, connection
from pyrate_limiter import Duration

from invites import pacing
from invites.models import App, Pace
from tests.factories import AppFactory

OPERATION = "InviteUsers"


@pytest.fixture
def app() -> App:
    app: App = AppFactory.create(calls_per_second=20)
    return app


def booked_ms(app: App) -> float:
    (booked,) = Pace.objects.get(pk=f"{app.pk}:{OPERATION}").state
    return float(booked) / 1000


@pytest.mark.django_db(transaction=True)
class TestTakingTurns:
    def test_the_first_call_waits_for_nothing(self, app: App) -> None:
        begun = time.monotonic()
        assert pacing.take_turn(app, OPERATION, patience=1) == 0.0
        assert time.monotonic() - begun < 0.5

    def test_calls_are_spread_evenly_over_the_second(self, app: App) -> None:
        begun = time.monotonic()
        for _ in range(11):
            assert pacing.take_turn(app, OPERATION, patience=1) == 0.0
        assert time.monotonic() - begun >= 10 / 20 - 0.01

    def test_threads_share_the_rate_and_every_one_gets_its_own_moment(self, app: App) -> None:
        moments: list[float] = []

        def call() -> None:
            try:
                for _ in range(4):
                    assert pacing.take_turn(app, OPERATION, patience=5) == 0.0
                    moments.append(time.monotonic())
            finally:
                connection.close()

        threads = [threading.Thread(target=call) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(moments) == 20
        moments.sort()
        assert moments[-1] - moments[0] >= 19 / 20 - 0.06

    def test_threads_that_make_the_first_calls_of_an_app_do_not_lock_each_other_out(self, app: App) -> None:
        pacing.take_turn(app, OPERATION, patience=0)
        refused: list[BaseException] = []

        def call(fresh: App) -> None:
            start.wait()
            try:
                pacing.take_turn(fresh, OPERATION, patience=5)
            except Error as error:
                refused.append(error)
            finally:
                connection.close()

        # Each round is a throw of the dice; without care, one in two went wrong.
        for _ in range(8):
            fresh = AppFactory.create(calls_per_second=500)
            start = threading.Barrier(12)
            threads = [threading.Thread(target=call, args=[fresh]) for _ in range(12)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert not refused

    def test_operations_and_apps_do_not_wait_for_each_other(self, app: App) -> None:
        slow = AppFactory.create(calls_per_second=1)
        assert pacing.take_turn(slow, OPERATION, patience=0.01) == 0.0
        assert pacing.take_turn(slow, "QueryConferenceMembers", patience=0.01) == 0.0
        assert pacing.take_turn(app, OPERATION, patience=0.01) == 0.0

    def test_who_is_not_patient_enough_is_told_when_to_come_back_and_books_nothing(self, app: App) -> None:
        slow = AppFactory.create(calls_per_second=1)
        assert pacing.take_turn(slow, OPERATION, patience=0) == 0.0
        before = booked_ms(slow)
        assert 0.5 < pacing.take_turn(slow, OPERATION, patience=0.2) <= 1.1
        assert booked_ms(slow) == before

    def test_nobody_is_more_patient_than_the_limit_allows(self, app: App) -> None:
        pacing.take_turn(app, OPERATION, patience=0)
        Pace.objects.filter(pk=f"{app.pk}:{OPERATION}").update(state=[int((time.time() + 5.5) * 1_000_000)])
        assert 5 < pacing.take_turn(app, OPERATION, patience=60) < 6

    def test_a_rate_that_was_raised_counts_from_the_next_call_on(self, app: App) -> None:
        slow = AppFactory.create(calls_per_second=1)
        pacing.take_turn(slow, OPERATION, patience=0)
        slow.calls_per_second = 500
        assert pacing.take_turn(slow, OPERATION, patience=0.5) > 0.5
        time.sleep(1)
        assert all(pacing.take_turn(slow, OPERATION, patience=0.1) == 0.0 for _ in range(3))

    def test_a_clock_that_was_set_back_keeps_nobody_waiting(self, app: App) -> None:
        pacing.take_turn(app, OPERATION, patience=0)
        ahead = int((datetime.now(UTC) + timedelta(days=1)).timestamp() * 1_000_000)
        Pace.objects.update(state=[ahead])
        assert pacing.take_turn(app, OPERATION, patience=0.1) == 0.0

    def test_a_clock_that_jumps_ahead_lets_no_burst_through(self, app: App) -> None:
        if connection.vendor == "postgresql":
            # The clock that counts is PostgreSQL's, which no test can turn: a booking of long ago is the same thing.
            pacing.take_turn(app, OPERATION, patience=0)
            Pace.objects.filter(pk=f"{app.pk}:{OPERATION}").update(state=[1])
            pacing.take_turn(app, OPERATION, patience=0)
            assert pacing.take_turn(app, OPERATION, patience=0) > 0
            return
        pacing.take_turn(app, OPERATION, patience=0)
        with time_machine.travel(datetime.now(UTC) + timedelta(hours=3), tick=True):
            assert pacing.take_turn(app, OPERATION, patience=0) == 0.0
            assert pacing.take_turn(app, OPERATION, patience=0) > 0

    def test_the_address_has_a_limit_of_its_own_over_all_apps(self, app: App) -> None:
        pacing.take_turn(app, OPERATION, patience=0)
        soon = int((time.time() + 3) * 1_000_000) + 500 * int(20 * Duration.SECOND) * 1000 // 9000
        Pace.objects.filter(pk="address").update(state=[soon])
        assert 2 < pacing.take_turn(AppFactory.create(), OPERATION, patience=0) <= 3.1
