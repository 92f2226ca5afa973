"""The directory that the sandbox plays: changed from outside, asked in both styles."""

import pytest
from alibabacloud_dingtalk.contact_1_0 import models as contact
from alibabacloud_dingtalk.contact_1_0.client import Client as ContactClient
from alibabacloud_tea_openapi.models import Config

from invites.dingtalk.sandbox import SANDBOX_FIXED_TOKEN, SandboxServer
from tests.dingtalk.sandbox.driving import Call, Got
from tests.dingtalk.sandbox.vendor import RUNTIME

OLD_PATHS = ["/topapi/v2/department/listsub", "/topapi/v2/department/get", "/topapi/v2/user/list"]


def names(call: Call) -> list[str]:
    people = call("GET", "/_sandbox/directory").json["people"]
    assert isinstance(people, list)
    return [person["name"] for person in people]


def old(call: Call, path: str, body: object, *, token: str = SANDBOX_FIXED_TOKEN) -> Got:
    return call("POST", f"{path}?access_token={token}", body, token=None)


class TestChanges:
    def test_somebody_comes_changes_their_name_leaves_and_comes_back(self, call: Call) -> None:
        person = {"userId": "staff-new-1", "name": "新同事"}
        added = call("POST", "/_sandbox/directory", {"action": "add", "department": 21, **person})
        assert added.json["person"] == {
            "user_id": "staff-new-1",
            "union_id": "sandbox-new-1",
            "name": "新同事",
            "phone_number": None,
            "department_id": 21,
        }
        call("POST", "/_sandbox/directory", {"action": "rename", "userId": "staff-new-1", "name": "老同事"})
        assert "老同事" in names(call)
        call("POST", "/_sandbox/directory", {"action": "remove", "userId": "staff-new-1"})
        assert "老同事" not in names(call)
        assert call("GET", "/v1.0/contact/users/sandbox-new-1").code == "unknownUserError"
        call("POST", "/_sandbox/directory", {"action": "add", **person})
        assert call("GET", "/v1.0/contact/users/sandbox-new-1").json["nick"] == "新同事"

    @pytest.mark.parametrize(
        ("change", "status"),
        [
            ({}, 400),
            ({"action": "sing", "userId": "staff-x", "name": "X"}, 400),
            ({"action": "add", "userId": "staff-x"}, 400),
            ({"action": "add", "userId": "staff-x", "name": "X", "phoneNumber": 5}, 400),
            ({"action": "add", "userId": "staff-x", "name": "X", "department": 999}, 409),
            ({"action": "add", "userId": "staff-person-01", "name": "X"}, 409),
            ({"action": "remove", "userId": "staff-nobody"}, 409),
            ({"action": "rename", "userId": "staff-nobody", "name": "X"}, 409),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, call: Call, change: dict[str, object], status: int) -> None:
        before = names(call)
        assert call("POST", "/_sandbox/directory", change).status == status
        assert names(call) == before


class TestOldStyle:
    @pytest.mark.parametrize("path", OLD_PATHS)
    def test_the_token_belongs_into_the_query(self, call: Call, path: str) -> None:
        assert old(call, path, {"dept_id": 1, "size": 10}).json["errcode"] == 0
        for refused in (
            call("POST", path, {"dept_id": 1, "size": 10}),
            old(call, path, {"dept_id": 1, "size": 10}, token="other"),
        ):
            assert (refused.status, refused.json["errcode"]) == (200, 40014)

    def test_the_token_is_kept_nowhere(self, sandbox: SandboxServer, call: Call) -> None:
        old(call, OLD_PATHS[0], {"dept_id": 1})
        assert SANDBOX_FIXED_TOKEN not in repr(sandbox.received)
        assert SANDBOX_FIXED_TOKEN.encode() not in call("GET", "/_sandbox/log").body

    def test_an_unknown_department_has_its_number(self, call: Call) -> None:
        assert old(call, OLD_PATHS[1], {"dept_id": 999}).json["errcode"] == 60003

    def test_a_code_without_a_number_stands_beside_88(self, sandbox: SandboxServer, call: Call) -> None:
        sandbox.add_fault("code:paramsError", operation="department_people")
        answer = old(call, OLD_PATHS[2], {"dept_id": 1, "size": 10})
        assert (answer.status, answer.json["errcode"], answer.json["sub_code"]) == (200, 88, "paramsError")

    @pytest.mark.parametrize(
        "body", [{"dept_id": "x"}, {"dept_id": 1, "size": 0}, {"dept_id": 1, "size": 101}]
    )
    def test_wrong_numbers_are_refused(self, call: Call, body: dict[str, object]) -> None:
        assert old(call, OLD_PATHS[2], body).json["errcode"] == 88


class TestVendorsLibrary:
    @pytest.fixture
    def client(self, sandbox: SandboxServer) -> ContactClient:
        return ContactClient(Config(protocol="http", endpoint=f"{sandbox.host}:{sandbox.port}"))

    def test_departments_are_searched(self, client: ContactClient) -> None:
        headers = contact.SearchDepartmentHeaders(x_acs_dingtalk_access_token=SANDBOX_FIXED_TOKEN)
        request = contact.SearchDepartmentRequest(query_word="sales", offset=0, size=1)
        body = client.search_department_with_options(request, headers, RUNTIME).body
        assert (body.list, body.has_more, body.total_count) == ([30], True, 2)

    def test_user_groups_and_their_members_are_listed(self, client: ContactClient) -> None:
        headers = contact.ListUserGroupsHeaders(x_acs_dingtalk_access_token=SANDBOX_FIXED_TOKEN)
        request = contact.ListUserGroupsRequest(offset=0, size=1)
        groups = client.list_user_groups_with_options(request, headers, RUNTIME).body.result
        assert (groups.groups[0].group_code, groups.has_more, groups.next_offset) == (
            "sandbox-group-1",
            True,
            1,
        )
        headers = contact.ListUserGroupMembersHeaders(x_acs_dingtalk_access_token=SANDBOX_FIXED_TOKEN)
        request = contact.ListUserGroupMembersRequest(group_code="sandbox-group-1", offset=0, size=50)
        members = client.list_user_group_members_with_options(request, headers, RUNTIME).body.result
        assert [member.user_id for member in members.members] == [
            "staff-person-01",
            "staff-person-02",
            "staff-person-21",
            "staff-person-33",
        ]
        assert not members.has_more
