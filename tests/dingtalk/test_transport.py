"""The transport against real sockets: every call ends in time, and what is not known to have stayed has left."""

import contextlib
import gzip
import logging
import queue
import socket
import ssl
import subprocess
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpcore
import httpx
import pytest

from invites.dingtalk import (
    Answer,
    ConferenceInfo,
    DingTalkClient,
    FixedToken,
    InternalApp,
    Invitee,
    NotSent,
    OutcomeUnknown,
    Refused,
    StaleToken,
    Timeouts,
    TokenUnavailable,
    UnreadableAnswer,
    network,
    transport,
)
from invites.dingtalk.errors import DingTalkError
from invites.dingtalk.network import DeadlineBackend, Remaining
from invites.dingtalk.transport import DeadlineTransport
from tests.dingtalk.calling import TOKEN, invite
from tests.dingtalk.loopback import HEAD, SUCCESS, RawServer, raw_server, receive

SHORT = Timeouts(connect=0.5, read=0.5, total=0.8)
# How much later than the deadline a call may end on a busy machine.
GRACE = 0.5

type Answering = Callable[[socket.socket], None]


def client_of(url: str, timeouts: Timeouts = SHORT) -> DingTalkClient:
    return DingTalkClient(base_url=url, tokens=FixedToken(TOKEN), timeouts=timeouts)


def answering(answer: bytes) -> Callable[[socket.socket, RawServer], None]:
    """Reads one request, sends `answer` and closes."""

    def script(connection: socket.socket, server: RawServer) -> None:
        receive(connection, server)
        connection.sendall(answer)

    return script


def whole(body: bytes, *headers: bytes) -> bytes:
    lines = b"".join(header + b"\r\n" for header in headers)
    return HEAD + lines + b"content-length: %d\r\n\r\n" % len(body) + body


def outcome_of(script: Callable[[socket.socket, RawServer], None], timeouts: Timeouts = SHORT) -> Answer:
    with raw_server(script) as server, client_of(server.url, timeouts) as client:
        return invite(client)


def failure_of(
    script: Callable[[socket.socket, RawServer], None], timeouts: Timeouts = SHORT
) -> DingTalkError:
    with pytest.raises(DingTalkError) as caught:
        outcome_of(script, timeouts)
    return caught.value


@contextlib.contextmanager
def ends_within(seconds: float) -> Iterator[None]:
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < seconds + GRACE


def hang(connection: socket.socket, server: RawServer) -> None:
    receive(connection, server)
    server.stop.wait(10)


def drip(data: bytes) -> Callable[[socket.socket, RawServer], None]:
    """Sends `data` byte by byte, fast enough for every single read."""

    def script(connection: socket.socket, server: RawServer) -> None:
        receive(connection, server)
        for position in range(len(data)):
            connection.sendall(data[position : position + 1])
            if server.stop.wait(0.05):
                return

    return script


@pytest.fixture
def full_listener() -> Iterator[str]:
    """The address of a listener whose queue is full, so that connecting to it hangs."""
    with contextlib.ExitStack() as opened:
        listener = opened.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = opened.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


