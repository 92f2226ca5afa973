"""Passkeys: only the right one, for the right person, place and question, opens the door, and once."""

import json
import re
from typing import Any

import pytest
from django.test import Client
from fido2.webauthn import AuthenticatorData

from invites import auditing, securing
from invites.models import AuditEntry, SignInPolicy, User
from invites.models.user import Role
from tests.factories import PASSWORD
from tests.invites.passkeys import SoftPasskey

ADD, DOOR = "/settings/security/passkeys/new/", "/sign-in/passkey/"


def visitor() -> Client:
    return Client(SERVER_NAME="localhost")


def asked(page: bytes) -> dict[str, Any]:
    """What a page asks the browser."""
    match = re.search(r'<script id="passkey-data" type="application/json">(.*?)</script>', page.decode())
    assert match
    options: dict[str, Any] = json.loads(match[1])
    return options


def made_by(user: User, *, name: str = "My phone") -> SoftPasskey:
    """A new passkey of ``user``, made through the pages."""
    client, key = visitor(), SoftPasskey()
    client.post("/sign-in/", {"login": user.username, "password": PASSWORD})
    options = asked(client.get(ADD).content)["creation_options"]
    response = client.post(ADD, {"credential": key.made(options), "name": name})
    assert response.status_code == 302, response.content.decode()
    return key


def question(client: Client) -> dict[str, Any]:
    answer = client.get(DOOR, headers={"accept": "application/json"}).json()
    options: dict[str, Any] = answer["request_options"]
    return options


def is_in(client: Client) -> bool:
    return client.get("/codes/").status_code == 200


@pytest.fixture
def key(organizer: User) -> SoftPasskey:
    return made_by(organizer)


class TestMaking:
    """A new passkey."""

    def test_it_is_a_second_factor_with_recovery_codes_and_is_on_record(
        self, key: SoftPasskey, organizer: User
    ) -> None:
        (factor,) = securing.factors_of(organizer)
        assert (factor.wrap().name, factor.wrap().is_passwordless) == ("My phone", True)
        assert securing.has_codes(organizer)
        whats = [(entry.additional_data or {}).get("what") for entry in AuditEntry.objects.all()]
        assert whats.count(auditing.FACTOR_ADDED) == 1

    @pytest.mark.parametrize("wrong", ["elsewhere", "another question"])
    def test_it_is_made_for_this_site_and_this_question(self, organizer: User, wrong: str) -> None:
        client = visitor()
        client.post("/sign-in/", {"login": "organizer", "password": PASSWORD})
        options = asked(client.get(ADD).content)["creation_options"]
        if wrong == "another question":
            client.get(ADD)
        origin = "https://elsewhere.example" if wrong == "elsewhere" else "http://localhost"
        response = client.post(ADD, {"credential": SoftPasskey().made(options, origin=origin)})
        assert response.status_code == 422
        assert not securing.factors_of(organizer)


class TestDoor:
    """A passkey in place of name and password."""

    def test_it_opens_and_leads_on_without_a_second_step(self, key: SoftPasskey) -> None:
        client = visitor()
        data = {"credential": key.shown(question(client)), "next": "/history/"}
        assert client.post(DOOR, data)["Location"] == "/history/"
        assert is_in(client)

    def test_it_never_leaves_the_site(self, key: SoftPasskey) -> None:
        client = visitor()
        data = {"credential": key.shown(question(client)), "next": "https://elsewhere.example/"}
        assert client.post(DOOR, data)["Location"] == "/"

    def test_answer_is_good_once(self, key: SoftPasskey) -> None:
        client = visitor()
        answer = key.shown(question(client))
        client.post(DOOR, {"credential": answer})
        client.post("/sign-out/")
        assert client.post(DOOR, {"credential": answer})["Location"] == "/sign-in/"
        assert not is_in(client)

    def test_answer_to_another_visitor_opens_nothing(self, key: SoftPasskey) -> None:
        client = visitor()
        question(client)
        assert client.post(DOOR, {"credential": key.shown(question(visitor()))}).status_code == 302
        assert not is_in(client)

    def test_site_that_lures_gets_nothing(self, key: SoftPasskey) -> None:
        client = visitor()
        client.post(
            DOOR, {"credential": key.shown(question(client), origin="https://localhost.evil.example")}
        )
        assert not is_in(client)

    def test_one_that_did_not_ask_who_is_there_is_not_enough(self, key: SoftPasskey) -> None:
        client = visitor()
        present = AuthenticatorData.FLAG.UP
        client.post(DOOR, {"credential": key.shown(question(client), flags=present)})
        assert not is_in(client)

    def test_key_of_one_does_not_open_the_account_of_another(
        self, key: SoftPasskey, other_organizer: User
    ) -> None:
        theirs = made_by(other_organizer)
        client = visitor()
        client.post(DOOR, {"credential": key.shown(question(client), user_handle=theirs.user_handle)})
        assert not is_in(client)

    def test_another_key_under_the_same_id_opens_nothing(self, key: SoftPasskey) -> None:
        forged = SoftPasskey()
        forged.id, forged.user_handle = key.id, key.user_handle
        client = visitor()
        client.post(DOOR, {"credential": forged.shown(question(client))})
        assert not is_in(client)

    def test_removed_one_opens_nothing(self, key: SoftPasskey, organizer: User) -> None:
        securing.reset_factors(organizer)
        client = visitor()
        client.post(DOOR, {"credential": key.shown(question(client))})
        assert not is_in(client)

    def test_somebody_barred_stays_outside(self, key: SoftPasskey, organizer: User) -> None:
        organizer.is_active = False
        organizer.save()
        client = visitor()
        assert client.post(DOOR, {"credential": key.shown(question(client))}).status_code in {302, 403}
        assert not is_in(client)


class TestSecondStep:
    """A passkey beside the password."""

    def test_it_is_taken_after_the_password(self, key: SoftPasskey) -> None:
        client = visitor()
        client.post("/sign-in/", {"login": "organizer", "password": PASSWORD, "next": "/history/"})
        page = client.get("/sign-in/second-step/").content
        assert b"Use a passkey" in page
        answer = key.shown(asked(page)["request_options"])
        response = client.post("/sign-in/second-step/", {"credential": answer})
        assert response["Location"] == "/history/"
        assert is_in(client)

    def test_wrong_one_is_refused(self, key: SoftPasskey) -> None:
        client = visitor()
        client.post("/sign-in/", {"login": "organizer", "password": PASSWORD})
        options = asked(client.get("/sign-in/second-step/").content)["request_options"]
        response = client.post("/sign-in/second-step/", {"credential": SoftPasskey().shown(options)})
        assert response.status_code == 422
        assert not is_in(client)

    def test_role_that_needs_a_factor_is_content_with_it(self, key: SoftPasskey) -> None:
        SignInPolicy.objects.create(second_factor_roles=[Role.ORGANIZER])
        client = visitor()
        client.post(DOOR, {"credential": key.shown(question(client))})
        assert is_in(client)

    def test_it_confirms_who_one_is(self, key: SoftPasskey, organizer: User) -> None:
        client = visitor()
        client.force_login(organizer)
        address = "/settings/security/confirm/passkey/?next=/settings/security/app/"
        answer = key.shown(asked(client.get(address).content)["request_options"])
        response = client.post(address, {"credential": answer, "next": "/settings/security/app/"})
        assert response["Location"] == "/settings/security/app/"
        assert client.get("/settings/security/app/").status_code == 200
