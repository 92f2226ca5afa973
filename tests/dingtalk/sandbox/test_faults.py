"""Every fault that can be asked for, seen from the wire, and every way to ask for one."""

import json
import socket
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, IncompleteRead, RemoteDisconnected

import pytest

from invites.dingtalk.sandbox import SANDBOX_FIXED_TOKEN, SandboxServer
from invites.dingtalk.sandbox.answers import DOCUMENTED_CODES
from invites.dingtalk.sandbox.replies import SPOILERS
from tests.dingtalk.sandbox.driving import Call, Invite, invite_path, people

QPS = "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"
QPM = "Forbidden.AccessDenied.QpmLimitForAppkeyAndApi"
QUOTA = "Forbidden.AccessDenied.ApiCountLimitForOrg"


def rung(sandbox: SandboxServer, conference_id: str) -> int:
    return len(sandbox.members(conference_id))


# The codes that the API's pages name, with the statuses that they come under.
GATEWAY = "Forbidden.AccessDenied."
STATUSES = {
    "unknownUserError": {400},
    "paramsError": {400},
    "systemError": {500, 400},
    "confClosed": {400},
    "resourceClose": {400},
    "conference.not.found": {500},
    "InvalidAuthentication": {400, 401},
    "invalidAccessToken": {400, 401},
    "accesstoken.expired": {400, 401},
    f"{GATEWAY}AccessTokenPermissionDenied": {403, 400},
    "permissions.error": {403, 400},
    "apiPermissionDenied": {403, 400},
    f"{GATEWAY}IpNotInWhiteList": {403},
    f"{GATEWAY}QpsLimitForApi": {403, 400, 429},
    QPS: {403, 400, 429},
    QPM: {403, 400, 429},
    f"{GATEWAY}QpsLimitForSuitekeyAndOrgAndApi": {403, 400, 429},
    f"{GATEWAY}QpmLimitForSuitekeyAndOrgAndApi": {403, 400, 429},
    "qps.exceed.limit": {403, 400, 429},
    "system.busy": {403, 400, 429},
    "systemBusy": {403, 400, 429},
    QUOTA: {403},
    "orgAccessForbidden": {400},
    "paramsTitleError": {400},
    "waterLimitError": {400},
    "permissionError": {404},
    "missingRoomId": {400},
    "paramError": {400},
    "noPermission": {403},
    "roomNotFound": {404},
    "invalidClientIdOrSecret": {400},
    "invalidSuiteKey": {400},
    "invalidSuiteTicket": {400},
    "invalidAuthInfo": {400},
    "invalidParameter.corporation.invalidAuthorizationCorporationId": {400},
}


class TestDocumentedCodes:
    def test_no_documented_code_is_missing(self) -> None:
        assert set(DOCUMENTED_CODES) == {*STATUSES, "InvalidAction.NotFound"}

    @pytest.mark.parametrize("code", STATUSES)
    def test_each_code_comes_with_its_status_and_rings_nobody(
        self, sandbox: SandboxServer, conference_id: str, invite: Invite, code: str
    ) -> None:
        sandbox.add_fault(f"code:{code}")
        got = invite()
        assert got.status in STATUSES[code]
        assert got.code == code
        assert got.json["message"]
        assert got.json["requestid"] == got.headers["x-acs-request-id"] == sandbox.received[-1].request_id
        assert rung(sandbox, conference_id) == 0
        assert invite().json == {"success": True}

    def test_status_and_message_can_be_replaced(self, sandbox: SandboxServer, invite: Invite) -> None:
        sandbox.add_fault("code:systemError", status=400, message="systemError:later")
        got = invite()
        assert (got.status, got.code, got.json["message"]) == (400, "systemError", "systemError:later")

    def test_a_code_that_no_page_documents_can_be_played(
        self, sandbox: SandboxServer, invite: Invite
    ) -> None:
        sandbox.add_fault("code:somethingNew")
        assert (invite().status, sandbox.received[-1].code) == (400, "somethingNew")

    def test_a_missing_permission_names_the_scope(self, sandbox: SandboxServer, invite: Invite) -> None:
        sandbox.add_fault("code:Forbidden.AccessDenied.AccessTokenPermissionDenied")
        assert invite().json["accessdenieddetail"] == {"requiredScopes": ["VideoConference.Conference.Write"]}


# fault -> status, body, and whether people ring by default
ANSWERS = [
    ("throttled", 429, QPS, False),
    ("throttled_per_minute", 403, QPM, False),
    ("quota", 403, QUOTA, False),
    ("shut_out_html", 403, '"punish":"deny"', False),
    ("shut_out_json", 403, '{"status":1111,"punish":"deny"', False),
    ("bare_401", 401, "", False),
    ("no_code", 400, '{"message":"no"}', False),
    ("redirect", 302, "", False),
    ("success_false", 200, '{"success":false}', False),
    ("success_false_code", 200, '{"success":false,"code":"paramsError"', False),
    ("errcode", 200, '{"errcode":40014,', False),
    ("html", 200, "<html>", True),
    ("html_502", 502, "<html>", True),
    ("html_503", 503, "<html>", True),
    ("html_504", 504, "<html>", True),
    ("cut_json", 200, '{"succes', True),
    ("empty_object", 200, "{}", True),
    ("empty_body", 200, "", True),
    ("no_content", 204, "", True),
    ("wrong_type", 200, '{"success":"true"}', True),
    ("json_array", 200, "[1,2]", True),
    ("json_null", 200, "null", True),
    ("wrong_clock", 200, '{"success":true}', True),
]
UNANSWERED = ["drop", "reset", "drop_mid_body", "not_http"]
SLOW = ["hang", "latency", "drip"]


