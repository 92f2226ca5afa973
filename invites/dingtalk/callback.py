"""Signs, encrypts and reads what DingTalk posts to an app's callback address.

Must not know what is said: `invites.dingtalk.events` does. The form is the vendor's, public in its documentation of
HTTP events: SHA-1 over the sorted parts, AES-256 in CBC mode with the key's first 16 bytes as the vector, and within it
16 random bytes, the length, the text, and whom it is for, padded to blocks of 32.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

SUCCESS: Final = "success"
"""What DingTalk wants to be answered, encrypted; anything else makes it send an event again."""

KEY_LENGTH: Final = 43
_KEY = re.compile(rf"[A-Za-z0-9+/]{{{KEY_LENGTH}}}")
_RANDOM_BYTES = 16
_LENGTH_BYTES = 4
_BLOCK = 32
_AES_BLOCK = 16


class ForgedCallback(ValueError):  # noqa: N818 - named for what it is
    """What came is not from whoever has the app's token and key, or not for this app."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """An encrypted text with its signature, as it stands in a request or in an answer."""

    signature: str
    timestamp: str
    nonce: str
    encrypted: str = field(repr=False)

    def as_answer(self) -> dict[str, str]:
        """In the form that DingTalk reads."""
        return {
            "msg_signature": self.signature,
            "timeStamp": self.timestamp,
            "nonce": self.nonce,
            "encrypt": self.encrypted,
        }


def key_of(aes_key: str) -> bytes:
    """The 32 bytes of a key as DingTalk shows it. Raises ValueError for what is none, without repeating it."""
    if not _KEY.fullmatch(aes_key):
        raise ValueError(f"An AES key has {KEY_LENGTH} letters and digits.")
    return base64.b64decode(f"{aes_key}=")


class CallbackCipher:
    """Reads and writes what goes over one app's callback.

    ``receivers`` are the names by which DingTalk may call the app: its client id or suite key, or its company. The
    first stands in what is written. Raises ValueError for a key that is none, or without a token or a receiver.
    """

    def __init__(self, *, token: str, aes_key: str, receivers: Collection[str]) -> None:
        self._key, self._token = key_of(aes_key), token
        self._receivers = [receiver for receiver in receivers if receiver]
        if not token or not self._receivers:
            raise ValueError("A callback needs a token and somebody whom it is for.")

    def open(self, sealed: Sealed) -> str:
        """What was sealed. Raises ForgedCallback where anything about it does not fit, without telling what."""
        expected = self._signature(sealed.timestamp, sealed.nonce, sealed.encrypted)
        # Compared in the same time whatever is right about it.
        if not hmac.compare_digest(expected.encode(), sealed.signature.encode(errors="replace")):
            raise ForgedCallback("wrong signature")
        text, receiver = self._decrypted(sealed.encrypted)
        if receiver not in self._receivers:
            raise ForgedCallback("for somebody else")
        return text

    def seal(self, text: str, *, timestamp: str) -> Sealed:
        """``text``, signed and encrypted; ``timestamp`` is in milliseconds since 1970."""
        nonce, encrypted = secrets.token_hex(8), self._encrypted(text)
        signature = self._signature(timestamp, nonce, encrypted)
        return Sealed(signature=signature, timestamp=timestamp, nonce=nonce, encrypted=encrypted)

    def _signature(self, *parts: str) -> str:
        text = "".join(sorted((self._token, *parts)))
        return hashlib.sha1(text.encode(errors="replace"), usedforsecurity=False).hexdigest()

    def _cipher(self) -> Cipher[CBC]:
        return Cipher(AES(self._key), CBC(self._key[:_AES_BLOCK]))

    def _encrypted(self, text: str) -> str:
        body = text.encode()
        plain = secrets.token_bytes(_RANDOM_BYTES) + len(body).to_bytes(_LENGTH_BYTES) + body
        plain += self._receivers[0].encode()
        missing = _BLOCK - len(plain) % _BLOCK
        encryptor = self._cipher().encryptor()
        return base64.b64encode(
            encryptor.update(plain + bytes([missing]) * missing) + encryptor.finalize()
        ).decode()

    def _decrypted(self, encrypted: str) -> tuple[str, str]:
        try:
            secret = base64.b64decode(encrypted, validate=True)
            decryptor = self._cipher().decryptor()
            plain = decryptor.update(secret) + decryptor.finalize()
            padding = plain[-1]
            if not 1 <= padding <= _BLOCK:
                raise ForgedCallback("wrong padding")
            content = plain[_RANDOM_BYTES:-padding]
            length = int.from_bytes(content[:_LENGTH_BYTES])
            if length > len(content) - _LENGTH_BYTES:
                raise ForgedCallback("wrong length")
            end = _LENGTH_BYTES + length
            return content[_LENGTH_BYTES:end].decode(), content[end:].decode()
        except (ValueError, IndexError):
            raise ForgedCallback("not readable") from None
