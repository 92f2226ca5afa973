"""The settings refuse what they do not understand, in words, before anything starts."""

import os
import re
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from tests.services.variables import VARIABLES

ROOT = Path(__file__).resolve().parents[2]

type Read = Callable[..., dict[str, Any]]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Read:
    """The settings as they come out of the given environment, read anew, with data below ``tmp_path``."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("ENV_FILE", "")

    def read(**variables: str) -> dict[str, Any]:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        before = set(os.environ)
        try:
            return runpy.run_path(str(ROOT / "dashboard" / "settings.py"))
        finally:
            for name in set(os.environ) - before:  # what a file brought in
                monkeypatch.delenv(name)

    return read


class TestDefaults:
    """What holds where nothing is said."""

    def test_nothing_set_is_safe_and_uses_no_real_app(self, read: Read, tmp_path: Path) -> None:
        settings = read()
        assert settings["DEBUG"] is False
        assert settings["DINGTALK"] is None
        assert settings["DINGTALK_SANDBOX_URL"] == ""
        assert settings["DINGTALK_DEFAULT_COUNTRY"] == "CN"
        assert settings["ALLOWED_HOSTS"] == ["localhost", "127.0.0.1", "[::1]"]
        assert settings["DATABASES"]["default"]["NAME"] == str(tmp_path / "var" / "db.sqlite3")

    def test_empty_values_count_as_absent(self, read: Read) -> None:
        empty = dict.fromkeys(VARIABLES - {"DATA_DIR"}, "")
        kept = (
            "DEBUG",
            "DINGTALK",
            "DINGTALK_DEFAULT_COUNTRY",
            "ALLOWED_HOSTS",
            "DATABASES",
            "TIME_ZONE",
            "TASKS",
        )
        plain, emptied = read(), read(**empty)
        assert {name: emptied[name] for name in kept} == {name: plain[name] for name in kept}

    def test_secret_key_is_made_once_and_only_its_owner_reads_it(self, read: Read, tmp_path: Path) -> None:
        first, second = read()["SECRET_KEY"], read()["SECRET_KEY"]
        assert first == second
        assert len(first) >= 50
        assert (tmp_path / "var" / "secret-key").stat().st_mode & 0o777 == 0o600


class TestDingTalk:
    """The one app that the environment describes."""

    def test_credentials_go_to_the_international_host(self, read: Read) -> None:
        app = read(DINGTALK_CLIENT_ID="ding-id", DINGTALK_CLIENT_SECRET="hush")["DINGTALK"]
        assert (app.client_id, app.client_secret) == ("ding-id", "hush")
        assert app.base_url == "https://api.dingtalk.io"

    def test_fixed_token_wins_over_client_id(self, read: Read) -> None:
        app = read(DINGTALK_CLIENT_ID="id", DINGTALK_CLIENT_SECRET="hush", DINGTALK_ACCESS_TOKEN="tok")[
            "DINGTALK"
        ]
        assert app.access_token == "tok"
        assert app.client_id == ""

    def test_secrets_do_not_show_in_the_settings_text(self, read: Read) -> None:
        described = repr(read(DINGTALK_CLIENT_ID="id", DINGTALK_CLIENT_SECRET="hush-hush")["DINGTALK"])
        assert "hush-hush" not in described

    def test_secret_that_begins_with_a_dollar_sign_is_taken_as_it_is(self, read: Read) -> None:
        settings = read(DINGTALK_ACCESS_TOKEN="$HOME-token", SECRET_KEY="$" + "k" * 40)
        assert settings["DINGTALK"].access_token == "$HOME-token"
        assert settings["SECRET_KEY"] == "$" + "k" * 40

    def test_host_loses_its_closing_slash(self, read: Read) -> None:
        app = read(DINGTALK_ACCESS_TOKEN="t", DINGTALK_BASE_URL="https://api.dingtalk.com/")["DINGTALK"]
        assert app.base_url == "https://api.dingtalk.com"


CALLBACK = {
    "DINGTALK_CLIENT_ID": "id",
    "DINGTALK_CLIENT_SECRET": "secret",
    "DINGTALK_EVENTS": "callback",
    "DINGTALK_EVENT_TOKEN": "token",
    "DINGTALK_EVENT_AES_KEY": "k" * 43,
}


class TestEvents:
    """How the environment's app and the sandbox hear of what happens."""

    @pytest.mark.parametrize(
        ("variables", "events"),
        [
            ({}, "stream"),
            ({"DINGTALK_CLIENT_ID": "id", "DINGTALK_CLIENT_SECRET": "secret"}, "stream"),
            ({"DINGTALK_ACCESS_TOKEN": "token"}, "none"),
            ({"DINGTALK_EVENTS": " None "}, "none"),
        ],
    )
    def test_connection_is_kept_where_there_is_a_secret_for_it(
        self, read: Read, variables: dict[str, str], events: str
    ) -> None:
        assert read(**variables)["DINGTALK_EVENTS"] == events

    def test_callback_has_its_token_and_key(self, read: Read) -> None:
        settings = read(**CALLBACK)
        assert settings["DINGTALK_EVENTS"] == "callback"
        assert settings["DINGTALK_EVENT_AES_KEY"] == "k" * 43

    @pytest.mark.parametrize(
        "variables",
        [
            {"DINGTALK_EVENTS": "always"},
            {"DINGTALK_EVENTS": "callback"},
            {"DINGTALK_ACCESS_TOKEN": "t", "DINGTALK_EVENTS": "stream"},
            CALLBACK | {"DINGTALK_EVENT_TOKEN": ""},
            CALLBACK | {"DINGTALK_EVENT_AES_KEY": "k" * 42},
        ],
    )
    def test_what_cannot_be_is_refused(self, read: Read, variables: dict[str, str]) -> None:
        with pytest.raises(ImproperlyConfigured, match="DINGTALK_EVENTS"):
            read(**variables)


