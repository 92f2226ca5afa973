"""Reads the environment and refuses what is wrong, so that nothing starts with a setting it did not understand.

Must not import Django's settings: settings are made from what this module returns.
"""

import ipaddress
import logging
import secrets
import zoneinfo
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
import phonenumbers
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from dashboard.logs import LogFormat
from invites.dingtalk.hosts import Reach, reach_of

INTERNATIONAL_HOST = "https://api.dingtalk.io"
_SHORTEST_TOKEN = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class DingTalkEnvironment:
    """The one DingTalk app that the ``DINGTALK_…`` variables describe.

    ``access_token`` wins over ``client_id`` and ``client_secret``; exactly one of the two ways is filled in.
    ``old_base_url`` is empty where the older interface is on the host that belongs to ``base_url``.
    """

    base_url: str
    old_base_url: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    access_token: str = field(default="", repr=False)


def is_loopback(host: str) -> bool:
    """Whether ``host`` (a name or an address, no port) is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_text(env: environ.Env, name: str) -> str:
    """The value of variable ``name`` as it stands, "" where there is none.

    django-environ would take one that begins with a dollar sign, as a generated secret may, for the name of another
    variable, and quietly give the default instead.
    """
    return str(env.ENVIRON.get(name, ""))


def read_base_url(env: environ.Env, name: str, *, default: str) -> str:
    """The URL in variable ``name``, as ``check_base_url`` gives it back or refuses it."""
    return check_base_url(read_text(env, name).strip() or default, name=name)


def check_base_url(text: str, *, name: str) -> str:
    """The URL ``text`` without its closing slash; ``name`` is what a refusal calls it.

    Raises ImproperlyConfigured unless it is https, or http to this machine, and bare of user, query and fragment.
    """
    if not text.isprintable() or " " in text:
        # Which urlsplit would take out or pass over.
        raise ImproperlyConfigured(f"{name} contains a blank or an invisible character.")
    try:
        parts = urlsplit(text)
        host, _port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is not a URL: {error}.") from error
    if parts.scheme not in {"http", "https"} or not host:
        raise ImproperlyConfigured(f"{name} must be a URL such as {INTERNATIONAL_HOST}.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ImproperlyConfigured(f"{name} must not contain a user, a query or a fragment.")
    if parts.scheme == "http" and not is_loopback(host):
        raise ImproperlyConfigured(f"{name} must begin with https:// unless it points to this machine.")
    return text.rstrip("/")


def _refuse_private(env: environ.Env, name: str, url: str) -> None:
    """Raises ImproperlyConfigured for an address inside a private network, unless that is meant.

    Where a name leads is looked at when it is connected to.
    """
    if read_flag(env, "DINGTALK_ALLOW_PRIVATE_HOSTS"):
        return
    try:
        reach = reach_of(urlsplit(url).hostname or "")
    except ValueError:
        return
    if reach is Reach.PRIVATE:
        raise ImproperlyConfigured(
            f"{name} is inside a private network: set DINGTALK_ALLOW_PRIVATE_HOSTS=1 if that is meant."
        )


def read_dingtalk(env: environ.Env) -> DingTalkEnvironment | None:
    """The app described by the environment, or None where no variable speaks of credentials.

    Raises ImproperlyConfigured for half a pair of credentials, a token or id with blanks in it, or a bad URL.
    """
    values = {
        name: read_text(env, f"DINGTALK_{name}").strip()
        for name in ("CLIENT_ID", "CLIENT_SECRET", "ACCESS_TOKEN", "BASE_URL", "OLD_BASE_URL")
    }
    for name in ("CLIENT_ID", "CLIENT_SECRET", "ACCESS_TOKEN"):
        if not values[name].isascii() or not (values[name] or "x").isprintable() or " " in values[name]:
            raise ImproperlyConfigured(
                f"DINGTALK_{name} contains a blank or a character that no credential has."
            )
    if not values["ACCESS_TOKEN"]:
        if values["CLIENT_ID"] and not values["CLIENT_SECRET"]:
            raise ImproperlyConfigured("DINGTALK_CLIENT_ID is set, but DINGTALK_CLIENT_SECRET is not.")
        if values["CLIENT_SECRET"] and not values["CLIENT_ID"]:
            raise ImproperlyConfigured("DINGTALK_CLIENT_SECRET is set, but DINGTALK_CLIENT_ID is not.")
        if not values["CLIENT_ID"]:
            if values["BASE_URL"]:
                raise ImproperlyConfigured(
                    "DINGTALK_BASE_URL is set, but no credentials are: set DINGTALK_CLIENT_ID and "
                    "DINGTALK_CLIENT_SECRET, or DINGTALK_ACCESS_TOKEN."
                )
            return None
    base_url = read_base_url(env, "DINGTALK_BASE_URL", default=INTERNATIONAL_HOST)
    old_base_url = values["OLD_BASE_URL"] and read_base_url(env, "DINGTALK_OLD_BASE_URL", default="")
    _refuse_private(env, "DINGTALK_BASE_URL", base_url)
    _refuse_private(env, "DINGTALK_OLD_BASE_URL", old_base_url)
    if values["ACCESS_TOKEN"]:
        return DingTalkEnvironment(
            base_url=base_url, old_base_url=old_base_url, access_token=values["ACCESS_TOKEN"]
        )
    return DingTalkEnvironment(
        base_url=base_url,
        old_base_url=old_base_url,
        client_id=values["CLIENT_ID"],
        client_secret=values["CLIENT_SECRET"],
    )


def read_login_url(env: environ.Env) -> str:
    """Where people sign in to DingTalk, "" for where that is for the host of the app. Raises ImproperlyConfigured."""
    if not read_text(env, "DINGTALK_LOGIN_URL").strip():
        return ""
    return read_base_url(env, "DINGTALK_LOGIN_URL", default="")


def read_sandbox_url(env: environ.Env) -> str:
    """Where the sandbox listens, or "" where none runs. Raises ImproperlyConfigured for any other machine."""
    if not read_text(env, "DINGTALK_SANDBOX_URL").strip():
        return ""
    url = read_base_url(env, "DINGTALK_SANDBOX_URL", default="")
    if not is_loopback(urlsplit(url).hostname or ""):
        raise ImproperlyConfigured(
            "DINGTALK_SANDBOX_URL must point to this machine: the sandbox is never elsewhere."
        )
    return url


def read_number(env: environ.Env, name: str, *, default: int, least: int = 1, most: int = 64) -> int:
    """The number in ``name``, from ``least`` to ``most``; ``default`` where there is none.

    Raises ImproperlyConfigured.
    """
    text = read_text(env, name).strip()
    if not text:
        return default
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(most)) else -1
    if not least <= number <= most:
        raise ImproperlyConfigured(f"{name} must be a number from {least} to {most}, not “{text}”.")
    return number


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionDays:
    """For how many days a session lasts that nobody uses, and for how many one lasts that is always used."""

    idle: int
    longest: int


def read_session_days(env: environ.Env) -> SessionDays:
    """``SESSION_DAYS`` and ``SESSION_LONGEST_DAYS``, which is 30, or more where the former is.

    Raises ImproperlyConfigured, also for a longest that is shorter than the other.
    """
    idle = read_number(env, "SESSION_DAYS", default=14, most=365)
    longest = read_number(env, "SESSION_LONGEST_DAYS", default=max(30, idle), least=idle, most=365)
    return SessionDays(idle=idle, longest=longest)


def read_flag(env: environ.Env, name: str) -> bool:
    """Whether ``name`` says yes; absent and empty say no. Raises ImproperlyConfigured for any other word.

    A misspelt "yes" must not quietly switch off what it was meant to switch on.
    """
    word = read_text(env, name).strip().lower()
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"", "0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not “{word}”.")


def read_database(env: environ.Env, *, default: str) -> dict[str, Any]:
    """Django's description of the database in ``DATABASE_URL``.

    Raises ImproperlyConfigured for anything but PostgreSQL and a file of SQLite; the text never repeats the URL, which
    holds a password.
    """
    url = read_text(env, "DATABASE_URL").strip() or default
    scheme = url.partition("://")[0]
    if scheme not in {"postgres", "postgresql", "sqlite"}:
        raise ImproperlyConfigured(
            "DATABASE_URL must begin with postgres:// or sqlite:///, such as postgres://user:password@host/name."
        )
    try:
        database: dict[str, Any] = environ.Env.db_url_config(url)
    except (ValueError, environ.ImproperlyConfigured) as error:
        raise ImproperlyConfigured("DATABASE_URL is not a URL that can be understood.") from error
    if database["NAME"] in {"", ":memory:"}:
        raise ImproperlyConfigured("DATABASE_URL names no database that several processes can share.")
    return database


def read_hosts(env: environ.Env, *, default: list[str]) -> list[str]:
    """``ALLOWED_HOSTS``, comma-separated. Raises ImproperlyConfigured for one that is an address of a page."""
    hosts = [host.strip() for host in env.list("ALLOWED_HOSTS", default=[]) if host.strip()]
    for host in hosts:
        if "/" in host or " " in host:
            raise ImproperlyConfigured(
                f"ALLOWED_HOSTS takes names such as invites.example.com, not “{host}”."
            )
    return hosts or default


def read_site_url(env: environ.Env, *, hosts: list[str], https_only: bool) -> str:
    """``SITE_URL`` without its closing slash, or else what ``hosts`` and ``https_only`` let one expect.

    Raises ImproperlyConfigured for one that is no address of a site.
    """
    text = read_text(env, "SITE_URL").strip().rstrip("/")
    if not text:
        named = [host for host in hosts if host[:1] not in {".", "*"}]
        return f"{'https' if https_only else 'http'}://{named[0] if named else 'localhost'}"
    parts = urlsplit(text) if text.isprintable() and " " not in text else urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        raise ImproperlyConfigured("SITE_URL must be such as https://invites.example.com.")
    if parts.query or parts.fragment:
        raise ImproperlyConfigured("SITE_URL must not contain a query or a fragment.")
    return text


def read_time_zone(env: environ.Env, *, default: str) -> str:
    """``TIME_ZONE``, such as Asia/Shanghai. Raises ImproperlyConfigured for one that is unknown here."""
    name = str(read_text(env, "TIME_ZONE").strip() or default)
    try:
        zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError) as error:
        raise ImproperlyConfigured(
            f"TIME_ZONE must be a name such as Asia/Shanghai, not “{name}”."
        ) from error
    return name


def read_log_level(env: environ.Env) -> str:
    """``LOG_LEVEL``, INFO by default. Raises ImproperlyConfigured for a word that is no level."""
    level = str(read_text(env, "LOG_LEVEL").strip().upper() or "INFO")
    if level not in logging.getLevelNamesMapping():
        raise ImproperlyConfigured(f"LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR, not “{level}”.")
    return level


def read_token(env: environ.Env, name: str) -> str:
    """The token in ``name``, "" where there is none. Raises ImproperlyConfigured for one that could be guessed, and for
    one that no header can carry; the text never repeats it.
    """
    token = read_text(env, name).strip()
    if token and (
        len(token) < _SHORTEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token
    ):
        raise ImproperlyConfigured(f"{name} must be at least {_SHORTEST_TOKEN} characters without blanks.")
    return token


def read_log_format(env: environ.Env) -> LogFormat:
    """``LOG_FORMAT``, console by default. Raises ImproperlyConfigured for anything but console and json."""
    match read_text(env, "LOG_FORMAT").strip().lower():
        case "" | "console":
            return "console"
        case "json":
            return "json"
        case other:
            raise ImproperlyConfigured(f"LOG_FORMAT must be console or json, not “{other}”.")


def read_country(env: environ.Env) -> str:
    """The default country of phone numbers, two capital letters. Raises ImproperlyConfigured for an unknown one."""
    country = read_text(env, "DINGTALK_DEFAULT_COUNTRY").strip().upper() or "CN"
    if country not in phonenumbers.SUPPORTED_REGIONS:
        raise ImproperlyConfigured(f"DINGTALK_DEFAULT_COUNTRY must be a two-letter country, not “{country}”.")
    return country


def read_secret_key(env: environ.Env, *, data_dir: Path) -> str:
    """``SECRET_KEY``, or a random one that is made once and kept in ``data_dir``, readable by its owner alone.

    Raises ImproperlyConfigured for a key under 32 characters.
    """
    key: str = read_text(env, "SECRET_KEY")
    if key:
        if len(key) < 32:  # noqa: PLR2004
            raise ImproperlyConfigured("SECRET_KEY is too short: use at least 32 random characters.")
        return key
    path = data_dir / "secret-key"
    try:
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        key = secrets.token_urlsafe(48)
    data_dir.mkdir(parents=True, exist_ok=True)
    fresh = data_dir / f"secret-key.{secrets.token_hex(4)}"
    fresh.touch(mode=0o600)
    fresh.write_text(key, encoding="ascii")
    try:
        # A hard link fails where another process was first, and then everybody uses the key of that one.
        path.hardlink_to(fresh)
    except FileExistsError:
        key = path.read_text(encoding="ascii")
    finally:
        fresh.unlink()
    return key


def read_encryption_keys(env: environ.Env) -> list[str]:
    """``FIELD_ENCRYPTION_KEYS``, newest first, comma-separated; [] where secrets are to use the secret key.

    Raises ImproperlyConfigured for one that is not a Fernet key (32 bytes, URL-safe base64).
    """
    keys = [key.strip() for key in env.list("FIELD_ENCRYPTION_KEYS", default=[]) if key.strip()]
    for number, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError as error:
            raise ImproperlyConfigured(
                f"FIELD_ENCRYPTION_KEYS: key {number} is not 32 bytes in URL-safe base64."
            ) from error
    return keys


def read_history_keys(env: environ.Env) -> list[str]:
    """``HISTORY_KEYS``, the one that seals first, comma-separated; [] where the secret key seals the history.

    Raises ImproperlyConfigured for one under 32 characters.
    """
    keys = [key.strip() for key in read_text(env, "HISTORY_KEYS").split(",") if key.strip()]
    for number, key in enumerate(keys, start=1):
        if len(key) < 32:  # noqa: PLR2004
            raise ImproperlyConfigured(
                f"HISTORY_KEYS: key {number} is too short: use at least 32 random characters."
            )
    return keys
