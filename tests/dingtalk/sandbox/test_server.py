"""The sandbox as an HTTP server: who may reach it, how much it bears, and what it does with nonsense."""

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

import pytest

from invites.dingtalk.sandbox import SANDBOX_FIXED_TOKEN, NotLoopbackError, SandboxServer
from invites.dingtalk.sandbox.wire import LARGEST_BODY
from tests.dingtalk.sandbox.driving import Call, call_at, invite_path, people

AUTHORISED = {"x-acs-dingtalk-access-token": SANDBOX_FIXED_TOKEN}


def exchange(server: SandboxServer, sent: bytes) -> bytes:
    """Everything that comes back for these bytes until the server closes."""
    with socket.create_connection((server.host, server.port), timeout=5) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        return connection.makefile("rb").read()


class TestLoopback:
    @pytest.mark.parametrize(
        "host", ["0.0.0.0", "::", "", "192.0.2.1", "example.org", "127.0.0.1.example.org"]
    )
    def test_no_other_address_is_accepted(self, host: str) -> None:
        with pytest.raises(NotLoopbackError):
            SandboxServer(host=host)

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
    def test_loopback_addresses_are(self, host: str) -> None:
        with SandboxServer(host=host) as server:
            assert server.base_url.startswith("http://127.0.0.")

    def test_the_address_of_the_newer_protocol_is_written_in_brackets(self) -> None:
        assert SandboxServer(host="::1", port=8).base_url == "http://[::1]:8"

    def test_a_taken_port_is_an_error(self, sandbox: SandboxServer) -> None:
        with pytest.raises(OSError, match="use"):
            SandboxServer(port=sandbox.port).start()