class TestSite:
    """Where people reach it."""

    @pytest.mark.parametrize(
        ("variables", "url"),
        [
            ({}, "http://localhost"),
            ({"ALLOWED_HOSTS": "invites.example.com", "HTTPS_ONLY": "1"}, "https://invites.example.com"),
            (
                {"ALLOWED_HOSTS": ".example.com,a.example.com", "INSECURE_HTTP": "1"},
                "http://a.example.com",
            ),
            ({"ALLOWED_HOSTS": ".localhost"}, "http://localhost"),
            ({"SITE_URL": "https://example.com/invites/"}, "https://example.com/invites"),
            ({"SITE_URL": "http://10.0.0.7:8000"}, "http://10.0.0.7:8000"),
        ],
    )
    def test_it_is_said_or_follows_from_the_hosts(
        self, read: Read, variables: dict[str, str], url: str
    ) -> None:
        assert read(**variables)["SITE_URL"] == url


class TestUnsafe:
    """Each value makes sense; together they would show secrets to whoever reaches the site."""

    @pytest.mark.parametrize(
        ("variables", "words"),
        [
            ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS must name the hosts"),
            ({"ALLOWED_HOSTS": "a.example.com, *", "HTTPS_ONLY": "1"}, "ALLOWED_HOSTS must name the hosts"),
            ({"ALLOWED_HOSTS": "a.example.com"}, "HTTPS_ONLY is not 1"),
            ({"ALLOWED_HOSTS": "localhost,.example.com"}, "HTTPS_ONLY is not 1"),
            ({"ALLOWED_HOSTS": "8.8.8.8"}, "HTTPS_ONLY is not 1"),
            ({"ALLOWED_HOSTS": "a.example.com", "HTTPS_ONLY": "1", "DEBUG": "1"}, "DEBUG is 1"),
            ({"DINGTALK_ACCESS_TOKEN": "hush-hush", "DEBUG": "1"}, "DEBUG is 1, and DingTalk is real"),
            ({"HTTPS_ONLY": "1", "INSECURE_HTTP": "1"}, "set one of them"),
            ({"HTTPS_ONLY": "1", "SITE_URL": "http://a.example.com"}, "SITE_URL must begin with https"),
        ],
    )
    def test_start_is_refused_in_words_of_what_to_change(
        self, read: Read, variables: dict[str, str], words: str
    ) -> None:
        with pytest.raises(ImproperlyConfigured, match=re.escape(words)) as refusal:
            read(**variables)
        assert "hush-hush" not in str(refusal.value)

    @pytest.mark.parametrize(
        "variables",
        [
            {"ALLOWED_HOSTS": "a.example.com", "HTTPS_ONLY": "1"},
            {"ALLOWED_HOSTS": "a.example.com", "INSECURE_HTTP": "1"},
            {"ALLOWED_HOSTS": "192.168.1.7,10.0.0.7,[fd00::7],invites.localhost"},
            {"DEBUG": "1"},
            {"DEBUG": "1", "DINGTALK_ACCESS_TOKEN": "t", "DINGTALK_BASE_URL": "http://127.0.0.1:9"},
            {"DINGTALK_ACCESS_TOKEN": "t"},
        ],
        ids=str,
    )
    def test_whatever_is_safe_starts(self, read: Read, variables: dict[str, str]) -> None:
        read(**variables)

    def test_cookies_are_bound_to_the_host_where_there_is_https(self, read: Read) -> None:
        plain = read()
        assert (plain["SESSION_COOKIE_NAME"], plain["SESSION_COOKIE_SECURE"]) == ("invites_session", False)
        secure = read(ALLOWED_HOSTS="a.example.com", HTTPS_ONLY="1")
        assert (secure["TRUSTED_PROXIES"], plain["TRUSTED_PROXIES"]) == (1, 0)
        assert secure["SESSION_COOKIE_NAME"] == "__Host-invites_session"
        assert secure["CSRF_COOKIE_NAME"] == "__Host-csrftoken"
        for name in ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "LANGUAGE_COOKIE_SECURE"):
            assert secure[name]
        assert secure["SECURE_HSTS_SECONDS"] >= 31536000


