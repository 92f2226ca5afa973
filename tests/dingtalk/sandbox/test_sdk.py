"""The vendor's own SDK, driven against the sandbox: it must not be able to tell."""

import asyncio
from functools import partial

import pytest
from alibabacloud_dingtalk.conference_1_0 import models as conference
from alibabacloud_dingtalk.conference_1_0.client import Client as ConferenceClient
from alibabacloud_dingtalk.contact_1_0 import models as contact
from alibabacloud_dingtalk.contact_1_0.client import Client as ContactClient
from alibabacloud_tea_openapi.models import Config

from invites.dingtalk.sandbox import (
    DEMO_CONFERENCES,
    DEMO_ORGANIZER,
    DEMO_PEOPLE,
    SandboxServer,
)
from tests.dingtalk.sandbox.driving import FakeClock
from tests.dingtalk.sandbox.vendor import (
    RUNTIME,
    close,
    corp_token,
    create,
    get_token,
    info,
    invite,
    members,
    refusal,
)

RUNNING = DEMO_CONFERENCES[0].conference_id


@pytest.fixture
def config(sandbox: SandboxServer) -> Config:
    return Config(protocol="http", endpoint=f"{sandbox.host}:{sandbox.port}")


@pytest.fixture
def token(config: Config) -> str:
    return get_token(config)


@pytest.fixture
def client(config: Config) -> ConferenceClient:
    return ConferenceClient(config)


class TestTokens:
    def test_asking_again_gives_the_same_token_with_a_new_life(
        self, config: Config, clock: FakeClock
    ) -> None:
        first = get_token(config)
        clock.forward(7000)
        assert get_token(config) == first
        clock.forward(7000)
        assert members(ConferenceClient(config), first, RUNNING).total_count == 10

    def test_a_token_that_has_run_out_is_replaced(self, config: Config, clock: FakeClock) -> None:
        first = get_token(config)
        clock.forward(7201)
        assert refusal(lambda: info(ConferenceClient(config), first, RUNNING)) == (
            401,
            "InvalidAuthentication",
        )
        assert get_token(config) != first

    def test_a_wrong_secret_is_refused(self, config: Config) -> None:
        assert refusal(lambda: get_token(config, secret="wrong")) == (400, "invalidClientIdOrSecret")

    @pytest.mark.parametrize("token", ["", "unknown-token"])
    def test_a_missing_or_unknown_token_is_refused(self, client: ConferenceClient, token: str) -> None:
        assert refusal(lambda: invite(client, token, RUNNING, "a")) == (401, "InvalidAuthentication")

    def test_expiring_all_tokens_makes_the_next_call_ask_again(
        self, sandbox: SandboxServer, client: ConferenceClient, config: Config, token: str
    ) -> None:
        sandbox.expire_tokens()
        assert refusal(lambda: invite(client, token, RUNNING, "a")) == (401, "InvalidAuthentication")
        assert invite(client, get_token(config), RUNNING, "a") is True

    def test_a_third_party_app_gets_a_new_token_each_time(
        self, config: Config, client: ConferenceClient
    ) -> None:
        first, second = corp_token(config), corp_token(config)
        assert first != second
        assert invite(client, first, RUNNING, "a") is True

    @pytest.mark.parametrize(
        ("field", "value", "code"),
        [
            ("suite_key", "wrong", "invalidSuiteKey"),
            ("suite_secret", "wrong", "invalidSuiteKey"),
            ("suite_ticket", "stale", "invalidSuiteTicket"),
            ("auth_corp_id", "ding-other", "invalidAuthInfo"),
            ("auth_corp_id", "?", "invalidParameter.corporation.invalidAuthorizationCorporationId"),
        ],
    )
    def test_each_wrong_part_of_a_third_party_app_has_its_code(
        self, config: Config, field: str, value: str, code: str
    ) -> None:
        assert refusal(lambda: corp_token(config, **{field: value})) == (400, code)


