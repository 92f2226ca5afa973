"""Everything encrypted goes over to the newest key, whatever happens meanwhile; what no key opens is named."""

import io
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import connection
from pytest_django import Settings

from invites import rekeying
from invites.encryption import decrypt, encrypt, renewed
from invites.models import App, CachedToken, User
from tests.conftest import SignedIn
from tests.factories import AppFactory

pytestmark = pytest.mark.django_db
OLD, NEW, LOST = (Fernet.generate_key().decode() for _ in range(3))


@pytest.fixture(autouse=True)
def keys(settings: Settings) -> None:
    """There has been one key so far."""
    settings.FIELD_ENCRYPTION_KEYS = [OLD]


def put_in_front(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]


def stored_token(pk: int) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT access_token FROM invites_app WHERE id = %s", [pk])
        return str(cursor.fetchone()[0])


def run(*options: str) -> tuple[int, str]:
    out, status = io.StringIO(), 0
    try:
        call_command("rotate_keys", *options, stdout=out, stderr=out, no_color=True)
    except SystemExit as ended:
        status = int(ended.code or 0)
    return status, out.getvalue()


def second_factors_of(user: User) -> Authenticator:
    Authenticator.objects.create(
        user=user, type="recovery_codes", data={"seed": encrypt("seed"), "used_mask": 5, "viewed_at": 1.5}
    )
    Authenticator.objects.create(
        user=user, type="webauthn", data={"name": "gAAAAB", "credential": {"id": "x"}}
    )
    return Authenticator.objects.create(user=user, type="totp", data={"secret": encrypt("totp-secret")})


class TestEverything:
    def test_old_keys_can_be_dropped_afterwards(self, settings: Settings, organizer: User) -> None:
        app = AppFactory(client_secret="s1", next_client_secret="s2", event_aes_key="s3")
        token = CachedToken.objects.create(fingerprint="f" * 64, value="t")
        totp = second_factors_of(organizer)
        put_in_front(settings)
        assert run()[0] == 0
        settings.FIELD_ENCRYPTION_KEYS = [NEW]
        read = App.objects.get(pk=app.pk)
        assert (read.client_secret, read.next_client_secret, read.event_aes_key) == ("s1", "s2", "s3")
        assert (read.access_token, read.suite_ticket) == ("token-of-the-app", "")
        token.refresh_from_db()
        assert token.value == "t"
        totp.refresh_from_db()
        assert decrypt(totp.data["secret"]) == "totp-secret"
        codes = Authenticator.objects.get(type="recovery_codes").data
        assert decrypt(codes.pop("seed")) == "seed"
        assert codes == {"used_mask": 5, "viewed_at": 1.5}

    def test_what_is_done_is_passed_over(self, settings: Settings) -> None:
        app = AppFactory()
        put_in_front(settings)
        run()
        stored = stored_token(app.pk)
        assert "1 under the newest key, 0 renewed" in run()[1]
        assert stored_token(app.pk) == stored

    def test_more_rows_than_go_into_one_transaction(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rekeying, "ROWS_AT_ONCE", 2)
        AppFactory.create_batch(5)
        put_in_front(settings)
        assert "5 renewed" in run()[1]
        settings.FIELD_ENCRYPTION_KEYS = [NEW]
        assert {app.access_token for app in App.objects.all()} == {"token-of-the-app"}

    def test_key_derived_from_the_secret_key_can_be_left(self, settings: Settings) -> None:
        settings.FIELD_ENCRYPTION_KEYS = []
        AppFactory()
        settings.FIELD_ENCRYPTION_KEYS = [NEW]
        status, told = run()
        assert (status, "No key opens this" in told) == (1, True)
        settings.FIELD_ENCRYPTION_KEYS = [NEW, run("--derived")[1].strip()]
        assert run()[0] == 0
        settings.FIELD_ENCRYPTION_KEYS = [NEW]
        assert App.objects.get().access_token == "token-of-the-app"


class TestTogether:
    def test_secret_that_is_saved_meanwhile_is_not_lost(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        app = AppFactory()
        put_in_front(settings)
        ask = renewed

        def saved_by_somebody(token: str) -> str:
            App.objects.filter(pk=app.pk).update(access_token="saved meanwhile")
            return ask(token)

        monkeypatch.setattr(rekeying, "renewed", saved_by_somebody)
        assert run()[0] == 0
        app.refresh_from_db()
        assert app.access_token == "saved meanwhile"


class TestCheck:
    def test_it_says_that_old_keys_are_needed_and_changes_nothing(self, settings: Settings) -> None:
        app = AppFactory()
        stored = stored_token(app.pk)
        put_in_front(settings)
        status, told = run("--check")
        assert (status, "1 still under an older key" in told, "still needed" in told) == (1, True, True)
        assert stored_token(app.pk) == stored

    def test_it_says_that_old_keys_may_be_dropped(self, settings: Settings) -> None:
        AppFactory()
        put_in_front(settings)
        run()
        status, told = run("--check")
        assert (status, "may be dropped" in told) == (0, True)

    def test_what_nobody_can_read_stays_where_it_is(self, settings: Settings) -> None:
        token = CachedToken.objects.create(fingerprint="f" * 64, value="t")
        settings.FIELD_ENCRYPTION_KEYS = [NEW]
        assert run("--check")[0] == 0
        assert CachedToken.objects.filter(pk=token.pk).exists()


class TestUnreadable:
    def test_it_is_named_and_everything_else_is_done(self, settings: Settings) -> None:
        settings.FIELD_ENCRYPTION_KEYS = [LOST]
        lost = AppFactory(name="Lost app")
        settings.FIELD_ENCRYPTION_KEYS = [OLD]
        AppFactory(name="Other app")
        put_in_front(settings)
        status, told = run()
        assert status == 1
        assert f"No key opens this: DingTalk app {lost.pk} (Lost app): fixed token" in told
        assert "1 renewed" in told

    def test_token_that_nobody_can_read_is_dropped(self, settings: Settings) -> None:
        token = CachedToken.objects.create(fingerprint="f" * 64, value="t")
        settings.FIELD_ENCRYPTION_KEYS = [NEW]
        assert run()[0] == 0
        assert not CachedToken.objects.filter(pk=token.pk).exists()

    def test_session_goes_on_under_the_new_key(
        self, settings: Settings, organizer: User, signed_in: SignedIn
    ) -> None:
        browser = signed_in(organizer)
        put_in_front(settings)
        run()
        settings.FIELD_ENCRYPTION_KEYS = [NEW]
        assert browser.get("/settings/").status_code == 200

    def test_second_factor_is_named(self, settings: Settings, organizer: User) -> None:
        second_factors_of(organizer)
        settings.FIELD_ENCRYPTION_KEYS = [NEW]
        assert "organizer" in run()[1] or "TOTP" in run()[1]

    def test_nothing_that_is_told_holds_a_secret(self, settings: Settings) -> None:
        app: Any = AppFactory(access_token="very-secret-token")
        stored = stored_token(app.pk)
        for keys in ([NEW, OLD], [LOST]):
            settings.FIELD_ENCRYPTION_KEYS = keys
            told = run("--check")[1]
            assert "very-secret-token" not in told
            assert stored not in told
