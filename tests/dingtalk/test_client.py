"""The client's operations: what they return, when they repeat, and what they never do."""

import json
import logging
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from invites.dingtalk import (
    AttendStatus,
    ConferenceInfo,
    ConferenceOver,
    ConferenceStatus,
    CreatedConference,
    DingTalkClient,
    FixedToken,
    InternalApp,
    MemoryTokenStore,
    NotSent,
    OutcomeUnknown,
    PhoneInvitee,
    Refused,
    StaleToken,
    Timeouts,
    UnreadableAnswer,
)
from tests.dingtalk.calling import TOKEN, client_answering, invite

APP = InternalApp(client_id="key", client_secret="secret-of-app")
INFO = {
    "activeNum": 3,
    "attendNum": 5,
    "invitedNum": 9,
    "bizType": "VIDEO",
    "conferenceId": "6001",
    "confDuration": 1000,
    "creatorId": "creator",
    "creatorNick": "Creator",
    "externalLinkUrl": "https://join.invalid/1",
    "roomCode": "123456789",
    "scheduleConferenceId": "s1",
    "startTime": 1_700_000_000_000,
    "endTime": 0,
    "status": 2,
    "title": "周会",
}


class DingTalk:
    """Gives out numbered tokens and calls the first `stale` of them stale. Counts what it is asked."""

    def __init__(self, *, stale: int = 0, answer: dict[str, Any] | None = None) -> None:
        self.stale = stale
        self.answer = answer or {"success": True}
        self.tokens = 0
        self.seen: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1.0/oauth2/accessToken":
            self.tokens += 1
            return httpx.Response(200, json={"accessToken": f"token-{self.tokens}", "expireIn": 7200})
        self.seen.append(request)
        token = request.headers["x-acs-dingtalk-access-token"]
        if int(token.removeprefix("token-")) <= self.stale:
            return httpx.Response(401, json={"code": "InvalidAuthentication", "message": "expired"})
        return httpx.Response(200, json=self.answer)

    @property
    def used_tokens(self) -> list[str]:
        return [request.headers["x-acs-dingtalk-access-token"] for request in self.seen]


class TestRequests:
    def sent(self, **options: Any) -> httpx.Request:
        requests: list[httpx.Request] = []

        def keep(request: httpx.Request) -> httpx.Response:
            requests.append(request)
            return httpx.Response(200, json={"success": True}, headers={"set-cookie": "a=b"})

        with client_answering(keep, **options) as client:
            invite(client)
            invite(client)
        assert len(requests) == 2
        return requests[-1]

    def test_headers_are_those_of_the_contract(self) -> None:
        headers = self.sent(user_agent="our-product/1").headers

        assert headers["x-acs-dingtalk-access-token"] == TOKEN
        assert headers["content-type"] == "application/json; charset=utf-8"
        assert headers["accept"] == "application/json"
        assert headers["user-agent"] == "our-product/1"
        assert "authorization" not in headers

    def test_cookies_of_an_answer_are_not_sent_back(self) -> None:
        assert "cookie" not in self.sent().headers

    def test_numbers_are_written_for_the_default_country(self) -> None:
        requests: list[httpx.Request] = []

        def keep(request: httpx.Request) -> httpx.Response:
            requests.append(request)
            return httpx.Response(200, json={"success": True})

        with client_answering(keep, default_country="DE") as client:
            invite(
                client, invitees=[], phone_invitees=[PhoneInvitee(phone_number="+4915112345678", nick="N")]
            )

        assert json.loads(requests[0].content)["phoneInviteeList"] == [
            {"phoneNumber": "15112345678", "nick": "N"}
        ]

    def test_base_url_may_have_a_path(self) -> None:
        seen: list[str] = []

        def keep(request: httpx.Request) -> httpx.Response:
            seen.append(str(request.url))
            return httpx.Response(200, json={"success": True})

        with DingTalkClient(
            base_url="https://gateway.invalid/dingtalk/",
            tokens=FixedToken(TOKEN),
            transport=httpx.MockTransport(keep),
        ) as client:
            invite(client)

        assert seen == ["https://gateway.invalid/dingtalk/v1.0/conference/videoConferences/6001/users/invite"]

    @pytest.mark.parametrize(
        "base_url",
        [
            "",
            "api.dingtalk.io",
            "ftp://host",
            "https://",
            "https://u:p@host",
            "https://host?x=1",
            "https://h:x",
        ],
    )
    def test_base_url_that_is_none_is_refused(self, base_url: str) -> None:
        with pytest.raises(ValueError, match="the address of DingTalk"):
            DingTalkClient(base_url=base_url, tokens=FixedToken(TOKEN))

    def test_country_that_is_none_is_refused(self) -> None:
        with pytest.raises(ValueError, match="is not a country"):
            DingTalkClient(tokens=FixedToken(TOKEN), default_country="ZZ")

    def test_time_outs_are_positive(self) -> None:
        with pytest.raises(ValueError, match="positive"):
            Timeouts(total=0)

    def test_invitation_that_is_wrong_by_construction_sends_nothing(self) -> None:
        dingtalk = DingTalk()
        with client_answering(dingtalk, tokens=APP) as client, pytest.raises(ValueError, match="nobody"):
            invite(client, invitees=[])

        assert (dingtalk.tokens, dingtalk.seen) == (0, [])


