"""Posts events to the callback address of an app, signed and encrypted, as DingTalk does.

Only to this machine: the sandbox reaches nobody else. Must not import the client.
"""

import http.client
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode, urlsplit

from invites.dingtalk.callback import SUCCESS, CallbackCipher, ForgedCallback, Sealed
from invites.dingtalk.sandbox.announcing import Announcement

ANSWER_WITHIN_SECONDS: Final = 10.0
LOOPBACK_NAMES: Final = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where to post, and with what."""

    url: str
    cipher: CallbackCipher = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """What came of one post: the status, and whether the answer was the one that DingTalk wants."""

    event_id: str
    status: int
    taken: bool


class Pusher:
    """Posts to one address at a time, or nowhere."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._address: Address | None = None
        self.pushed: list[Pushed] = []

    def push_to(self, url: str, *, token: str, aes_key: str, receiver: str) -> None:
        """From now on events are posted to `url`. Raises ValueError for one elsewhere, and for a key that is none."""
        if urlsplit(url).hostname not in LOOPBACK_NAMES or urlsplit(url).scheme != "http":
            raise ValueError("the callback must be on this machine, over http")
        cipher = CallbackCipher(token=token, aes_key=aes_key, receivers=[receiver])
        self._address = Address(url=url, cipher=cipher)

    def push_nowhere(self) -> None:
        """From now on nothing is posted."""
        self._address = None

    def check(self) -> Pushed | None:
        """Asks the address for the usual answer, as DingTalk does when somebody enters it."""
        return self._push("check_url", {"EventType": "check_url"})

    def deliver(self, announcement: Announcement) -> None:
        """Posts an event."""
        self._push(announcement.event_id, announcement.as_callback())

    def remind(self) -> None:
        """Nothing is posted again by itself."""

    def forge(self, announcement: Announcement) -> Pushed | None:
        """Posts an event under a signature that is wrong."""
        return self._push(announcement.event_id, announcement.as_callback(), forged=True)

    def _push(self, event_id: str, body: Mapping[str, object], *, forged: bool = False) -> Pushed | None:
        address = self._address
        if address is None:
            return None
        timestamp = str(round(time.time() * 1000))
        sealed = address.cipher.seal(json.dumps(body, ensure_ascii=False), timestamp=timestamp)
        signature = "0" * 40 if forged else sealed.signature
        query = urlencode({"signature": signature, "timestamp": timestamp, "nonce": sealed.nonce})
        pushed = _posted(address, query, json.dumps({"encrypt": sealed.encrypted}), event_id)
        with self._lock:
            self.pushed.append(pushed)
        return pushed


def _posted(address: Address, query: str, body: str, event_id: str) -> Pushed:
    parts = urlsplit(address.url)
    connection = http.client.HTTPConnection(
        parts.hostname or "", parts.port or 80, timeout=ANSWER_WITHIN_SECONDS
    )
    try:
        connection.request("POST", f"{parts.path}?{query}", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return Pushed(event_id=event_id, status=answer.status, taken=_is_taken(address, answer))
    except (OSError, http.client.HTTPException):
        return Pushed(event_id=event_id, status=0, taken=False)
    finally:
        connection.close()


def _is_taken(address: Address, answer: http.client.HTTPResponse) -> bool:
    text = answer.read()
    if answer.status != HTTPStatus.OK:
        return False
    try:
        fields = json.loads(text)
        sealed = Sealed(
            signature=fields["msg_signature"],
            timestamp=fields["timeStamp"],
            nonce=fields["nonce"],
            encrypted=fields["encrypt"],
        )
        return address.cipher.open(sealed) == SUCCESS
    except (ValueError, KeyError, TypeError, ForgedCallback):
        return False
