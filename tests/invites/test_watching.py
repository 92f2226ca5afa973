"""Looking at who is in a conference: when a reading is asked for, by whom, and when it is not."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from pytest_django import Settings

from invites import observing, tasks, watching
from invites.dingtalk.sandbox import SandboxServer
from invites.models import App, Conference, Member, Observation
from invites.models.conference import ConferenceStatus
from tests.factories import AttemptFactory, SentInvitationFactory
from tests.invites.observed import asked, ring

pytestmark = pytest.mark.django_db(transaction=True)
VIEWERS = 20


def readings_asked_for() -> int:
    return DBTaskResult.objects.filter(task_path=tasks.observe_conference.module_path).count()


def later(seconds: float) -> time_machine.travel:
    return time_machine.travel(timezone.now() + timedelta(seconds=seconds))


def observation_of(conference: Conference) -> Observation:
    return Observation.objects.get(pk=conference.pk)


class TestWatch:
    def test_first_look_asks_for_a_reading_that_a_worker_makes(
        self, timed_sandbox: SandboxServer, quiet: Conference
    ) -> None:
        ring(timed_sandbox, "joins-1")
        watching.watch(quiet)
        assert readings_asked_for() == 1
        assert timed_sandbox.received == []
        tasks.observe_conference.call(quiet.pk)
        assert Member.objects.of(quiet).count() == 1

    def test_nothing_more_is_asked_for_until_that_is_there(self, quiet: Conference) -> None:
        for _look in range(5):
            watching.watch(quiet)
        assert readings_asked_for() == 1

    def test_lease_of_a_worker_that_died_ends(self, quiet: Conference) -> None:
        watching.watch(quiet)
        with later(21):
            watching.watch(quiet)
        assert readings_asked_for() == 2

    def test_lease_of_a_worker_that_died_while_it_read_ends(
        self, timed_sandbox: SandboxServer, quiet: Conference
    ) -> None:
        watching.watch(quiet)
        until = timezone.now() + timedelta(seconds=20)
        assert Observation.objects.take_up(
            quiet.pk, watched_after=timezone.now() - timedelta(60), until=until
        )
        watching.watch(quiet)
        assert readings_asked_for() == 1
        with later(21):
            watching.watch(quiet)
            assert readings_asked_for() == 2
            assert observing.read(quiet.pk) is not None

    def test_next_reading_is_asked_for_when_the_pause_is_over(self, quiet: Conference) -> None:
        watching.watch(quiet)
        observing.read(quiet.pk)
        watching.watch(quiet)
        assert readings_asked_for() == 1
        with later(5):
            watching.watch(quiet)
        assert readings_asked_for() == 2

    def test_answer_to_an_invitation_cuts_the_pause_short(self, quiet: Conference) -> None:
        watching.watch(quiet)
        observing.read(quiet.pk)
        invitation = SentInvitationFactory(conference=quiet)
        Observation.objects.update(next_read_at=timezone.now() + timedelta(seconds=60))
        with later(5):
            watching.watch(quiet)
            assert readings_asked_for() == 1
            AttemptFactory(invitation=invitation)
            watching.watch(quiet)
            assert readings_asked_for() == 2
            observing.read(quiet.pk)
            watching.watch(quiet)
        assert readings_asked_for() == 2

    def test_answer_does_not_cut_short_what_dingtalk_asked_for(
        self, timed_sandbox: SandboxServer, quiet: Conference
    ) -> None:
        watching.watch(quiet)
        observing.read(quiet.pk)
        with later(10):
            watching.watch(quiet)
            timed_sandbox.add_fault("throttled", operation="members", retry_after=30)
            observing.read(quiet.pk)
        with later(20):
            AttemptFactory(invitation=SentInvitationFactory(conference=quiet))
            watching.watch(quiet)
            watching.read_soon(quiet)
        assert readings_asked_for() == 2
        with later(45):
            watching.watch(quiet)
        assert readings_asked_for() == 3

    def test_looking_is_noted_and_not_more_often_than_every_few_seconds(self, quiet: Conference) -> None:
        watching.watch(quiet)
        observing.read(quiet.pk)
        first = observation_of(quiet).watched_at
        watching.watch(quiet)
        assert observation_of(quiet).watched_at == first
        with later(3.5):
            watching.watch(quiet)
        again = observation_of(quiet).watched_at
        assert first is not None
        assert again is not None
        assert again - first > timedelta(seconds=3)

    def test_look_costs_one_query_where_there_is_nothing_to_do(self, quiet: Conference) -> None:
        watching.watch(quiet)
        observing.read(quiet.pk)
        with CaptureQueriesContext(connection) as captured:
            watching.watch(quiet)
        assert len(captured) == 1

    @pytest.mark.parametrize(
        "change",
        [
            lambda: App.objects.update(enabled=False),
            lambda: App.objects.update(rests_until=timezone.now() + timedelta(minutes=5)),
        ],
        ids=["switched off", "resting"],
    )
    def test_app_that_cannot_be_used_is_left_alone(
        self, quiet: Conference, change: Callable[[], object]
    ) -> None:
        change()
        watching.watch(quiet)
        watching.read_soon(quiet)
        assert readings_asked_for() == 0

    def test_sandbox_that_does_not_run_is_left_alone(self, quiet: Conference, settings: Settings) -> None:
        settings.DINGTALK_SANDBOX_URL = ""
        watching.watch(quiet)
        assert readings_asked_for() == 0

    def test_conference_that_has_ended_is_left_alone(self, quiet: Conference) -> None:
        quiet.status = ConferenceStatus.ENDED
        quiet.save()
        with CaptureQueriesContext(connection) as captured:
            watching.watch(quiet)
            watching.read_soon(quiet)
        assert len(captured) == 0

    def test_many_viewers_ask_for_one_reading(self, timed_sandbox: SandboxServer, quiet: Conference) -> None:
        """On SQLite they come one after the other; on PostgreSQL they all see the same row at once."""
        for round_number in (1, 2):
            gate = threading.Barrier(VIEWERS)
            raised: list[Exception] = []

            def look(gate: threading.Barrier = gate, raised: list[Exception] = raised) -> None:
                try:
                    conference = Conference.objects.get(pk=quiet.pk)
                    gate.wait()
                    watching.watch(conference)
                    observing.read(quiet.pk)
                except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
                    raised.append(error)
                finally:
                    connections.close_all()

            viewers = [threading.Thread(target=look) for _viewer in range(VIEWERS)]
            for viewer in viewers:
                viewer.start()
            for viewer in viewers:
                viewer.join()
            assert raised == []
            assert readings_asked_for() == round_number
            assert asked(timed_sandbox) == round_number
            Observation.objects.update(next_read_at=timezone.now())


class TestReadSoon:
    def test_it_does_not_wait_for_the_pause(self, quiet: Conference) -> None:
        watching.watch(quiet)
        observing.read(quiet.pk)
        Observation.objects.update(next_read_at=timezone.now() + timedelta(seconds=60))
        with later(4):
            watching.watch(quiet)
            assert readings_asked_for() == 1
            watching.read_soon(quiet)
            assert readings_asked_for() == 2
            asked_at = timezone.now()
            observing.read(quiet.pk)
        read_at = observation_of(quiet).read_at
        assert read_at is not None
        assert read_at >= asked_at

    def test_what_was_read_a_moment_ago_is_good_enough(self, quiet: Conference) -> None:
        watching.watch(quiet)
        observing.read(quiet.pk)
        watching.read_soon(quiet)
        assert readings_asked_for() == 1

    def test_it_reads_where_nobody_ever_looked(self, quiet: Conference) -> None:
        watching.read_soon(quiet)
        assert readings_asked_for() == 1
        assert observing.read(quiet.pk) is not None