class TestAnswers:
    def test_every_fault_is_looked_at_here(self) -> None:
        assert {name for name, *_ in ANSWERS} | set(UNANSWERED) | set(SLOW) == set(SPOILERS)

    @pytest.mark.parametrize(("fault", "status", "text", "rings"), ANSWERS)
    def test_the_answer_is_the_one_described(
        self,
        sandbox: SandboxServer,
        conference_id: str,
        invite: Invite,
        fault: str,
        status: int,
        text: str,
        rings: bool,
    ) -> None:
        sandbox.add_fault(fault)
        got = invite()
        assert got.status == status
        assert text in got.body.decode() if text else got.body == b""
        assert bool(rung(sandbox, conference_id)) == rings
        assert sandbox.invitations[-1].fault == fault
        assert sandbox.invitations[-1].status == status

    @pytest.mark.parametrize("fault", [name for name, *_ in ANSWERS if name != "cut_json"])
    @pytest.mark.parametrize("effect", ["before", "after"])
    def test_whether_people_ring_can_be_chosen(
        self, sandbox: SandboxServer, conference_id: str, invite: Invite, fault: str, effect: str
    ) -> None:
        sandbox.add_fault(fault, effect=effect)
        invite()
        assert bool(rung(sandbox, conference_id)) == (effect == "after")

    def test_half_of_the_json_is_not_json(self, sandbox: SandboxServer, invite: Invite) -> None:
        sandbox.add_fault("cut_json")
        got = invite()
        with pytest.raises(ValueError, match="Unterminated"):
            json.loads(got.body)
        assert got.headers["content-length"] == str(len(got.body))

    def test_retry_after_is_sent_when_asked_for(self, sandbox: SandboxServer, invite: Invite) -> None:
        sandbox.add_fault("throttled", retry_after=7)
        sandbox.add_fault("throttled")
        assert invite().headers["retry-after"] == "7"
        assert "retry-after" not in invite().headers

    def test_a_wrong_clock_tells_one_date_that_is_so_far_ahead(
        self, sandbox: SandboxServer, invite: Invite
    ) -> None:
        sandbox.add_fault("wrong_clock", seconds=3600)
        ahead = parsedate_to_datetime(invite().headers["date"]) - datetime.now(UTC)
        assert timedelta(minutes=59) < ahead < timedelta(minutes=61)

    def test_a_redirect_leads_nowhere(self, sandbox: SandboxServer, call: Call, invite: Invite) -> None:
        sandbox.add_fault("redirect", status=307)
        got = invite()
        assert (got.status, got.headers["location"]) == (307, "/redirected")
        assert call("GET", got.headers["location"]).status == 404

    def test_a_shut_out_can_come_under_any_status(self, sandbox: SandboxServer, invite: Invite) -> None:
        sandbox.add_fault("shut_out_html", status=429)
        assert invite().status == 429


