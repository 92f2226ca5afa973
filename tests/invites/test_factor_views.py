"""Second factors: setting them up, signing in with them, losing them, and who has to have one."""

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection, transaction
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from invites import auditing, securing
from invites.errors import FactorNeeded
from invites.models import AuditEntry, SignInPolicy, User
from invites.models.user import Role
from tests.conftest import SignedIn, htmx
from tests.factories import PASSWORD, UserFactory
from tests.invites.codes import code_of, set_up_app

NO_PASSKEYS = [
    "",
    "{}",
    "[]",
    "no json",
    "1",
    '{"id": "x", "response": {}}',
    '{"id": "AAAA", "rawId": "AAAA", "response": {"clientDataJSON": "AA", "attestationObject": "AA"}}',
    '{"id": "AAAA", "rawId": "AAAA", "response": {"clientDataJSON": "e30", "authenticatorData": "AA", "signature": 1}}',
    "[" * 5000,
]
SECURITY, APP, CODES = "/settings/security/", "/settings/security/app/", "/settings/security/codes/"


def with_password(user: User) -> Client:
    """A browser in which ``user`` has just given their password."""
    client = Client()
    client.post("/sign-in/", {"login": user.username, "password": PASSWORD})
    return client


def noted(what: str) -> list[AuditEntry]:
    return [
        entry
        for entry in AuditEntry.objects.order_by("pk")
        if (entry.additional_data or {}).get("what") == what
    ]


def a_passkey(user: User, name: str = "My phone") -> Authenticator:
    """One that nobody can use, for what needs no browser."""
    return Authenticator.objects.create(
        user=user, type=Authenticator.Type.WEBAUTHN, data={"name": name, "credential": {}}
    )


@pytest.fixture
def client(organizer: User) -> Client:
    return with_password(organizer)


def test_codes_are_those_of_the_standard() -> None:
    # RFC 6238, appendix B, the last six digits.
    assert code_of("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", 1111111109) == "081804"


class TestAuthenticatorApp:
    """Codes of an app beside the password."""

    def test_it_is_set_up_with_its_first_code(self, client: Client, organizer: User) -> None:
        page = client.get(APP).content.decode()
        assert 'src="data:image/svg+xml;base64,' in page
        set_up_app(client)
        assert [factor.type for factor in securing.factors_of(organizer)] == ["totp"]
        (entry,) = noted(auditing.FACTOR_ADDED)
        assert (entry.actor, entry.object_pk) == (organizer, str(organizer.pk))

    def test_its_code_is_no_error_code_in_chinese(self, client: Client) -> None:
        page = client.get(APP, headers={"accept-language": "zh-hans"}).content.decode()
        assert "验证码" in page
        assert "错误码" not in page

    def test_wrong_first_code_changes_nothing_and_keeps_the_secret(
        self, client: Client, organizer: User
    ) -> None:
        secret = re.search(r"data-secret>(\w+)", client.get(APP).content.decode())
        response = client.post(APP, {"code": "000000"})
        assert response.status_code == 422
        assert 'id="id_code_error"' in response.content.decode()
        assert secret
        assert secret[1] in response.content.decode()
        assert not securing.factors_of(organizer)

    def test_secret_is_encrypted_in_the_database(self, client: Client) -> None:
        secret, codes = set_up_app(client)
        stored = json.dumps(list(Authenticator.objects.values_list("data", flat=True)))
        assert secret not in stored
        assert not [code for code in codes if code in stored]

    def test_signing_in_takes_a_code_after_the_password(self, client: Client, organizer: User) -> None:
        secret, _codes = set_up_app(client)
        fresh = Client()
        data = {"login": "organizer", "password": PASSWORD, "next": "/books/"}
        assert fresh.post("/sign-in/", data)["Location"] == "/sign-in/second-step/"
        assert fresh.get("/")["Location"].startswith("/sign-in/")
        wrong = fresh.post("/sign-in/second-step/", {"code": "000000"})
        assert wrong.status_code == 422
        assert "not the right one" in wrong.content.decode()
        # The code that set it up counts as unused; a minute of difference between clocks is none.
        early = code_of(secret, time.time() + 30)
        assert fresh.post("/sign-in/second-step/", {"code": early})["Location"] == "/books/"
        assert fresh.get("/").status_code == 200

    def test_code_is_taken_once(self, client: Client) -> None:
        secret, _codes = set_up_app(client)
        code = code_of(secret, time.time() + 30)
        for expected in (302, 422):
            fresh = Client()
            fresh.post("/sign-in/", {"login": "organizer", "password": PASSWORD})
            assert fresh.post("/sign-in/second-step/", {"code": code}).status_code == expected

    def test_codes_are_not_tried_for_long(self, client: Client) -> None:
        set_up_app(client)
        fresh = Client()
        fresh.post("/sign-in/", {"login": "organizer", "password": PASSWORD})
        answers = [fresh.post("/sign-in/second-step/", {"code": "000000"}).status_code for _ in range(6)]
        assert answers == [422] * 5 + [429]
        # What was refused unseen is not written down.
        assert [entry.actor for entry in noted(auditing.SECOND_STEP_FAILED)] == [None] * 5

    def test_second_step_needs_the_first(self, db: None) -> None:
        assert Client().get("/sign-in/second-step/")["Location"] == "/sign-in/"

    def test_removing_it_asks_once(self, client: Client, organizer: User) -> None:
        set_up_app(client)
        assert "will no longer be taken" in client.get(APP + "remove/").content.decode()
        client.post(APP + "remove/")
        assert not Authenticator.objects.exists()
        assert len(noted(auditing.FACTOR_REMOVED)) == 1
        assert client.post(APP + "remove/").status_code == 404