class TestConferences:
    def test_a_created_conference_runs_and_calls_its_creator(
        self, client: ConferenceClient, token: str, clock: FakeClock
    ) -> None:
        made = create(client, token, conf_title="新项目启动 Kick-off", invite_user_ids=["guest-1"])
        clock.forward(10)
        found = info(client, token, made.conference_id)
        assert (found.title, found.status, found.creator_id) == (
            "新项目启动 Kick-off",
            2,
            DEMO_ORGANIZER.union_id,
        )
        assert (found.active_num, found.attend_num, found.invited_num) == (2, 2, 2)
        assert found.room_code == made.room_code
        assert found.end_time is None
        assert made.external_link_url.startswith("https://")
        assert made.conference_password
        assert made.host_password
        assert made.phone_numbers

    def test_the_creator_is_not_called_on_request(self, client: ConferenceClient, token: str) -> None:
        made = create(client, token, conf_title="Quiet", invite_caller=False)
        assert members(client, token, made.conference_id).total_count == 0

    def test_a_long_title_is_cut_and_a_very_long_one_refused(
        self, client: ConferenceClient, token: str
    ) -> None:
        made = create(client, token, conf_title="字" * 256)
        assert info(client, token, made.conference_id).title == "字" * 50
        assert refusal(lambda: create(client, token, conf_title="字" * 257)) == (400, "paramsTitleError")
        assert refusal(lambda: create(client, token, conf_title=" ")) == (400, "paramsTitleError")

    def test_a_missing_title_and_an_unknown_colleague_are_refused(
        self, client: ConferenceClient, token: str
    ) -> None:
        assert refusal(lambda: create(client, token)) == (400, "paramsError")
        assert refusal(lambda: create(client, token, conf_title="T", invite_user_ids=["unknown-1"])) == (
            400,
            "paramsError",
        )

    def test_only_the_host_closes_and_only_once(
        self, client: ConferenceClient, token: str, clock: FakeClock
    ) -> None:
        made = create(client, token, conf_title="Short").conference_id
        clock.forward(90)
        assert refusal(lambda: close(client, token, made, "someone-else")) == (403, "noPermission")
        assert close(client, token, made, DEMO_ORGANIZER.union_id) == (200, "success")
        assert refusal(lambda: close(client, token, made, DEMO_ORGANIZER.union_id)) == (400, "confClosed")
        found = info(client, token, made)
        assert (found.status, found.conf_duration) == (1, 90_000)
        assert found.end_time - found.start_time == 90_000

    def test_a_conference_that_never_was_is_not_found(self, client: ConferenceClient, token: str) -> None:
        nowhere = "0" * 24
        assert refusal(lambda: info(client, token, nowhere)) == (404, "roomNotFound")
        assert refusal(lambda: members(client, token, nowhere)) == (404, "roomNotFound")
        assert refusal(lambda: close(client, token, nowhere, "x")) == (400, "resourceClose")


