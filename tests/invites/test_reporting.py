"""The weekly digest: who gets it, when, what it says, and that nobody gets it twice."""

import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from smtplib import SMTPException
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.locmem import EmailBackend
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from django_tasks_db.models import DBTaskResult
from pytest_django import Settings

from invites import recovering, reporting
from invites.models import User, WeeklyMail
from invites.models.attempt import AttemptState
from invites.models.invitee import InviteeState
from invites.models.weekly_mail import MOST_TRIES
from invites.surveying import COUNTED_UP_TO
from tests.conftest import SignedIn, confirmed, htmx
from tests.factories import PASSWORD, AttemptFactory, ConferenceFactory, SentInvitationFactory, UserFactory

# A Monday, and a morning in Shanghai.
MONDAY = datetime(2026, 11, 30, 0, 0, tzinfo=UTC)
WEEK = date(2026, 11, 23)
SETTINGS = "/settings/"
CONFIRM = f"{SETTINGS}security/confirm/"


class RefusingBackend(EmailBackend):
    """A mail server that takes nothing."""

    def send_messages(self, email_messages: Any) -> int:
        raise SMTPException("no")


@pytest.fixture(autouse=True)
def mail_is_set_up(settings: Settings) -> None:
    settings.MAIL_IS_SET_UP = True
    settings.SITE_URL = "https://invites.example.com"


@pytest.fixture
def reader(organizer: User) -> User:
    """The organizer, who wants the digest."""
    organizer.email, organizer.weekly_digest = "ada@example.com", True
    organizer.save()
    return organizer


def work() -> None:
    """What a worker does about mails: it looks, and runs what it was rung for."""
    recovering._ring_for_weekly_mails()
    for task in DBTaskResult.objects.ready():
        task.delete()
        reporting.send(*task.args_kwargs["args"])


def attempt(day: date, **kwargs: Any) -> None:
    moment = datetime(day.year, day.month, day.day, 4, tzinfo=UTC)
    AttemptFactory(started_at=moment, invitation__sent_at=moment, **kwargs)


def html_of(message: EmailMultiAlternatives) -> str:
    return str(message.alternatives[0][0])


class TestWhen:
    """Monday morning by the clock of the installation."""

    @pytest.mark.parametrize(
        ("moment", "week"),
        [
            (datetime(2026, 11, 29, 22, 59, tzinfo=UTC), None),
            (datetime(2026, 11, 29, 23, 0, tzinfo=UTC), WEEK),
            (MONDAY, WEEK),
            (datetime(2026, 12, 1, 22, 59, tzinfo=UTC), WEEK),
            (datetime(2026, 12, 1, 23, 0, tzinfo=UTC), None),
            (datetime(2026, 12, 4, 12, 0, tzinfo=UTC), None),
        ],
    )
    def test_it_is_due_from_monday_at_seven_for_two_days(self, moment: datetime, week: date | None) -> None:
        assert reporting.week_due(moment) == week

    def test_rest_of_the_week_costs_no_query(self, reader: User) -> None:
        with (
            time_machine.travel(MONDAY + timedelta(days=3), tick=False),
            CaptureQueriesContext(connection) as queries,
        ):
            recovering._ring_for_weekly_mails()
        assert len(queries) == 0


@pytest.fixture
def on_monday() -> Iterator[None]:
    with time_machine.travel(MONDAY, tick=False):
        yield