class TestWrongValues:
    """Each stops the start and names its variable."""

    @pytest.mark.parametrize(
        ("variables", "words"),
        [
            ({"DEBUG": "maybe"}, "DEBUG must be 1 or 0"),
            ({"HTTPS_ONLY": "ture"}, "HTTPS_ONLY must be 1 or 0"),
            ({"TRUSTED_PROXIES": "-1"}, "TRUSTED_PROXIES must be a number from 0 to 9"),
            ({"TRUSTED_PROXIES": "10"}, "TRUSTED_PROXIES must be a number from 0 to 9"),
            ({"SESSION_DAYS": "0"}, "SESSION_DAYS must be a number from 1 to 365"),
            ({"SESSION_LONGEST_DAYS": "13"}, "SESSION_LONGEST_DAYS must be a number from 14 to 365"),
            (
                {"SESSION_DAYS": "40", "SESSION_LONGEST_DAYS": "39"},
                "SESSION_LONGEST_DAYS must be a number from 40 to 365",
            ),
            ({"SECRET_KEY": "short"}, "SECRET_KEY is too short"),
            ({"ALLOWED_HOSTS": "https://invites.example.com"}, "ALLOWED_HOSTS takes names"),
            ({"TIME_ZONE": "Mars/Olympus"}, "TIME_ZONE must be a name"),
            ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL must be"),
            ({"LOG_FORMAT": "xml"}, "LOG_FORMAT must be"),
            ({"METRICS_TOKEN": "short"}, "METRICS_TOKEN must be at least 16"),
            ({"METRICS_TOKEN": "a token with blanks in it"}, "METRICS_TOKEN must be at least 16"),
            ({"SITE_URL": "invites.example.com"}, "SITE_URL must be such as"),
            ({"SITE_URL": "ftp://invites.example.com"}, "SITE_URL must be such as"),
            ({"SITE_URL": "https://user@invites.example.com"}, "SITE_URL must be such as"),
            ({"SITE_URL": "https://invites.example.com/?a=b"}, "SITE_URL must not contain"),
            ({"FIELD_ENCRYPTION_KEYS": "not-a-key"}, "FIELD_ENCRYPTION_KEYS: key 1"),
            ({"DATABASE_URL": "nonsense"}, "DATABASE_URL must begin with"),
            ({"DATABASE_URL": "mysql://user:pass@host/name"}, "DATABASE_URL must begin with"),
            ({"DATABASE_URL": "postgres://host:port/name"}, "DATABASE_URL is not a URL"),
            ({"DATABASE_URL": "postgres://host"}, "DATABASE_URL names no database"),
            ({"DATABASE_URL": "sqlite://:memory:"}, "DATABASE_URL names no database"),
            ({"DINGTALK_CLIENT_ID": "id"}, "DINGTALK_CLIENT_SECRET is not"),
            ({"DINGTALK_CLIENT_SECRET": "hush"}, "DINGTALK_CLIENT_ID is not"),
            ({"DINGTALK_ACCESS_TOKEN": "two words"}, "DINGTALK_ACCESS_TOKEN contains a blank"),
            ({"DINGTALK_ACCESS_TOKEN": "tok\nen"}, "DINGTALK_ACCESS_TOKEN contains a blank"),
            ({"DINGTALK_BASE_URL": "https://api.dingtalk.com"}, "no credentials are"),
            ({"DINGTALK_SANDBOX_URL": "https://api.dingtalk.com"}, "the sandbox is never elsewhere"),
            ({"DINGTALK_DEFAULT_COUNTRY": "China"}, "DINGTALK_DEFAULT_COUNTRY must be"),
            ({"DINGTALK_DEFAULT_COUNTRY": "XX"}, "DINGTALK_DEFAULT_COUNTRY must be"),
        ],
    )
    def test_wrong_value_is_refused(self, read: Read, variables: dict[str, str], words: str) -> None:
        with pytest.raises(ImproperlyConfigured, match=re.escape(words)):
            read(**variables)

    @pytest.mark.parametrize(
        "url",
        [
            "http://api.dingtalk.com",
            "ftp://127.0.0.1",
            "api.dingtalk.com",
            "https://user:hush@api.dingtalk.com",
            "https://api.dingtalk.com/?a=b",
            "https://api.dingtalk.com/#a",
            "https://api.dingtalk.com:port",
            "https://",
            "https://api.dingtalk.com/\x7f",
            "https://api.ding\ttalk.com",
            "https://api.ding\u200btalk.com",
            "https://api.ding talk.com",
        ],
    )
    def test_host_that_could_leak_the_token_is_refused(self, read: Read, url: str) -> None:
        with pytest.raises(ImproperlyConfigured, match="DINGTALK_BASE_URL"):
            read(DINGTALK_ACCESS_TOKEN="t", DINGTALK_BASE_URL=url)

    def test_host_of_the_older_interface_can_be_named(self, read: Read) -> None:
        app = read(DINGTALK_ACCESS_TOKEN="t")["DINGTALK"]
        assert app.old_base_url == ""
        app = read(
            DINGTALK_CLIENT_ID="i",
            DINGTALK_CLIENT_SECRET="s",
            DINGTALK_OLD_BASE_URL="https://old.example.com/",
        )["DINGTALK"]
        assert app.old_base_url == "https://old.example.com"
        with pytest.raises(ImproperlyConfigured, match="DINGTALK_OLD_BASE_URL"):
            read(DINGTALK_ACCESS_TOKEN="t", DINGTALK_OLD_BASE_URL="http://old.example.com")

    @pytest.mark.parametrize("name", ["DINGTALK_BASE_URL", "DINGTALK_OLD_BASE_URL"])
    @pytest.mark.parametrize("host", ["10.1.2.3", "169.254.169.254", "[fd00::1]", "[::ffff:192.168.0.1]"])
    def test_host_inside_a_private_network_has_to_be_meant(self, read: Read, name: str, host: str) -> None:
        given = {"DINGTALK_ACCESS_TOKEN": "t", name: f"https://{host}"}
        with pytest.raises(ImproperlyConfigured, match=name):
            read(**given)
        assert read(**given, DINGTALK_ALLOW_PRIVATE_HOSTS="1")["DINGTALK"]

    def test_host_of_the_sign_in_page_can_be_named(self, read: Read) -> None:
        assert read()["DINGTALK_LOGIN_URL"] == ""
        named = read(DINGTALK_LOGIN_URL="https://login.example.com/")
        assert named["DINGTALK_LOGIN_URL"] == "https://login.example.com"
        with pytest.raises(ImproperlyConfigured, match="DINGTALK_LOGIN_URL"):
            read(DINGTALK_LOGIN_URL="http://login.example.com")

    def test_plain_http_to_this_machine_is_fine(self, read: Read) -> None:
        app = read(DINGTALK_ACCESS_TOKEN="t", DINGTALK_BASE_URL="http://127.0.0.1:9999")["DINGTALK"]
        assert app.base_url == "http://127.0.0.1:9999"

    @pytest.mark.parametrize(
        "variables",
        [
            {"DATABASE_URL": "postgres://user:hush-hush@host:port/name"},
            {"DINGTALK_CLIENT_SECRET": "hush-hush"},
            {"DINGTALK_ACCESS_TOKEN": "hush-hush token"},
            {"SECRET_KEY": "hush-hush"},
            {"FIELD_ENCRYPTION_KEYS": "hush-hush"},
        ],
        ids=str,
    )
    def test_refusal_repeats_no_secret(self, read: Read, variables: dict[str, str]) -> None:
        with pytest.raises(ImproperlyConfigured) as refusal:
            read(**variables)
        assert "hush-hush" not in str(refusal.value)

    def test_good_encryption_keys_are_taken_in_their_order(self, read: Read) -> None:
        keys = [Fernet.generate_key().decode() for _ in range(2)]
        assert read(FIELD_ENCRYPTION_KEYS=f"{keys[0]}, {keys[1]}")["FIELD_ENCRYPTION_KEYS"] == keys

    def test_first_of_several_history_keys_stays_first(self, read: Read) -> None:
        keys = ["1" * 32, "2" * 32]
        assert read(HISTORY_KEYS=", ".join(keys))["HISTORY_KEYS"] == keys

    def test_short_history_key_is_refused_without_being_told(self, read: Read) -> None:
        with pytest.raises(ImproperlyConfigured, match="HISTORY_KEYS: key 2") as refusal:
            read(HISTORY_KEYS=f"{'x' * 32},hush-hush")
        assert "hush-hush" not in str(refusal.value)