class TestConnections:
    def test_a_dropped_connection_answers_nothing_and_people_ring(
        self, sandbox: SandboxServer, conference_id: str, invite: Invite
    ) -> None:
        sandbox.add_fault("drop")
        with pytest.raises(RemoteDisconnected):
            invite()
        assert rung(sandbox, conference_id) == 2
        assert sandbox.invitations[-1].status is None

    def test_a_dropped_connection_may_have_rung_nobody(
        self, sandbox: SandboxServer, conference_id: str, invite: Invite
    ) -> None:
        sandbox.add_fault("drop", effect="before")
        with pytest.raises(RemoteDisconnected):
            invite()
        assert rung(sandbox, conference_id) == 0

    def test_a_reset_connection_is_reset(self, sandbox: SandboxServer, invite: Invite) -> None:
        sandbox.add_fault("reset")
        with pytest.raises(ConnectionResetError):
            invite()

    def test_a_body_may_stop_in_the_middle(self, sandbox: SandboxServer, invite: Invite) -> None:
        sandbox.add_fault("drop_mid_body")
        with pytest.raises(IncompleteRead) as caught:
            invite()
        assert caught.value.partial == b'{"succes'

    def test_an_answer_may_be_something_else_than_http(
        self, sandbox: SandboxServer, conference_id: str
    ) -> None:
        sandbox.add_fault("not_http")
        body = json.dumps(people("a")).encode()
        head = (
            f"POST {invite_path(conference_id)} HTTP/1.1\r\nhost: x\r\nContent-Length: {len(body)}\r\n"
            f"x-acs-dingtalk-access-token: {SANDBOX_FIXED_TOKEN}\r\n\r\n"
        )
        with socket.create_connection((sandbox.host, sandbox.port), timeout=5) as connection:
            connection.sendall(head.encode() + body)
            received = connection.makefile("rb").read()
        assert received
        assert not received.startswith(b"HTTP/")

    @pytest.mark.parametrize("fault", ["hang", "latency"])
    def test_a_held_back_answer_comes_late_and_whole(
        self, sandbox: SandboxServer, invite: Invite, fault: str
    ) -> None:
        sandbox.add_fault(fault, seconds=0.3)
        began = time.monotonic()
        assert invite().json == {"success": True}
        assert time.monotonic() - began >= 0.3

    def test_people_ring_while_the_answer_hangs(self, sandbox: SandboxServer, conference_id: str) -> None:
        sandbox.add_fault("hang")
        connection = HTTPConnection(sandbox.host, sandbox.port, timeout=0.3)
        headers = {"x-acs-dingtalk-access-token": SANDBOX_FIXED_TOKEN}
        connection.request("POST", invite_path(conference_id), json.dumps(people("a")), headers)
        with pytest.raises(TimeoutError):
            connection.getresponse()
        connection.close()
        assert rung(sandbox, conference_id) == 1

    def test_a_hanging_answer_does_not_keep_the_sandbox_from_stopping(self, conference_id: str) -> None:
        with SandboxServer() as other:
            conference = other.add_conference()
            other.add_fault("hang", seconds=60)
            connection = HTTPConnection(other.host, other.port, timeout=0.2)
            headers = {"x-acs-dingtalk-access-token": SANDBOX_FIXED_TOKEN}
            path = invite_path(conference.conference_id)
            connection.request("POST", path, json.dumps(people("a")), headers)
            with pytest.raises(TimeoutError):
                connection.getresponse()
            began = time.monotonic()
        connection.close()
        assert time.monotonic() - began < 2

    def test_a_dripping_answer_never_pauses_for_long_and_takes_its_time(
        self, sandbox: SandboxServer, conference_id: str
    ) -> None:
        sandbox.add_fault("drip", seconds=1.0)
        connection = HTTPConnection(sandbox.host, sandbox.port, timeout=0.5)
        headers = {"x-acs-dingtalk-access-token": SANDBOX_FIXED_TOKEN}
        began = time.monotonic()
        connection.request("POST", invite_path(conference_id), json.dumps(people("a")), headers)
        response = connection.getresponse()
        assert time.monotonic() - began < 0.5, "the head comes at once"
        assert json.loads(response.read()) == {"success": True}
        connection.close()
        assert time.monotonic() - began >= 1.0


class TestWhenAFaultIsDue:
    def test_times_counts_the_calls_that_it_hits(self, sandbox: SandboxServer, invite: Invite) -> None:
        sandbox.add_fault("throttled", times=2)
        assert [invite().status for _ in range(3)] == [429, 429, 200]

    def test_a_fault_without_an_end_stays_until_it_is_cleared(
        self, sandbox: SandboxServer, invite: Invite
    ) -> None:
        sandbox.add_fault("throttled", times=None)
        assert {invite().status for _ in range(5)} == {429}
        sandbox.clear()
        assert invite().status == 200

    def test_skip_lets_calls_pass_first(self, sandbox: SandboxServer, invite: Invite) -> None:
        sandbox.add_fault("throttled", skip=2)
        assert [invite().status for _ in range(4)] == [200, 200, 429, 200]

    def test_faults_wait_in_the_order_in_which_they_came(
        self, sandbox: SandboxServer, invite: Invite
    ) -> None:
        sandbox.add_fault("throttled")
        sandbox.add_fault("html_502")
        assert [invite().status for _ in range(3)] == [429, 502, 200]

    def test_a_fault_hits_its_operation_only(
        self, sandbox: SandboxServer, call: Call, conference_id: str, invite: Invite
    ) -> None:
        sandbox.add_fault("html_503", operation="info")
        assert invite().status == 200
        assert call("GET", f"/v1.0/conference/videoConferences/{conference_id}").status == 503

    def test_any_is_every_operation_but_the_token_ones(
        self, sandbox: SandboxServer, call: Call, invite: Invite
    ) -> None:
        sandbox.add_fault("html_503", operation="any", times=None)
        credentials = {"appKey": "sandbox-client-id", "appSecret": "sandbox-client-secret"}
        assert call("POST", "/v1.0/oauth2/accessToken", credentials, token=None).status == 200
        assert invite().status == 503
        sandbox.add_fault("throttled", operation="token")
        assert call("POST", "/v1.0/oauth2/accessToken", credentials, token=None).status == 429

    def test_a_stale_token_is_refused_before_a_fault_is_played(
        self, sandbox: SandboxServer, call: Call, conference_id: str, invite: Invite
    ) -> None:
        sandbox.add_fault("html")
        assert call("POST", invite_path(conference_id), people("a"), token="stale").status == 401
        assert invite().headers["content-type"].startswith("text/html")