class TestStaleToken:
    def test_invitation_is_not_repeated_by_itself_but_the_next_gets_a_fresh_token(self) -> None:
        dingtalk = DingTalk(stale=1)
        with client_answering(dingtalk, tokens=APP) as client:
            with pytest.raises(StaleToken) as caught:
                invite(client)
            assert dingtalk.used_tokens == ["token-1"]
            assert (caught.value.refreshable, caught.value.worth_retrying) == (True, True)

            invite(client)

        assert dingtalk.used_tokens == ["token-1", "token-2"]

    def test_other_operations_refresh_once_and_repeat_once(self) -> None:
        dingtalk = DingTalk(stale=1, answer={"confInfo": INFO})
        with client_answering(dingtalk, tokens=APP) as client:
            info = client.query_conference_info(conference_id="6001")

        assert info.conference_id == "6001"
        assert dingtalk.used_tokens == ["token-1", "token-2"]

    def test_other_operations_give_up_after_the_second(self) -> None:
        dingtalk = DingTalk(stale=99)
        with client_answering(dingtalk, tokens=APP) as client, pytest.raises(StaleToken):
            client.query_conference_info(conference_id="6001")

        assert dingtalk.used_tokens == ["token-1", "token-2"]

    def test_fixed_token_is_not_tried_twice(self) -> None:
        asked: list[str] = []

        def refuse(request: httpx.Request) -> httpx.Response:
            asked.append(request.method)
            return httpx.Response(401)

        with client_answering(refuse) as client, pytest.raises(StaleToken):
            client.query_conference_info(conference_id="6001")

        assert (asked, client.refreshable) == (["GET"], False)

    def test_token_is_fetched_once_for_many_calls(self) -> None:
        dingtalk = DingTalk()
        with client_answering(dingtalk, tokens=APP) as client:
            for _ in range(5):
                invite(client)

        assert dingtalk.tokens == 1

    def test_two_clients_share_a_store(self) -> None:
        dingtalk, store = DingTalk(), MemoryTokenStore()
        for _ in range(2):
            with client_answering(dingtalk, tokens=APP, token_store=store) as client:
                invite(client)

        assert dingtalk.tokens == 1


class TestTellingOfCalls:
    def test_every_request_is_told_before_it_leaves(self) -> None:
        told: list[str] = []
        dingtalk = DingTalk(stale=1, answer={"unionId": "u", "nick": "N"})

        def answer(request: httpx.Request) -> httpx.Response:
            assert len(told) == dingtalk.tokens + len(dingtalk.seen) + 1
            return dingtalk(request)

        with client_answering(answer, tokens=APP, on_call=told.append) as client:
            assert client.get_user(union_id="u").nick == "N"

        assert told == ["GetAccessToken", "GetUser", "GetAccessToken", "GetUser"]

    def test_call_that_never_leaves_is_not_told(self) -> None:
        told: list[str] = []
        with client_answering(DingTalk(), tokens=APP, on_call=told.append) as client:
            with pytest.raises(NotSent):
                invite(client, deadline=time.monotonic() - 1)
            with pytest.raises(ValueError, match="nobody"):
                invite(client, invitees=())

        assert told == []