class TestMail:
    """How mail is sent, and to whom the history's seals go."""

    def test_without_a_url_nothing_is_sent_and_nothing_passes_for_sent(self, read: Read) -> None:
        settings = read()
        assert settings["MAIL_IS_SET_UP"] is False
        assert settings["MAILERS"]["default"]["BACKEND"].endswith(".smtp.EmailBackend")

    def test_url_says_server_port_secrecy_and_sender(self, read: Read) -> None:
        settings = read(EMAIL_URL="smtp+tls://invites%40example.com:p%40ss@mail.example.com")
        assert settings["MAIL_IS_SET_UP"] is True
        options = settings["MAILERS"]["default"]["OPTIONS"]
        assert (options["host"], options["port"], options["use_tls"]) == ("mail.example.com", 587, True)
        assert (options["username"], options["password"]) == ("invites@example.com", "p@ss")
        assert settings["DEFAULT_FROM_EMAIL"] == "invites@example.com"

    @pytest.mark.parametrize(
        "url", ["mail.example.com", "https://mail.example.com", "smtp://", "smtp://host:port"]
    )
    def test_url_that_is_none_of_mail_is_refused(self, url: str, read: Read) -> None:
        with pytest.raises(ImproperlyConfigured, match="EMAIL_URL"):
            read(EMAIL_URL=url, EMAIL_FROM="invites@example.com")

    def test_server_without_a_sender_is_refused(self, read: Read) -> None:
        with pytest.raises(ImproperlyConfigured, match="EMAIL_FROM"):
            read(EMAIL_URL="smtp://user:hush-hush@mail.example.com")

    def test_seals_go_to_addresses_alone(self, read: Read) -> None:
        mail = {"EMAIL_URL": "consolemail://", "EMAIL_FROM": "invites@example.com"}
        assert read(HISTORY_MAIL="a@example.com, b@example.com", **mail)["HISTORY_MAIL"] == [
            "a@example.com",
            "b@example.com",
        ]
        with pytest.raises(ImproperlyConfigured, match="HISTORY_MAIL"):
            read(HISTORY_MAIL="somebody", **mail)

    def test_seals_that_no_mail_could_carry_are_refused(self, read: Read) -> None:
        with pytest.raises(ImproperlyConfigured, match="EMAIL_URL"):
            read(HISTORY_MAIL="a@example.com")


