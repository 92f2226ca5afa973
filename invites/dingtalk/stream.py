"""Keeps the vendor's Stream connection of one app, over which DingTalk sends events.

The vendor's library (PyPI `dingtalk-stream`) knows the frames. What it does badly is done here: its host cannot be
chosen, it asks with no time-out in the middle of the event loop, it sends a packet to a public server to learn its own
address, it logs the ticket that opens a connection, and it goes on as if nothing were when a handler fails. Imported by
whoever keeps connections alone, since the library brings much with it.

    opening ──▶ open ──lost, or asked to reconnect──▶ pause ──▶ opening
       └──refused──▶ long pause
"""

import asyncio
import ipaddress
import json
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote_plus, urlsplit

import httpx
import websockets
from dingtalk_stream import AckMessage, Credential, DingTalkStreamClient
from dingtalk_stream.frames import EventMessage, Headers

from invites.dingtalk.hosts import ANYWHERE, Reach, reach_of
from invites.dingtalk.judging import clean
from invites.dingtalk.network import look_up
from invites.dingtalk.transport import DEADLINE, DeadlineTransport

OPEN_PATH: Final = "/v1.0/gateway/connections/open"
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
# Wrong credentials do not become right by themselves: whoever mends them starts another connection.
FIRST_REFUSED_PAUSE: Final = 60.0
LONGEST_REFUSED_PAUSE: Final = 900.0
# A connection that stood for so long was a good one.
STEADY_SECONDS: Final = 30.0
# A peer that does not answer a ping within that time is gone.
PING_SECONDS: Final = 15.0
OPEN_SECONDS: Final = 15.0
LARGEST_FRAME: Final = 4 * 1024 * 1024
# Where DingTalk's own connections may lead, beside the host that was asked.
_VENDOR_DOMAINS: Final = (".dingtalk.com", ".dingtalk.io")
_MOST_DOUBLINGS = 10

logger = logging.getLogger(__name__)
# The library says in its lines what must not be in any.
_silenced = logging.getLogger(f"{__name__}.library")
_silenced.setLevel(logging.CRITICAL + 1)
_silenced.addHandler(logging.NullHandler())

type TakeIn = Callable[[object], Awaitable[bool]]


class StreamProblem(Exception):  # noqa: N818 - named for what it is
    """A connection could not be opened: what came back is no address that may be connected to."""


class StreamRefused(StreamProblem):
    """DingTalk does not open a connection with these credentials."""


class StreamClient(DingTalkStreamClient):
    """One connection, opened anew for as long as `start` runs.

    ``secrets`` are tried in turn, where one is refused: an app may have its next one already. ``take_in`` gets every
    event frame and returns whether it has been dealt with for good; DingTalk sends again what
    was not. Frames are dealt with one after the other, in the order in which they came.
    """

    def __init__(
        self,
        *,
        base_url: str,
        client_id: str,
        secrets: Sequence[str],
        take_in: TakeIn,
        reach: Reach = ANYWHERE,
    ) -> None:
        super().__init__(Credential(client_id, secrets[0]), logger=_silenced)
        self.websocket: Any = None
        self._base_url, self._secrets, self._take_in, self._reach = base_url, secrets, take_in, reach
        self.problem = ""
        """Why there is no connection, a code; "" where there is one or none was tried yet."""

    @property
    def stands(self) -> bool:
        """Whether the connection is open. A peer that went away without a word is noticed within half a minute."""
        return self.websocket is not None and bool(self.websocket.state is websockets.State.OPEN)

    async def start(self) -> None:
        """Keeps the connection until it is cancelled."""
        failures = refusals = 0
        while True:
            begun = time.monotonic()
            try:
                await self._hold()
                self.problem = ""
            except StreamRefused as refused:
                refusals += 1
                self._note(refused)
                self.credential.client_secret = self._secrets[refusals % len(self._secrets)]
                if rounds := refusals // len(self._secrets):
                    await asyncio.sleep(
                        _pause(rounds, first=FIRST_REFUSED_PAUSE, longest=LONGEST_REFUSED_PAUSE)
                    )
                continue
            except (OSError, httpx.HTTPError, websockets.WebSocketException, StreamProblem) as error:
                self._note(error)
            finally:
                self.websocket = None
            refusals = 0
            failures = 1 if time.monotonic() - begun > STEADY_SECONDS else failures + 1
            await asyncio.sleep(_pause(failures, first=FIRST_PAUSE, longest=LONGEST_PAUSE))

    async def route_message(self, json_message: Mapping[str, Any]) -> str:
        """Deals with a frame; an event is confirmed once it is committed. Returns what the library's own does."""
        if json_message.get("type") != EventMessage.TYPE:
            return str(await super().route_message(json_message))
        is_done = await self._take_in(json_message)
        ack = AckMessage()
        ack.code = AckMessage.STATUS_OK if is_done else AckMessage.STATUS_SYSTEM_EXCEPTION
        ack.headers.message_id = json_message.get("headers", {}).get("messageId")
        ack.headers.content_type = Headers.CONTENT_TYPE_APPLICATION_JSON
        ack.data = {"status": "SUCCESS" if is_done else "LATER", "message": ""}
        await self.websocket.send(json.dumps(ack.to_dict()))
        return ""

    async def _hold(self) -> None:
        """Opens a connection and works off what it brings, until it ends."""
        address = await self._address()
        # By the address that was judged, since the name may lead elsewhere by then.
        host = await asyncio.to_thread(_allowed_address, urlsplit(address).hostname or "", reach=self._reach)
        async with websockets.connect(
            address,
            host=host,
            proxy=None,
            logger=_silenced,
            open_timeout=OPEN_SECONDS,
            ping_interval=PING_SECONDS,
            ping_timeout=PING_SECONDS,
            close_timeout=1,
            max_size=LARGEST_FRAME,
        ) as websocket:
            self.websocket, self.problem = websocket, ""
            logger.info("Events come from %s", self._base_url)
            async for raw in websocket:
                if await self._deal_with(raw) == DingTalkStreamClient.TAG_DISCONNECT:
                    return

    async def _deal_with(self, raw: str | bytes) -> str:
        try:
            message = json.loads(raw)
            return await self.route_message(message)
        except websockets.WebSocketException:
            raise
        except Exception as error:  # noqa: BLE001 - the last net: a frame that nobody understands must not end the rest
            logger.warning("A frame of the Stream connection was not understood: %s", type(error).__name__)
            return ""

    async def _address(self) -> str:
        """Asks for a connection; returns an address that opens it once. Raises StreamRefused or StreamProblem."""
        body = {
            "clientId": self.credential.client_id,
            "clientSecret": self.credential.client_secret,
            "subscriptions": [{"type": EventMessage.TYPE, "topic": "*"}],
            "ua": "dingtalk-sdk-python/union",
            "localIp": "127.0.0.1",
        }
        status, text = await asyncio.to_thread(
            _posted, f"{self._base_url}{OPEN_PATH}", body, reach=self._reach
        )
        return _address_in(status, text, base_url=self._base_url)

    def _note(self, error: Exception) -> None:
        code = str(error) if isinstance(error, StreamProblem) else type(error).__name__
        if code != self.problem:
            logger.warning("No Stream connection to %s (%s)", self._base_url, code)
        self.problem = code