@pytest.mark.usefixtures("on_monday")
class TestWho:
    """Those who want it, once each."""

    def test_mail_goes_to_whoever_wants_it_once(self, reader: User) -> None:
        UserFactory(email="else@example.com")
        work()
        work()
        assert [message.to for message in mail.outbox] == [["ada@example.com"]]
        assert WeeklyMail.objects.get().sent_at is not None

    def test_next_week_brings_the_next_one(self, reader: User) -> None:
        work()
        with time_machine.travel(MONDAY + timedelta(days=7), tick=False):
            work()
        assert len(mail.outbox) == 2

    @pytest.mark.parametrize("change", [{"weekly_digest": False}, {"email": ""}, {"is_active": False}])
    def test_nobody_else_gets_any(self, reader: User, change: dict[str, Any]) -> None:
        User.objects.filter(pk=reader.pk).update(**change)
        work()
        assert mail.outbox == []
        assert not WeeklyMail.objects.exists()

    def test_installation_without_mail_sends_none(self, reader: User, settings: Settings) -> None:
        settings.MAIL_IS_SET_UP = False
        work()
        assert not WeeklyMail.objects.exists()

    def test_mail_that_was_taken_up_and_never_told_of_is_not_sent_again(self, reader: User) -> None:
        recovering._ring_for_weekly_mails()
        DBTaskResult.objects.all().delete()
        work()
        assert mail.outbox == []

    def test_mail_that_could_not_be_sent_comes_back_a_few_times(
        self, reader: User, settings: Settings
    ) -> None:
        settings.MAILERS = {"default": {"BACKEND": f"{__name__}.RefusingBackend"}}
        for tries in range(1, MOST_TRIES + 1):
            with time_machine.travel(MONDAY + timedelta(hours=5 * (tries - 1)), tick=False):
                work()
                row = WeeklyMail.objects.get()
                assert (row.tries, row.problem, row.sent_at) == (tries, "SMTPException", None)
                recovering._ring_for_weekly_mails()
                assert not DBTaskResult.objects.ready().exists()
        assert row.try_at is None

    @pytest.mark.parametrize("change", [{"weekly_digest": False}, {"is_active": False}])
    def test_mail_that_could_not_be_sent_does_not_come_back_to_who_wants_none_any_more(
        self, reader: User, settings: Settings, change: dict[str, Any]
    ) -> None:
        before = settings.MAILERS
        settings.MAILERS = {"default": {"BACKEND": f"{__name__}.RefusingBackend"}}
        work()
        settings.MAILERS = before
        User.objects.filter(pk=reader.pk).update(**change)
        with time_machine.travel(MONDAY + timedelta(hours=5), tick=False):
            work()
        assert mail.outbox == []

    def test_mail_server_that_is_back_gets_it(self, reader: User, settings: Settings) -> None:
        before = settings.MAILERS
        settings.MAILERS = {"default": {"BACKEND": f"{__name__}.RefusingBackend"}}
        work()
        settings.MAILERS = before
        with time_machine.travel(MONDAY + timedelta(hours=5), tick=False):
            work()
        assert len(mail.outbox) == 1
        assert WeeklyMail.objects.get().problem == ""


class TestWhatItSays:
    """Figures of the week and of the one before, as far as somebody may see them."""

    def test_both_weeks_stand_side_by_side(self, reader: User) -> None:
        conference = ConferenceFactory(owner=reader)
        attempt(WEEK, invitation__conference=conference, people=30)
        attempt(WEEK + timedelta(days=6), invitation__conference=conference, people=5)
        attempt(
            WEEK + timedelta(days=1),
            invitation__conference=conference,
            state=AttemptState.FAILED,
            people_state=InviteeState.FAILED,
            error_code="unknownUserError",
        )
        attempt(WEEK - timedelta(days=1), invitation__conference=conference, people=2)
        attempt(WEEK + timedelta(days=7), invitation__conference=conference, people=1000)
        body = reporting.message_to(reader, week=WEEK).body
        assert "Calls made to DingTalk: 3 (1)" in body
        assert "Calls that succeeded: 66% (100%)" in body
        assert "People invited: 35 (2)" in body
        assert "unknownUserError (1 call)" in body
        assert "https://invites.example.com/codes/#unknownUserError" in body

    def test_organizer_reads_of_their_own_conferences_alone(self, reader: User, auditor: User) -> None:
        attempt(WEEK)
        assert "Calls made to DingTalk: 0 (0)" in reporting.message_to(reader, week=WEEK).body
        assert "Calls made to DingTalk: 1 (0)" in reporting.message_to(auditor, week=WEEK).body

    def test_calls_without_an_answer_lead_to_the_history(self, reader: User, on_monday: None) -> None:
        attempt(
            WEEK,
            invitation__conference__owner=reader,
            state=AttemptState.UNKNOWN,
            people_state=InviteeState.UNKNOWN,
            error_code="readTimeout",
        )
        body = reporting.message_to(reader, week=WEEK).body
        assert "https://invites.example.com/history/?outcome=unknown" in body

    def test_calls_that_are_decided_hide_none_before_them(self, reader: User, on_monday: None) -> None:
        unknown = {
            "state": AttemptState.UNKNOWN,
            "people_state": InviteeState.UNKNOWN,
            "error_code": "readTimeout",
        }
        attempt(WEEK, invitation__conference__owner=reader, **unknown)
        over = SentInvitationFactory(conference__owner=reader, conference__status="ended")
        for _number in range(COUNTED_UP_TO + 1):
            AttemptFactory(invitation=over, started_at=MONDAY - timedelta(days=1), **unknown)
        assert "Of 1 call it is still not known" in reporting.message_to(reader, week=WEEK).body

    def test_it_says_how_to_stop_it_and_is_both_text_and_html(self, reader: User) -> None:
        message = reporting.message_to(reader, week=WEEK)
        assert message.extra_headers["List-Unsubscribe"] == "<https://invites.example.com/settings/>"
        assert "https://invites.example.com/settings/" in message.body
        ((_html, mimetype),) = message.alternatives
        assert mimetype == "text/html"
        assert html_of(message).lstrip().startswith("<!doctype html>")

    def test_name_is_escaped_where_it_must_be(self, reader: User) -> None:
        reader.first_name = "Ada & <b>"
        message = reporting.message_to(reader, week=WEEK)
        assert "Hello Ada & <b>" in message.body
        assert "Ada &amp; &lt;b&gt;" in html_of(message)

    def test_it_is_in_the_language_in_which_it_was_asked_for(self, reader: User) -> None:
        reader.language = "zh-hans"
        message = reporting.message_to(reader, week=WEEK)
        assert "发出的邀请" in message.body
        assert '<html lang="zh-hans">' in html_of(message)
        assert translation.get_language() == "en"

    @pytest.mark.parametrize("weeks", [2, 8])
    def test_number_of_queries_does_not_grow(self, auditor: User, weeks: int) -> None:
        for week in range(weeks):
            attempt(WEEK - timedelta(days=7 * week))
        with CaptureQueriesContext(connection) as queries:
            reporting.message_to(auditor, week=WEEK)
        assert len(queries) == 11


