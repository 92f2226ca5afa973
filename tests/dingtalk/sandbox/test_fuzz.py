"""Arbitrary requests: whatever comes, the sandbox answers and stays alive."""

import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from invites.dingtalk.sandbox import SandboxServer
from tests.dingtalk.sandbox.driving import call_at

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
field_names = st.sampled_from(
    [
        "unionId",
        "inviteeList",
        "phoneInviteeList",
        "nick",
        "phoneNumber",
        "statusCode",
        "userId",
        "confTitle",
        "inviteUserIds",
        "inviteCaller",
        "conferenceIdList",
        "userList",
        "appKey",
        "appSecret",
        "suiteKey",
        "suiteTicket",
        "authCorpId",
        "queryWord",
        "offset",
        "size",
    ]
)
near_misses = st.dictionaries(
    field_names,
    json_values
    | st.lists(st.dictionaries(field_names, json_values | st.just("1000000061"), max_size=4), max_size=3),
    max_size=6,
)
bodies = st.one_of(
    st.binary(max_size=60),
    json_values.map(json.dumps).map(str.encode),
    near_misses.map(json.dumps).map(str.encode),
)
segments = st.sampled_from(
    [
        "v1.0",
        "conference",
        "videoConferences",
        "5a9db0c000000000000000a1",
        "users",
        "invite",
        "members",
        "kick",
        "lock",
        "query",
        "roomCodes",
        "infos",
        "contact",
        "search",
        "batch",
        "get",
        "lists",
        "oauth2",
        "accessToken",
        "corpAccessToken",
        "orgConferences",
        "",
        "..",
    ]
) | st.text(max_size=6).map(lambda text: quote(text, safe=""))
queries = st.dictionaries(
    st.sampled_from(["unionId", "nextToken", "maxResults", "userIdList", "x"]),
    st.text(max_size=10),
    max_size=3,
).map(lambda query: "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items()))
REAL_TARGETS = st.sampled_from(
    [
        "/v1.0/oauth2/accessToken",
        "/v1.0/oauth2/corpAccessToken",
        "/v1.0/conference/videoConferences",
        "/v1.0/conference/videoConferences/query",
        "/v1.0/conference/videoConferences/5a9db0c000000000000000a1",
        "/v1.0/conference/videoConferences/5a9db0c000000000000000a1/members",
        "/v1.0/conference/videoConferences/5a9db0c000000000000000a1/members/kick",
        "/v1.0/conference/videoConferences/5a9db0c000000000000000a1/lock",
        "/v1.0/conference/videoConferences/5a9db0c000000000000000a1/users/invite",
        "/v1.0/conference/roomCodes/900000101/infos",
        "/v1.0/conference/users/lists",
        "/v1.0/conference/orgConferences",
        "/v1.0/contact/users/search",
        "/v1.0/contact/users/batch/get",
        "/v1.0/contact/users/someone",
        "/_sandbox/faults",
        "/_sandbox/conferences",
    ]
)
targets = st.one_of(REAL_TARGETS, st.lists(segments, max_size=7).map(lambda parts: "/" + "/".join(parts)))


@pytest.fixture(scope="module")
def running() -> Iterator[SandboxServer]:
    with SandboxServer() as server:
        yield server


class TestArbitraryRequests:
    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        method=st.sampled_from(["GET", "POST", "DELETE", "PUT"]), target=targets, query=queries, body=bodies
    )
    @example(method="GET", target="/v1.0/contact/users/batch/get", query=f"userIdList={'[' * 9000}", body=b"")
    @example(method="GET", target="/v1.0/conference/users/lists", query="unionId=%FF", body=b"")
    @example(
        method="POST", target="/v1.0/contact/users/search", query="", body=b'{"queryWord":"a","offset":1e3}'
    )
    def test_whatever_comes_is_answered_in_json_and_never_with_a_server_error(
        self, running: SandboxServer, method: str, target: str, query: str, body: bytes
    ) -> None:
        running.clear()
        got = call_at(running, method, f"{target}?{query}", raw=body)
        assert got.status < 500
        assert isinstance(got.json, dict)
