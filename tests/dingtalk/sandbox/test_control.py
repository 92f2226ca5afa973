"""The ways to ask for a fault: magic values, the control endpoints, the options of the start."""

import json
import time
from http.client import HTTPConnection

import pytest

from invites.dingtalk.sandbox import SANDBOX_FIXED_TOKEN, Fault, SandboxServer
from invites.dingtalk.sandbox.people import SANDBOX_CLIENT_ID
from invites.dingtalk.sandbox.replies import SPOILERS
from tests.dingtalk.sandbox.driving import Call, FakeClock, Invite, call_at, invite_path, people

QPS = "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"


class TestMagicValues:
    @pytest.mark.parametrize(
        ("union_id", "nick", "status"),
        [
            ("fault-html-502", "A", 502),
            ("sandbox-fault-html-502", "A", 502),
            ("a", "fault-html-502", 502),
            ("a", "fault-html_502", 502),
            ("a", "fault-code-confClosed", 400),
            ("a", f"fault-code-{QPS}", 403),
            ("a", "fault-nothing-known", 200),
            ("a", "my fault-html-502", 200),
            ("fault-", "fault-x2", 200),
        ],
    )
    def test_a_nick_or_an_id_can_ask_for_a_fault(
        self, call: Call, conference_id: str, union_id: str, nick: str, status: int
    ) -> None:
        body = {"inviteeList": [{"unionId": "b", "nick": "B"}, {"unionId": union_id, "nick": nick}]}
        assert [call("POST", invite_path(conference_id), body).status for _ in range(2)] == [status, status]

    def test_a_magic_value_can_end_after_some_calls(self, call: Call, conference_id: str) -> None:
        body = {"inviteeList": [{"unionId": "b", "nick": "fault-throttled-x2"}]}
        assert [call("POST", invite_path(conference_id), body).status for _ in range(4)] == [
            429,
            429,
            200,
            200,
        ]

    def test_a_phone_person_can_ask_too(self, call: Call, conference_id: str) -> None:
        body = {"phoneInviteeList": [{"phoneNumber": "1000000061", "nick": "fault-success-false"}]}
        assert call("POST", invite_path(conference_id), body).json == {"success": False}

    def test_a_word_of_a_title_spoils_invitations_into_that_conference_only(
        self, sandbox: SandboxServer, call: Call, invite: Invite
    ) -> None:
        spoilt = sandbox.add_conference(title="Planning fault-cut-json").conference_id
        assert call("POST", invite_path(spoilt), people("a")).body == b'{"succes'
        assert call("GET", f"/v1.0/conference/videoConferences/{spoilt}").status == 200
        assert invite().json == {"success": True}


class TestControlEndpoints:
    def test_a_fault_is_set_listed_played_and_cleared(self, call: Call, invite: Invite) -> None:
        made = call(
            "POST", "/_sandbox/faults", {"operation": "invite", "fault": "cut-json", "times": 2}, token=None
        )
        assert (made.status, made.json["fault"]) == (
            201,
            {"operation": "invite", "fault": "cut_json", "times": 2, "skip": 0},
        )
        assert invite().body == b'{"succes'
        assert len(call("GET", "/_sandbox/faults").json["faults"]) == 1  # type: ignore[arg-type]
        assert call("DELETE", "/_sandbox/faults").json == {"faults": []}
        assert invite().json == {"success": True}

    @pytest.mark.parametrize(
        "bad",
        [
            {},
            {"fault": "no such thing"},
            {"fault": "code:"},
            {"fault": 7},
            {"fault": "html", "operation": "dance"},
            {"fault": "html", "times": 0},
            {"fault": "html", "times": True},
            {"fault": "html", "times": "2"},
            {"fault": "html", "skip": -1},
            {"fault": "html", "effect": "during"},
            {"fault": "hang", "seconds": -1},
            {"fault": "hang", "seconds": 1e9},
            {"fault": "throttled", "retry_after": -1},
            {"fault": "html", "status": 99},
            {"fault": "html", "colour": "red"},
        ],
    )
    def test_settings_that_make_no_sense_are_refused_with_the_reason(self, call: Call, bad: object) -> None:
        got = call("POST", "/_sandbox/faults", bad)
        assert got.status == 400
        assert got.json["error"]
        assert call("GET", "/_sandbox/faults").json == {"faults": []}

    def test_the_log_shows_what_came_and_what_was_answered(
        self, sandbox: SandboxServer, call: Call, conference_id: str, invite: Invite
    ) -> None:
        invite()
        log = call("GET", "/_sandbox/log").json["received"]
        assert isinstance(log, list)
        (entry,) = log
        assert entry["operation"] == "invite"
        assert entry["conferenceId"] == conference_id
        assert entry["body"] == people("a-0", "b-1")
        assert (entry["status"], entry["answer"]) == (200, '{"success":true}')
        assert call("DELETE", "/_sandbox/log").json == {"received": []}
        assert sandbox.received == []

    def test_tokens_can_be_expired(self, call: Call, invite: Invite) -> None:
        assert call("POST", "/_sandbox/tokens/expire").json == {"expired": True}
        assert (invite().status, invite().code) == (401, "InvalidAuthentication")

    def test_the_secret_of_the_app_can_be_changed(self, call: Call) -> None:
        asked = {"appKey": SANDBOX_CLIENT_ID, "appSecret": "another"}
        assert call("POST", "/v1.0/oauth2/accessToken", asked).code == "invalidClientIdOrSecret"
        assert call("POST", "/_sandbox/secret", {"clientSecret": ""}).status == 400
        assert call("POST", "/_sandbox/secret", {"clientSecret": "another"}).status == 200
        assert call("POST", "/v1.0/oauth2/accessToken", asked).status == 200

    def test_a_conference_can_be_made_without_a_token(self, call: Call) -> None:
        body = {"title": "Made here", "conferenceId": "abc"}
        assert call("POST", "/_sandbox/conferences", body, token=None).status == 201
        assert call("POST", "/_sandbox/conferences", body, token=None).status == 409
        assert call("POST", "/_sandbox/conferences", {"title": 1}, token=None).status == 400
        assert call("POST", invite_path("abc"), people("a")).json == {"success": True}

    def test_the_page_names_every_fault_and_every_conference(
        self, sandbox: SandboxServer, call: Call
    ) -> None:
        sandbox.add_conference(title="<b>bold</b>")
        page = call("GET", "/_sandbox/").body.decode()
        assert all(f"<code>{name}</code>" in page for name in SPOILERS)
        assert "5a9db0c000000000000000a1" in page
        assert "&lt;b&gt;bold" in page

    @pytest.mark.parametrize(("method", "path"), [("GET", "/_sandbox/nothing"), ("PUT", "/_sandbox/faults")])
    def test_other_endpoints_do_not_exist(self, call: Call, method: str, path: str) -> None:
        assert call(method, path).status == 404

    def test_control_requests_are_not_requests_to_the_api(self, sandbox: SandboxServer, call: Call) -> None:
        call("GET", "/_sandbox/log")
        assert sandbox.received == []


