"""Our client and the vendor's own SDK, given the same, send the same; and where the SDK is wrong, ours is right."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import pytest
from alibabacloud_dingtalk.conference_1_0 import models as conference
from alibabacloud_dingtalk.conference_1_0.client import Client as SdkConference
from alibabacloud_dingtalk.contact_1_0 import models as contact
from alibabacloud_dingtalk.contact_1_0.client import Client as SdkContact
from alibabacloud_dingtalk.oauth2_1_0 import models as oauth
from alibabacloud_dingtalk.oauth2_1_0.client import Client as SdkOauth
from alibabacloud_tea_openapi.models import Config
from alibabacloud_tea_util.models import RuntimeOptions

from invites.dingtalk import DingTalkClient, FixedToken, InternalApp, Invitee, PhoneInvitee, ThirdPartyApp
from tests.dingtalk.calling import TOKEN
from tests.dingtalk.loopback import Recorded, Recorder, recording_server

VIDEO_CONFERENCES = "/v1.0/conference/videoConferences"


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with recording_server() as server:
        yield server


@pytest.fixture
def ours(recorder: Recorder) -> Iterator[DingTalkClient]:
    with DingTalkClient(base_url=recorder.url, tokens=FixedToken(TOKEN)) as client:
        yield client


@dataclass(slots=True)
class Sdk:
    """The vendor's SDK, pointed at the recorder."""

    conference: SdkConference
    contact: SdkContact
    oauth: SdkOauth
    runtime: RuntimeOptions

    def call(self, operation: str, *arguments: object, headers: str) -> None:
        """Calls an operation of the conference module with our token."""
        carrying = getattr(conference, headers)(x_acs_dingtalk_access_token=TOKEN)
        getattr(self.conference, f"{operation}_with_options")(*arguments, carrying, self.runtime)


@pytest.fixture
def sdk(recorder: Recorder) -> Sdk:
    config = Config(protocol="http", endpoint=recorder.host)
    return Sdk(
        conference=SdkConference(config),
        contact=SdkContact(config),
        oauth=SdkOauth(config),
        runtime=RuntimeOptions(),
    )


def essence(request: Recorded) -> dict[str, Any]:
    """What two requests must agree in. Their user agents and the case of their headers may differ."""
    target = urlsplit(request.target)
    return {
        "method": request.method,
        "path": target.path,
        "query": parse_qs(target.query, keep_blank_values=True),
        "token": request.headers.get("x-acs-dingtalk-access-token"),
        "accept": request.headers["accept"],
        "accept-encoding": request.headers["accept-encoding"],
        "host": request.headers["host"],
        "content-type": request.headers.get("content-type") if request.body else None,
        "body": request.json,
    }


def sent(recorder: Recorder, *calls: Callable[[], object]) -> list[dict[str, Any]]:
    """The essence of what each call sends, which is one request."""
    for call in calls:
        call()
    assert len(recorder.recorded) == len(calls)
    return [essence(request) for request in recorder.recorded]


def sdk_invitation(
    *,
    invitees: list[tuple[str, str]] | None = None,
    phones: list[dict[str, str]] | None = None,
    union_id: str | None = None,
) -> conference.InviteUsersRequest:
    return conference.InviteUsersRequest(
        invitee_list=invitees
        and [
            conference.InviteUsersRequestInviteeList(union_id=identity, nick=nick)
            for identity, nick in invitees
        ],
        phone_invitee_list=phones
        and [conference.InviteUsersRequestPhoneInviteeList(**phone) for phone in phones],
        union_id=union_id,
    )