class TestOnlyOneRequest:
    @pytest.mark.parametrize(
        "answer",
        [
            httpx.Response(200, json={"success": False}),
            httpx.Response(401),
            httpx.Response(429),
            httpx.Response(500, json={"code": "systemError"}),
            httpx.Response(502),
            httpx.Response(307, headers={"location": "/elsewhere"}),
            httpx.ReadTimeout("late"),
            httpx.ConnectError("refused"),
            httpx.RemoteProtocolError("closed"),
        ],
        ids=str,
    )
    def test_invitation_is_sent_once_whatever_comes_back(self, answer: Any) -> None:
        sent: list[str] = []

        def count(request: httpx.Request) -> httpx.Response:
            sent.append(str(request.url.path))
            if isinstance(answer, Exception):
                raise answer
            assert isinstance(answer, httpx.Response)
            return answer

        with client_answering(count) as client, pytest.raises((Refused, OutcomeUnknown, NotSent)):
            invite(client)

        assert len(sent) == 1

    @pytest.mark.parametrize(
        ("failure", "kind", "code"),
        [
            (httpx.ConnectError("no route"), NotSent, "notConnected"),
            (httpx.ConnectTimeout("late"), NotSent, "connectTimeout"),
            (httpx.PoolTimeout("busy"), NotSent, "noFreeConnection"),
            (httpx.ReadTimeout("late"), OutcomeUnknown, "readTimeout"),
            (httpx.WriteTimeout("late"), OutcomeUnknown, "readTimeout"),
            (httpx.ReadError("reset"), OutcomeUnknown, "connectionLost"),
            (httpx.WriteError("reset"), OutcomeUnknown, "connectionLost"),
            (httpx.CloseError("reset"), OutcomeUnknown, "connectionLost"),
            (httpx.RemoteProtocolError("cut"), OutcomeUnknown, "connectionLost"),
            (httpx.LocalProtocolError("odd"), OutcomeUnknown, "connectionLost"),
            (httpx.ProxyError("odd"), OutcomeUnknown, "connectionLost"),
            (httpx.DecodingError("odd"), UnreadableAnswer, "unreadableAnswer"),
            (httpx.RequestError("anything else"), OutcomeUnknown, "connectionLost"),
        ],
        ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
    )
    def test_failure_without_an_answer_has_its_class(
        self, failure: httpx.RequestError, kind: type[Exception], code: str
    ) -> None:
        def fail(_: httpx.Request) -> httpx.Response:
            raise failure

        with client_answering(fail) as client, pytest.raises((NotSent, OutcomeUnknown)) as caught:
            invite(client)

        assert (type(caught.value), caught.value.code) == (kind, code)
        assert caught.value.http_status is None

    def test_passed_deadline_sends_nothing(self) -> None:
        dingtalk = DingTalk()
        client = client_answering(dingtalk, tokens=FixedToken("token-1"))
        with client, pytest.raises(NotSent) as caught:
            invite(client, deadline=time.monotonic() - 1)

        assert (caught.value.code, dingtalk.seen) == ("noTimeLeft", [])

    def test_invitation_is_not_sent_when_the_token_used_up_its_time(self) -> None:
        sent: list[str] = []

        def slow(request: httpx.Request) -> httpx.Response:
            sent.append(request.url.path)
            time.sleep(0.28)
            return httpx.Response(200, json={"accessToken": "t", "expireIn": 7200})

        client = client_answering(slow, tokens=APP, timeouts=Timeouts(total=0.3))
        with client, pytest.raises(NotSent):
            invite(client)

        assert sent == ["/v1.0/oauth2/accessToken"]


