"""Connections every step of which ends before a deadline, looking up names and TLS included.

Must not know HTTP.
"""

import queue
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any

import httpcore

from invites.dingtalk.hosts import ANYWHERE, Reach, reach_of

type Address = tuple[socket.AddressFamily, Any]


class AddressNotAllowed(httpcore.ConnectError):
    """The name leads to addresses only that nobody may connect to from here."""


class Remaining(threading.local):
    """What is left of the time of the request that the current thread is carrying."""

    deadline: float | None = None

    def until(self, deadline: float | None) -> None:
        """Sets the deadline of this thread's request."""
        self.deadline = deadline

    def cap(self, timeout: float | None) -> float | None:
        """`timeout`, but not beyond the deadline. 0 or less when that has passed."""
        if self.deadline is None:
            return timeout
        left = self.deadline - time.monotonic()
        return left if timeout is None else min(timeout, left)


class DeadlineBackend(httpcore.NetworkBackend):
    """Opens connections within what remains, looking up the name included, and none beyond ``reach``.

    Each address is judged right before it is connected to: a name that leads elsewhere by then gains nothing.
    """

    def __init__(self, remaining: Remaining, *, reach: Reach = ANYWHERE) -> None:
        self._remaining, self._reach = remaining, reach

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the first address of `host` that accepts one; `timeout` is for all of them."""
        timeout = self._remaining.cap(timeout)
        end = None if timeout is None else time.monotonic() + timeout
        addresses = self._allowed(_addresses(host, port, timeout))
        failure: Exception = httpcore.ConnectError("the name has no address")
        for position, (family, address) in enumerate(addresses):
            # A dead first address must leave time for the next.
            share = None if end is None else (end - time.monotonic()) / (len(addresses) - position)
            try:
                return DeadlineStream(_connected(family, address, share), self._remaining)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as refused:
                failure = refused
        raise failure

    def _allowed(self, addresses: list[Address]) -> list[Address]:
        allowed = [each for each in addresses if reach_of(each[1][0]) in self._reach]
        if addresses and not allowed:
            raise AddressNotAllowed(f"{addresses[0][1][0]} is not an address that may be connected to")
        return allowed


class DeadlineStream(httpcore.NetworkStream):
    """A connection whose every step ends within what remains."""

    def __init__(self, sock: socket.socket, remaining: Remaining) -> None:
        self._socket = sock
        self._remaining = remaining

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Some bytes, at least one unless the peer has closed."""
        try:
            self._limit(timeout)
            return self._socket.recv(max_bytes)
        except TimeoutError as failure:
            raise httpcore.ReadTimeout(str(failure)) from failure
        except OSError as failure:
            raise httpcore.ReadError(str(failure)) from failure

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Sends all of `buffer`; looks at the time before each part that the peer takes."""
        view = memoryview(buffer)
        try:
            while view:
                self._limit(timeout)
                view = view[self._socket.send(view) :]
        except TimeoutError as failure:
            raise httpcore.WriteTimeout(str(failure)) from failure
        except OSError as failure:
            raise httpcore.WriteError(str(failure)) from failure

    def close(self) -> None:
        """Closes the connection."""
        self._socket.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """The same connection under TLS. Python bounds the whole handshake, not each of its messages."""
        try:
            self._limit(timeout)
            secured = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname)
        except TimeoutError as failure:
            self.close()
            raise httpcore.ConnectTimeout(str(failure)) from failure
        except (OSError, ValueError) as failure:
            self.close()
            raise httpcore.ConnectError(str(failure)) from failure
        return DeadlineStream(secured, self._remaining)

    def get_extra_info(self, info: str) -> Any:
        """What the pool asks of a connection: its socket, TLS, and whether the peer has closed it."""
        match info:
            case "socket":
                return self._socket
            case "ssl_object":
                return self._socket if isinstance(self._socket, ssl.SSLSocket) else None
            case "client_addr":
                return self._socket.getsockname()
            case "server_addr":
                return self._socket.getpeername()
            case "is_readable":
                return _is_readable(self._socket)
        return None

    def _limit(self, timeout: float | None) -> None:
        timeout = self._remaining.cap(timeout)
        if timeout is not None and timeout <= 0:
            raise TimeoutError("the deadline has passed")
        self._socket.settimeout(timeout)


def look_up(host: str, *, timeout: float) -> list[str]:
    """The addresses of a name, or of an address in whichever form; none where the name is not found in time."""
    try:
        return [str(address[0]) for _, address in _addresses(host, 443, timeout)]
    except (httpcore.ConnectError, httpcore.ConnectTimeout):
        return []


def _addresses(host: str, port: int, timeout: float | None) -> list[Address]:
    """The addresses of a host.

    The system's resolver cannot be interrupted, so it works in a thread that is left behind if it takes
    too long; it ends by itself after the resolver's own time-out.
    """
    try:
        return _resolved(host, port, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        pass
    results: queue.SimpleQueue[list[Address] | Exception] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            results.put(_resolved(host, port))
        except (OSError, UnicodeError) as failure:
            results.put(failure)

    threading.Thread(target=look_up, name="name-lookup", daemon=True).start()
    try:
        result = results.get(timeout=None if timeout is None else max(timeout, 0))
    except queue.Empty:
        raise httpcore.ConnectTimeout("the name was not found in time") from None
    if isinstance(result, Exception):
        raise httpcore.ConnectError(str(result)) from result
    return result


def _resolved(host: str, port: int, *, flags: int = 0) -> list[Address]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return [(family, address) for family, _, _, _, address in found]


def _connected(family: socket.AddressFamily, address: Any, timeout: float | None) -> socket.socket:
    if timeout is not None and timeout <= 0:
        raise httpcore.ConnectTimeout("the deadline has passed")
    sock = None
    try:
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.settimeout(timeout)
        sock.connect(address)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as failure:
        if sock is not None:
            sock.close()
        kind = httpcore.ConnectTimeout if isinstance(failure, TimeoutError) else httpcore.ConnectError
        raise kind(str(failure)) from failure
    return sock


def _is_readable(sock: socket.socket) -> bool:
    """Whether something is to be read: on an idle connection that is the peer's closing it."""
    if sock.fileno() < 0:
        return True
    poller = select.poll()
    poller.register(sock, select.POLLIN)
    return bool(poller.poll(0))
