"""The vendor's Stream connection as the sandbox plays it: an operation that opens one, and the WebSocket behind it.

An event goes to one connection of an app, and again to another where nobody confirms it. Listens on loopback, at a port
of its own, from the first connection that is opened on. Must not import the client.
"""

import json
import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from invites.dingtalk.sandbox.announcing import Announcement
from invites.dingtalk.sandbox.answers import RefusedError
from invites.dingtalk.sandbox.invitees import text
from invites.dingtalk.sandbox.routes import Operation
from invites.dingtalk.sandbox.traffic import Request

LOOPBACK: Final = "127.0.0.1"
CONNECT_PATH: Final = "/connect"
REMIND_AFTER_SECONDS: Final = 5.0
MOST_UNCONFIRMED: Final = 1000
CONFIRMED: Final = 200

# Connections that are cut are what it is for.
_quiet = logging.getLogger(f"{__name__}.wire")
_quiet.setLevel(logging.CRITICAL)


@dataclass(slots=True)
class _Line:
    """The connections of one app, and what nobody has confirmed yet: the event, and when it was sent last."""

    connections: list[ServerConnection] = field(default_factory=list)
    unconfirmed: dict[str, tuple[Announcement, float]] = field(default_factory=dict)


class Gateway:
    """All Stream connections.

    `knows` tells whether an id and a secret belong together; `begin` is called before one is opened.
    """

    def __init__(self, *, knows: Callable[[str, str], bool], begin: Callable[[], None]) -> None:
        self._knows, self._begin = knows, begin
        self._lock = threading.RLock()
        self._tickets: dict[str, str] = {}
        self._lines: dict[str, _Line] = {}
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        self.table: Mapping[Operation, Callable[[Request], dict[str, object]]] = {
            Operation.GATEWAY: self._open
        }

    def connected(self, client_id: str = "") -> int:
        """How many connections stand, of one app or of all."""
        with self._lock:
            lines = [line for key, line in self._lines.items() if client_id in {"", key}]
            return sum(len(line.connections) for line in lines)

    def unconfirmed(self) -> int:
        """How many events nobody has confirmed."""
        with self._lock:
            return sum(len(line.unconfirmed) for line in self._lines.values())

    def deliver(self, announcement: Announcement) -> None:
        """Sends an event to each app that has ever opened a connection."""
        with self._lock:
            lines = [line for key, line in self._lines.items() if announcement.only_for in {"", key}]
            for line in lines:
                if len(line.unconfirmed) < MOST_UNCONFIRMED:
                    line.unconfirmed[announcement.event_id] = (announcement, 0.0)
        for line in lines:
            self._send(line)

    def remind(self) -> None:
        """Sends again what was not confirmed for a while."""
        with self._lock:
            lines = [line for line in self._lines.values() if line.unconfirmed]
        for line in lines:
            self._send(line)

    def ask_to_reconnect(self) -> None:
        """Tells every connection to end, as the vendor does before a server goes down."""
        frame = {
            "type": "SYSTEM",
            "headers": {"topic": "disconnect", "messageId": secrets.token_hex(8)},
            "data": "{}",
        }
        for connection in self._all():
            _try_to_send(connection, frame)

    def cut(self) -> None:
        """Drops every connection without a word."""
        for connection in self._all():
            connection.close_socket()

    def close(self) -> None:
        """Ends all connections and the server; another one that is opened starts it anew."""
        with self._lock:
            server, thread = self._server, self._thread
            self._server = self._thread = None
        if server is None or thread is None:
            return
        server.shutdown()
        self.cut()
        thread.join()

    def _open(self, request: Request) -> dict[str, object]:
        """The operation: credentials in, an address and a ticket that opens it once out."""
        client_id, secret = text(request.fields, "clientId") or "", text(request.fields, "clientSecret") or ""
        if not self._knows(client_id, secret):
            raise RefusedError("invalidClientIdOrSecret", status=401)
        ticket = secrets.token_hex(16)
        with self._lock:
            self._tickets[ticket] = client_id
            self._lines.setdefault(client_id, _Line())
        self._begin()
        return {"endpoint": f"ws://{LOOPBACK}:{self._port()}{CONNECT_PATH}", "ticket": ticket}

    def _port(self) -> int:
        with self._lock:
            if self._server is None:
                self._server = serve(self._serve, LOOPBACK, 0, logger=_quiet, compression=None)
                self._thread = threading.Thread(
                    target=self._server.serve_forever, name="sandbox-stream", daemon=True
                )
                self._thread.start()
            return int(self._server.socket.getsockname()[1])

    def _serve(self, connection: ServerConnection) -> None:
        target = urlsplit(connection.request.path if connection.request else "")
        ticket = parse_qs(target.query).get("ticket", [""])[0]
        with self._lock:
            client_id = self._tickets.pop(ticket, "") if target.path == CONNECT_PATH else ""
            line = self._lines.get(client_id)
            if line is None:
                return
            line.connections.append(connection)
            line.unconfirmed = {key: (event, 0.0) for key, (event, _sent) in line.unconfirmed.items()}
        try:
            ping = {"topic": "ping", "messageId": secrets.token_hex(8), "contentType": "application/json"}
            _try_to_send(connection, {"type": "SYSTEM", "headers": ping, "data": '{"opaque":"sandbox"}'})
            self._send(line)
            for message in connection:
                self._confirm(line, message)
        except ConnectionClosed:
            return
        finally:
            with self._lock:
                line.connections.remove(connection)

    def _confirm(self, line: _Line, message: str | bytes) -> None:
        answer: Any = json.loads(message)
        data = json.loads(answer.get("data") or "{}")
        if answer.get("code") == CONFIRMED and data.get("status") != "LATER":
            with self._lock:
                line.unconfirmed.pop(answer["headers"]["messageId"], None)

    def _send(self, line: _Line) -> None:
        """Sends what was not sent lately, in the order in which it was born."""
        now = time.monotonic()
        with self._lock:
            if not line.connections:
                return
            connection = line.connections[-1]
            due = [
                event
                for event, sent in line.unconfirmed.values()
                if not sent or sent < now - REMIND_AFTER_SECONDS
            ]
            for event in due:
                line.unconfirmed[event.event_id] = (event, now)
        for event in due:
            _try_to_send(connection, event.as_frame())

    def _all(self) -> list[ServerConnection]:
        with self._lock:
            return [connection for line in self._lines.values() for connection in line.connections]


def _try_to_send(connection: ServerConnection, frame: Mapping[str, object]) -> None:
    try:
        connection.send(json.dumps(frame, ensure_ascii=False))
    except (ConnectionClosed, OSError):
        return