class TestCommand:
    """A look at it without sending it."""

    def test_it_prints_what_the_user_would_get(self, reader: User) -> None:
        out = io.StringIO()
        call_command("weekly_digest", "--preview", reader.username, stdout=out)
        assert "Hello organizer," in out.getvalue()
        assert mail.outbox == []

    def test_it_names_whoever_is_not_there(self, db: None) -> None:
        with pytest.raises(CommandError, match="Nobody signs in as “nobody”"):
            call_command("weekly_digest", "--preview", "nobody")


class TestSettings:
    """People ask for it themselves."""

    @pytest.fixture
    def client(self, organizer: User, signed_in: SignedIn) -> Client:
        return confirmed(signed_in(organizer))

    def test_box_and_address_are_saved_with_the_language_of_the_page(
        self, client: Client, organizer: User
    ) -> None:
        client.cookies["django_language"] = "zh-hans"
        client.post(SETTINGS, {"email": "ada@example.com", "weekly_digest": "on"})
        organizer.refresh_from_db()
        assert (organizer.email, organizer.weekly_digest) == ("ada@example.com", True)
        assert organizer.language == "zh-hans"

    def test_digest_without_an_address_is_refused_at_its_field(self, client: Client, organizer: User) -> None:
        response = client.post(SETTINGS, {"first_name": "Ada", "weekly_digest": "on"})
        assert response.status_code == 422
        assert response.context["form"].errors.keys() == {"email"}
        assert 'value="Ada"' in response.content.decode()
        organizer.refresh_from_db()
        assert not organizer.weekly_digest

    def test_address_that_is_none_is_told_once(self, client: Client) -> None:
        response = client.post(SETTINGS, {"email": "nowhere", "weekly_digest": "on"})
        assert response.status_code == 422
        assert len(response.context["form"].errors["email"]) == 1

    def test_address_of_somebody_else_is_refused_at_its_field(self, client: Client, organizer: User) -> None:
        UserFactory(email="Boss@example.com")
        response = client.post(SETTINGS, {"email": "boss@example.com"})
        assert response.status_code == 422
        assert response.context["form"].errors.keys() == {"email"}
        organizer.refresh_from_db()
        assert not organizer.email

    def test_open_session_alone_sends_no_new_password_elsewhere(
        self, organizer: User, signed_in: SignedIn
    ) -> None:
        client = signed_in(organizer)
        typed = {"email": "thief@example.com", "first_name": "Ada"}
        assert client.post(SETTINGS, typed)["Location"] == f"{CONFIRM}?next=%2Fsettings%2F"
        response = client.post(SETTINGS, typed, headers=htmx("account"))
        assert response["HX-Redirect"] == f"{CONFIRM}?next=%2Fsettings%2F"
        organizer.refresh_from_db()
        assert not organizer.email
        # What was typed is not lost.
        client.post(CONFIRM, {"password": PASSWORD, "next": SETTINGS})
        organizer.refresh_from_db()
        assert (organizer.email, organizer.first_name) == ("thief@example.com", "Ada")

    def test_installation_without_mail_asks_for_neither_and_keeps_both(
        self, client: Client, reader: User, settings: Settings
    ) -> None:
        settings.MAIL_IS_SET_UP = False
        assert "weekly_digest" not in client.get(SETTINGS).content.decode()
        client.post(SETTINGS, {"first_name": "Ada"})
        reader.refresh_from_db()
        assert (reader.email, reader.weekly_digest) == ("ada@example.com", True)