class TestInviteUsers:
    @pytest.mark.parametrize("union_id", [None, "qzR1operator"])
    def test_people_in_dingtalk(
        self, recorder: Recorder, ours: DingTalkClient, sdk: Sdk, union_id: str | None
    ) -> None:
        people = [("exxx1", "Test user"), ("exxx2", "测试用户 🎉\u2028")]

        theirs, mine = sent(
            recorder,
            lambda: sdk.call(
                "invite_users",
                "607d1a3f89ab",
                sdk_invitation(invitees=people, union_id=union_id),
                headers="InviteUsersHeaders",
            ),
            lambda: ours.invite_users(
                conference_id="607d1a3f89ab",
                union_id=union_id,
                invitees=[Invitee(union_id=identity, nick=nick) for identity, nick in people],
            ),
        )

        assert mine == theirs
        assert mine["token"] == TOKEN
        assert mine["path"] == f"{VIDEO_CONFERENCES}/607d1a3f89ab/users/invite"

    def test_people_by_phone_at_home_and_abroad(
        self, recorder: Recorder, ours: DingTalkClient, sdk: Sdk
    ) -> None:
        theirs, mine = sent(
            recorder,
            lambda: sdk.call(
                "invite_users",
                "6001",
                sdk_invitation(
                    phones=[
                        {"phone_number": "13800000000", "nick": "Home"},
                        {"phone_number": "15112345678", "nick": "Abroad", "status_code": "49"},
                    ]
                ),
                headers="InviteUsersHeaders",
            ),
            lambda: ours.invite_users(
                conference_id="6001",
                union_id=None,
                phone_invitees=[
                    PhoneInvitee(phone_number="+8613800000000", nick="Home"),
                    PhoneInvitee(phone_number="+4915112345678", nick="Abroad"),
                ],
            ),
        )

        assert mine == theirs

    def test_bytes_are_the_same_but_for_the_order_inside_a_person(
        self, recorder: Recorder, ours: DingTalkClient, sdk: Sdk
    ) -> None:
        sdk.call(
            "invite_users",
            "6001",
            sdk_invitation(invitees=[("u", "测试")], union_id="operator"),
            headers="InviteUsersHeaders",
        )
        ours.invite_users(
            conference_id="6001", union_id="operator", invitees=[Invitee(union_id="u", nick="测试")]
        )
        theirs, mine = (request.body.decode() for request in recorder.recorded)

        assert mine == theirs.replace('"nick":"测试","unionId":"u"', '"unionId":"u","nick":"测试"')


class TestOtherOperations:
    @pytest.mark.parametrize(
        ("others", "caller"), [([], None), (["a", "b"], True), (["a"], False), ([], False)]
    )
    def test_create(
        self, recorder: Recorder, ours: DingTalkClient, sdk: Sdk, others: list[str], caller: bool | None
    ) -> None:
        recorder.answer = {"conferenceId": "6001"}
        request = conference.CreateVideoConferenceRequest(
            user_id="creator", conf_title="周会", invite_user_ids=others or None, invite_caller=caller
        )

        theirs, mine = sent(
            recorder,
            lambda: sdk.call("create_video_conference", request, headers="CreateVideoConferenceHeaders"),
            lambda: ours.create_conference(
                user_id="creator", conf_title="周会", invite_user_ids=others, invite_caller=caller
            ),
        )

        assert mine == theirs

    @pytest.mark.parametrize("union_id", ["creator", "a b+c&d=e/f", "中文"])
    def test_close(self, recorder: Recorder, ours: DingTalkClient, sdk: Sdk, union_id: str) -> None:
        recorder.answer = {"code": 0, "cause": ""}
        request = conference.CloseVideoConferenceRequest(union_id=union_id)

        theirs, mine = sent(
            recorder,
            lambda: sdk.call(
                "close_video_conference", "6001", request, headers="CloseVideoConferenceHeaders"
            ),
            lambda: ours.close_conference(conference_id="6001", union_id=union_id),
        )

        assert mine == theirs
        assert mine["query"] == {"unionId": [union_id]}

    @pytest.mark.parametrize("action", ["lock", "unlock"])
    def test_lock(
        self, recorder: Recorder, ours: DingTalkClient, sdk: Sdk, action: Literal["lock", "unlock"]
    ) -> None:
        request = conference.LockConferenceRequest(action=action)

        theirs, mine = sent(
            recorder,
            lambda: sdk.call("lock_conference", "6001", request, headers="LockConferenceHeaders"),
            lambda: ours.lock_conference(conference_id="6001", action=action),
        )

        assert mine == theirs
        assert mine["body"] == {"action": action}

    def test_info(self, recorder: Recorder, ours: DingTalkClient, sdk: Sdk) -> None:
        recorder.answer = {"confInfo": {"conferenceId": "6001"}}

        theirs, mine = sent(
            recorder,
            lambda: sdk.call("query_conference_info", "6001", headers="QueryConferenceInfoHeaders"),
            lambda: ours.query_conference_info(conference_id="6001"),
        )

        assert mine == theirs

    @pytest.mark.parametrize(("size", "token"), [(None, None), (50, None), (50, "next/page+1 ")])
    def test_members(
        self, recorder: Recorder, ours: DingTalkClient, sdk: Sdk, size: int | None, token: str | None
    ) -> None:
        recorder.answer = {"memberModels": []}
        request = conference.QueryConferenceMembersRequest(max_results=size, next_token=token)

        theirs, mine = sent(
            recorder,
            lambda: sdk.call(
                "query_conference_members", "6001", request, headers="QueryConferenceMembersHeaders"
            ),
            lambda: ours.query_conference_members(conference_id="6001", max_results=size, next_token=token),
        )

        assert mine == theirs

    def test_running_conferences(self, recorder: Recorder, ours: DingTalkClient, sdk: Sdk) -> None:
        recorder.answer = {"onGoingConfIdList": ["6001"]}
        request = conference.QueryUserOnGoingConferenceRequest(union_id="person+1")

        theirs, mine = sent(
            recorder,
            lambda: sdk.call(
                "query_user_on_going_conference", request, headers="QueryUserOnGoingConferenceHeaders"
            ),
            lambda: ours.query_user_ongoing_conferences(union_id="person+1"),
        )

        assert mine == theirs

    def test_meeting_number(self, recorder: Recorder, ours: DingTalkClient, sdk: Sdk) -> None:
        recorder.answer = {"conferenceList": []}
        request = conference.QueryConferenceInfoByRoomCodeRequest()

        theirs, mine = sent(
            recorder,
            lambda: sdk.call(
                "query_conference_info_by_room_code",
                "123456789",
                request,
                headers="QueryConferenceInfoByRoomCodeHeaders",
            ),
            lambda: ours.query_conference_info_by_room_code(room_code="123456789"),
        )

        assert mine == theirs

    @pytest.mark.parametrize("union_id", ["qzR1abc", "a b", "中文"])
    def test_person(self, recorder: Recorder, ours: DingTalkClient, sdk: Sdk, union_id: str) -> None:
        recorder.answer = {"unionId": union_id, "nick": "N"}
        headers = contact.GetUserHeaders(x_acs_dingtalk_access_token=TOKEN)

        theirs, mine = sent(
            recorder,
            lambda: sdk.contact.get_user_with_options(union_id, headers, sdk.runtime),
            lambda: ours.get_user(union_id=union_id),
        )

        assert mine == theirs


