"""The sandbox as a server in a thread: start it, point a client at `base_url`, ask for faults, look at what came in.

Listens on loopback only. Django and the client are not known here.
"""

import ipaddress
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from invites.dingtalk.sandbox.announcing import Announcer
from invites.dingtalk.sandbox.answers import error_answer
from invites.dingtalk.sandbox.company import Company
from invites.dingtalk.sandbox.control import control
from invites.dingtalk.sandbox.events import Channel, Person
from invites.dingtalk.sandbox.exchange import Exchange, SandboxOptions
from invites.dingtalk.sandbox.faults import Fault
from invites.dingtalk.sandbox.gateway import Gateway
from invites.dingtalk.sandbox.people import DEMO_ORGANIZER
from invites.dingtalk.sandbox.pushing import Pusher
from invites.dingtalk.sandbox.replies import Reply
from invites.dingtalk.sandbox.routes import CONTROL_PREFIX, Operation, resolve
from invites.dingtalk.sandbox.state import Conference, MemberView, nick_of
from invites.dingtalk.sandbox.traffic import Received, Request, new_request_id
from invites.dingtalk.sandbox.wire import RawRequest, WireServer

LOOPBACK: Final = "127.0.0.1"
ACCEPT_POLL_SECONDS: Final = 0.05


class NotLoopbackError(ValueError):
    """The sandbox was asked to listen where others could reach it."""


@dataclass(kw_only=True, eq=False)
class SandboxServer(SandboxOptions):
    """A running sandbox, as a context manager or through `start` and `stop`.

    `host` is a loopback address or "localhost"; anything else raises NotLoopbackError. `port` 0 lets the system
    choose; after the first start it holds the port in use, so that a stopped sandbox comes back at the same address.
    """

    host: str = LOOPBACK
    port: int = 0

    def __post_init__(self) -> None:
        self.host = _loopback(self.host)
        self._exchange = Exchange(self)
        self._server: WireServer | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> Self:
        """Begin to listen. Raises OSError if the port is taken."""
        if self._server is None:
            self._server = WireServer((self.host, self.port), self._respond)
            self.port = int(self._server.server_address[1])
            self._thread = threading.Thread(
                target=self._server.serve_forever,
                kwargs={"poll_interval": ACCEPT_POLL_SECONDS},
                name=f"dingtalk-sandbox-{self.port}",
                daemon=True,
            )
            self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening and close every connection; conferences stay for another start."""
        if self._server is not None and self._thread is not None:
            self._server.stop()
            self._thread.join()
            self._server = self._thread = None
        self._exchange.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def base_url(self) -> str:
        """Scheme, host and port, without a trailing slash."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def received(self) -> list[Received]:
        """Every request to the API so far, oldest first."""
        return self._exchange.traffic.all()

    @property
    def invitations(self) -> list[Received]:
        """The requests that were invitations, oldest first."""
        return [each for each in self.received if each.operation is Operation.INVITE]

    def add_fault(self, fault: str, **settings: object) -> None:
        """Let a fault wait for its call; the settings are the fields of `Fault`. Raises ValueError for bad ones."""
        self._exchange.faults.add(Fault.from_record({"fault": fault, **settings}))

    def clear(self) -> None:
        """Forget requests, faults and rates; let the fixed token work again. Conferences stay."""
        self._exchange.clear()

    def expire_tokens(self) -> None:
        """Let every access token expire now, the fixed one included."""
        self._exchange.tokens.expire_all()

    def change_secret(self, client_secret: str) -> None:
        """Take another client secret from now on, and the old one no more. Tokens go on."""
        self._exchange.credentials.change_secret(client_secret)

    def add_conference(
        self,
        *,
        title: str = "Sandbox conference",
        conference_id: str = "",
        creator: str = DEMO_ORGANIZER.union_id,
        people: Iterable[str] = (),
    ) -> Conference:
        """Start a conference without a request; `people` are unionIds, called at once."""
        called = [
            Person(channel=Channel.UNION_ID, value=union_id, nick=nick_of(union_id)) for union_id in people
        ]
        return self._exchange.state.create(
            title=title, creator=creator, people=called, conference_id=conference_id
        )

    def close_conference(self, conference_id: str) -> None:
        """End a conference without a request. Raises KeyError for an unknown one."""
        if self._exchange.state.get(conference_id) is None:
            raise KeyError(conference_id)
        self._exchange.state.close(conference_id)

    def lock_conference(self, conference_id: str, *, locked: bool = True) -> None:
        """Lock or unlock a conference without a request. Raises KeyError for an unknown one."""
        if self._exchange.state.get(conference_id) is None:
            raise KeyError(conference_id)
        self._exchange.state.lock(conference_id, locked=locked)

    @property
    def announcer(self) -> Announcer:
        """What announces events: to be looked at, and to be told to hold back, repeat and reorder."""
        return self._exchange.announcer

    @property
    def gateway(self) -> Gateway:
        """The Stream connections, to be looked at and cut."""
        return self._exchange.gateway

    @property
    def pusher(self) -> Pusher:
        """What posts events to a callback address."""
        return self._exchange.pusher

    def issue_ticket(self, ticket: str) -> None:
        """Replace the suite ticket by another, and tell the third-party app of it."""
        self._exchange.issue_ticket(ticket)

    @property
    def company(self) -> Company:
        """Who is in the directory, to be looked at and changed without a request."""
        return self._exchange.company

    def members(self, conference_id: str) -> list[MemberView]:
        """Who was called into a conference, and where they stand now."""
        return self._exchange.state.members(conference_id)

    def _respond(self, raw: RawRequest) -> tuple[str, Reply]:
        path, request_id = raw.target.partition("?")[0], new_request_id()
        if path == CONTROL_PREFIX or path.startswith(f"{CONTROL_PREFIX}/"):
            answer = control(self._exchange, method=raw.method, path=path, body=raw.json())
            return request_id, Reply(answer=answer)
        try:
            resolved = resolve(raw.method, raw.target)
        except ValueError:
            answer = error_answer("paramsError", request_id=request_id, message="error:the query is too long")
            return request_id, Reply(answer=answer)
        request = Request(
            method=raw.method,
            target=raw.target,
            resolved=resolved,
            token=raw.token,
            body=raw.json(),
            request_id=request_id,
        )
        return request_id, self._exchange.handle(request)


def _loopback(host: str) -> str:
    if host == "localhost":
        return LOOPBACK
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise NotLoopbackError(f"{host!r} is not a loopback address") from None
    if not address.is_loopback:
        raise NotLoopbackError(
            f"{host} is not a loopback address: the sandbox must not be reachable from outside"
        )
    return host
