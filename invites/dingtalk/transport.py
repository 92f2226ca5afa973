"""Carries one request and brings back its whole answer before a deadline, or says how it failed.

Must not judge answers. The time-outs of an HTTP library bound single steps; a peer that drips a byte now
and then passes them all, so here every step gets no more than what is left of the whole.
"""

import ssl
import zlib

import httpcore
import httpx

from invites.dingtalk.hosts import ANYWHERE, Reach
from invites.dingtalk.network import AddressNotAllowed, DeadlineBackend, Remaining

LARGEST_ANSWER = 1_000_000
"""Bytes, before and after decompression. The largest answer expected, a page of members, has a tenth."""

# Load balancers close idle connections; one that has just been closed would look like a lost answer.
KEEPALIVE_EXPIRY = 4.0
MOST_CONNECTIONS = 40

# The name of the request extension that holds the deadline, on the clock of `time.monotonic`.
DEADLINE = "deadline"
# That of what goes into the query as it is, but must stand in no URL that a log or an exception could show.
SECRET_QUERY = "secret_query"  # noqa: S105 - the name of an extension


class HostNotAllowed(httpx.ConnectError):
    """The host leads to an address that nobody may connect to from here; nothing was sent."""


class AnswerTooLarge(httpx.RequestError):
    """More than `LARGEST_ANSWER` bytes came; the rest was not read."""


# Children before their parents.
_FAILURES: tuple[tuple[type[Exception], type[httpx.RequestError]], ...] = (
    (AddressNotAllowed, HostNotAllowed),
    (httpcore.ConnectTimeout, httpx.ConnectTimeout),
    (httpcore.PoolTimeout, httpx.PoolTimeout),
    (httpcore.ConnectError, httpx.ConnectError),
    (httpcore.ReadTimeout, httpx.ReadTimeout),
    (httpcore.WriteTimeout, httpx.WriteTimeout),
    (httpcore.ReadError, httpx.ReadError),
    (httpcore.WriteError, httpx.WriteError),
    (httpcore.RemoteProtocolError, httpx.RemoteProtocolError),
    (httpcore.LocalProtocolError, httpx.LocalProtocolError),
)
_CORE_FAILURES = tuple(core for core, _ in _FAILURES)


class DeadlineTransport(httpx.BaseTransport):
    """An httpx transport over a pool of HTTP/1.1 connections. Several threads may share it.

    A request carries its deadline in the extension `deadline`; without one only the steps are bounded.
    It uses no proxy, whatever the environment says, connects to no address beyond ``reach``, and answers with responses
    that are already whole.
    """

    def __init__(self, *, ssl_context: ssl.SSLContext | None = None, reach: Reach = ANYWHERE) -> None:
        self._remaining = Remaining()
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl_context or httpx.create_ssl_context(trust_env=False),
            max_connections=MOST_CONNECTIONS,
            max_keepalive_connections=MOST_CONNECTIONS,
            keepalive_expiry=KEEPALIVE_EXPIRY,
            http1=True,
            http2=False,
            network_backend=DeadlineBackend(self._remaining, reach=reach),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The whole answer. Raises httpx.RequestError, whose classes tell what had left by then."""
        self._remaining.until(request.extensions.get(DEADLINE))
        try:
            response = self._pool.handle_request(self._as_core(request))
            try:
                body = _whole_body(response)
            finally:
                response.close()
        except _CORE_FAILURES as failure:
            raise _as_httpx(failure) from failure
        return _as_response(response, body)

    def close(self) -> None:
        """Closes all connections."""
        self._pool.close()

    def _as_core(self, request: httpx.Request) -> httpcore.Request:
        extensions = dict(request.extensions)
        timeout = dict(extensions.get("timeout", {}))
        timeout["pool"] = self._remaining.cap(timeout.get("pool"))
        extensions["timeout"] = timeout
        target = request.url.raw_path
        if secret_query := extensions.pop(SECRET_QUERY, b""):
            target += (b"&" if b"?" in target else b"?") + secret_query
        return httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=target,
            ),
            headers=request.headers.raw,
            content=request.read(),
            extensions=extensions,
        )


def _as_httpx(failure: Exception) -> httpx.RequestError:
    kind = next(outer for core, outer in _FAILURES if isinstance(failure, core))
    return kind(str(failure))


def _whole_body(response: httpcore.Response) -> bytes:
    body = bytearray()
    for part in response.iter_stream():
        body += part
        if len(body) > LARGEST_ANSWER:
            raise AnswerTooLarge("the answer is too large")
    return bytes(body)


def _as_response(response: httpcore.Response, body: bytes) -> httpx.Response:
    """The response with its body decoded, and without the headers that described the encoded one."""
    headers = httpx.Headers(response.headers)
    encoding = headers.get("content-encoding", "").strip().lower()
    for name in ("content-encoding", "content-length", "transfer-encoding"):
        headers.pop(name, None)
    return httpx.Response(response.status, headers=headers, content=_decoded(body, encoding))


def _decoded(body: bytes, encoding: str) -> bytes:
    """The plain body; empty, and so judged by the status alone, where it cannot be decoded.

    httpx would decompress without a bound. Encodings other than these were not asked for.
    """
    if encoding in {"", "identity"}:
        return body
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        return b""
    decompressor = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        plain = decompressor.decompress(body, LARGEST_ANSWER + 1)
    except zlib.error:
        return b""
    if len(plain) > LARGEST_ANSWER:
        raise AnswerTooLarge("the answer is too large")
    return plain if decompressor.eof else b""
