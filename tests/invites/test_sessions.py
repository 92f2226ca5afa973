"""What a stolen database gives away of sessions, which is nothing; when they are written, prolonged and over."""

import json
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings as django_settings
from django.contrib.sessions.backends.base import UpdateError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from invites import sessions
from invites.models import Session, User
from invites.models.session import USER_AGENT_LENGTH
from invites.sessions import SEEN_EVERY, SessionStore
from tests.conftest import SignedIn
from tests.factories import PASSWORD

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def cookie_of(client: Client) -> str:
    return client.cookies[django_settings.SESSION_COOKIE_NAME].value


def age(session: Session, by: timedelta) -> None:
    Session.objects.filter(pk=session.pk).update(last_seen_at=timezone.now() - by)


@pytest.fixture
def client(organizer: User, signed_in: SignedIn) -> Client:
    return signed_in(organizer)


@pytest.fixture
def session(client: Client) -> Session:
    session: Session = Session.objects.get()
    return session


class TestStolenTable:
    """Whoever has the rows has no session."""

    def test_neither_the_key_nor_what_it_holds_can_be_read(self, client: Client, session: Session) -> None:
        row = json.dumps(list(Session.objects.values()), default=str)
        assert cookie_of(client) not in row
        assert "_auth_user" not in row

    def test_what_is_stored_opens_nothing(self, client: Client, session: Session) -> None:
        thief = Client()
        thief.cookies[django_settings.SESSION_COOKIE_NAME] = session.session_key
        assert thief.get("/").status_code == 302

    def test_another_secret_key_knows_no_session(self, client: Client, settings: Settings) -> None:
        settings.SECRET_KEY = "another-secret-key-another-secret-key-another"
        assert client.get("/").status_code == 302

    def test_session_whose_key_of_encryption_is_gone_is_none(
        self, client: Client, session: Session, settings: Settings
    ) -> None:
        settings.FIELD_ENCRYPTION_KEYS = ["hTPlNZVxAvtXk6KkRWGoIHf-4YuTDnU0vXMPYl0wsKA="]
        assert client.get("/").status_code == 302

    def test_cookie_of_rubbish_is_no_session(self, db: None) -> None:
        for rubbish in ("", "short", "x" * 5000, "\xff" * 20, "%00" * 10):
            client = Client()
            client.cookies[django_settings.SESSION_COOKIE_NAME] = rubbish
            assert client.get("/").status_code == 302


class TestWhoUsesIt:
    """The row says whose it is and where it was used last."""

    def test_it_belongs_to_who_signed_in(self, session: Session, organizer: User) -> None:
        assert session.user == organizer

    def test_first_use_after_a_while_is_noted_with_address_and_browser(
        self, client: Client, session: Session
    ) -> None:
        age(session, SEEN_EVERY * 2)
        client.get("/codes/", headers={"user-agent": FIREFOX + "x" * 500}, REMOTE_ADDR="192.0.2.7")
        session.refresh_from_db()
        assert session.address == "192.0.2.7"
        assert session.user_agent == (FIREFOX + "x" * 500)[:USER_AGENT_LENGTH]
        assert timezone.now() - session.last_seen_at < SEEN_EVERY

    def test_use_right_after_it_writes_nothing(self, client: Client, session: Session) -> None:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get("/codes/")
        assert not [query for query in queries if query["sql"].startswith(("UPDATE", "INSERT", "DELETE"))]

    def test_it_is_read_with_one_query(self, client: Client, session: Session) -> None:
        with CaptureQueriesContext(connection) as queries:
            client.get("/codes/")
        assert len([query for query in queries if "invites_session" in query["sql"]]) == 1

    def test_being_used_prolongs_it_and_the_cookie(self, client: Client, session: Session) -> None:
        soon = timezone.now() + timedelta(hours=1)
        Session.objects.update(expire_date=soon, last_seen_at=timezone.now() - SEEN_EVERY * 2)
        response = client.get("/codes/")
        session.refresh_from_db()
        assert session.expire_date - soon > timedelta(days=13)
        assert (
            response.cookies[django_settings.SESSION_COOKIE_NAME]["max-age"]
            == django_settings.SESSION_COOKIE_AGE
        )

    def test_being_seen_does_not_undo_what_another_request_has_stored(
        self, client: Client, session: Session
    ) -> None:
        slow = SessionStore(cookie_of(client))
        slow.get("anything")
        quick = SessionStore(cookie_of(client))
        quick["said"] = "by another request"
        quick.save()
        age(session, SEEN_EVERY * 2)
        slow._seen_at -= SEEN_EVERY * 2
        slow.note_seen()
        assert slow.modified
        slow.save()
        assert SessionStore(cookie_of(client))["said"] == "by another request"


