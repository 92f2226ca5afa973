"""Encrypts what must not be readable in a stolen database: credentials and access tokens."""

import base64
from functools import cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.db.models.query_utils import DeferredAttribute


class UndecryptableError(ObjectDoesNotExist):
    """A stored secret was encrypted with a key that is not among the configured ones.

    To whoever compares rows it is one that is not there: otherwise it could not be replaced.
    """


@cache
def _fernets(keys: tuple[str, ...], secret_key: str) -> tuple[Fernet, ...]:
    return tuple(Fernet(key) for key in keys or (_derived_from(secret_key),))


def _derived_from(secret_key: str) -> str:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"invites.encryption").derive(
        secret_key.encode()
    )
    return base64.urlsafe_b64encode(derived).decode()


def derived_key() -> str:
    """The key that encrypts where no FIELD_ENCRYPTION_KEYS are set. Whoever sets some keeps it among them at first."""
    return _derived_from(settings.SECRET_KEY)


def _configured_keys() -> tuple[Fernet, ...]:
    return _fernets(tuple(settings.FIELD_ENCRYPTION_KEYS), settings.SECRET_KEY)


def _configured() -> MultiFernet:
    return MultiFernet(_configured_keys())


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


def is_newest(token: str) -> bool:
    """Whether ``token`` was made with the newest key. Raises UndecryptableError where no configured key fits."""
    newest = _configured_keys()[0]
    try:
        newest.decrypt(token.encode())
    except InvalidToken:
        decrypt(token)
        return False
    return True


def renewed(token: str) -> str:
    """The text behind ``token`` under the newest key. Raises UndecryptableError where no configured key fits."""
    return encrypt(decrypt(token))


class Closed(str):
    """A secret as it stands in the database, which nobody has asked for yet. Fields store and compare it as it is."""

    __slots__ = ()


def as_stored(instance: models.Model, *names: str) -> dict[str, Closed]:
    """What the database holds in these fields of ``instance``, which has just been read and whose secrets nobody has
    asked for. To find out later whether somebody else has changed them.
    """
    return {name: Closed(instance.__dict__[name]) for name in names}


class _OpenedWhenAsked(DeferredAttribute):
    """Decrypts a secret when somebody reads it.

    Rows are read far more often than their secrets are needed, and one that no key fits must not keep anybody from what
    else stands in its row.
    """

    def __get__(self, instance: models.Model | None, cls: type[models.Model] | None = None) -> Any:
        value = super().__get__(instance, cls)
        if isinstance(value, Closed):
            value = decrypt(value)
            self.__set__(instance, value)
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


class EncryptedTextField(models.TextField[str, str]):
    """Text that is encrypted in the database and plain in Python; it cannot be searched.

    Reading it from an object raises UndecryptableError where no configured key fits.
    """

    descriptor_class = _OpenedWhenAsked

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """What is to be stored: where nobody has asked for it, it stays as it is."""
        value = model_instance.__dict__.get(self.attname)
        return value if isinstance(value, Closed) else super().pre_save(model_instance, add)

    def get_prep_value(self, value: Any) -> Any:
        """The encrypted form that goes to the database."""
        return str(value) if isinstance(value, Closed) else encrypt(super().get_prep_value(value) or "")

    def from_db_value(self, value: str | None, _expression: object, _connection: object) -> str:
        """What the database holds, to be opened when somebody asks for it."""
        return Closed(value or "")
