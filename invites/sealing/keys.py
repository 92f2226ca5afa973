"""The keys of the chain: the first one of HISTORY_KEYS seals, all of them verify."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

KEY_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class SealingKey:
    """One key: ``name`` is a fingerprint that says nothing about it, ``chain`` seals days, ``marks`` marks rows."""

    name: str
    chain: bytes = field(repr=False)
    marks: bytes = field(repr=False)


def sealing_key() -> SealingKey:
    """The key that seals."""
    return _keys(tuple(settings.HISTORY_KEYS), settings.SECRET_KEY)[0]


def known_key(name: str) -> SealingKey | None:
    """The key with this fingerprint; None where it is not among the configured ones."""
    keys = _keys(tuple(settings.HISTORY_KEYS), settings.SECRET_KEY)
    return next((key for key in keys if key.name == name), None)


@cache
def _keys(keys: tuple[str, ...], secret_key: str) -> list[SealingKey]:
    # The one that is derived always verifies, so that what was sealed before HISTORY_KEYS were set still can be.
    return [_key(text) for text in (*keys, f"SECRET_KEY {secret_key}")]


def _key(text: str) -> SealingKey:
    derive = _derivation(text)
    return SealingKey(name=derive(b"name").hex()[:16], chain=derive(b"chain"), marks=derive(b"marks"))


def _derivation(text: str) -> Callable[[bytes], bytes]:
    def derive(purpose: bytes) -> bytes:
        info = b"invites.sealing " + purpose
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(text.encode())

    return derive


def mark(line: bytes, *, key: SealingKey) -> bytes:
    """The eight bytes by which a changed row is told."""
    return hashlib.blake2b(line, key=key.marks, digest_size=8).digest()