class TestEnds:
    """An ended session stays ended."""

    def test_one_that_was_ended_meanwhile_does_not_come_back(self, client: Client, session: Session) -> None:
        kept = SessionStore(cookie_of(client))
        kept["a"] = 1
        session.delete()
        with pytest.raises(UpdateError):
            kept.save()
        assert not Session.objects.exists()

    def test_one_that_is_ended_while_it_is_used_answers_for_the_last_time(
        self, client: Client, session: Session
    ) -> None:
        used = SessionStore(cookie_of(client))
        used.get("anything")
        session.delete()
        used._seen_at -= SEEN_EVERY * 2
        used.note_seen()
        used.save()
        assert not Session.objects.exists()

    def test_one_that_is_over_opens_nothing_and_is_cleared(self, client: Client, session: Session) -> None:
        Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
        assert client.get("/").status_code == 302
        sessions.clear_expired()
        assert not Session.objects.exists()

    def test_using_it_every_day_does_not_keep_it_for_ever(self, client: Client, session: Session) -> None:
        with time_machine.travel(session.began_at, tick=False) as now:
            for _day in range(29):
                now.shift(timedelta(days=1))
                answer = client.get("/codes/")
                assert answer.status_code == 200
            session.refresh_from_db()
            assert session.expire_date == session.began_at + timedelta(days=30)
            assert answer.cookies[django_settings.SESSION_COOKIE_NAME]["max-age"] == 24 * 3600
            now.shift(timedelta(days=1))
            assert client.get("/codes/").status_code == 302
            sessions.clear_expired()
            assert not Session.objects.exists()

    def test_one_of_before_is_held_to_the_longest_at_once(
        self, client: Client, session: Session, settings: Settings
    ) -> None:
        Session.objects.update(began_at=timezone.now() - timedelta(days=7))
        assert client.get("/codes/").status_code == 200
        settings.SESSION_LONGEST_AGE = 7 * 24 * 3600
        assert client.get("/codes/").status_code == 302

    def test_signing_in_again_begins_another_one(self, client: Client, session: Session) -> None:
        Session.objects.update(began_at=timezone.now() - timedelta(days=29))
        client.post("/sign-out/")
        client.post("/sign-in/", {"login": "organizer", "password": PASSWORD})
        assert timezone.now() - Session.objects.get().began_at < timedelta(minutes=1)

    def test_one_of_nobody_ends_soon_and_is_cleared_and_a_sign_in_makes_it_last(
        self, organizer: User
    ) -> None:
        client = Client()
        with time_machine.travel(timezone.now(), tick=False) as now:
            answer = client.get("/sign-in/passkey/", headers={"accept": "application/json"})
            assert answer.cookies[django_settings.SESSION_COOKIE_NAME]["max-age"] == 3600
            assert Session.objects.get().expire_date == timezone.now() + sessions.ANONYMOUS_FOR
            client.post("/sign-in/", {"login": "organizer", "password": PASSWORD})
            stranger = Client()
            stranger.get("/sign-in/passkey/", headers={"accept": "application/json"})
            now.shift(sessions.ANONYMOUS_FOR + timedelta(seconds=1))
            sessions.clear_expired()
            assert Session.objects.get().user == organizer
            assert client.get("/codes/").status_code == 200

    def test_signing_out_leaves_no_row(self, client: Client, session: Session) -> None:
        client.post("/sign-out/")
        assert not Session.objects.filter(pk=session.pk).exists()

    def test_somebody_barred_is_out_at_once(self, client: Client, organizer: User) -> None:
        organizer.is_active = False
        organizer.save()
        assert client.get("/").status_code == 302
