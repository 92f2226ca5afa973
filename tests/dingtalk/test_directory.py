"""The directory's operations: over real HTTP against the sandbox, and what becomes of answers of another shape."""

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from invites.dingtalk import (
    AddressShutOut,
    Broken,
    DingTalkClient,
    DingTalkError,
    FixedToken,
    InternalApp,
    NotAuthorised,
    NotSent,
    OutcomeUnknown,
    Refused,
    StaleToken,
    Throttled,
    Timeouts,
    UnreadableAnswer,
)
from invites.dingtalk.calls import is_exempt
from invites.dingtalk.directory_calls import old_base_url
from invites.dingtalk.sandbox import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, SandboxServer
from invites.dingtalk.sandbox.routes import Operation
from tests.dingtalk.calling import TOKEN, client_answering

INTERNAL = InternalApp(client_id=SANDBOX_CLIENT_ID, client_secret=SANDBOX_CLIENT_SECRET)
PERMISSION = "Forbidden.AccessDenied.AccessTokenPermissionDenied"

# Each operation, and how it is asked for.
ASKING: dict[Operation, Callable[[DingTalkClient], object]] = {
    Operation.CONTACT_SEARCH: lambda client: client.directory.search_users(query_word="三"),
    Operation.CONTACT_BATCH: lambda client: client.directory.batch_get_users(user_ids=["staff-person-01"]),
    Operation.DEPARTMENT_SEARCH: lambda client: client.directory.search_departments(query_word="Sales"),
    Operation.USER_GROUPS: lambda client: client.directory.list_user_groups(),
    Operation.USER_GROUP_MEMBERS: lambda client: client.directory.list_user_group_members(
        group_code="sandbox-group-1"
    ),
    Operation.DEPARTMENTS_BELOW: lambda client: client.directory.list_departments(),
    Operation.DEPARTMENT_GET: lambda client: client.directory.get_department(department_id=20),
    Operation.DEPARTMENT_PEOPLE: lambda client: client.directory.list_people(department_id=20),
}
OLD = {Operation.DEPARTMENTS_BELOW, Operation.DEPARTMENT_GET, Operation.DEPARTMENT_PEOPLE}
each_operation = pytest.mark.parametrize("operation", ASKING)


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer() as server:
        yield server


@pytest.fixture
def client(sandbox: SandboxServer) -> Iterator[DingTalkClient]:
    with DingTalkClient(base_url=sandbox.base_url, tokens=INTERNAL, timeouts=Timeouts(read=0.5)) as client:
        yield client


class TestReading:
    def test_people_are_found_by_a_part_of_their_name(self, client: DingTalkClient) -> None:
        found = client.directory.search_users(query_word="sample")
        assert found.ids == ("staff-person-21",)
        assert not found.has_more

    def test_a_search_goes_on_where_it_was(self, client: DingTalkClient) -> None:
        first = client.directory.search_users(query_word="a", size=2)
        second = client.directory.search_users(query_word="a", offset=2, size=2)
        assert first.has_more
        assert len({*first.ids, *second.ids}) == 4

    def test_people_have_their_union_id_and_their_number_in_e164(self, client: DingTalkClient) -> None:
        found = client.directory.batch_get_users(
            user_ids=["staff-person-01", "staff-person-33", "staff-person-25", "staff-nobody"]
        )
        assert [(each.union_id, each.name, each.phone_number) for each in found.people] == [
            ("sandbox-person-01", "张三", "+861000000001"),
            ("sandbox-person-25", "Zoë Muster", ""),
            ("sandbox-person-33", "Jo Drama", "+442079460033"),
        ]
        assert found.unauthorised == ("staff-nobody",)

    def test_the_tree_is_read_level_by_level(self, client: DingTalkClient) -> None:
        company = client.directory.get_department(department_id=1)
        below = client.directory.list_departments()
        engineering = next(each for each in below if each.name.startswith("Engineering"))
        assert company.parent_id is None
        assert len(below) == 5
        assert [
            (each.name, each.parent_id)
            for each in client.directory.list_departments(department_id=engineering.department_id)
        ] == [("Platform 平台", 20), ("Apps 应用", 20)]
        assert client.directory.list_departments(department_id=21) == ()

    def test_the_people_of_a_department_come_page_by_page(self, client: DingTalkClient) -> None:
        pages = [client.directory.list_people(department_id=50, size=3)]
        while pages[-1].next_cursor is not None:
            pages.append(client.directory.list_people(department_id=50, cursor=pages[-1].next_cursor, size=3))
        assert [len(page.people) for page in pages] == [3, 3, 2]
        assert pages[0].people[0].union_id == "sandbox-person-33"

    def test_user_groups_and_their_members_come_page_by_page(self, client: DingTalkClient) -> None:
        groups = client.directory.list_user_groups(size=1)
        assert groups.next_offset == 1
        assert client.directory.list_user_groups(offset=1, size=1).next_offset is None
        members = client.directory.list_user_group_members(group_code=groups.groups[0].group_code, size=3)
        assert len(members.user_ids) == 3
        assert members.next_offset == 3

    def test_departments_are_found_by_a_part_of_their_name(self, client: DingTalkClient) -> None:
        assert client.directory.search_departments(query_word="sales").ids == ("30", "31")

    def test_what_changes_in_the_directory_is_seen(
        self, sandbox: SandboxServer, client: DingTalkClient
    ) -> None:
        sandbox.company.remove("staff-person-21")
        sandbox.company.add(name="Nova Sample", department_id=21, user_id="staff-new", phone_number=None)
        sandbox.company.rename("staff-person-01", "张三丰")
        assert client.directory.search_users(query_word="sample").ids == ("staff-new",)
        assert client.directory.search_users(query_word="三丰").ids == ("staff-person-01",)

    def test_a_department_that_is_not_there_is_refused(self, client: DingTalkClient) -> None:
        with pytest.raises(Refused) as refusal:
            client.directory.get_department(department_id=999)
        assert refusal.value.code == "60003"

    @each_operation
    def test_nothing_of_it_is_taken_from_the_quota(
        self, sandbox: SandboxServer, operation: Operation
    ) -> None:
        asked: list[str] = []
        with DingTalkClient(base_url=sandbox.base_url, tokens=INTERNAL, on_call=asked.append) as client:
            ASKING[operation](client)
        assert asked[0] == "GetAccessToken"
        assert len(asked) == 2
        assert all(map(is_exempt, asked))

    @each_operation
    def test_a_stale_token_is_replaced_once(
        self, sandbox: SandboxServer, client: DingTalkClient, operation: Operation
    ) -> None:
        ASKING[operation](client)
        sandbox.expire_tokens()
        ASKING[operation](client)