class TestFile:
    """The file .env, and its example."""

    def test_file_is_read_and_the_environment_wins_over_it(self, read: Read, tmp_path: Path) -> None:
        file = tmp_path / "settings"
        file.write_text("ALLOWED_HOSTS=from-the-file.localhost\nTIME_ZONE=Europe/Paris\n", encoding="utf-8")
        settings = read(ENV_FILE=str(file), TIME_ZONE="Asia/Tokyo")
        assert settings["ALLOWED_HOSTS"] == ["from-the-file.localhost"]
        assert settings["TIME_ZONE"] == "Asia/Tokyo"

    def test_example_changes_nothing_as_it_stands(self, read: Read) -> None:
        kept = (
            "DEBUG",
            "HTTPS_ONLY",
            "DINGTALK",
            "ALLOWED_HOSTS",
            "DATABASES",
            "TIME_ZONE",
            "TASKS",
            "LOGGING",
        )
        plain, copied = read(), read(ENV_FILE=str(ROOT / ".env.example"))
        assert {name: copied[name] for name in kept} == {name: plain[name] for name in kept}

    def test_example_names_every_variable_that_is_read_and_no_other(self) -> None:
        code = "".join(
            path.read_text(encoding="utf-8")
            for folder in ("dashboard", "invites")
            for path in (ROOT / folder).rglob("*.py")
        )
        called = re.findall(
            r"""(?:env\.\w+|read_\w+|environ(?:\.get)?)\(\s*(?:env,\s*)?"([A-Z][A-Z_]+)\"""", code
        )
        assert set(called) - {"ENV_FILE"} <= VARIABLES
        # The credentials are read by the part of their name that follows DINGTALK_.
        quoted = set(re.findall(r'"([A-Z_]+)"', code))
        assert {name for name in VARIABLES if not {name, name.removeprefix("DINGTALK_")} & quoted} == set()


