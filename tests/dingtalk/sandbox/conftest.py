"""A running sandbox, its clock, and a way to call it."""

from collections.abc import Iterator

import pytest

from invites.dingtalk.sandbox import SandboxServer
from tests.dingtalk.sandbox.driving import Call, FakeClock, Got, Invite, call_at, invite_path, people


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sandbox(clock: FakeClock) -> Iterator[SandboxServer]:
    with SandboxServer(clock=clock) as server:
        yield server


@pytest.fixture
def call(sandbox: SandboxServer) -> Call:
    def one(method: str, path: str, body: object = None, **options: object) -> Got:
        return call_at(sandbox, method, path, body, **options)  # type: ignore[arg-type]

    return one


@pytest.fixture
def conference_id(sandbox: SandboxServer) -> str:
    return sandbox.add_conference(title="Planning").conference_id


@pytest.fixture
def invite(call: Call, conference_id: str) -> Invite:
    return lambda: call("POST", invite_path(conference_id), people("a-0", "b-1"))
