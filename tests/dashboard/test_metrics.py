"""What Prometheus reads."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoAssertNumQueries, Settings

from dashboard.metrics import HistoryCollector
from invites import pacing
from invites.counting import count_call
from invites.models import App, AppCount, Worker
from invites.models.attempt import AttemptState
from invites.models.invitee import InviteeState
from tests.dashboard.cut_off import METRICS_TOKEN, ask, nobody_listens
from tests.factories import AppFactory, AttemptFactory, ConferenceFactory
from tests.keeping import tampering

type Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(autouse=True)
def token(settings: Settings) -> None:
    settings.METRICS_TOKEN = METRICS_TOKEN


def scrape(**headers: str) -> str:
    answer = Client().get("/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"} | headers)
    assert answer.status_code == 200
    return answer.content.decode()


def samples(text: str | None = None) -> Samples:
    families = text_string_to_metric_families(scrape() if text is None else text)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value(name: str, found: Samples | None = None, **labels: str) -> float | None:
    return (samples() if found is None else found).get((name, frozenset(labels.items())))


@pytest.mark.usefixtures("db")
class TestToken:
    """Who may read it."""

    def test_there_is_no_such_page_without_a_token(self, settings: Settings) -> None:
        settings.METRICS_TOKEN = ""
        assert Client().get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404

    @pytest.mark.parametrize(
        "given", ["", "Bearer", "Bearer wrong", f"Basic {METRICS_TOKEN}", METRICS_TOKEN, "Bearer ü"]
    )
    def test_whoever_has_it_not_learns_nothing(self, given: str) -> None:
        answer = Client().get("/metrics", headers={"Authorization": given})
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"] == "Bearer"
        assert b"invites_" not in answer.content

    def test_it_is_only_read(self) -> None:
        assert (
            Client().post("/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}).status_code == 405
        )


@pytest.mark.usefixtures("db")
class TestMetrics:
    """What it says."""

    def test_attempts_and_people_by_outcome(self) -> None:
        conference = ConferenceFactory(app__name="Head “office”")
        for _ in range(2):
            AttemptFactory(invitation__conference=conference, people=3)
        AttemptFactory(
            invitation__conference=conference,
            state=AttemptState.FAILED,
            people_state=InviteeState.FAILED,
            error_code="unknownUserError",
        )
        found = samples()
        attempts = {"app": "Head “office”", "state": "succeeded", "code": ""}
        assert value("invites_attempts_total", found, **attempts) == 2
        assert value("invites_people_total", found, app="Head “office”", state="succeeded") == 6
        refused = {"app": "Head “office”", "state": "failed", "code": "unknownUserError"}
        assert value("invites_attempts_total", found, **refused) == 1

    def test_histogram_of_answers_adds_up(self) -> None:
        conference = ConferenceFactory(app__name="A")
        for ms in (80, 120, 240, 20_000):
            AttemptFactory(invitation__conference=conference, duration_ms=ms)
        found = samples()
        assert value("invites_answer_seconds_bucket", found, app="A", le="0.1") == 1
        assert value("invites_answer_seconds_bucket", found, app="A", le="0.25") == 3
        assert value("invites_answer_seconds_bucket", found, app="A", le="10.0") == 3
        assert value("invites_answer_seconds_bucket", found, app="A", le="+Inf") == 4
        assert value("invites_answer_seconds_count", found, app="A") == 4
        assert value("invites_answer_seconds_sum", found, app="A") == pytest.approx(20.44)

    def test_counters_stay_when_attempts_are_removed(self) -> None:
        attempt = AttemptFactory(invitation__conference__app__name="A")
        with tampering() as cursor:
            cursor.execute("DELETE FROM invites_attempt WHERE id = %s", [attempt.pk])
        assert value("invites_attempts_total", app="A", state="succeeded", code="") == 1

    def test_calls_and_quota(self) -> None:
        app = AppFactory(name="A", monthly_quota=500)
        count_call(app.pk, "InviteUsers", calls=7)
        count_call(app.pk, "GetUser", calls=9)
        found = samples()
        assert value("invites_calls_total", found, app="A", operation="GetUser", exempt="true") == 9
        assert value("invites_calls_total", found, app="A", operation="InviteUsers", exempt="false") == 7
        assert value("invites_quota_spent_calls", found, app="A") == 7
        assert value("invites_quota_calls", found, app="A") == 500

    def test_what_waits_and_who_works(self, alive_worker: Worker) -> None:
        now = timezone.now()
        App.objects.let_rest(AppFactory(name="A").pk, until=now + timedelta(minutes=1))
        AttemptFactory(started_at=now - timedelta(days=1))
        found = samples()
        assert value("invites_workers", found) == 1
        assert value("invites_apps_resting", found) == 1
        assert value("invites_unsealed_days", found) == 1
        assert value("invites_oldest_due_batch_seconds", found) == 0
        assert value("invites_imports_under_way", found) == 0
        assert value("invites_database_up", found) == 1

    def test_turn_that_is_booked_ahead_is_told(self, transactional_db: None) -> None:
        app = AppFactory(name="A", calls_per_second=1)
        for _ in range(3):
            pacing.book_turn(app, "InviteUsers", patience=5.0)
        waits = value("invites_rate_limit_wait_seconds", app="A", operation="InviteUsers")
        assert waits is not None
        assert waits > 0

    def test_process_is_measured_too(self) -> None:
        assert value("process_resident_memory_bytes")

    def test_names_follow_the_rules_of_prometheus(self) -> None:
        AttemptFactory()
        for family in text_string_to_metric_families(scrape()):
            assert re.fullmatch(r"[a-z][a-z0-9_]*", family.name)
            assert family.documentation or family.name.startswith("process")

    def test_each_family_is_told_once(self) -> None:
        AttemptFactory()
        kinds = re.findall(r"^# TYPE (\S+)", scrape(), re.MULTILINE)
        assert len(kinds) == len(set(kinds))

    def test_newer_format_is_spoken_where_it_is_asked_for(self) -> None:
        text = scrape(Accept="application/openmetrics-text; version=1.0.0")
        assert text.endswith("# EOF\n")

    @pytest.mark.parametrize("days", [1, 40])
    def test_number_of_queries_does_not_grow(
        self, days: int, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        conference = ConferenceFactory()
        for day in range(days):
            AttemptFactory(invitation__conference=conference, started_at=timezone.now() - timedelta(days=day))
        assert AppCount.objects.count() == days
        # PostgreSQL is asked for the time as well.
        with django_assert_num_queries(15 + (connection.vendor == "postgresql")):
            list(HistoryCollector().collect())


class TestDatabaseThatIsAway:
    """The scrape says so."""

    def test_it_is_told_and_nothing_else_of_it(self) -> None:
        status, body = ask("/metrics", port=nobody_listens())
        assert status == "200"
        found = samples(body)
        assert value("invites_database_up", found) == 0
        assert value("invites_workers", found) is None
        assert value("process_resident_memory_bytes", found)