class TestStart:
    """What a person at a terminal sees."""

    def test_wrong_value_is_one_sentence_and_no_traceback(self, tmp_path: Path) -> None:
        answer = subprocess.run(
            [sys.executable, "manage.py", "check"],
            cwd=ROOT,
            env={"ENV_FILE": "", "DATA_DIR": str(tmp_path), "DINGTALK_CLIENT_ID": "id"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode == 2
        assert answer.stdout == ""
        assert answer.stderr == (
            "Nothing was started. DINGTALK_CLIENT_ID is set, but DINGTALK_CLIENT_SECRET is not.\n"
        )


class TestCallsInFlight:
    """How much one worker does at the same time."""

    @pytest.mark.parametrize(("text", "calls"), [("", 4), (" ", 4), (" 16 ", 16), ("64", 64)])
    def test_a_number_is_taken_and_nothing_is_the_default(self, read: Read, text: str, calls: int) -> None:
        assert read(CALLS_IN_FLIGHT=text)["CALLS_IN_FLIGHT"] == calls

    @pytest.mark.parametrize("text", ["0", "-1", "65", "many", "4.5", "9" * 5000, "１６"])
    def test_anything_else_stops_the_start(self, read: Read, text: str) -> None:
        with pytest.raises(ImproperlyConfigured, match="CALLS_IN_FLIGHT"):
            read(CALLS_IN_FLIGHT=text)
