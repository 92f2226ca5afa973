"""What is sent for each operation."""

import json
from typing import Any

import pytest

from invites.dingtalk import Call, Invitee, PhoneInvitee, invite_request, phone_fields
from invites.dingtalk.calls import (
    close_request,
    create_request,
    info_request,
    is_exempt,
    members_request,
    ongoing_request,
    room_code_request,
    user_request,
)

SOMEBODY = Invitee(union_id="union-1", nick="Test user")
BY_PHONE = PhoneInvitee(phone_number="+8613800000000", nick="Test phone user")


def invitation(**changes: Any) -> Call:
    asked: dict[str, Any] = {
        "conference_id": "6001",
        "union_id": "operator",
        "invitees": [SOMEBODY],
        "phone_invitees": [BY_PHONE],
        "default_country": "CN",
    }
    return invite_request(**(asked | changes))


class TestInvitation:
    def test_bytes_are_those_of_the_reference(self) -> None:
        assert invitation().content() == (
            b'{"inviteeList":[{"unionId":"union-1","nick":"Test user"}],'
            b'"phoneInviteeList":[{"phoneNumber":"13800000000","nick":"Test phone user"}],'
            b'"unionId":"operator"}'
        )

    def test_method_and_path_are_those_of_the_reference(self) -> None:
        call = invitation()

        assert (call.method, call.target) == (
            "POST",
            "/v1.0/conference/videoConferences/6001/users/invite",
        )

    @pytest.mark.parametrize("nobody", [None, ""])
    def test_absent_operator_is_left_out(self, nobody: str | None) -> None:
        assert "unionId" not in (invitation(union_id=nobody).body or {})

    def test_empty_lists_are_left_out(self) -> None:
        assert list(invitation(phone_invitees=[]).body or {}) == ["inviteeList", "unionId"]
        assert list(invitation(invitees=[]).body or {}) == ["phoneInviteeList", "unionId"]

    def test_chinese_emoji_and_line_separators_are_not_escaped(self) -> None:
        nick = "张三 🎉\u2028مرحبا"
        content = invitation(invitees=[Invitee(union_id="u", nick=nick)]).content() or b""

        assert nick.encode() in content
        assert json.loads(content)["inviteeList"][0]["nick"] == nick

    def test_five_hundred_people_go_as_one_request_in_order(self) -> None:
        people = [Invitee(union_id=f"u{number}", nick=f"Name {number}") for number in range(500)]
        body = invitation(invitees=people).body or {}

        assert [entry["unionId"] for entry in body["inviteeList"]] == [person.union_id for person in people]

    def test_foreign_number_carries_its_calling_code_as_text(self) -> None:
        body = invitation(phone_invitees=[PhoneInvitee(phone_number="+4915112345678", nick="N")]).body or {}

        assert body["phoneInviteeList"] == [{"phoneNumber": "15112345678", "nick": "N", "statusCode": "49"}]

    @pytest.mark.parametrize(
        "changes",
        [
            {"invitees": [], "phone_invitees": []},
            {"invitees": [Invitee(union_id="u", nick="")]},
            {"invitees": [Invitee(union_id="u", nick="  ")]},
            {"invitees": [Invitee(union_id="", nick="N")]},
            {"invitees": [Invitee(union_id="u", nick="half \ud83d")]},
            {"phone_invitees": [PhoneInvitee(phone_number="+8613800000000", nick="")]},
            {"phone_invitees": [PhoneInvitee(phone_number="13800000000", nick="N")]},
            {"phone_invitees": [PhoneInvitee(phone_number="+86 138 0000 0000", nick="N")]},
            {"phone_invitees": [PhoneInvitee(phone_number="+86", nick="N")]},
            {"phone_invitees": [PhoneInvitee(phone_number="", nick="N")]},
            {"default_country": "XX"},
            {"default_country": ""},
            {"union_id": " "},
            {"conference_id": ""},
            {"conference_id": "  "},
            {"conference_id": "."},
            {"conference_id": ".."},
            {"conference_id": "x" * 9000},
        ],
    )
    def test_call_that_is_wrong_by_construction_is_refused(self, changes: dict[str, Any]) -> None:
        with pytest.raises(ValueError):  # noqa: PT011 - each case has its own text
            invitation(**changes)

    def test_people_are_not_printed(self) -> None:
        assert "13800000000" not in repr(invitation())
        assert "union-1" not in repr(invitation())