class TestInvitations:
    def test_people_ring_by_id_and_by_phone(
        self,
        sandbox: SandboxServer,
        client: ConferenceClient,
        token: str,
        conference_id: str,
        clock: FakeClock,
    ) -> None:
        phones = [
            conference.InviteUsersRequestPhoneInviteeList(phone_number="1000000061", nick="客户甲"),
            conference.InviteUsersRequestPhoneInviteeList(
                phone_number="2079460033", status_code="44", nick="Jo"
            ),
        ]
        assert invite(client, token, conference_id, "a-0", phone_invitee_list=phones) is True
        clock.forward(1)
        (sent,) = sandbox.invitations
        assert [(each.channel, each.value, each.nick) for each in sent.people] == [
            ("union_id", "a-0", "人"),
            ("phone", "+861000000061", "客户甲"),
            ("phone", "+442079460033", "Jo"),
        ]
        assert sent.operator == DEMO_ORGANIZER.union_id
        rows = members(client, token, conference_id).member_models
        assert {row.attend_status for row in rows} == {2}
        assert [(row.user_nick, row.pstn_join, row.union_id) for row in rows] == [
            ("人", False, "a-0"),
            ("客户甲", True, None),
            ("Jo", True, DEMO_PEOPLE[32].union_id),
        ]

    def test_no_member_shows_a_phone_number(
        self, client: ConferenceClient, token: str, conference_id: str
    ) -> None:
        phones = [conference.InviteUsersRequestPhoneInviteeList(phone_number="1000000061", nick="G")]
        invite(client, token, conference_id, phone_invitee_list=phones)
        assert "1000000061" not in str(members(client, token, conference_id).to_map())

    def test_one_unknown_person_keeps_everybody_from_ringing(
        self, sandbox: SandboxServer, client: ConferenceClient, token: str, conference_id: str
    ) -> None:
        for unknown in ("unknown-1", "sandbox-unknown-01", "with blank"):
            refused = refusal(partial(invite, client, token, conference_id, "a", unknown, "b"))
            assert refused == (400, "unknownUserError")
        assert sandbox.members(conference_id) == []

    def test_an_unknown_operator_is_refused_likewise(
        self, client: ConferenceClient, token: str, conference_id: str
    ) -> None:
        request = conference.InviteUsersRequest(
            union_id="unknown-operator",
            invitee_list=[conference.InviteUsersRequestInviteeList(union_id="a", nick="a")],
        )
        headers = conference.InviteUsersHeaders(x_acs_dingtalk_access_token=token)
        refused = refusal(lambda: client.invite_users_with_options(conference_id, request, headers, RUNTIME))
        assert refused == (400, "unknownUserError")

    def test_a_conference_that_has_ended_or_never_was_takes_nobody(
        self, client: ConferenceClient, token: str
    ) -> None:
        ended = DEMO_CONFERENCES[3].conference_id
        assert refusal(lambda: invite(client, token, ended, "a")) == (400, "confClosed")
        assert refusal(lambda: invite(client, token, "0" * 24, "a")) == (400, "resourceClose")

    def test_the_sdks_unencoded_ids_do_not_reach_another_conference(
        self, client: ConferenceClient, token: str
    ) -> None:
        assert refusal(lambda: invite(client, token, "", "a")) == (400, "paramsError")
        assert refusal(lambda: invite(client, token, "a b", "a")) == (400, "resourceClose")
        for path in ("a/b", "../x", "q?x=1", "h#f"):
            assert refusal(partial(invite, client, token, path, "a")) == (
                404,
                "InvalidAction.NotFound",
            )

    def test_nobody_to_invite_is_an_error(
        self, client: ConferenceClient, token: str, conference_id: str
    ) -> None:
        assert refusal(lambda: invite(client, token, conference_id)) == (400, "paramsError")

    @pytest.mark.parametrize("nick", ["", None, 7])
    def test_a_person_needs_a_nick(
        self, client: ConferenceClient, token: str, conference_id: str, nick: object
    ) -> None:
        entry = conference.InviteUsersRequestInviteeList(union_id="a", nick=nick)
        request = conference.InviteUsersRequest(invitee_list=[entry])
        headers = conference.InviteUsersHeaders(x_acs_dingtalk_access_token=token)
        refused = refusal(lambda: client.invite_users_with_options(conference_id, request, headers, RUNTIME))
        assert refused == (400, "paramsError")

    @pytest.mark.parametrize("number", ["+861000000061", "010 0000 0061", "12", "1" * 16, "１２３４５６"])
    def test_a_phone_number_is_digits_and_nothing_else(
        self, client: ConferenceClient, token: str, conference_id: str, number: str
    ) -> None:
        phones = [conference.InviteUsersRequestPhoneInviteeList(phone_number=number, nick="x")]
        refused = refusal(lambda: invite(client, token, conference_id, phone_invitee_list=phones))
        assert refused == (400, "paramsError")

    def test_the_asynchronous_sdk_is_served_as_well(
        self, sandbox: SandboxServer, client: ConferenceClient, token: str, conference_id: str
    ) -> None:
        request = conference.InviteUsersRequest(
            invitee_list=[conference.InviteUsersRequestInviteeList(union_id="a", nick="a")]
        )
        headers = conference.InviteUsersHeaders(x_acs_dingtalk_access_token=token)
        query = conference.QueryConferenceInfoHeaders(x_acs_dingtalk_access_token=token)

        async def both() -> tuple[object, object]:
            sent = await client.invite_users_with_options_async(conference_id, request, headers, RUNTIME)
            found = await client.query_conference_info_with_options_async(conference_id, query, RUNTIME)
            return sent.body.success, found.body.conf_info.invited_num

        assert asyncio.run(both()) == (True, 1)