class TestFaults:
    @each_operation
    @pytest.mark.parametrize(
        ("fault", "kind"),
        [
            ("throttled", Throttled),
            ("throttled_per_minute", Throttled),
            (f"code:{PERMISSION}", NotAuthorised),
            ("code:systemError", Broken),
            ("shut_out_html", AddressShutOut),
            ("shut_out_json", AddressShutOut),
            ("no_code", Refused),
            ("success_false", Refused),
            ("html", UnreadableAnswer),
            ("html_502", OutcomeUnknown),
            ("cut_json", UnreadableAnswer),
            ("empty_object", UnreadableAnswer),
            ("empty_body", UnreadableAnswer),
            ("json_array", UnreadableAnswer),
            ("json_null", UnreadableAnswer),
            ("no_content", OutcomeUnknown),
            ("redirect", OutcomeUnknown),
            ("hang", OutcomeUnknown),
            ("drop", OutcomeUnknown),
            ("reset", OutcomeUnknown),
            ("drop_mid_body", OutcomeUnknown),
            ("not_http", OutcomeUnknown),
        ],
    )
    def test_every_fault_is_one_of_the_client_s_errors(
        self,
        sandbox: SandboxServer,
        client: DingTalkClient,
        operation: Operation,
        fault: str,
        kind: type[DingTalkError],
    ) -> None:
        sandbox.add_fault(fault, operation=operation, **({"seconds": 1} if fault == "hang" else {}))
        with pytest.raises(kind):
            ASKING[operation](client)

    @pytest.mark.parametrize("operation", OLD)
    def test_an_error_of_the_older_interface_has_a_number(
        self, sandbox: SandboxServer, client: DingTalkClient, operation: Operation
    ) -> None:
        sandbox.add_fault(f"code:{PERMISSION}", operation=operation)
        with pytest.raises(NotAuthorised) as refusal:
            ASKING[operation](client)
        assert (refusal.value.code, refusal.value.http_status) == ("60011", 200)

    @each_operation
    def test_nobody_listens(self, sandbox: SandboxServer, operation: Operation) -> None:
        with DingTalkClient(base_url=sandbox.base_url, tokens=FixedToken(TOKEN)) as client:
            sandbox.stop()
            with pytest.raises(NotSent):
                ASKING[operation](client)

    @each_operation
    def test_a_fixed_token_that_is_unknown_is_refused(
        self, sandbox: SandboxServer, operation: Operation
    ) -> None:
        with (
            DingTalkClient(base_url=sandbox.base_url, tokens=FixedToken(TOKEN)) as client,
            pytest.raises(StaleToken),
        ):
            ASKING[operation](client)