class TestAnswers:
    def ask(self, answer: dict[str, Any]) -> DingTalkClient:
        return client_answering(httpx.Response(200, json=answer))

    def test_created_conference_is_read(self) -> None:
        answer = {
            "conferenceId": "6001",
            "conferencePassword": "1234",
            "hostPassword": "5678",
            "externalLinkUrl": "https://join.invalid/1",
            "phoneNumbers": ["+86 10 0000 0000"],
            "roomCode": "123456789",
        }
        with self.ask(answer) as client:
            created = client.create_conference(user_id="creator", conf_title="T")

        assert created == CreatedConference(
            conference_id="6001",
            conference_password="1234",
            host_password="5678",
            external_link_url="https://join.invalid/1",
            phone_numbers=("+86 10 0000 0000",),
            room_code="123456789",
        )
        assert "1234" not in repr(created).replace("123456789", "")
        assert "5678" not in repr(created).replace("123456789", "")

    def test_created_conference_needs_only_its_id(self) -> None:
        with self.ask({"conferenceId": "6001", "phoneNumbers": None}) as client:
            created = client.create_conference(user_id="creator", conf_title="T")

        assert created == CreatedConference(conference_id="6001")

    def test_conference_is_read(self) -> None:
        with self.ask({"confInfo": INFO}) as client:
            info = client.query_conference_info(conference_id="6001")

        assert info == ConferenceInfo(
            conference_id="6001",
            title="周会",
            room_code="123456789",
            status=ConferenceStatus.STARTED,
            creator_id="creator",
            creator_nick="Creator",
            start_time=datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
            end_time=None,
            active_num=3,
            attend_num=5,
            invited_num=9,
            external_link_url="https://join.invalid/1",
            biz_type="VIDEO",
            schedule_conference_id="s1",
        )

    def test_conference_without_facts_has_the_id_that_was_asked_for(self) -> None:
        with self.ask({"confInfo": {}}) as client:
            assert client.query_conference_info(conference_id="6001") == ConferenceInfo(conference_id="6001")

    def test_state_of_a_new_number_reads_as_unknown(self) -> None:
        with self.ask({"confInfo": INFO | {"status": 77}}) as client:
            assert client.query_conference_info(conference_id="6001").status is ConferenceStatus.UNKNOWN

    def test_members_are_read(self) -> None:
        member = {
            "attendStatus": 3,
            "coHost": True,
            "host": False,
            "outerOrgMember": True,
            "pstnJoin": True,
            "conferenceId": "6001",
            "unionId": "u1",
            "userNick": "One",
            "joinTime": 1_700_000_000_123,
            "leaveTime": 0,
        }
        old_style = {"userId": "u2", "attendStatus": 99}
        with self.ask({"memberModels": [member, old_style], "nextToken": "n", "totalCount": 7}) as client:
            page = client.query_conference_members(conference_id="6001")

        first, second = page.members
        assert (page.next_token, page.total_count) == ("n", 7)
        assert (first.union_id, first.user_nick, first.attend_status) == ("u1", "One", AttendStatus.JOINED)
        assert (first.pstn_join, first.host, first.co_host, first.outer_org_member) == (
            True,
            False,
            True,
            True,
        )
        assert first.join_time == datetime(2023, 11, 14, 22, 13, 20, 123000, tzinfo=UTC)
        assert first.leave_time is None
        assert (second.union_id, second.attend_status) == ("u2", AttendStatus.UNKNOWN)

    @pytest.mark.parametrize("token", ["", "0", 0, None])
    def test_last_page_of_members_leads_nowhere(self, token: Any) -> None:
        with self.ask({"memberModels": [], "nextToken": token}) as client:
            assert client.query_conference_members(conference_id="6001").next_token is None

    def test_absent_list_beside_other_fields_is_empty(self) -> None:
        with self.ask({"totalCount": 0}) as client:
            assert client.query_conference_members(conference_id="6001").members == ()
            assert client.query_conference_info_by_room_code(room_code="123") == []
        with self.ask({"memberModelMap": {}}) as client:
            assert client.query_user_ongoing_conferences(union_id="u") == []

    def test_running_conferences_are_read(self) -> None:
        with self.ask({"onGoingConfIdList": ["6001", "6002"], "memberModelMap": {}}) as client:
            assert client.query_user_ongoing_conferences(union_id="u") == ["6001", "6002"]

    def test_conferences_of_a_meeting_number_are_read(self) -> None:
        with self.ask({"conferenceList": [INFO], "hasMore": False, "totalCount": 1}) as client:
            (found,) = client.query_conference_info_by_room_code(room_code="123456789")

        assert (found.conference_id, found.status) == ("6001", ConferenceStatus.STARTED)

    @pytest.mark.parametrize("answer", [{"code": 0, "cause": "ok"}, {"code": 200}, {"success": True}])
    def test_closing_is_told_by_a_code_of_no_failure(self, answer: dict[str, Any]) -> None:
        with self.ask(answer) as client:
            assert client.close_conference(conference_id="6001", union_id="u").http_status == 200

    def test_closing_may_be_refused_under_200(self) -> None:
        with self.ask({"code": 1001, "cause": "no host"}) as client, pytest.raises(Refused) as caught:
            client.close_conference(conference_id="6001", union_id="u")

        assert (caught.value.code, caught.value.message) == ("1001", "no host")

    def test_conference_that_is_over_is_told(self) -> None:
        answer = httpx.Response(500, json={"code": "conference.not.found"})
        with client_answering(answer) as client, pytest.raises(ConferenceOver):
            client.query_conference_info(conference_id="6001")

    @pytest.mark.parametrize(
        ("operation", "arguments", "answer"),
        [
            ("create_conference", {"user_id": "u", "conf_title": "T"}, {}),
            ("create_conference", {"user_id": "u", "conf_title": "T"}, {"conferenceId": ["x"]}),
            ("create_conference", {"user_id": "u", "conf_title": "T"}, {"conferenceId": True}),
            (
                "create_conference",
                {"user_id": "u", "conf_title": "T"},
                {"conferenceId": "1", "phoneNumbers": [1]},
            ),
            ("close_conference", {"conference_id": "6001", "union_id": "u"}, {}),
            ("query_conference_info", {"conference_id": "6001"}, {}),
            ("query_conference_info", {"conference_id": "6001"}, {"confInfo": "text"}),
            ("query_conference_info", {"conference_id": "6001"}, {"confInfo": {"status": "2"}}),
            ("query_conference_info", {"conference_id": "6001"}, {"confInfo": {"status": True}}),
            ("query_conference_info", {"conference_id": "6001"}, {"confInfo": {"startTime": 10**30}}),
            ("query_conference_info", {"conference_id": "6001"}, {"confInfo": {"title": {}}}),
            ("query_conference_members", {"conference_id": "6001"}, {}),
            ("query_conference_members", {"conference_id": "6001"}, {"memberModels": {}}),
            ("query_conference_members", {"conference_id": "6001"}, {"memberModels": ["text"]}),
            ("query_conference_members", {"conference_id": "6001"}, {"memberModels": [{"host": "yes"}]}),
            ("query_user_ongoing_conferences", {"union_id": "u"}, {}),
            ("query_user_ongoing_conferences", {"union_id": "u"}, {"onGoingConfIdList": [1]}),
            ("query_conference_info_by_room_code", {"room_code": "1"}, {"conferenceList": [{}]}),
            ("get_user", {"union_id": "u"}, {}),
            ("get_user", {"union_id": "u"}, {"nick": "N"}),
        ],
    )
    def test_answer_of_another_shape_is_unreadable(
        self, operation: str, arguments: dict[str, Any], answer: dict[str, Any]
    ) -> None:
        with self.ask(answer) as client, pytest.raises(UnreadableAnswer) as caught:
            getattr(client, operation)(**arguments)

        assert (caught.value.code, caught.value.__context__) == ("unreadableAnswer", None)


class TestSecrecy:
    def test_logs_hold_neither_tokens_nor_secrets_nor_people(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        dingtalk = DingTalk(stale=1)
        with client_answering(dingtalk, tokens=APP) as client:
            with pytest.raises(StaleToken):
                invite(client)
            invite(client, phone_invitees=[PhoneInvitee(phone_number="+8613800000000", nick="N")])

        assert "InviteUsers: 401 InvalidAuthentication" in caplog.text
        for secret in ("token-1", "token-2", "secret-of-app", "13800000000", "union-1"):
            assert secret not in caplog.text

    def test_credentials_are_not_printed(self) -> None:
        assert "secret-of-app" not in repr(APP)
        assert "secret-of-app" not in repr(APP.request())
        assert TOKEN not in repr(FixedToken(TOKEN).get(deadline=0))


class TestPackage:
    def test_library_works_without_django(self) -> None:
        program = "import sys, invites.dingtalk; sys.exit('django' in sys.modules)"

        assert subprocess.run([sys.executable, "-W", "error", "-c", program], check=False).returncode == 0