class TestRecoveryCodes:
    """For the day on which everything else is lost."""

    def test_they_are_shown_once(self, client: Client) -> None:
        _secret, codes = set_up_app(client)
        assert len(codes) == 10
        again = client.get(CODES).content.decode()
        assert not [code for code in codes if code in again]
        assert "You have 10 unused recovery codes" in again

    def test_each_opens_once(self, client: Client) -> None:
        _secret, codes = set_up_app(client)
        for expected in (302, 422):
            fresh = Client()
            fresh.post("/sign-in/", {"login": "organizer", "password": PASSWORD})
            assert fresh.post("/sign-in/second-step/", {"code": codes[0]}).status_code == expected

    def test_new_ones_replace_them(self, client: Client) -> None:
        _secret, codes = set_up_app(client)
        assert "will no longer be taken" in client.get(CODES + "new/").content.decode()
        assert client.post(CODES + "new/")["Location"] == CODES
        new = re.findall(r"\b\d{8}\b", client.get(CODES).content.decode())
        assert not set(new) & set(codes)
        assert len(noted(auditing.CODES_MADE)) == 1

    def test_without_a_factor_there_are_none(self, client: Client) -> None:
        assert client.get(CODES).status_code == 404
        assert client.post(CODES + "new/").status_code == 422


class TestPasskey:
    """Pages around what the browser does (`tests/browser/test_factors.py`)."""

    def test_page_asks_the_browser(self, client: Client) -> None:
        page = client.get(SECURITY + "passkeys/new/").content.decode()
        assert '"challenge"' in page
        assert "js/passkey.js" in page

    @pytest.mark.parametrize("credential", NO_PASSKEYS)
    def test_what_is_no_passkey_is_not_taken(self, client: Client, organizer: User, credential: str) -> None:
        client.get(SECURITY + "passkeys/new/")
        response = client.post(SECURITY + "passkeys/new/", {"credential": credential, "name": "Typed"})
        assert response.status_code == 422
        assert 'value="Typed"' in response.content.decode()
        assert not securing.factors_of(organizer)

    @pytest.mark.parametrize("credential", NO_PASSKEYS)
    def test_what_is_no_passkey_opens_nothing(self, db: None, credential: str) -> None:
        visitor = Client()
        question = visitor.get("/sign-in/passkey/", headers={"accept": "application/json"}).json()
        assert question["request_options"]["publicKey"]["rpId"] == "testserver"
        assert visitor.post("/sign-in/passkey/", {"credential": credential})["Location"] == "/sign-in/"
        assert visitor.get("/").status_code == 302

    def test_one_is_removed_and_others_stay(self, client: Client, organizer: User) -> None:
        first, second = a_passkey(organizer), a_passkey(organizer, "Key <b>")
        address = f"{SECURITY}passkeys/{second.pk}/remove/"
        assert "Key &lt;b&gt;" in client.get(address).content.decode()
        client.post(address)
        assert securing.factors_of(organizer) == [first]
        assert client.post(address).status_code == 404

    def test_nobody_removes_that_of_another(self, client: Client, other_organizer: User) -> None:
        theirs = a_passkey(other_organizer)
        assert client.post(f"{SECURITY}passkeys/{theirs.pk}/remove/").status_code == 404
        assert securing.factors_of(other_organizer) == [theirs]