# The SDK's name of an operation, what it is given, and the same for ours.
DIRECTORY: list[tuple[str, dict[str, Any], Callable[[DingTalkClient], object], dict[str, Any]]] = [
    (
        "SearchUser",
        {"query_word": "张三 & Co", "offset": 10, "size": 20},
        lambda ours: ours.directory.search_users(query_word="张三 & Co", offset=10, size=20),
        {"list": [], "hasMore": False},
    ),
    (
        "SearchDepartment",
        {"query_word": "研发", "offset": 0, "size": 5},
        lambda ours: ours.directory.search_departments(query_word="研发", size=5),
        {"list": [], "hasMore": False},
    ),
    (
        "BatchGetUser",
        {"user_id_list": ["manager4220", "李 四/1"]},
        lambda ours: ours.directory.batch_get_users(user_ids=["manager4220", "李 四/1"]),
        {"userList": []},
    ),
    (
        "ListUserGroups",
        {"offset": 0, "size": 100},
        lambda ours: ours.directory.list_user_groups(),
        {"result": {"groups": [], "hasMore": False}},
    ),
    (
        "ListUserGroupMembers",
        {"group_code": "group+1", "offset": 50, "size": 50},
        lambda ours: ours.directory.list_user_group_members(group_code="group+1", offset=50),
        {"result": {"members": [], "hasMore": False}},
    ),
]


