"""What the tests of the DingTalk library share: a client over a function that answers, and one invitation."""

from collections.abc import Callable
from typing import Any

import httpx

from invites.dingtalk import Answer, DingTalkClient, FixedToken, Invitee
from invites.dingtalk.tokens import InternalApp, ThirdPartyApp, TokenSource

TOKEN = "tok-5f0c6d"
TWO_PEOPLE = (Invitee(union_id="union-1", nick="One"), Invitee(union_id="union-2", nick="Two"))


def client_answering(
    answer: httpx.Response | Callable[[httpx.Request], httpx.Response],
    *,
    tokens: InternalApp | ThirdPartyApp | TokenSource | None = None,
    **options: Any,
) -> DingTalkClient:
    """A client whose every request is answered by `answer`, without a network."""

    def handler(request: httpx.Request) -> httpx.Response:
        # A copy, since the client may keep the one it gets.
        given = answer(request) if callable(answer) else answer
        return httpx.Response(given.status_code, headers=given.headers.raw, content=given.content)

    return DingTalkClient(
        base_url="https://dingtalk.invalid",
        tokens=tokens or FixedToken(TOKEN),
        transport=httpx.MockTransport(handler),
        **options,
    )


def invite(client: DingTalkClient, **changes: Any) -> Answer:
    """Invites two people into a conference."""
    asked = {"conference_id": "6001", "union_id": "operator", "invitees": TWO_PEOPLE} | changes
    return client.invite_users(**asked)
