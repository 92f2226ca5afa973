"""What tells whether a process is alive, and whether it can answer."""

import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from dashboard import health
from invites import clock, tasks
from invites.dingtalk import codes
from invites.models import App, Conference, SealedDay, User, Worker
from invites.models.app import EventMode
from invites.models.attempt import AttemptState
from invites.models.invitee import InviteeState
from invites.sending import send
from tests.dashboard.cut_off import ask, nobody_listens
from tests.factories import AppFactory, AttemptFactory, ConferenceFactory, InvitationFactory, InviteeFactory


@pytest.fixture
def no_patience_with_migrations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets each look find out anew whether migrations are applied."""
    monkeypatch.setattr(health, "MIGRATIONS_GOOD_FOR", 0.0)
    monkeypatch.setattr(health, "_migrations", health._Migrations())


def look() -> dict[str, Any]:
    answer = Client().get("/readyz")
    assert answer.status_code == 200
    told: dict[str, Any] = answer.json()
    return told


def complaints() -> list[str]:
    return [what for what, _why in health.vitals().complaints()]


@pytest.mark.usefixtures("transactional_db", "alive_worker")
class TestReady:
    """Database and migrations decide."""

    def test_it_is_ready_where_everything_is_well(self) -> None:
        assert look() == {"status": "ok", "problem": "", "degraded": []}

    def test_nobody_has_to_sign_in_and_no_cache_keeps_it(self) -> None:
        answer = Client().head("/readyz")
        assert answer.status_code == 200
        assert "no-store" in answer["Cache-Control"]

    def test_missing_migration_takes_it_offline(self, no_patience_with_migrations: None) -> None:
        newest = MigrationRecorder.Migration.objects.filter(app="invites").order_by("name").last()
        assert newest
        newest.delete()
        try:
            answer = Client().get("/readyz")
        finally:
            newest.save()
        assert answer.status_code == 503
        assert answer.json()["status"] == "unavailable"
        assert "lacks 1 migration(s)" in answer.json()["problem"]

    def test_applied_migrations_are_not_looked_for_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        look()

        def refuse(*args: object) -> None:
            pytest.fail("it looked again")

        monkeypatch.setattr(health, "MigrationExecutor", refuse)
        look()

    def test_proxy_that_speaks_https_is_not_needed_for_it(self, settings: Settings) -> None:
        settings.SECURE_SSL_REDIRECT = True
        assert Client().get("/healthz").status_code == 200
        assert Client().get("/readyz").status_code == 200


@pytest.mark.usefixtures("db")
class TestDegraded:
    """What is told and never takes the history offline."""

    def test_missing_worker(self) -> None:
        assert complaints() == ["workers"]

    def test_app_that_rests(self, alive_worker: Worker) -> None:
        App.objects.let_rest(AppFactory().pk, until=timezone.now() + timedelta(minutes=5))
        assert complaints() == ["dingtalk"]

    @pytest.mark.parametrize(
        ("mode", "minutes_ago", "told"),
        [
            (EventMode.STREAM, None, ["events"]),
            (EventMode.STREAM, 5, ["events"]),
            (EventMode.STREAM, 1, []),
            (EventMode.CALLBACK, None, []),
            (EventMode.NONE, 5, []),
        ],
    )
    def test_app_without_its_events(
        self, alive_worker: Worker, mode: EventMode, minutes_ago: int | None, told: list[str]
    ) -> None:
        seen = None if minutes_ago is None else timezone.now() - timedelta(minutes=minutes_ago)
        App.objects.filter(pk=AppFactory(event_mode=mode, stream_seen_at=seen).pk).update(
            created_at=timezone.now() - timedelta(hours=1)
        )
        assert complaints() == told

    def test_app_that_was_added_just_now_may_still_connect(self, alive_worker: Worker) -> None:
        AppFactory(event_mode=EventMode.STREAM)
        assert complaints() == []

    def test_app_that_is_switched_off_may_rest(self, alive_worker: Worker) -> None:
        AppFactory(enabled=False, rests_until=timezone.now() + timedelta(minutes=5))
        assert complaints() == []

    @pytest.mark.parametrize(
        ("code", "told"),
        [
            (codes.TOKEN_UNAVAILABLE, ["dingtalk"]),
            ("invalidClientIdOrSecret", ["dingtalk"]),
            ("unknownUserError", []),
            ("somethingNew", []),
        ],
    )
    def test_token_that_fails(self, alive_worker: Worker, code: str, told: list[str]) -> None:
        refused(code)
        assert complaints() == told

    def test_token_that_has_failed_and_works_again(self, alive_worker: Worker) -> None:
        conference = refused(codes.TOKEN_UNAVAILABLE)
        AttemptFactory(invitation__conference=conference)
        assert complaints() == []

    def test_people_whom_nobody_calls(self, alive_worker: Worker, organizer: User) -> None:
        draft = InvitationFactory(conference=ConferenceFactory(owner=organizer))
        InviteeFactory(invitation=draft)
        sent = send(invitation=draft, revision=0, user=organizer)
        sent.batches.update(not_before=timezone.now() - timedelta(minutes=2))
        assert complaints() == ["queue"]

    def test_people_who_wait_on_purpose(self, alive_worker: Worker, organizer: User) -> None:
        draft = InvitationFactory(conference=ConferenceFactory(owner=organizer))
        InviteeFactory(invitation=draft)
        sent = send(invitation=draft, revision=0, user=organizer)
        sent.batches.update(not_before=timezone.now() - timedelta(minutes=2))
        App.objects.let_rest(sent.conference.app_id, until=timezone.now() + timedelta(minutes=5))
        assert complaints() == ["dingtalk"]

    def test_task_that_no_worker_takes(self, alive_worker: Worker) -> None:
        tasks.deliver_invitation.using(run_after=timezone.now() - timedelta(minutes=2)).enqueue(1)
        assert complaints() == ["queue"]

    def test_task_that_was_put_off_and_list_that_waits_for_others(self, alive_worker: Worker) -> None:
        tasks.deliver_invitation.using(run_after=timezone.now() + timedelta(minutes=2)).enqueue(1)
        tasks.read_import.using(run_after=timezone.now() - timedelta(minutes=2)).enqueue(1, "")
        assert complaints() == []

    @pytest.mark.parametrize(("days", "told"), [(0, []), (1, []), (2, ["sealing"])])
    def test_days_that_are_not_sealed(self, alive_worker: Worker, days: int, told: list[str]) -> None:
        AttemptFactory(started_at=timezone.now() - timedelta(days=days))
        assert complaints() == told

    def test_day_that_is_sealed(self, alive_worker: Worker) -> None:
        AttemptFactory(started_at=timezone.now() - timedelta(days=2))
        day = clock.today() - timedelta(days=2)
        SealedDay.objects.create(day=day, key_id="k", digest=bytes(32))
        assert complaints() == []

    def test_it_is_told_and_decides_nothing_and_tells_no_name(self, transactional_db: None) -> None:
        refused(codes.TOKEN_UNAVAILABLE, app_name="Head office")
        told = look()
        assert told["status"] == "degraded"
        assert [each["what"] for each in told["degraded"]] == ["workers", "dingtalk"]
        body = str(told)
        for hidden in ("Head office", "token-of-the-app", "127.0.0.1"):
            assert hidden not in body

    @pytest.mark.parametrize("days", [1, 30])
    def test_number_of_queries_does_not_grow(
        self, days: int, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for day in range(days):
            AttemptFactory(started_at=timezone.now() - timedelta(days=day))
        # last codes, last seal, workers, resting apps, batches, tasks, days
        with django_assert_num_queries(7):
            health.vitals()


def refused(code: str, *, app_name: str = "App") -> Conference:
    """A conference into which nobody came, for ``code``."""
    conference: Conference = ConferenceFactory(app__name=app_name)
    AttemptFactory(
        invitation__conference=conference,
        state=AttemptState.FAILED,
        people_state=InviteeState.FAILED,
        error_code=code,
        started_at=timezone.now() - timedelta(hours=1),
    )
    return conference


@pytest.fixture
def silent_server() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


class TestDatabaseThatIsAway:
    """The answer comes all the same, and soon."""

    def test_server_that_is_down(self) -> None:
        status, body = ask("/readyz", port=nobody_listens())
        assert status == "503"
        assert "The database does not answer." in body

    def test_server_that_says_nothing(self, silent_server: int) -> None:
        status, body = ask("/readyz", port=silent_server)
        assert status == "503"
        assert "did not answer in time" in body

    def test_process_is_alive_without_it(self, silent_server: int) -> None:
        assert ask("/healthz", port=silent_server) == ("200", "ok")
