"""Signing in and out, and one's password, as a browser sees it."""

from typing import ClassVar

import pytest
from django.test import Client
from pytest_django import Settings

from invites.demo import DEMO_PASSWORD
from invites.models import User
from tests.conftest import SignedIn
from tests.factories import PASSWORD, UserFactory


class TestSignIn:
    """The form that opens the door."""

    def test_fresh_installation_says_how_the_first_administrator_is_made(self, db: None) -> None:
        assert "python manage.py createsuperuser" in Client().get("/sign-in/").content.decode()

    def test_hint_goes_once_somebody_can_sign_in(self, organizer: User) -> None:
        assert "createsuperuser" not in Client().get("/sign-in/").content.decode()

    def test_wrong_password_says_so_and_keeps_the_name(self, organizer: User) -> None:
        response = Client().post("/sign-in/", {"login": "organizer", "password": "not-the-password"})
        body = response.content.decode()
        assert response.status_code == 422
        assert "data-error-summary" in body
        assert 'value="organizer"' in body
        assert "not-the-password" not in body

    def test_signing_in_goes_where_one_wanted_to_go(self, organizer: User) -> None:
        client = Client()
        assert (
            'name="next" value="/books/?q=a"'
            in client.get("/sign-in/", {"next": "/books/?q=a"}).content.decode()
        )
        data = {"login": "organizer", "password": PASSWORD, "next": "/books/?q=a"}
        assert client.post("/sign-in/", data)["Location"] == "/books/?q=a"

    def test_signing_in_never_leaves_the_site(self, organizer: User) -> None:
        data = {"login": "organizer", "password": PASSWORD, "next": "https://elsewhere.example/"}
        assert Client().post("/sign-in/", data)["Location"] == "/"

    def test_who_is_signed_in_goes_home(self, organizer: User, signed_in: SignedIn) -> None:
        assert signed_in(organizer).get("/sign-in/")["Location"] == "/"

    @pytest.mark.parametrize(("sandbox_url", "offered"), [("http://127.0.0.1:9", True), ("", False)])
    def test_demonstration_is_offered_beside_a_sandbox_alone(
        self, db: None, settings: Settings, sandbox_url: str, offered: bool
    ) -> None:
        settings.DINGTALK_SANDBOX_URL = sandbox_url
        UserFactory(username="demo")
        assert (DEMO_PASSWORD in Client().get("/sign-in/").content.decode()) is offered

    def test_signing_out_takes_a_press(self, organizer: User, signed_in: SignedIn) -> None:
        client = signed_in(organizer)
        assert client.get("/sign-out/").status_code == 405
        assert client.post("/sign-out/")["Location"] == "/sign-in/"
        assert client.get("/").status_code == 302


class TestPassword:
    """A new password for oneself."""

    DATA: ClassVar[dict[str, str]] = {
        "oldpassword": PASSWORD,
        "password1": "four-words-to-keep",
        "password2": "four-words-to-keep",
    }

    def test_change_is_confirmed_and_keeps_one_signed_in(self, organizer: User, signed_in: SignedIn) -> None:
        client = signed_in(organizer)
        assert client.post("/password/", self.DATA)["Location"] == "/"
        assert "Your password has been changed." in client.get("/").content.decode()
        organizer.refresh_from_db()
        assert organizer.check_password("four-words-to-keep")

    def test_wrong_old_password_is_told_at_its_field(self, organizer: User, signed_in: SignedIn) -> None:
        response = signed_in(organizer).post("/password/", self.DATA | {"oldpassword": "no"})
        assert response.status_code == 422
        assert 'id="id_oldpassword_error"' in response.content.decode()

    def test_rules_for_passwords_are_a_list(self, organizer: User, signed_in: SignedIn) -> None:
        assert "<ul><li>Your password" in signed_in(organizer).get("/password/").content.decode()

    def test_anonymous_visitor_is_asked_to_sign_in(self, db: None) -> None:
        assert Client().get("/password/")["Location"] == "/sign-in/?next=/password/"