class TestOtherShapes:
    @each_operation
    @pytest.mark.parametrize(
        "payload",
        [
            {},
            {"result": None},
            {"result": []},
            {"result": {"list": "x", "has_more": False}},
            {"result": {"list": [{"name": "no id"}], "groups": [{}], "members": [{}], "hasMore": False}},
            {"result": {"has_more": True, "hasMore": True, "list": [], "groups": [], "members": []}},
            {"list": [True], "hasMore": False, "userList": [{"userid": 1.5}]},
            {"list": [None], "hasMore": "no", "userList": [[]], "result": [{"dept_id": "x"}]},
        ],
        ids=str,
    )
    def test_an_unknown_shape_is_no_answer(self, operation: Operation, payload: dict[str, Any]) -> None:
        empty = operation is Operation.DEPARTMENTS_BELOW and payload.get("result") == []
        if empty:
            return
        with (
            client_answering(httpx.Response(200, content=json.dumps(payload))) as client,
            pytest.raises(UnreadableAnswer),
        ):
            ASKING[operation](client)

    @pytest.mark.parametrize(
        ("fields", "phone_number"),
        [
            ({"mobile": "13800138000", "state_code": "86"}, "+8613800138000"),
            ({"mobile": "13800138000", "state_code": "+86"}, "+8613800138000"),
            ({"mobile": "13800138000"}, "+8613800138000"),
            ({"mobile": "+44-2079460033", "state_code": "44"}, "+442079460033"),
            ({"mobile": "12", "state_code": "86"}, ""),
            ({"mobile": "", "state_code": "86"}, ""),
            ({}, ""),
        ],
    )
    def test_numbers_are_in_e164_or_left_out(self, fields: dict[str, str], phone_number: str) -> None:
        payload = {"userList": [{"userid": "u", "unionid": "x", "name": "N", **fields}]}
        with client_answering(httpx.Response(200, content=json.dumps(payload))) as client:
            (person,) = client.directory.batch_get_users(user_ids=["u"]).people
        assert person.phone_number == phone_number

    def test_an_empty_search_is_not_sent(self) -> None:
        with client_answering(httpx.Response(200)) as client, pytest.raises(ValueError, match="word"):
            client.directory.search_users(query_word=" ")


class TestOldHost:
    @pytest.mark.parametrize(
        ("base_url", "old"),
        [
            ("https://api.dingtalk.com", "https://oapi.dingtalk.com"),
            ("https://api.dingtalk.io", "https://oapi.dingtalk.io"),
            ("http://127.0.0.1:8001", "http://127.0.0.1:8001"),
        ],
    )
    def test_it_belongs_to_the_host_of_the_app(self, base_url: str, old: str) -> None:
        assert old_base_url(base_url) == old

    def test_another_can_be_named(self, sandbox: SandboxServer) -> None:
        with DingTalkClient(
            base_url="https://dingtalk.invalid",
            old_base_url=sandbox.base_url,
            tokens=FixedToken("sandbox-fixed-token"),
        ) as client:
            assert client.directory.list_departments()


class TestSecrets:
    """The older interface wants the token in the query, and a query is what everybody logs."""

    @pytest.mark.parametrize("operation", OLD)
    @pytest.mark.parametrize(
        "fault", [None, "errcode", "html", "html_502", "drop", "reset", "not_http", "hang", "redirect"]
    )
    def test_the_token_is_in_no_log_and_in_no_exception(
        self,
        sandbox: SandboxServer,
        caplog: pytest.LogCaptureFixture,
        operation: Operation,
        fault: str | None,
    ) -> None:
        for name in ("", "httpx", "httpcore"):
            caplog.set_level(logging.DEBUG, logger=name)
        secret = "sandbox-fixed-token"
        if fault:
            sandbox.add_fault(fault, operation=operation, **({"seconds": 1} if fault == "hang" else {}))
        with DingTalkClient(
            base_url=sandbox.base_url, tokens=FixedToken(secret), timeouts=Timeouts(read=0.5)
        ) as client:
            try:
                ASKING[operation](client)
            except DingTalkError as error:
                told = [str(error), repr(error), error.body, repr(error.__dict__)]
                told += [repr(error.__cause__), repr(error.__context__)]
            else:
                assert fault is None
                told = []

        logged = [f"{record.name} {record.getMessage()} {record.args!r}" for record in caplog.records]
        assert any(line.startswith("httpcore") for line in logged)
        assert any(line.startswith("httpx ") for line in logged) or fault
        assert not [text for text in (*told, *logged) if secret in text]
        assert not [each for each in sandbox.received if secret in repr(each)]

    def test_a_token_that_comes_back_in_an_answer_is_struck_out(self) -> None:
        token = "a+b/c=d"
        texts = f"bad token {token}, a%2Bb%2Fc%3Dd"
        answer = httpx.Response(200, content=json.dumps({"errcode": 60011, "errmsg": texts}))
        with (
            client_answering(answer, tokens=FixedToken(token)) as client,
            pytest.raises(NotAuthorised) as refusal,
        ):
            client.directory.list_departments()
        assert "b/c" not in str(refusal.value) + refusal.value.body
        assert "%2Fc" not in str(refusal.value) + refusal.value.body