class TestNotSent:
    def test_refused_connection_sends_nothing(self, closed_port: str) -> None:
        with client_of(closed_port) as client, pytest.raises(NotSent) as caught:
            invite(client)

        assert caught.value.code == "notConnected"

    def test_connecting_ends_in_time(self, full_listener: str) -> None:
        with client_of(full_listener) as client, ends_within(0.5), pytest.raises(NotSent) as caught:
            invite(client)

        assert caught.value.code == "connectTimeout"

    def test_connecting_ends_at_the_deadline_of_the_whole(self, full_listener: str) -> None:
        timeouts = Timeouts(connect=5, read=5, total=0.3)
        with client_of(full_listener, timeouts) as client, ends_within(0.3), pytest.raises(NotSent):
            invite(client)

    def test_unknown_name_sends_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        real = socket.getaddrinfo

        def not_found(host: str, port: int, **options: int) -> object:
            if options.get("flags"):
                return real(host, port, **options)
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", not_found)
        with client_of("http://dingtalk.invalid") as client, pytest.raises(NotSent) as caught:
            invite(client)

        assert caught.value.code == "notConnected"
        assert "Name or service not known" in caught.value.message

    def test_slow_name_server_does_not_delay_beyond_the_deadline(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = socket.getaddrinfo
        stop = threading.Event()

        def slow(host: str, port: int, **options: int) -> object:
            if options.get("flags"):
                return real(host, port, **options)
            stop.wait(10)
            raise socket.gaierror(socket.EAI_AGAIN, "late")

        monkeypatch.setattr(socket, "getaddrinfo", slow)
        with (
            client_of("http://dingtalk.invalid") as client,
            ends_within(0.5),
            pytest.raises(NotSent) as caught,
        ):
            invite(client)
        stop.set()

        assert caught.value.code == "connectTimeout"

    def test_tls_that_is_none_sends_nothing(self) -> None:
        def plain(connection: socket.socket, server: RawServer) -> None:
            connection.recv(100)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        with (
            raw_server(plain) as server,
            client_of(server.url.replace("http", "https")) as client,
            pytest.raises(NotSent) as caught,
        ):
            invite(client)

        assert caught.value.code == "notConnected"

    def test_tls_handshake_that_hangs_ends_in_time(self) -> None:
        def silent(connection: socket.socket, server: RawServer) -> None:
            server.stop.wait(10)

        with (
            raw_server(silent) as server,
            client_of(server.url.replace("http", "https")) as client,
            ends_within(0.5),
            pytest.raises(NotSent) as caught,
        ):
            invite(client)

        assert caught.value.code == "connectTimeout"

    def test_token_call_that_hangs_leaves_the_invitation_unsent(self) -> None:
        app = InternalApp(client_id="key", client_secret="secret-of-app")
        with (
            raw_server(hang) as server,
            DingTalkClient(base_url=server.url, tokens=app, timeouts=SHORT) as client,
            ends_within(0.8),
            pytest.raises(TokenUnavailable),
        ):
            invite(client)

        assert len(server.requests) == 1
        assert server.requests[0].startswith(b"POST /v1.0/oauth2/accessToken ")

    def test_no_free_connection_sends_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(transport, "MOST_CONNECTIONS", 1)
        timeouts = Timeouts(connect=0.2, read=2, total=3)
        with (
            raw_server(hang) as server,
            client_of(server.url, timeouts) as client,
            ThreadPoolExecutor(1) as pool,
        ):
            first = pool.submit(invite, client)
            while not server.requests:
                time.sleep(0.01)
            with pytest.raises(NotSent) as caught:
                invite(client)
            server.stop.set()
            assert isinstance(first.exception(), OutcomeUnknown)

        assert (caught.value.code, len(server.requests)) == ("noFreeConnection", 1)


class TestOutcomeUnknown:
    def test_silence_after_sending_is_unknown(self) -> None:
        with ends_within(0.5):
            error = failure_of(hang)

        assert (type(error), error.code) == (OutcomeUnknown, "readTimeout")

    def test_silence_ends_at_the_deadline_of_the_whole(self) -> None:
        with ends_within(0.3):
            error = failure_of(hang, Timeouts(connect=5, read=5, total=0.3))

        assert (type(error), error.code) == (OutcomeUnknown, "deadline")

    def test_headers_that_drip_end_at_the_deadline(self) -> None:
        with ends_within(0.8):
            error = failure_of(drip(whole(SUCCESS, b"x-filler: " + b"x" * 500)))

        assert (type(error), error.code) == (OutcomeUnknown, "deadline")

    def test_body_that_drips_ends_at_the_deadline(self) -> None:
        def script(connection: socket.socket, server: RawServer) -> None:
            receive(connection, server)
            connection.sendall(HEAD + b"content-length: 500\r\n\r\n")
            while not server.stop.wait(0.05):
                connection.sendall(b" ")

        with ends_within(0.8):
            error = failure_of(script)

        assert (type(error), error.code) == (OutcomeUnknown, "deadline")

    def test_interim_answers_without_end_end_at_the_deadline(self) -> None:
        def script(connection: socket.socket, server: RawServer) -> None:
            receive(connection, server)
            while not server.stop.wait(0.05):
                connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

        with ends_within(0.8):
            error = failure_of(script)

        assert (type(error), error.code) == (OutcomeUnknown, "deadline")

    def test_peer_that_takes_nothing_ends_at_the_deadline(self) -> None:
        def script(connection: socket.socket, server: RawServer) -> None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            while not server.stop.wait(0.05):
                connection.recv(10)

        with (
            raw_server(script) as server,
            client_of(server.url) as client,
            ends_within(0.8),
            pytest.raises(OutcomeUnknown) as caught,
        ):
            invite(client, invitees=[Invitee(union_id="union-1", nick="x" * 20_000_000)])

        assert caught.value.code in {"deadline", "readTimeout"}

    def test_explicit_deadline_counts(self) -> None:
        with (
            raw_server(hang) as server,
            client_of(server.url, Timeouts()) as client,
            ends_within(0.3),
            pytest.raises(OutcomeUnknown) as caught,
        ):
            invite(client, deadline=time.monotonic() + 0.3)

        assert caught.value.code == "deadline"

    @pytest.mark.parametrize(
        "answer",
        [
            b"",
            b"HTTP/1.1 2",
            HEAD,
            HEAD + b'content-length: 16\r\n\r\n{"succ',
            HEAD + b'transfer-encoding: chunked\r\n\r\n10\r\n{"succ',
            b"SSH-2.0-OpenSSH_9.2\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n",
            HEAD + b"x: " + b"x" * 200_000,
        ],
        ids=[
            "nothing",
            "half a status line",
            "headers only",
            "short of its length",
            "short of its chunk",
            "another protocol",
            "a length that is none",
            "headers without end",
        ],
    )
    def test_answer_that_is_not_whole_is_unknown(self, answer: bytes) -> None:
        error = failure_of(answering(answer))

        assert (type(error), error.code) == (OutcomeUnknown, "connectionLost")

    def test_connection_reset_after_sending_is_unknown(self) -> None:
        def script(connection: socket.socket, server: RawServer) -> None:
            receive(connection, server)
            # Closing with a linger time of nothing resets the connection.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")

        assert failure_of(script).code == "connectionLost"

    def test_redirect_is_not_followed(self) -> None:
        answer = b"HTTP/1.1 307 Go\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n"
        with (
            raw_server(answering(answer)) as server,
            client_of(server.url) as client,
            pytest.raises(OutcomeUnknown) as caught,
        ):
            invite(client)

        assert (caught.value.code, len(server.requests)) == ("redirected", 1)


class TestSize:
    def test_answer_too_large_is_not_read_on(self) -> None:
        def script(connection: socket.socket, server: RawServer) -> None:
            receive(connection, server)
            connection.sendall(HEAD + b"content-length: 50000000\r\n\r\n")
            while not server.stop.is_set():
                connection.sendall(b"x" * 65536)

        error = failure_of(script, Timeouts())

        assert (type(error), error.code) == (UnreadableAnswer, "answerTooLarge")

    def test_compressed_answer_that_is_too_large_is_not_unpacked(self) -> None:
        bomb = gzip.compress(b" " * 100_000_000, compresslevel=9)
        assert len(bomb) < transport.LARGEST_ANSWER

        tracemalloc.start()
        try:
            error = failure_of(answering(whole(bomb, b"content-encoding: gzip")), Timeouts())
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        assert (type(error), error.code) == (UnreadableAnswer, "answerTooLarge")
        assert peak < 10 * transport.LARGEST_ANSWER

    @pytest.mark.parametrize(
        ("encoding", "body"),
        [
            (b"gzip", gzip.compress(SUCCESS)),
            (b"GZIP", gzip.compress(SUCCESS)),
            (b"deflate", zlib.compress(SUCCESS)),
            (b"identity", SUCCESS),
        ],
        ids=["gzip", "gzip in capitals", "deflate", "identity"],
    )
    def test_compressed_answer_is_read(self, encoding: bytes, body: bytes) -> None:
        answer = outcome_of(answering(whole(body, b"content-encoding: " + encoding)))

        assert (answer.http_status, answer.body) == (200, '{"success":true}')

    @pytest.mark.parametrize(
        ("encoding", "body"),
        [(b"gzip", SUCCESS), (b"gzip", gzip.compress(SUCCESS)[:-4]), (b"br", b"\x8b"), (b"x", SUCCESS)],
        ids=["not compressed", "cut", "an encoding not asked for", "no encoding at all"],
    )
    def test_answer_that_cannot_be_unpacked_is_judged_by_its_status(
        self, encoding: bytes, body: bytes
    ) -> None:
        answer = whole(body, b"content-encoding: " + encoding)

        assert failure_of(answering(answer)).code == "unreadableAnswer"
        refusal = failure_of(answering(answer.replace(b"200 OK", b"404 No")))
        assert (type(refusal), refusal.code) == (Refused, "http_404")


class TestConnections:
    def test_connection_is_used_again(self) -> None:
        def script(connection: socket.socket, server: RawServer) -> None:
            while receive(connection, server):
                connection.sendall(whole(SUCCESS))

        with raw_server(script) as server, client_of(server.url) as client:
            for _ in range(3):
                invite(client)

        assert (server.connections, len(server.requests)) == (1, 3)

    def test_connection_that_the_peer_closed_is_not_used_again(self) -> None:
        with raw_server(answering(whole(SUCCESS))) as server, client_of(server.url) as client:
            for _ in range(3):
                invite(client)
                time.sleep(0.05)

        assert (server.connections, len(server.requests)) == (3, 3)

    def test_idle_connection_expires(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(transport, "KEEPALIVE_EXPIRY", 0.05)

        def script(connection: socket.socket, server: RawServer) -> None:
            while receive(connection, server):
                connection.sendall(whole(SUCCESS))

        with raw_server(script) as server, client_of(server.url) as client:
            invite(client)
            time.sleep(0.2)
            invite(client)

        assert server.connections == 2

    def test_proxies_of_the_environment_are_not_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")

        assert outcome_of(answering(whole(SUCCESS))).http_status == 200

    def test_threads_share_a_client(self) -> None:
        def script(connection: socket.socket, server: RawServer) -> None:
            while request := receive(connection, server):
                target = request.split(b" ")[1].rsplit(b"/", 1)[1]
                connection.sendall(whole(b'{"confInfo":{"conferenceId":"%s"}}' % target))

        with (
            raw_server(script) as server,
            client_of(server.url, Timeouts()) as client,
            ThreadPoolExecutor(8) as pool,
        ):

            def ask(number: int) -> ConferenceInfo:
                return client.query_conference_info(conference_id=str(number))

            found = [info.conference_id for info in pool.map(ask, range(80))]

        assert found == [str(number) for number in range(80)]
        assert server.connections <= 8

    def test_deadline_of_one_request_does_not_bind_the_next(self) -> None:
        def script(connection: socket.socket, server: RawServer) -> None:
            while receive(connection, server):
                time.sleep(0.3)
                connection.sendall(whole(SUCCESS))

        with raw_server(script) as server, client_of(server.url, Timeouts()) as client:
            with pytest.raises(OutcomeUnknown):
                invite(client, deadline=time.monotonic() + 0.1)

            assert invite(client).http_status == 200


class TestAddresses:
    def connect(self, monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> httpcore.NetworkStream:
        found = [(socket.AF_INET, address) for address in addresses]
        monkeypatch.setattr(network, "_addresses", lambda *_: found)
        return DeadlineBackend(Remaining()).connect_tcp("several.invalid", 80, timeout=1.0)

    def test_second_address_is_tried_when_the_first_is_dead(
        self, monkeypatch: pytest.MonkeyPatch, full_listener: str
    ) -> None:
        dead = ("127.0.0.1", httpx.URL(full_listener).port or 0)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            with ends_within(0.5):
                stream = self.connect(monkeypatch, dead, listener.getsockname())

            assert stream.get_extra_info("server_addr") == listener.getsockname()
            stream.close()

    def test_name_without_addresses_is_no_connection(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(httpcore.ConnectError):
            self.connect(monkeypatch)

    def test_name_that_no_resolver_takes_is_no_connection(self) -> None:
        with client_of("http://a..b", Timeouts()) as client, pytest.raises(NotSent):
            invite(client)

    def test_name_is_looked_up_for_real(self) -> None:
        with (
            raw_server(answering(whole(SUCCESS))) as server,
            client_of(server.url.replace("127.0.0.1", "localhost"), Timeouts()) as client,
        ):
            assert invite(client).http_status == 200


class TestTls:
    @pytest.fixture
    def certificate(self, tmp_path: Path) -> Path:
        """A certificate for localhost with its key, signed by itself."""
        both = tmp_path / "both.pem"
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
                *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
                *("-keyout", str(both), "-out", str(tmp_path / "certificate.pem")),
            ],
            check=True,
            capture_output=True,
        )
        both.write_bytes(both.read_bytes() + (tmp_path / "certificate.pem").read_bytes())
        return both

    def secured(
        self, certificate: Path, script: Callable[[socket.socket, RawServer], None]
    ) -> Callable[[socket.socket, RawServer], None]:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)

        def play(connection: socket.socket, server: RawServer) -> None:
            with context.wrap_socket(connection, server_side=True) as secured:
                script(secured, server)

        return play

    def client(self, server: RawServer, certificate: Path, timeouts: Timeouts) -> DingTalkClient:
        return DingTalkClient(
            base_url=server.url.replace("http://127.0.0.1", "https://localhost"),
            tokens=FixedToken(TOKEN),
            timeouts=timeouts,
            transport=DeadlineTransport(ssl_context=ssl.create_default_context(cafile=certificate)),
        )

    def test_answer_comes_over_tls(self, certificate: Path) -> None:
        script = self.secured(certificate, answering(whole(SUCCESS)))
        with raw_server(script) as server, self.client(server, certificate, Timeouts()) as client:
            assert invite(client).http_status == 200

    def test_answer_that_drips_over_tls_ends_at_the_deadline(self, certificate: Path) -> None:
        script = self.secured(certificate, drip(whole(SUCCESS, b"x-filler: " + b"x" * 500)))
        with (
            raw_server(script) as server,
            self.client(server, certificate, SHORT) as client,
            ends_within(0.8),
            pytest.raises(OutcomeUnknown) as caught,
        ):
            invite(client)

        assert caught.value.code == "deadline"

    def test_certificate_that_nobody_vouches_for_is_refused_before_anything_is_sent(
        self, certificate: Path
    ) -> None:
        script = self.secured(certificate, answering(whole(SUCCESS)))
        with raw_server(script) as server:
            base_url = server.url.replace("http://127.0.0.1", "https://localhost")
            with client_of(base_url, Timeouts()) as client, pytest.raises(NotSent) as caught:
                invite(client)

        assert (caught.value.code, server.requests) == ("notConnected", [])
        assert "certificate" in caught.value.message


class TestSecrecy:
    def test_logs_of_all_layers_hold_no_token(self, caplog: pytest.LogCaptureFixture) -> None:
        for name in ("", "httpx", "httpcore", "invites"):
            caplog.set_level(logging.DEBUG, logger=name)
        scripts: queue.SimpleQueue[Callable[[socket.socket, RawServer], None]] = queue.SimpleQueue()
        scripts.put(answering(whole(SUCCESS, b"connection: close")))
        scripts.put(answering(b"HTTP/1.1 401 No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"))
        scripts.put(answering(b"HTTP/1.1 2"))

        def play(connection: socket.socket, server: RawServer) -> None:
            scripts.get()(connection, server)

        with raw_server(play) as server, client_of(server.url) as client:
            invite(client)
            with pytest.raises(StaleToken):
                invite(client)
            with pytest.raises(OutcomeUnknown):
                invite(client)

        assert all(TOKEN.encode() in request for request in server.requests)
        assert "httpcore" in {record.name.split(".")[0] for record in caplog.records}
        assert TOKEN not in caplog.text