class TestConnections:
    def test_many_requests_share_a_connection(self, sandbox: SandboxServer, conference_id: str) -> None:
        connection = HTTPConnection(sandbox.host, sandbox.port, timeout=5)
        connection.connect()
        first = connection.sock
        for number in range(200):
            body = json.dumps(people(f"p-{number}"))
            connection.request("POST", invite_path(conference_id), body, AUTHORISED)
            response = connection.getresponse()
            assert (response.status, response.read()) == (200, b'{"success":true}')
            assert connection.sock is first
        connection.close()
        assert len(sandbox.members(conference_id)) == 200

    def test_an_error_answer_keeps_the_connection(self, sandbox: SandboxServer) -> None:
        connection = HTTPConnection(sandbox.host, sandbox.port, timeout=5)
        connection.connect()
        first = connection.sock
        for path, status in (("/nothing", 404), (invite_path("nowhere"), 401), ("/_sandbox/", 200)):
            connection.request("POST" if "invite" in path else "GET", path, b"{}")
            response = connection.getresponse()
            response.read()
            assert (response.status, connection.sock is first) == (status, True)
        connection.close()

    def test_pipelined_requests_are_answered_in_order(self, sandbox: SandboxServer) -> None:
        one = b"GET /_sandbox/faults HTTP/1.1\r\nhost: x\r\n\r\n"
        two = b"GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n"
        statuses = [part[1:4] for part in exchange(sandbox, one + two + one).split(b"HTTP/1.1")[1:]]
        assert statuses == [b"200", b"404", b"200"]

    def test_fifty_connections_invite_at_once_and_nobody_is_lost(
        self, sandbox: SandboxServer, conference_id: str
    ) -> None:
        barrier = threading.Barrier(50, timeout=20)

        def invite_twice(worker: int) -> list[int]:
            connection = HTTPConnection(sandbox.host, sandbox.port, timeout=20)
            barrier.wait()
            statuses = []
            for turn in range(2):
                body = json.dumps(people(f"p-{worker}-{turn}"))
                connection.request("POST", invite_path(conference_id), body, AUTHORISED)
                response = connection.getresponse()
                response.read()
                statuses.append(response.status)
            connection.close()
            return statuses

        with ThreadPoolExecutor(50) as pool:
            answers = [status for statuses in pool.map(invite_twice, range(50)) for status in statuses]
        assert answers == [200] * 100
        assert len(sandbox.members(conference_id)) == 100
        assert len({each.request_id for each in sandbox.invitations}) == 100
        assert [each.number for each in sandbox.received] == list(range(1, 101))

    def test_the_same_person_called_fifty_times_at_once_is_one_member(
        self, sandbox: SandboxServer, conference_id: str
    ) -> None:
        with ThreadPoolExecutor(50) as pool:
            list(
                pool.map(
                    lambda _: call_at(sandbox, "POST", invite_path(conference_id), people("same")), range(50)
                )
            )
        assert len(sandbox.members(conference_id)) == 1

    def test_five_hundred_people_in_one_call(
        self, sandbox: SandboxServer, call: Call, conference_id: str
    ) -> None:
        crowd = people(*(f"person-{number}" for number in range(500)))
        assert call("POST", invite_path(conference_id), crowd).json == {"success": True}
        assert len(sandbox.members(conference_id)) == 500

    def test_stopping_closes_idle_connections(self) -> None:
        server = SandboxServer().start()
        connection = socket.create_connection((server.host, server.port), timeout=5)
        connection.sendall(b"GET /_sandbox/faults HTTP/1.1\r\nhost: x\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
        began = time.monotonic()
        server.stop()
        assert connection.recv(1000) == b""
        assert time.monotonic() - began < 1
        connection.close()


class TestMalformedRequests:
    @pytest.mark.parametrize(
        ("sent", "status"),
        [
            (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
            (b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
            (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
            (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
            (b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
            (f"POST / HTTP/1.1\r\nContent-Length: {LARGEST_BODY + 1}\r\n\r\n".encode(), 413),
            (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
            (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 150 + b"\r\n", 431),
            (b"DANCE / HTTP/1.1\r\n\r\n", 501),
            (b"nonsense\r\n\r\n", 400),
            (b"GET / HTTP/9.9\r\n\r\n", 505),
            (b"GET /?" + b"a=1&" * 200 + b" HTTP/1.1\r\nConnection: close\r\n\r\n", 400),
        ],
    )
    def test_each_is_refused_in_the_form_of_the_api(
        self, sandbox: SandboxServer, sent: bytes, status: int
    ) -> None:
        head, _, body = exchange(sandbox, sent).partition(b"\r\n\r\n")
        assert head.startswith(f"HTTP/1.1 {status} ".encode())
        assert {"code", "message", "requestid"} <= set(json.loads(body))

    def test_a_request_that_stops_in_the_middle_is_not_answered(
        self, sandbox: SandboxServer, conference_id: str
    ) -> None:
        head = f"POST {invite_path(conference_id)} HTTP/1.1\r\nContent-Length: 100\r\n\r\n".encode()
        assert exchange(sandbox, head + b'{"inviteeList"') == b""
        assert sandbox.received == []

    def test_a_head_request_gets_no_body(self, sandbox: SandboxServer) -> None:
        answer = exchange(sandbox, b"HEAD /nothing HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 404")
        assert answer.endswith(b"\r\n\r\n")

    def test_the_long_form_of_a_target_is_understood(self, sandbox: SandboxServer) -> None:
        target = f"{sandbox.base_url}/_sandbox/faults".encode()
        answer = exchange(sandbox, b"GET " + target + b" HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200")

    @pytest.mark.parametrize(
        "raw", [b"", b"{}", b"[]", b"null", b"{", b"\xff\xfe", b"[" * 100_000, b'"text"', b"1e999"]
    )
    def test_an_invitation_without_a_readable_body_is_an_error_in_the_parameters(
        self, sandbox: SandboxServer, call: Call, conference_id: str, raw: bytes
    ) -> None:
        got = call("POST", invite_path(conference_id), raw=raw)
        assert (got.status, got.code) == (400, "paramsError")
        assert sandbox.members(conference_id) == []

    def test_a_lone_surrogate_does_no_harm(
        self, sandbox: SandboxServer, call: Call, conference_id: str
    ) -> None:
        body = b'{"inviteeList":[{"unionId":"\\ud800","nick":"\\udfff"}]}'
        assert call("POST", invite_path(conference_id), raw=body).status == 200
        members = call("GET", f"/v1.0/conference/videoConferences/{conference_id}/members")
        assert members.json["totalCount"] == 1
        assert call("GET", "/_sandbox/log").status == 200

    def test_headers_are_found_in_any_case_and_get_needs_no_content_type(
        self, sandbox: SandboxServer
    ) -> None:
        sent = (
            "GET /v1.0/conference/orgConferences HTTP/1.1\r\nX-ACS-DingTalk-Access-Token: "
            f"{SANDBOX_FIXED_TOKEN}\r\nContent-Type: application/octet-stream\r\nContent-Length: 0\r\n"
            "Connection: close\r\n\r\n"
        )
        assert exchange(sandbox, sent.encode()).startswith(b"HTTP/1.1 200")