class TestMembers:
    @pytest.mark.parametrize("first", ["", "0", None])
    def test_pages_follow_each_other_from_every_form_of_the_first_token(
        self, client: ConferenceClient, token: str, conference_id: str, first: str | None
    ) -> None:
        invite(client, token, conference_id, *[f"p-{number}" for number in range(7)])
        seen, following = [], first
        for _ in range(3):
            page = members(client, token, conference_id, max_results=3, next_token=following)
            assert page.total_count == 7
            seen += [row.union_id for row in page.member_models]
            following = page.next_token
        assert seen == [f"p-{number}" for number in range(7)]
        assert following is None

    def test_a_page_holds_128_by_default(
        self, client: ConferenceClient, token: str, conference_id: str
    ) -> None:
        invite(client, token, conference_id, *[f"p-{number}" for number in range(130)])
        page = members(client, token, conference_id)
        assert (len(page.member_models), page.total_count, page.next_token) == (128, 130, "128")

    def test_a_token_that_was_never_given_is_refused(self, client: ConferenceClient, token: str) -> None:
        assert refusal(lambda: members(client, token, RUNNING, next_token="x")) == (400, "paramError")


class TestLookups:
    def test_a_room_code_finds_its_conference(self, client: ConferenceClient, token: str) -> None:
        request = conference.QueryConferenceInfoByRoomCodeRequest(max_results=20)
        headers = conference.QueryConferenceInfoByRoomCodeHeaders(x_acs_dingtalk_access_token=token)
        find = client.query_conference_info_by_room_code_with_options
        demo = DEMO_CONFERENCES[2]
        body = find(demo.room_code, request, headers, RUNTIME).body
        assert [(each.conference_id, each.title) for each in body.conference_list] == [
            (demo.conference_id, demo.title)
        ]
        assert (body.total_count, body.has_more) == (1, False)
        assert find("123", request, headers, RUNTIME).body.conference_list == []

    def test_a_users_running_conferences_are_those_created_and_those_attended(
        self, client: ConferenceClient, token: str
    ) -> None:
        headers = conference.QueryUserOnGoingConferenceHeaders(x_acs_dingtalk_access_token=token)

        def ongoing(union_id: str) -> conference.QueryUserOnGoingConferenceResponseBody:
            request = conference.QueryUserOnGoingConferenceRequest(union_id=union_id)
            return client.query_user_on_going_conference_with_options(request, headers, RUNTIME).body

        own = ongoing(DEMO_ORGANIZER.union_id)
        assert own.on_going_conf_id_list == [
            DEMO_CONFERENCES[0].conference_id,
            DEMO_CONFERENCES[1].conference_id,
        ]
        assert own.member_model_map[RUNNING].host is True
        assert ongoing(DEMO_PEOPLE[21].union_id).on_going_conf_id_list == [DEMO_CONFERENCES[2].conference_id]
        assert ongoing("a-stranger").on_going_conf_id_list == []
        assert refusal(lambda: ongoing("unknown-1")) == (400, "unknownUserError")

    def test_all_running_conferences_of_the_organisation(self, client: ConferenceClient, token: str) -> None:
        request = conference.QueryOrgConferenceListRequest(max_results=2)
        headers = conference.QueryOrgConferenceListHeaders(x_acs_dingtalk_access_token=token)
        body = client.query_org_conference_list_with_options(request, headers, RUNTIME).body
        assert (len(body.on_going_conf_list), body.total_count, body.has_more) == (2, 3, True)

    def test_the_batch_query_knows_running_conferences_and_why_people_are_missing(
        self, client: ConferenceClient, token: str
    ) -> None:
        ids = [RUNNING, DEMO_CONFERENCES[3].conference_id, "nowhere"]
        request = conference.QueryConferenceInfoBatchRequest(conference_id_list=ids)
        headers = conference.QueryConferenceInfoBatchHeaders(x_acs_dingtalk_access_token=token)
        (found,) = client.query_conference_info_batch_with_options(request, headers, RUNTIME).body.infos
        assert (found.conference_id, found.status) == (RUNNING, 2)
        rejected = {user.nick: user.reject_description for user in found.user_list if user.attend_status == 4}
        assert set(rejected) == {"周九", "吴十"}
        assert rejected["周九"] != rejected["吴十"]

    def test_people_are_removed_by_the_kick_operation(
        self, sandbox: SandboxServer, client: ConferenceClient, token: str
    ) -> None:
        user = conference.KickMembersRequestUserList(union_id=DEMO_PEOPLE[0].union_id)
        request = conference.KickMembersRequest(user_list=[user])
        headers = conference.KickMembersHeaders(x_acs_dingtalk_access_token=token)
        assert client.kick_members_with_options(RUNNING, request, headers, RUNTIME).body.success is True
        statuses = {each.union_id: each.standing.status for each in sandbox.members(RUNNING)}
        assert statuses[DEMO_PEOPLE[0].union_id] == 5

    def test_a_conference_is_locked_and_unlocked(
        self, sandbox: SandboxServer, client: ConferenceClient, token: str, clock: FakeClock
    ) -> None:
        headers = conference.LockConferenceHeaders(x_acs_dingtalk_access_token=token)
        for action, status in (("lock", 4), ("unlock", 3)):
            request = conference.LockConferenceRequest(action=action)
            body = client.lock_conference_with_options(RUNNING, request, headers, RUNTIME).body
            assert body.success is True
            invite(client, token, RUNNING, "somebody-0")
            clock.forward(10)
            statuses = {each.person.value: each.standing.status for each in sandbox.members(RUNNING)}
            assert statuses["somebody-0"] == status


