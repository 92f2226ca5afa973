"""The Stream connection against the sandbox, over real sockets."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any

import pytest

from invites.dingtalk import stream
from invites.dingtalk.hosts import Reach
from invites.dingtalk.sandbox import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, SandboxServer
from invites.dingtalk.sandbox.routes import Operation
from invites.dingtalk.stream import StreamClient
from tests.dingtalk.loopback import recording_server

type Taken = list[dict[str, Any]]


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(pace=0, demo=False) as server:
        yield server


@contextlib.asynccontextmanager
async def connected(
    sandbox: SandboxServer,
    taken: Taken,
    *,
    secrets: Sequence[str] = (SANDBOX_CLIENT_SECRET,),
    failing: int = 0,
    reach: Reach = Reach.LOOPBACK,
) -> AsyncIterator[StreamClient]:
    """A connection that keeps what it takes in ``taken``, and does not manage the first ``failing`` ones."""
    left = [failing]

    async def take_in(frame: object) -> bool:
        assert isinstance(frame, dict)
        taken.append(frame)
        left[0] -= 1
        return left[0] < 0

    client = StreamClient(
        base_url=sandbox.base_url, client_id=SANDBOX_CLIENT_ID, secrets=secrets, take_in=take_in, reach=reach
    )
    task = asyncio.create_task(client.start())
    try:
        yield client
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - what is waited for happens in another thread
            await asyncio.sleep(0.01)


def run(play: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        await play()

    asyncio.run(whole())


def opened(sandbox: SandboxServer) -> int:
    """How often a connection was asked for."""
    return sum(each.operation is Operation.GATEWAY for each in sandbox.received)


class TestConnection:
    def test_events_come_in_order_and_are_confirmed(self, sandbox: SandboxServer) -> None:
        taken: Taken = []

        async def play() -> None:
            async with connected(sandbox, taken) as client:
                await until(lambda: client.stands)
                sandbox.add_conference(conference_id="abc", people=["joins-1"])
                sandbox.announcer.look()
                sandbox.close_conference("abc")
                sandbox.announcer.look()
                await until(lambda: len(taken) == 4 and not sandbox.gateway.unconfirmed())

        run(play)
        kinds = [frame["headers"]["eventType"].split("_")[1] for frame in taken]
        assert kinds == ["status", "member", "member", "status"]

    def test_what_was_not_managed_comes_again(self, sandbox: SandboxServer) -> None:
        taken: Taken = []

        async def play() -> None:
            async with connected(sandbox, taken, failing=1) as client:
                await until(lambda: client.stands)
                sandbox.announcer.announce("x", {})
                await until(lambda: taken)
                assert sandbox.gateway.unconfirmed() == 1
                sandbox.gateway.cut()
                await until(lambda: len(taken) == 2 and not sandbox.gateway.unconfirmed())

        run(play)
        assert taken[0] == taken[1]

    @pytest.mark.parametrize("how", ["cut", "ask_to_reconnect"])
    def test_lost_one_is_opened_again_and_nothing_is_missed(self, sandbox: SandboxServer, how: str) -> None:
        taken: Taken = []

        async def play() -> None:
            async with connected(sandbox, taken) as client:
                # Both ends have to know of it before it can be lost.
                await until(lambda: client.stands and sandbox.gateway.connected())
                getattr(sandbox.gateway, how)()
                await until(lambda: not sandbox.gateway.connected())
                sandbox.announcer.announce("x", {})
                await until(lambda: taken)

        run(play)
        assert opened(sandbox) == 2

    def test_wrong_secret_is_not_tried_again_at_once(self, sandbox: SandboxServer) -> None:
        async def play() -> None:
            async with connected(sandbox, [], secrets=["wrong"]) as client:
                await until(lambda: client.problem)
                assert client.problem == "invalidClientIdOrSecret"
                await asyncio.sleep(0.2)

        run(play)
        assert opened(sandbox) == 1

    def test_next_secret_is_tried_at_once_where_the_other_is_refused(self, sandbox: SandboxServer) -> None:
        async def play() -> None:
            async with connected(sandbox, [], secrets=[SANDBOX_CLIENT_SECRET, "next"]) as client:
                await until(lambda: client.stands and sandbox.gateway.connected())
                sandbox.change_secret("next")
                sandbox.gateway.cut()
                await until(lambda: opened(sandbox) == 3 and client.stands)

        run(play)

    def test_host_that_may_not_be_reached_is_not_asked(self, sandbox: SandboxServer) -> None:
        async def play() -> None:
            async with connected(sandbox, [], reach=Reach.PUBLIC) as client:
                await until(lambda: client.problem)

        run(play)
        assert opened(sandbox) == 0

    @pytest.mark.parametrize("fault", ["html_502", "html", "json_array", "drop", "empty_object", "redirect"])
    def test_answer_that_is_none_is_asked_for_again(
        self, sandbox: SandboxServer, fault: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(stream, "FIRST_PAUSE", 0.05)
        sandbox.add_fault(fault, operation="gateway")

        async def play() -> None:
            async with connected(sandbox, []) as client:
                await until(lambda: client.stands)

        run(play)
        assert opened(sandbox) == 2

    @pytest.mark.parametrize(
        "frame",
        ["no json", "[]", "null", '{"type":"SYSTEM"}', '{"type":"EVENT"}', '{"type":"X","headers":{}}'],
    )
    def test_frame_that_nobody_understands_does_not_end_the_rest(
        self, sandbox: SandboxServer, frame: str
    ) -> None:
        taken: Taken = []

        async def play() -> None:
            async with connected(sandbox, taken) as client:
                await until(lambda: client.stands and sandbox.gateway.connected())
                sandbox.gateway._all()[0].send(frame)
                sandbox.announcer.announce("x", {})
                await until(lambda: any("headers" in each for each in taken))

        run(play)
        assert opened(sandbox) == 1

    def test_neither_secret_nor_ticket_stand_in_any_line(
        self, sandbox: SandboxServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG")
        tickets: list[str] = []

        async def play() -> None:
            async with connected(sandbox, []) as client:
                await until(lambda: client.stands and sandbox.gateway.connected())
                tickets.append(client.websocket.request.path.partition("ticket=")[2])
                sandbox.gateway.cut()
                await until(lambda: opened(sandbox) == 2)

        run(play)
        assert len(tickets[0]) == 32
        for secret in (tickets[0], SANDBOX_CLIENT_SECRET):
            assert secret not in caplog.text

    def test_ticket_that_none_can_be_is_asked_for_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(stream, "FIRST_PAUSE", 0.05)

        async def play() -> None:
            with recording_server() as dingtalk:
                dingtalk.answer = {"endpoint": "ws://127.0.0.1:9/connect", "ticket": "\ud800"}
                client = StreamClient(
                    base_url=dingtalk.url, client_id="a", secrets=["b"], take_in=nothing, reach=Reach.LOOPBACK
                )
                task = asyncio.create_task(client.start())
                await until(lambda: len(dingtalk.recorded) > 1)
                assert client.problem == "endpointRefused"
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

        async def nothing(_frame: object) -> bool:
            return True

        run(play)


class TestWhereItLeads:
    @pytest.mark.parametrize(
        ("endpoint", "base_url", "may"),
        [
            ("wss://wss-open-connection.dingtalk.com:443/connect", "https://api.dingtalk.io", True),
            ("wss://proxy.example.com/connect", "https://proxy.example.com", True),
            ("wss://elsewhere.example.com/connect", "https://api.dingtalk.io", False),
            ("wss://dingtalk.com.evil.example/connect", "https://api.dingtalk.io", False),
            ("wss://169.254.169.254/", "https://api.dingtalk.io", False),
            ("ws://api.dingtalk.io/connect", "https://api.dingtalk.io", False),
            ("ws://127.0.0.1:9/connect", "https://api.dingtalk.io", False),
            ("ws://127.0.0.1:9/connect", "http://127.0.0.1:8", True),
            ("ws://example.com/connect", "http://127.0.0.1:8", False),
            ("wss://api.dingtalk.io/connect?ticket=another", "https://api.dingtalk.io", False),
            ("wss://[", "https://api.dingtalk.io", False),
            ("wss://api.dingtalk.io:99999/connect", "https://api.dingtalk.io", False),
            ("wss://api.dingtalk.io:port/connect", "https://api.dingtalk.io", False),
            ("wss://api.dingtalk.io/\r\nX-Header: of theirs", "https://api.dingtalk.io", False),
            ("wss://\ud800.dingtalk.io/connect", "https://api.dingtalk.io", False),
        ],
    )
    def test_only_to_the_vendor_or_the_host_that_was_asked(
        self, endpoint: str, base_url: str, may: bool
    ) -> None:
        assert stream._may_lead_to(endpoint, base_url=base_url) is may