class TestConfirming:
    """What changes how one signs in is asked for by whoever has just shown who they are."""

    ADDRESSES = (APP, SECURITY + "passkeys/new/", CODES + "new/")

    def test_right_after_the_sign_in_nobody_is_asked(self, client: Client) -> None:
        assert client.get(APP).status_code == 200

    @pytest.mark.parametrize("address", ADDRESSES)
    def test_later_the_password_is_asked_for_and_leads_on(
        self, organizer: User, signed_in: SignedIn, address: str
    ) -> None:
        client = signed_in(organizer)
        ask = client.get(address)["Location"]
        assert ask == f"/settings/security/confirm/?next={address.replace('/', '%2F')}"
        assert 'name="password"' in client.get(ask).content.decode()
        wrong = client.post("/settings/security/confirm/", {"password": "no", "next": address})
        assert wrong.status_code == 422
        assert (
            client.post("/settings/security/confirm/", {"password": PASSWORD, "next": address})["Location"]
            == address
        )
        assert client.get(address).status_code == 200

    def test_it_is_not_tried_for_long(self, organizer: User, signed_in: SignedIn) -> None:
        client = signed_in(organizer)
        answers = [client.post("/settings/security/confirm/", {"password": ""}) for _ in range(21)]
        assert [answer.status_code for answer in answers] == [422] * 20 + [429]
        assert answers[-1]["Retry-After"] == "600"
        assert "wait 10 minutes" in answers[-1].content.decode()

    def test_it_never_leaves_the_site(self, organizer: User, signed_in: SignedIn) -> None:
        client = signed_in(organizer)
        data = {"password": PASSWORD, "next": "https://elsewhere.example/"}
        assert client.post("/settings/security/confirm/", data)["Location"] == "/"

    def test_code_will_do_as_well(self, client: Client, organizer: User, signed_in: SignedIn) -> None:
        secret, _codes = set_up_app(client)
        later = signed_in(organizer)
        assert "Use a code" in later.get("/settings/security/confirm/").content.decode()
        data = {"code": code_of(secret, time.time() + 30), "next": APP + "remove/"}
        assert later.post("/settings/security/confirm/code/", data)["Location"] == APP + "remove/"
        assert later.get(APP + "remove/").status_code == 200

    def test_who_has_neither_signs_in_again(self, organizer: User, signed_in: SignedIn) -> None:
        organizer.set_unusable_password()
        organizer.save()
        response = signed_in(organizer).get(APP)
        assert response.status_code == 409
        assert "Sign out, sign in again" in response.content.decode()

    def test_anonymous_visitor_is_asked_to_sign_in(self, db: None) -> None:
        for address in (*self.ADDRESSES, SECURITY, CODES, "/settings/security/confirm/"):
            assert Client().get(address)["Location"] == f"/sign-in/?next={address}"