class TestStartOptions:
    def test_a_fault_can_be_written_in_a_line(self) -> None:
        assert Fault.from_text("invite:hang,seconds=2.5,times=always,effect=before") == Fault(
            fault="hang", operation="invite", seconds=2.5, times=None, effect="before"
        )
        assert Fault.from_text("token:code:systemError") == Fault(fault="code:systemError", operation="token")

    @pytest.mark.parametrize(
        "text", ["", "html", "invite:", "dance:html", "invite:html,times=x", "invite:html,x=1"]
    )
    def test_a_line_that_is_none_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"\w"):
            Fault.from_text(text)

    def test_faults_wait_from_the_start(self) -> None:
        with SandboxServer(faults=[Fault(fault="throttled", operation="any")]) as server:
            connection = HTTPConnection(server.host, server.port, timeout=5)
            headers = {"x-acs-dingtalk-access-token": SANDBOX_FIXED_TOKEN}
            connection.request("GET", "/v1.0/conference/orgConferences", headers=headers)
            assert connection.getresponse().status == 429
            connection.close()

    @pytest.mark.parametrize("token", [SANDBOX_FIXED_TOKEN, "stale"])
    def test_latency_slows_every_answer(self, token: str) -> None:
        with SandboxServer(latency_ms=200) as server:
            began = time.monotonic()
            call_at(server, "GET", "/v1.0/conference/orgConferences", token=token)
            assert time.monotonic() - began >= 0.2

    def test_calls_above_the_rate_are_refused_and_the_next_second_is_free(self, clock: FakeClock) -> None:
        with SandboxServer(rate=3, clock=clock, demo=False) as server:
            conference = server.add_conference().conference_id
            statuses = [invite_status(server, conference) for _ in range(5)]
            assert statuses == [(200, None), (200, None), (200, None), (403, QPS), (403, QPS)]
            clock.forward(1)
            assert invite_status(server, conference) == (200, None)

    def test_a_batch_above_the_limit_is_refused_as_a_whole(self) -> None:
        with SandboxServer(batch_limit=2) as server:
            conference = server.add_conference().conference_id
            assert invite_status(server, conference, "a", "b") == (200, None)
            assert invite_status(server, conference, "c", "d", "e") == (400, "paramsError")
            assert len(server.members(conference)) == 2


def invite_status(server: SandboxServer, conference_id: str, *union_ids: str) -> tuple[int, object]:
    connection = HTTPConnection(server.host, server.port, timeout=5)
    headers = {"x-acs-dingtalk-access-token": SANDBOX_FIXED_TOKEN}
    connection.request(
        "POST", invite_path(conference_id), json.dumps(people(*(union_ids or ("a",)))), headers
    )
    response = connection.getresponse()
    code = json.loads(response.read()).get("code")
    connection.close()
    return response.status, code
