"""The encryption of callbacks against an independent implementation (`dingtalk-sdk`), both ways; and forgeries."""

import base64
import string
import warnings
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invites.dingtalk.callback import CallbackCipher, ForgedCallback, Sealed, key_of

with warnings.catch_warnings():
    # It is older than the Python that reads it.
    warnings.simplefilter("ignore")
    from dingtalk.crypto import DingTalkCrypto

KEY = base64.b64encode(bytes(range(32))).decode().rstrip("=")
CIPHER = CallbackCipher(token="token", aes_key=KEY, receivers=["client-id", "corp"])
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
WORDS = st.text(string.ascii_letters + string.digits, min_size=1, max_size=30)
KEYS = st.binary(min_size=32, max_size=32).map(lambda key: base64.b64encode(key).decode().rstrip("="))


class TestAgainstAnother:
    @given(text=TEXTS, token=WORDS, key=KEYS, receiver=WORDS)
    def test_it_reads_what_we_write(self, text: str, token: str, key: str, receiver: str) -> None:
        sealed = CallbackCipher(token=token, aes_key=key, receivers=[receiver]).seal(
            text, timestamp="1783610513"
        )
        other = DingTalkCrypto(token, key, receiver)
        read = other.decrypt_encrypt_str(sealed.signature, sealed.timestamp, sealed.nonce, sealed.encrypted)
        assert read == text

    @given(text=TEXTS, token=WORDS, key=KEYS, receiver=WORDS)
    def test_we_read_what_it_writes(self, text: str, token: str, key: str, receiver: str) -> None:
        written = DingTalkCrypto(token, key, receiver).encrypt_message(text)
        sealed = Sealed(
            signature=written["msg_signature"],
            timestamp=written["timeStamp"],
            nonce=written["nonce"],
            encrypted=written["encrypt"],
        )
        assert CallbackCipher(token=token, aes_key=key, receivers=[receiver]).open(sealed) == text


class TestForgeries:
    @pytest.mark.parametrize("part", ["signature", "timestamp", "nonce", "encrypted"])
    def test_whatever_is_changed_is_noticed(self, part: str) -> None:
        sealed = CIPHER.seal("success", timestamp="1")
        with pytest.raises(ForgedCallback):
            CIPHER.open(replace(sealed, **{part: getattr(sealed, part) + "0"}))

    @given(st.text(), st.text(), st.text())
    def test_nothing_that_is_rightly_signed_and_garbled_fails_otherwise(
        self, encrypted: str, timestamp: str, nonce: str
    ) -> None:
        signature = CIPHER._signature(timestamp, nonce, encrypted)
        sealed = Sealed(signature=signature, timestamp=timestamp, nonce=nonce, encrypted=encrypted)
        with pytest.raises(ForgedCallback):
            CIPHER.open(sealed)

    @given(st.binary(min_size=16, max_size=160))
    def test_nor_does_what_is_encrypted_and_garbled(self, plain: bytes) -> None:
        encryptor = CIPHER._cipher().encryptor()
        encrypted = base64.b64encode(encryptor.update(plain[: len(plain) // 16 * 16])).decode()
        sealed = Sealed(
            signature=CIPHER._signature("1", "n", encrypted), timestamp="1", nonce="n", encrypted=encrypted
        )
        with pytest.raises(ForgedCallback):
            CIPHER.open(sealed)

    def test_what_is_for_another_app_is_not_for_this_one(self) -> None:
        other = CallbackCipher(token="token", aes_key=KEY, receivers=["another"])
        with pytest.raises(ForgedCallback):
            CIPHER.open(other.seal("success", timestamp="1"))

    def test_company_is_a_receiver_too(self) -> None:
        by_company = CallbackCipher(token="token", aes_key=KEY, receivers=["corp"])
        assert CIPHER.open(by_company.seal("text", timestamp="1")) == "text"

    @pytest.mark.parametrize("key", ["", "x" * 42, "x" * 44, "-" * 43])
    def test_key_that_is_none_is_refused_without_repeating_it(self, key: str) -> None:
        with pytest.raises(ValueError, match="43 letters and digits"):
            key_of(key)