class TestDirectory:
    @pytest.mark.parametrize(
        ("name", "fields", "call", "answer"), DIRECTORY, ids=lambda value: str(value)[:20]
    )
    def test_operations_of_the_directory(
        self,
        recorder: Recorder,
        ours: DingTalkClient,
        sdk: Sdk,
        name: str,
        fields: dict[str, Any],
        call: Callable[[DingTalkClient], object],
        answer: dict[str, Any],
    ) -> None:
        recorder.answer = answer
        request = getattr(contact, f"{name}Request")(**fields)
        headers = getattr(contact, f"{name}Headers")(x_acs_dingtalk_access_token=TOKEN)
        theirs_call = getattr(sdk.contact, f"{_snake(name)}_with_options")

        theirs, mine = sent(recorder, lambda: theirs_call(request, headers, sdk.runtime), lambda: call(ours))

        assert mine == theirs


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class TestTokens:
    def fetched_by_us(self, recorder: Recorder, app: InternalApp | ThirdPartyApp) -> dict[str, Any]:
        recorder.answer = {"accessToken": "fresh", "expireIn": 7200, "success": True}
        with DingTalkClient(base_url=recorder.url, tokens=app) as client:
            client.invite_users(
                conference_id="6001", union_id=None, invitees=[Invitee(union_id="u", nick="N")]
            )
        fetch, invitation = recorder.recorded
        assert invitation.headers["x-acs-dingtalk-access-token"] == "fresh"
        recorder.recorded.clear()
        return essence(fetch)

    def test_internal_app(self, recorder: Recorder, sdk: Sdk) -> None:
        mine = self.fetched_by_us(recorder, InternalApp(client_id="key", client_secret="secret"))
        request = oauth.GetAccessTokenRequest(app_key="key", app_secret="secret")

        (theirs,) = sent(recorder, lambda: sdk.oauth.get_access_token_with_options(request, {}, sdk.runtime))

        assert mine == theirs
        assert mine["token"] is None

    def test_third_party_app(self, recorder: Recorder, sdk: Sdk) -> None:
        app = ThirdPartyApp(
            suite_key="suite", suite_secret="secret", auth_corp_id="corp", suite_ticket="ticket"
        )
        mine = self.fetched_by_us(recorder, app)
        request = oauth.GetCorpAccessTokenRequest(
            suite_key="suite", suite_secret="secret", auth_corp_id="corp", suite_ticket="ticket"
        )

        (theirs,) = sent(
            recorder, lambda: sdk.oauth.get_corp_access_token_with_options(request, {}, sdk.runtime)
        )

        assert mine == theirs


# The id, where the SDK sends it, and where it belongs.
MISLEADING = [
    ("a/b", "a/b/users/invite", "a%2Fb/users/invite"),
    ("../x", None, "..%2Fx/users/invite"),
    ("q?x=1&y", "q?x=1&y/users/invite", "q%3Fx%3D1%26y/users/invite"),
    ("h#frag", "h", "h%23frag/users/invite"),
    ("a%2Fb", "a%2Fb/users/invite", "a%252Fb/users/invite"),
]
# Here the SDK happens to be right, and we agree.
HARMLESS = ["607d1a3f89ab", "a b", "100%", "中文", "a\\b", 'quo"te', "<x>", "{x}", "a|b", "[x]", "tab\there"]


class TestConferenceIdInThePath:
    """The SDK pastes the id into the path as it is, so some ids reach another address; ours never do."""

    def both(self, recorder: Recorder, ours: DingTalkClient, sdk: Sdk, conference_id: str) -> tuple[str, str]:
        sdk.call(
            "invite_users", conference_id, sdk_invitation(invitees=[("u", "N")]), headers="InviteUsersHeaders"
        )
        ours.invite_users(
            conference_id=conference_id, union_id=None, invitees=[Invitee(union_id="u", nick="N")]
        )
        theirs, mine = (request.target for request in recorder.recorded)
        return theirs, mine

    @pytest.mark.parametrize(("conference_id", "sdk_sends", "right"), MISLEADING)
    def test_sdk_reaches_another_address_and_ours_does_not(
        self,
        recorder: Recorder,
        ours: DingTalkClient,
        sdk: Sdk,
        conference_id: str,
        sdk_sends: str | None,
        right: str,
    ) -> None:
        theirs, mine = self.both(recorder, ours, sdk, conference_id)

        wrong = "/v1.0/conference/x/users/invite" if sdk_sends is None else f"{VIDEO_CONFERENCES}/{sdk_sends}"
        assert theirs == wrong
        assert mine == f"{VIDEO_CONFERENCES}/{right}"

    @pytest.mark.parametrize("conference_id", HARMLESS)
    def test_other_ids_are_encoded_alike(
        self, recorder: Recorder, ours: DingTalkClient, sdk: Sdk, conference_id: str
    ) -> None:
        theirs, mine = self.both(recorder, ours, sdk, conference_id)

        assert mine == theirs

    @pytest.mark.parametrize("conference_id", ["", ".", ".."])
    def test_id_that_no_encoding_can_save_is_refused(
        self, recorder: Recorder, ours: DingTalkClient, conference_id: str
    ) -> None:
        with pytest.raises(ValueError, match="must not be empty"):
            ours.invite_users(
                conference_id=conference_id, union_id=None, invitees=[Invitee(union_id="u", nick="N")]
            )

        assert recorder.recorded == []
