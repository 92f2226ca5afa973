"""Encrypts what must not be readable in a stolen database: credentials and access tokens."""

import base64
from functools import cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import models


class UndecryptableError(Exception):
    """A stored secret was encrypted with a key that is not among the configured ones."""


@cache
def _fernet(keys: tuple[str, ...], secret_key: str) -> MultiFernet:
    if not keys:
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"invites.encryption").derive(
            secret_key.encode()
        )
        keys = (base64.urlsafe_b64encode(derived).decode(),)
    return MultiFernet([Fernet(key) for key in keys])


def _configured() -> MultiFernet:
    return _fernet(tuple(settings.FIELD_ENCRYPTION_KEYS), settings.SECRET_KEY)


def encrypt(text: str) -> str:
    """``text`` as a Fernet token under the newest key; "" stays ""."""
    return _configured().encrypt(text.encode()).decode() if text else ""


def decrypt(token: str) -> str:
    """The text behind a token made by ``encrypt``. Raises UndecryptableError where no configured key fits."""
    if not token:
        return ""
    try:
        return _configured().decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise UndecryptableError(
            "No key in FIELD_ENCRYPTION_KEYS (or SECRET_KEY) fits a stored secret."
        ) from error


class EncryptedTextField(models.TextField[str, str]):
    """Text that is encrypted in the database and plain in Python; it cannot be searched."""

    def get_prep_value(self, value: Any) -> Any:
        """The encrypted form that goes to the database."""
        return encrypt(super().get_prep_value(value) or "")

    def from_db_value(self, value: str | None, _expression: object, _connection: object) -> str:
        """The plain form of what the database holds."""
        return decrypt(value or "")