class TestRequired:
    """A role that needs a second factor."""

    @pytest.fixture(autouse=True)
    def policy(self, db: None) -> None:
        SignInPolicy.objects.create(second_factor_roles=[Role.ORGANIZER])

    @pytest.mark.parametrize("address", ["/", "/books/", "/history/", "/settings/", "/password/"])
    def test_everything_leads_to_the_page_that_sets_one_up(self, client: Client, address: str) -> None:
        assert client.get(address)["Location"] == SECURITY
        assert "Set up a second factor to go on" in client.get(SECURITY).content.decode()

    def test_presses_do_nothing(self, client: Client) -> None:
        assert client.post("/books/new/", {"name": "A"})["Location"] == SECURITY
        assert client.post("/books/new/", {"name": "A"}, headers=htmx("x"))["HX-Redirect"] == SECURITY

    def test_way_out_language_and_health_stay_open(self, client: Client) -> None:
        assert client.post("/language/", {"language": "zh-hans"})["Location"] == "/"
        assert client.get("/healthz").status_code == 200
        assert client.post("/sign-out/")["Location"] == "/sign-in/"

    def test_who_has_one_is_let_through(self, client: Client) -> None:
        set_up_app(client)
        assert client.get("/").status_code == 200
        assert "Set up a second factor" not in client.get(SECURITY).content.decode()

    def test_it_holds_for_sessions_that_are_there_already(self, organizer: User, client: Client) -> None:
        SignInPolicy.objects.update(second_factor_roles=[])
        assert client.get("/").status_code == 200
        SignInPolicy.objects.update(second_factor_roles=[Role.ORGANIZER])
        assert client.get("/").status_code == 302

    def test_other_roles_are_not_asked(self, auditor: User, signed_in: SignedIn) -> None:
        assert signed_in(auditor).get("/history/").status_code == 200

    def test_who_signed_in_with_dingtalk_is_not_asked(self, organizer: User, signed_in: SignedIn) -> None:
        client = signed_in(organizer)
        session = client.session
        session["account_authentication_methods"] = [{"method": "socialaccount", "at": time.time()}]
        session.save()
        assert client.get("/").status_code == 200

    def test_last_one_cannot_be_removed(self, client: Client, organizer: User) -> None:
        set_up_app(client)
        response = client.post(APP + "remove/")
        assert response.status_code == 409
        assert str(FactorNeeded()) in response.content.decode()
        extra = a_passkey(organizer)
        assert client.post(f"{SECURITY}passkeys/{extra.pk}/remove/").status_code == 302
        assert [factor.type for factor in securing.factors_of(organizer)] == ["totp"]

    @pytest.mark.django_db(transaction=True)
    def test_two_removals_at_the_same_moment_leave_one(self) -> None:
        user: User = UserFactory(role=Role.ORGANIZER)
        factors = [a_passkey(user, "One"), a_passkey(user, "Other")]

        def remove(factor: Authenticator) -> bool:
            try:
                with transaction.atomic():
                    securing.let_go(user, factor)
                    factor.delete()
            except FactorNeeded:
                return False
            finally:
                connection.close()
            return True

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(remove, factors)) == [False, True]
        assert len(securing.factors_of(user)) == 1

    def test_asking_costs_no_query(
        self,
        client: Client,
        auditor: User,
        signed_in: SignedIn,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        with django_assert_num_queries(2):  # the session, the user
            client.get("/books/")


class TestLostKey:
    """The key under which secrets were stored is gone: words, and never a failure."""

    def test_sign_in_says_who_helps_and_codes_can_be_made_anew(
        self, client: Client, organizer: User, settings: Settings
    ) -> None:
        set_up_app(client)
        settings.FIELD_ENCRYPTION_KEYS = ["hTPlNZVxAvtXk6KkRWGoIHf-4YuTDnU0vXMPYl0wsKA="]
        fresh = with_password(organizer)
        response = fresh.post("/sign-in/second-step/", {"code": "123456"})
        assert response.status_code == 422
        assert "An administrator can reset it" in response.content.decode()
        fresh.force_login(organizer)
        fresh.post("/settings/security/confirm/", {"password": PASSWORD})
        assert fresh.get(CODES)["Location"] == SECURITY
        assert fresh.get(CODES + "new/").status_code == 200
        assert fresh.post(CODES + "new/")["Location"] == CODES
        assert "I have kept them" in fresh.get(CODES).content.decode()


class TestReset:
    """An administrator helps somebody who has lost theirs."""

    def test_everything_goes_and_is_on_record_once(
        self, client: Client, organizer: User, administrator: User
    ) -> None:
        set_up_app(client)
        a_passkey(organizer)
        assert securing.reset_factors(organizer)
        assert not securing.reset_factors(organizer)
        assert not Authenticator.objects.exists()
        assert len(noted(auditing.FACTORS_RESET)) == 1


class TestRecord:
    """What is on record is told in words, without a secret."""

    def test_each_kind_has_a_sentence(
        self, client: Client, organizer: User, auditor: User, signed_in: SignedIn
    ) -> None:
        secret, codes = set_up_app(client)
        client.post(CODES + "new/")
        client.post(APP + "remove/")
        securing.note_failed_step(organizer)
        securing.end_sessions(organizer)
        a_passkey(organizer)
        securing.reset_factors(organizer)
        page = signed_in(auditor).get("/history/changes/").content.decode()
        for words in (
            "organizer set up a second factor for organizer: authenticator app.",
            "organizer removed a second factor of organizer: authenticator app.",
            "organizer made new recovery codes for organizer.",
            "Somebody with the password of organizer could not sign in",
            "ended sessions of organizer: 1.",
            "removed all second factors of organizer.",
        ):
            assert words in page
        assert not [each for each in (secret, *codes) if each in page]
