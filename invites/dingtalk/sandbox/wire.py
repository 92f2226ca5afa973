"""HTTP/1.1 on the wire: reads a request with limits, writes a reply in the manner that it asks for.

Knows nothing of what the requests mean.
"""

import json
import logging
import re
import socket
import socketserver
import struct
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import ClassVar, Final

from invites.dingtalk.sandbox.answers import Answer, error_answer
from invites.dingtalk.sandbox.replies import Manner, Reply

LARGEST_BODY: Final = 4 * 1024 * 1024
IDLE_SECONDS: Final = 75.0
DRIP_INTERVAL_SECONDS: Final = 0.2
TOKEN_HEADER: Final = "x-acs-dingtalk-access-token"  # noqa: S105 -- the name of a header
WITHOUT_BODY: Final = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
NOT_HTTP: Final = b"\x00\x01this is not HTTP\r\n\r\n"
_REASONS: Final[Mapping[int, str]] = {status.value: status.phrase for status in HTTPStatus}
UNKNOWN_REQUEST_ID: Final = "00000000-0000-0000-0000-000000000000"
WAIT_FOR_THREADS_SECONDS: Final = 2.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRequest:
    """What came over the wire. `token` is the access token header as sent, None if it is absent."""

    method: str
    target: str
    token: str | None
    body: bytes

    def json(self) -> object:
        """The body as JSON; None if there is none or it is not JSON in UTF-8."""
        try:
            return json.loads(self.body.decode("utf-8")) if self.body.strip() else None
        except (ValueError, RecursionError):
            return None


type Respond = Callable[[RawRequest], tuple[str, Reply]]


class WireServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Listens, with a thread a connection. `respond` gets a request and returns its request id and the reply."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], respond: Respond) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.respond = respond
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._connections: dict[socket.socket, threading.Thread] = {}
        super().__init__(address, _Handler)

    def process_request_thread(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        """Serve one connection, known while it lasts."""
        with self._lock:
            self._connections[request] = threading.current_thread()
        if self.stopping.is_set():
            _shut(request)
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._connections.pop(request, None)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is no news; anything else is a defect and is logged."""
        del request, client_address
        if not isinstance(error := sys.exception(), OSError):
            logger.error("a connection to the sandbox failed", exc_info=error)

    def stop(self) -> None:
        """Stop listening, close every connection, and wait briefly for their threads."""
        self.stopping.set()
        self.shutdown()
        self.server_close()
        with self._lock:
            open_connections = dict(self._connections)
        for connection, thread in open_connections.items():
            _shut(connection)
            thread.join(WAIT_FOR_THREADS_SECONDS)


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


class _BadRequestError(Exception):
    """A request that cannot be read; the connection is closed after the answer."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "DingTalkSandbox"
    sys_version = ""
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    server: WireServer
    _digits: ClassVar = re.compile(r"[0-9]{1,10}")

    def _serve(self) -> None:
        try:
            body = self._body()
        except _BadRequestError as error:
            self._send(
                self._malformed(error.status, error.message), request_id=UNKNOWN_REQUEST_ID, close=True
            )
            return
        raw = RawRequest(
            method=self.command, target=self._target(), token=self.headers.get(TOKEN_HEADER), body=body
        )
        try:
            request_id, reply = self.server.respond(raw)
        except OSError:
            # What cannot be written to the journal must not be answered either.
            logger.exception("the journal of the sandbox cannot be written")
            self._hang_up()
            return
        self._deliver(reply, request_id=request_id)

    do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = do_HEAD = do_OPTIONS = _serve  # noqa: N815 -- http.server's names

    def _target(self) -> str:
        if self.path.lower().startswith(("http://", "https://")):
            # A proxy's form of the target; the path begins after the host.
            return "/" + self.path.split("/", 3)[3] if self.path.count("/") > 2 else "/"  # noqa: PLR2004 -- "//" and "/"
        return self.path

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding"):
            raise _BadRequestError(HTTPStatus.LENGTH_REQUIRED, "send a Content-Length")
        lengths = set(self.headers.get_all("content-length", ["0"]))
        if len(lengths) != 1 or not self._digits.fullmatch(length := lengths.pop().strip()):
            raise _BadRequestError(HTTPStatus.BAD_REQUEST, "Content-Length is not readable")
        if int(length) > LARGEST_BODY:
            raise _BadRequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body is too large")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise ConnectionAbortedError("the client went away in the middle of its request")
        return body

    def _deliver(self, reply: Reply, *, request_id: str) -> None:
        if reply.manner is not Manner.DRIPPING and reply.seconds > 0:
            self.server.stopping.wait(reply.seconds)
        match reply.manner:
            case Manner.WHOLE:
                self._send(reply.answer, request_id=request_id)
            case Manner.DRIPPING:
                self._drip(reply, request_id=request_id)
            case Manner.CUT_SHORT:
                head, body = self._render(reply.answer, request_id=request_id, close=True)
                self.wfile.write(head + body[: len(body) // 2])
                self._hang_up()
            case Manner.NOT_HTTP:
                self.wfile.write(NOT_HTTP)
                self._hang_up()
            case Manner.DROPPED:
                self._hang_up()
            case Manner.RESET:
                # Lingering for no time turns the coming close into a reset.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                self.close_connection = True

    def _send(self, answer: Answer, *, request_id: str, close: bool = False) -> None:
        head, body = self._render(answer, request_id=request_id, close=close)
        self.wfile.write(head + body)
        self.close_connection = self.close_connection or close

    def _drip(self, reply: Reply, *, request_id: str) -> None:
        """Spread the body over the time, never silent for long: blanks behind the JSON make up for a short one."""
        pieces = max(1, round(reply.seconds / DRIP_INTERVAL_SECONDS))
        padded = replace(reply.answer, body=reply.answer.body.ljust(pieces))
        head, body = self._render(padded, request_id=request_id, close=True)
        self.wfile.write(head)
        for piece in range(pieces):
            if self.server.stopping.wait(reply.seconds / pieces):
                break
            self.wfile.write(body[piece * len(body) // pieces : (piece + 1) * len(body) // pieces])
        self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        _shut(self.connection)

    def _render(self, answer: Answer, *, request_id: str, close: bool) -> tuple[bytes, bytes]:
        """Head and body, to be written in one piece so that no packet waits for another."""
        body = b"" if answer.status in WITHOUT_BODY or self.command == "HEAD" else answer.body
        # A fault may have the clock wrong.
        date = () if "Date" in dict(answer.headers) else (f"Date: {self.date_time_string()}",)
        lines = [
            f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, 'Unknown')}",
            *date,
            f"Server: {self.server_version}",
            f"x-acs-request-id: {request_id}",
        ]
        if answer.status not in WITHOUT_BODY:
            lines += [f"Content-Type: {answer.content_type}", f"Content-Length: {len(answer.body)}"]
        lines += [f"{name}: {value}" for name, value in answer.headers]
        lines.append("Connection: close" if close or self.close_connection else "Connection: keep-alive")
        return "\r\n".join((*lines, "", "")).encode("latin-1", "replace"), body

    @staticmethod
    def _malformed(status: int, message: str) -> Answer:
        return error_answer(
            "paramsError", request_id=UNKNOWN_REQUEST_ID, message=f"error:{message}", status=status
        )

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What http.server itself refuses (request lines, headers, methods), in DingTalk's form and not as a page."""
        del explain
        self._send(self._malformed(code, message or "bad request"), request_id=UNKNOWN_REQUEST_ID, close=True)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- http.server's name
        """Nothing: the journal and the log of requests tell more, and no token passes through them."""
