"""Drives a sandbox from a test: plain HTTP requests, a clock that can be set, invitations."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection

from invites.dingtalk.sandbox import SANDBOX_FIXED_TOKEN, SandboxServer

TIMEOUT = 10


@dataclass(frozen=True)
class Got:
    """An answer as it came."""

    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> dict[str, object]:
        value = json.loads(self.body)
        assert isinstance(value, dict)
        return value

    @property
    def code(self) -> object:
        return self.json.get("code")


type Call = Callable[..., Got]
type Invite = Callable[[], Got]


class FakeClock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += seconds


def call_at(
    sandbox: SandboxServer,
    method: str,
    path: str,
    body: object = None,
    *,
    token: str | None = SANDBOX_FIXED_TOKEN,
    raw: bytes | None = None,
    timeout: float = TIMEOUT,
) -> Got:
    """One request on a connection of its own."""
    connection = HTTPConnection(sandbox.host, sandbox.port, timeout=timeout)
    headers = {} if token is None else {"x-acs-dingtalk-access-token": token}
    sent = raw if raw is not None else None if body is None else json.dumps(body).encode()
    try:
        connection.request(method, path, body=sent, headers=headers)
        response = connection.getresponse()
        answer = {name.lower(): value for name, value in response.getheaders()}
        return Got(response.status, response.read(), answer)
    finally:
        connection.close()


def invite_path(conference_id: str) -> str:
    return f"/v1.0/conference/videoConferences/{conference_id}/users/invite"


def people(*union_ids: str) -> dict[str, object]:
    return {"inviteeList": [{"unionId": union_id, "nick": f"nick of {union_id}"} for union_id in union_ids]}