class TestPhoneFields:
    @pytest.mark.parametrize(
        ("number", "country", "fields"),
        [
            ("+8613800000000", "CN", {"phoneNumber": "13800000000"}),
            ("+8613800000000", "DE", {"phoneNumber": "13800000000", "statusCode": "86"}),
            ("+862012345678", "CN", {"phoneNumber": "2012345678"}),
            ("+390612345678", "CN", {"phoneNumber": "0612345678", "statusCode": "39"}),
            ("+390612345678", "IT", {"phoneNumber": "0612345678"}),
            # Canada and the United States share a calling code.
            ("+14165550123", "US", {"phoneNumber": "4165550123"}),
            ("+85251234567", "CN", {"phoneNumber": "51234567", "statusCode": "852"}),
            ("+6591234567", "SG", {"phoneNumber": "91234567"}),
        ],
    )
    def test_number_goes_as_national_digits(self, number: str, country: str, fields: dict[str, str]) -> None:
        assert phone_fields(phone_number=number, default_country=country) == fields


class TestPaths:
    @pytest.mark.parametrize(
        ("conference_id", "segment"),
        [
            ("607d1a3f89ab", "607d1a3f89ab"),
            ("a/b", "a%2Fb"),
            ("a b", "a%20b"),
            ("100%", "100%25"),
            ("a%2Fb", "a%252Fb"),
            ("q?x=1&y", "q%3Fx%3D1%26y"),
            ("h#frag", "h%23frag"),
            ("../x", "..%2Fx"),
            ("...", "..."),
            ("中文", "%E4%B8%AD%E6%96%87"),
            ("a\\b", "a%5Cb"),
            ("tab\tnew\nline", "tab%09new%0Aline"),
            ("~", "~"),
        ],
    )
    def test_id_is_one_segment_whatever_is_in_it(self, conference_id: str, segment: str) -> None:
        base = "/v1.0/conference/videoConferences"

        assert invitation(conference_id=conference_id).target == f"{base}/{segment}/users/invite"
        assert info_request(conference_id=conference_id).target == f"{base}/{segment}"
        assert members_request(conference_id=conference_id).target == f"{base}/{segment}/members"
        assert close_request(conference_id=conference_id, union_id="u").path == f"{base}/{segment}"
        assert room_code_request(room_code=conference_id).target == (
            f"/v1.0/conference/roomCodes/{segment}/infos"
        )


class TestOtherOperations:
    def test_create_leaves_out_what_is_not_asked_for(self) -> None:
        call = create_request(user_id="creator", conf_title="周会")

        assert (call.method, call.target) == ("POST", "/v1.0/conference/videoConferences")
        assert call.content() == '{"confTitle":"周会","userId":"creator"}'.encode()

    def test_create_sends_whom_to_call(self) -> None:
        call = create_request(
            user_id="creator", conf_title="T", invite_user_ids=["a", "b"], invite_caller=False
        )

        assert call.body == {
            "confTitle": "T",
            "inviteCaller": False,
            "inviteUserIds": ["a", "b"],
            "userId": "creator",
        }

    @pytest.mark.parametrize("changes", [{"conf_title": ""}, {"user_id": ""}, {"invite_user_ids": [""]}])
    def test_create_refuses_what_is_empty(self, changes: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match="must not be empty"):
            create_request(**({"user_id": "creator", "conf_title": "T"} | changes))

    def test_close_names_the_person_in_the_query(self) -> None:
        call = close_request(conference_id="6001", union_id="a b&c")

        assert (call.method, call.body) == ("DELETE", None)
        assert call.target == "/v1.0/conference/videoConferences/6001?unionId=a+b%26c"

    def test_members_page_is_asked_for_as_given(self) -> None:
        call = members_request(conference_id="6001", max_results=50, next_token="t/1")

        assert call.target == "/v1.0/conference/videoConferences/6001/members?maxResults=50&nextToken=t%2F1"

    def test_running_conferences_are_asked_for_by_person(self) -> None:
        call = ongoing_request(union_id="u+1")

        assert (call.method, call.target) == ("GET", "/v1.0/conference/users/lists?unionId=u%2B1")

    def test_person_is_one_segment_of_the_path(self) -> None:
        call = user_request(union_id="a/../b")

        assert (call.method, call.target) == ("GET", "/v1.0/contact/users/a%2F..%2Fb")


class TestQuota:
    def test_token_and_contact_operations_are_exempt_and_conference_operations_are_not(self) -> None:
        assert is_exempt("GetAccessToken")
        assert is_exempt("GetCorpAccessToken")
        assert is_exempt(user_request(union_id="u").operation)
        assert not is_exempt(invitation().operation)
        assert not is_exempt(members_request(conference_id="6001").operation)
