"""The page that says where one is signed in, and ends sessions."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from invites import auditing, securing
from invites.models import AuditEntry, Session, User
from invites.models.user import Role
from invites.sessions import digest_of
from tests.conftest import SignedIn
from tests.factories import PASSWORD, UserFactory

SECURITY = "/settings/security/"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36"


def visit(user: User) -> Client:
    client = Client(headers={"user-agent": CHROME}, REMOTE_ADDR="192.0.2.7")
    client.post("/sign-in/", {"login": user.username, "password": PASSWORD})
    return client


def row_of(client: Client) -> Session:
    """The session that ``client`` is signed in with."""
    row: Session = Session.objects.get(
        session_key=digest_of(client.cookies[settings.SESSION_COOKIE_NAME].value)
    )
    return row


def is_in(client: Client) -> bool:
    return client.get("/codes/").status_code == 200


def ended() -> list[int]:
    entries = AuditEntry.objects.order_by("pk")
    return [
        entry.additional_data["sessions"]
        for entry in entries
        if (entry.additional_data or {}).get("what") == auditing.SESSIONS_ENDED
    ]


class TestPage:
    """Where one is signed in."""

    @pytest.mark.parametrize("role", Role.values)
    def test_everybody_sees_their_own(self, db: None, role: str) -> None:
        UserFactory(username="another")
        user = UserFactory(role=role)
        visit(UserFactory())
        page = visit(user).get(SECURITY).content.decode()
        assert page.count("Chrome on Windows</span>") == 1
        assert "192.0.2.7" in page
        assert "This one" in page
        assert "End all others" not in page

    def test_it_costs_the_same_for_one_and_for_fifty(
        self, organizer: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        client = visit(organizer)
        # The session, the user twice, their factors and whether there are codes, their sessions; their DingTalk account
        # and the policy; the banner's two.
        with django_assert_num_queries(10):
            client.get(SECURITY)
        Session.objects.bulk_create(
            Session(
                session_key=f"{number}",
                user=organizer,
                expire_date=timezone.now() + timedelta(days=1),
                last_seen_at=timezone.now() - timedelta(minutes=number + 1),
            )
            for number in range(51)
        )
        with django_assert_num_queries(10):
            page = client.get(SECURITY).content.decode()
        assert "There are more" in page
        assert "This one" in page

    def test_sessions_that_are_over_are_none(self, organizer: User) -> None:
        client = visit(organizer)
        other = visit(organizer)
        Session.objects.filter(pk=row_of(other).pk).update(expire_date=timezone.now())
        assert "End all others" not in client.get(SECURITY).content.decode()


class TestEnding:
    """Ending sessions, one's own alone."""

    def test_one_is_ended_and_the_others_stay(self, organizer: User) -> None:
        here, there, elsewhere = visit(organizer), visit(organizer), visit(organizer)
        pk = row_of(there).pk
        assert here.post(f"{SECURITY}sessions/{pk}/end/")["Location"] == SECURITY
        assert (is_in(here), is_in(there), is_in(elsewhere)) == (True, False, True)
        assert ended() == [1]
        assert here.post(f"{SECURITY}sessions/{pk}/end/").status_code == 404
        assert ended() == [1]

    def test_all_others_are_ended(self, organizer: User, other_organizer: User) -> None:
        here, there, stranger = visit(organizer), visit(organizer), visit(other_organizer)
        here.post(f"{SECURITY}sessions/end/")
        assert (is_in(here), is_in(there), is_in(stranger)) == (True, False, True)
        here.post(f"{SECURITY}sessions/end/")
        assert ended() == [1]

    def test_nobody_ends_those_of_another(self, organizer: User, other_organizer: User) -> None:
        here, theirs = visit(organizer), visit(other_organizer)
        pk = Session.objects.get(user=other_organizer).pk
        assert here.post(f"{SECURITY}sessions/{pk}/end/").status_code == 404
        assert is_in(theirs)

    def test_looking_ends_nothing(self, organizer: User) -> None:
        client = visit(organizer)
        assert client.get(f"{SECURITY}sessions/end/").status_code == 405

    def test_anonymous_visitor_is_asked_to_sign_in(self, db: None) -> None:
        assert Client().post(f"{SECURITY}sessions/end/")["Location"].startswith("/sign-in/")

    def test_another_password_ends_all_others(self, organizer: User) -> None:
        here, _there = visit(organizer), visit(organizer)
        data = {"oldpassword": PASSWORD, "password1": "four-words-to-keep", "password2": "four-words-to-keep"}
        assert here.post("/password/", data).status_code == 302
        assert is_in(here)
        assert Session.objects.filter(user=organizer).count() == 1
        assert ended() == [1]

    def test_administrators_end_all(self, organizer: User, signed_in: SignedIn) -> None:
        clients = [visit(organizer), visit(organizer), signed_in(organizer)]
        assert securing.end_sessions(organizer) == 3
        assert not [client for client in clients if is_in(client)]


class TestPasswordRules:
    """Long ones, said at the field."""

    def test_ten_characters_are_the_least(self, organizer: User) -> None:
        client = visit(organizer)
        assert "at least 10 characters" in client.get("/password/").content.decode()
        for word, status in (("nine-char", 422), ("ten-chars-", 302)):
            data = {"oldpassword": PASSWORD, "password1": word, "password2": word}
            assert client.post("/password/", data).status_code == status