class TestContacts:
    def test_search_and_batch_lead_from_a_name_to_a_union_id(self, config: Config, token: str) -> None:
        client, person = ContactClient(config), DEMO_PEOPLE[20]
        search = contact.SearchUserHeaders(x_acs_dingtalk_access_token=token)
        found = client.search_user_with_options(
            contact.SearchUserRequest(query_word="sample", offset=0, size=10), search, RUNTIME
        ).body
        assert (found.list, found.total_count, found.has_more) == ([person.user_id], 1, False)
        batch = contact.BatchGetUserHeaders(x_acs_dingtalk_access_token=token)
        user_ids = [*found.list, "nobody"]
        body = client.batch_get_user_with_options(
            contact.BatchGetUserRequest(user_id_list=user_ids), batch, RUNTIME
        ).body
        assert [(user.unionid, user.name) for user in body.user_list] == [(person.union_id, person.nick)]
        assert body.unauthorized_user_id_list == ["nobody"]

    def test_one_person_by_union_id(self, config: Config, token: str) -> None:
        client = ContactClient(config)
        headers = contact.GetUserHeaders(x_acs_dingtalk_access_token=token)
        person = DEMO_PEOPLE[32]
        body = client.get_user_with_options(person.union_id, headers, RUNTIME).body
        assert (body.nick, body.union_id) == (person.nick, person.union_id)
        assert (body.state_code, body.mobile) == ("44", "2079460033")
        refused = refusal(lambda: client.get_user_with_options("unknown-1", headers, RUNTIME))
        assert refused == (404, "unknownUserError")
