"""Reads how mail is sent, and to whom, and refuses what cannot be."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

from dashboard.environment import read_text


@dataclass(frozen=True, slots=True, kw_only=True)
class MailEnvironment:
    """How mail is sent: the backend of Django, what it is told, and who stands as the sender."""

    backend: str
    options: dict[str, Any] = field(repr=False)
    sender: str


# The schemes of EMAIL_URL: with which backend, and how the connection is kept secret.
_MAIL_SCHEMES: dict[str, tuple[str, dict[str, Any]]] = {
    "smtp": ("smtp", {"port": 25}),
    "smtp+tls": ("smtp", {"port": 587, "use_tls": True}),
    "smtp+ssl": ("smtp", {"port": 465, "use_ssl": True}),
    "consolemail": ("console", {}),
    "filemail": ("filebased", {}),
}
# A mail server that does not answer keeps nobody waiting for longer.
_MAIL_SECONDS = 20


def read_mail(env: environ.Env) -> MailEnvironment | None:
    """How to send mail, from ``EMAIL_URL`` and ``EMAIL_FROM``; None where none is to be sent.

    Raises ImproperlyConfigured for a URL that is none of the kinds known, and for a server without a sender; the text
    never repeats the URL, which holds a password.
    """
    text = read_text(env, "EMAIL_URL").strip()
    if not text:
        return None
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ImproperlyConfigured("EMAIL_URL is not a URL that can be understood.") from error
    if parts.scheme not in _MAIL_SCHEMES or (parts.scheme.startswith("smtp") and not parts.hostname):
        raise ImproperlyConfigured(
            "EMAIL_URL must be such as smtp+tls://user:password@mail.example.com:587 (or smtp+ssl://, smtp://, "
            "consolemail:// or filemail:///folder)."
        )
    backend, defaults = _MAIL_SCHEMES[parts.scheme]
    options = dict(defaults)
    if backend == "smtp":
        options |= {"host": parts.hostname, "port": port or defaults["port"], "timeout": _MAIL_SECONDS}
        options |= {"username": unquote(parts.username or ""), "password": unquote(parts.password or "")}
    elif backend == "filebased":
        options["file_path"] = unquote(parts.path)
    return MailEnvironment(
        backend=f"django.core.mail.backends.{backend}.EmailBackend",
        options=options,
        sender=_read_sender(env, user=unquote(parts.username or "")),
    )


def _read_sender(env: environ.Env, *, user: str) -> str:
    """``EMAIL_FROM``, or the user of the mail server where that is an address."""
    sender = read_text(env, "EMAIL_FROM").strip() or user
    if "@" not in sender or not sender.isprintable():
        raise ImproperlyConfigured(
            "EMAIL_FROM must be the address that mail is sent from, such as invites@example.com."
        )
    return sender


def read_addresses(env: environ.Env, name: str) -> list[str]:
    """The mail addresses in ``name``, comma-separated. Raises ImproperlyConfigured for what is none."""
    addresses = [address.strip() for address in read_text(env, name).split(",") if address.strip()]
    for address in addresses:
        try:
            validate_email(address)
        except ValidationError as error:
            raise ImproperlyConfigured(
                f"{name} takes addresses such as audit@example.com, not “{address}”."
            ) from error
    if addresses and not read_text(env, "EMAIL_URL").strip():
        raise ImproperlyConfigured(f"{name} is set, but EMAIL_URL, which says how to send mail, is not.")
    return addresses