def _posted(url: str, body: Mapping[str, object], *, reach: Reach) -> tuple[int, bytes]:
    """Status and body of the answer to a post, by a deadline."""
    extensions = {DEADLINE: time.monotonic() + OPEN_SECONDS}
    with httpx.Client(
        transport=DeadlineTransport(reach=reach),
        headers={"accept": "application/json", "accept-encoding": "identity"},
        timeout=OPEN_SECONDS,
        follow_redirects=False,
        trust_env=False,
    ) as client:
        answer = client.post(url, json=body, extensions=extensions)
        return answer.status_code, answer.content


def _allowed_address(host: str, *, reach: Reach) -> str:
    """The first address of ``host`` that may be connected to. Raises StreamProblem where there is none."""
    for address in look_up(host, timeout=OPEN_SECONDS):
        if reach_of(address) in reach:
            return address
    raise StreamProblem("addressRefused")


def _address_in(status: int, text: bytes, *, base_url: str) -> str:
    """The address in an answer. Never repeats it, since it opens a connection."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise StreamProblem(f"http_{status}")
    code = clean(str(fields.get("code") or ""), limit=100)
    if httpx.codes.is_client_error(status) and status != httpx.codes.TOO_MANY_REQUESTS:
        raise StreamRefused(code or f"http_{status}")
    endpoint, ticket = fields.get("endpoint"), fields.get("ticket")
    if not isinstance(endpoint, str) or not isinstance(ticket, str):
        raise StreamProblem(code or f"http_{status}")
    if not ticket.isascii() or not _may_lead_to(endpoint, base_url=base_url):
        raise StreamProblem("endpointRefused")
    return f"{endpoint}?ticket={quote_plus(ticket)}"


def _may_lead_to(endpoint: str, *, base_url: str) -> bool:
    """Whether an answer of ``base_url`` may have us connect there: over TLS, to the vendor or to the same host.

    On this machine, where the sandbox is, also without TLS.
    """
    try:
        there, asked = urlsplit(endpoint), urlsplit(base_url)
        host, _port = there.hostname or "", there.port
        if (
            not (endpoint.isascii() and endpoint.isprintable())
            or there.query
            or there.fragment
            or there.username
        ):
            return False
        if there.scheme == "ws":
            return asked.scheme == "http" and _is_loopback(host) and _is_loopback(asked.hostname or "")
    except ValueError:
        return False
    return there.scheme == "wss" and (host == asked.hostname or host.endswith(_VENDOR_DOMAINS))


def _is_loopback(host: str) -> bool:
    return host == "localhost" or ipaddress.ip_address(host).is_loopback


def _pause(times: int, *, first: float, longest: float) -> float:
    """Grows with each time, and differs, so that what was cut off together does not come back together."""
    grown = min(longest, first * 2.0 ** min(times - 1, _MOST_DOUBLINGS))
    return grown * random.uniform(0.5, 1.0)  # noqa: S311 - nothing hangs on its being guessed
