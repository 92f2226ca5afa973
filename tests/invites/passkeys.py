"""A passkey in software, as a browser and its device play it (WebAuthn level 2), with whatever wrong one wants."""

import hashlib
import json
import os
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

ORIGIN = "http://localhost"
_FLAG = AuthenticatorData.FLAG
_SEEN = _FLAG.UP | _FLAG.UV


class SoftPasskey:
    """One key pair. ``flags`` say whether somebody was there, and has shown who they are to the device."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = os.urandom(16)
        self.user_handle = b""

    def made(self, options: dict[str, Any], *, origin: str = ORIGIN) -> str:
        """The answer to the options of a registration."""
        public = options["publicKey"]
        self.user_handle = websafe_decode(public["user"]["id"])
        public_key = ES256.from_cryptography_key(self.key.public_key())  # type: ignore[no-untyped-call]
        credential = AttestedCredentialData.create(bytes(16), self.id, public_key)
        seen = AuthenticatorData.create(_rp(public["rp"]["id"]), _SEEN | _FLAG.AT, 0, credential)
        client = CollectedClientData.create("webauthn.create", public["challenge"], origin)
        response = {
            "clientDataJSON": websafe_encode(client),
            "attestationObject": websafe_encode(AttestationObject.create("none", seen, {})),
        }
        return json.dumps(self._answer(response) | {"clientExtensionResults": {"credProps": {"rk": True}}})

    def shown(
        self,
        options: dict[str, Any],
        *,
        origin: str = ORIGIN,
        flags: int = _SEEN,
        user_handle: bytes | None = None,
    ) -> str:
        """The answer to the options of a sign-in."""
        public = options["publicKey"]
        seen = AuthenticatorData.create(_rp(public["rpId"]), _FLAG(flags), 1)
        client = CollectedClientData.create("webauthn.get", public["challenge"], origin)
        signature = self.key.sign(bytes(seen) + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        response = {
            "clientDataJSON": websafe_encode(client),
            "authenticatorData": websafe_encode(seen),
            "signature": websafe_encode(signature),
            "userHandle": websafe_encode(self.user_handle if user_handle is None else user_handle),
        }
        return json.dumps(self._answer(response) | {"clientExtensionResults": {}})

    def _answer(self, response: dict[str, str]) -> dict[str, Any]:
        name = websafe_encode(self.id)
        return {"type": "public-key", "id": name, "rawId": name, "response": response}


def _rp(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()
