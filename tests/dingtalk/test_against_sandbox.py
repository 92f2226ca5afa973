"""The client and the sandbox, which know nothing of each other, over real HTTP."""

import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from invites.dingtalk import (
    AttendStatus,
    ConferenceOver,
    ConferenceStatus,
    DingTalkClient,
    DingTalkError,
    FixedToken,
    InternalApp,
    Invitee,
    NotAuthorised,
    OutcomeUnknown,
    PhoneInvitee,
    StaleToken,
    ThirdPartyApp,
    Throttled,
    UnknownPerson,
    UnreadableAnswer,
)
from invites.dingtalk.sandbox import (
    DEMO_ORGANIZER,
    DEMO_PEOPLE,
    SANDBOX_CLIENT_ID,
    SANDBOX_CLIENT_SECRET,
    SandboxServer,
)
from invites.dingtalk.sandbox.people import (
    SANDBOX_CORP_ID,
    SANDBOX_SUITE_KEY,
    SANDBOX_SUITE_SECRET,
    SANDBOX_SUITE_TICKET,
)
from invites.dingtalk.tokens import TokenSource

INTERNAL = InternalApp(client_id=SANDBOX_CLIENT_ID, client_secret=SANDBOX_CLIENT_SECRET)
THIRD_PARTY = ThirdPartyApp(
    suite_key=SANDBOX_SUITE_KEY,
    suite_secret=SANDBOX_SUITE_SECRET,
    auth_corp_id=SANDBOX_CORP_ID,
    suite_ticket=SANDBOX_SUITE_TICKET,
)
SOMEBODY = Invitee(union_id=DEMO_PEOPLE[0].union_id, nick="Somebody")


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer() as server:
        yield server


def client_of(
    sandbox: SandboxServer, tokens: InternalApp | ThirdPartyApp | TokenSource = INTERNAL
) -> DingTalkClient:
    return DingTalkClient(base_url=sandbox.base_url, tokens=tokens)


class TestClientAgainstSandbox:
    def test_conference_from_its_beginning_to_its_end(self, sandbox: SandboxServer) -> None:
        with client_of(sandbox) as client:
            created = client.create_conference(user_id=DEMO_ORGANIZER.union_id, conf_title="周会")
            conference_id = created.conference_id
            answer = client.invite_users(
                conference_id=conference_id,
                union_id=DEMO_ORGANIZER.union_id,
                invitees=[SOMEBODY],
                phone_invitees=[PhoneInvitee(phone_number="+4915112345678", nick="Abroad")],
            )
            info = client.query_conference_info(conference_id=conference_id)
            members = client.query_conference_members(conference_id=conference_id)
            running = client.query_user_ongoing_conferences(union_id=DEMO_ORGANIZER.union_id)
            by_number = client.query_conference_info_by_room_code(room_code=created.room_code)
            client.close_conference(conference_id=conference_id, union_id=DEMO_ORGANIZER.union_id)
            with pytest.raises(ConferenceOver):
                client.invite_users(conference_id=conference_id, union_id=None, invitees=[SOMEBODY])

        assert answer.http_status == 200
        assert (info.title, info.status, info.room_code) == (
            "周会",
            ConferenceStatus.STARTED,
            created.room_code,
        )
        assert SOMEBODY.union_id in {member.union_id for member in members.members}
        assert conference_id in running
        assert [found.conference_id for found in by_number] == [conference_id]

    def test_locked_conference_takes_the_call_and_lets_nobody_in(self) -> None:
        with SandboxServer(pace=0) as sandbox, client_of(sandbox) as client:
            conference_id = sandbox.add_conference().conference_id
            client.lock_conference(conference_id=conference_id, action="lock")
            client.invite_users(conference_id=conference_id, union_id=None, invitees=[SOMEBODY])
            (kept_out,) = client.query_conference_members(conference_id=conference_id).members
            client.lock_conference(conference_id=conference_id, action="unlock")
            client.invite_users(conference_id=conference_id, union_id=None, invitees=[SOMEBODY])
            (let_in,) = client.query_conference_members(conference_id=conference_id).members

        assert (kept_out.attend_status, let_in.attend_status) == (
            AttendStatus.FAILED,
            AttendStatus.JOINED,
        )

    def test_members_come_page_by_page(self, sandbox: SandboxServer) -> None:
        people = [person.union_id for person in DEMO_PEOPLE[:5]]
        conference = sandbox.add_conference(people=people)
        found: list[str] = []
        token: str | None = None
        with client_of(sandbox) as client:
            for _ in range(len(people) + 1):
                page = client.query_conference_members(
                    conference_id=conference.conference_id, max_results=2, next_token=token
                )
                found += [member.union_id for member in page.members]
                token = page.next_token
                if token is None:
                    break

        assert set(people) <= set(found)
        assert len(found) == len(set(found))

    @pytest.mark.parametrize("app", [INTERNAL, THIRD_PARTY], ids=["internal", "third party"])
    def test_expired_token_is_replaced(
        self, sandbox: SandboxServer, app: InternalApp | ThirdPartyApp
    ) -> None:
        conference_id = sandbox.add_conference().conference_id
        with client_of(sandbox, app) as client:
            client.invite_users(conference_id=conference_id, union_id=None, invitees=[SOMEBODY])
            sandbox.expire_tokens()
            with pytest.raises(StaleToken):
                client.invite_users(conference_id=conference_id, union_id=None, invitees=[SOMEBODY])
            client.invite_users(conference_id=conference_id, union_id=None, invitees=[SOMEBODY])

        assert len(sandbox.invitations) == 3

    def test_wrong_secret_is_told(self, sandbox: SandboxServer) -> None:
        conference_id = sandbox.add_conference().conference_id
        wrong = InternalApp(client_id=SANDBOX_CLIENT_ID, client_secret="wrong-secret")
        with client_of(sandbox, wrong) as client, pytest.raises(NotAuthorised) as caught:
            client.invite_users(conference_id=conference_id, union_id=None, invitees=[SOMEBODY])

        assert (caught.value.code, sandbox.invitations) == ("invalidClientIdOrSecret", [])

    def test_unknown_token_is_stale(self, sandbox: SandboxServer) -> None:
        conference_id = sandbox.add_conference().conference_id
        with client_of(sandbox, FixedToken("nobody-gave-this")) as client, pytest.raises(StaleToken):
            client.invite_users(conference_id=conference_id, union_id=None, invitees=[SOMEBODY])

    def test_person_is_known_or_not(self, sandbox: SandboxServer) -> None:
        with client_of(sandbox) as client:
            known = client.get_user(union_id=DEMO_PEOPLE[0].union_id)
            with pytest.raises(UnknownPerson) as caught:
                client.get_user(union_id="unknown-person")

        assert (known.union_id, known.nick) == (DEMO_PEOPLE[0].union_id, DEMO_PEOPLE[0].nick)
        assert caught.value.code == "unknownUserError"

    def test_directory_may_be_closed_to_an_app(self, sandbox: SandboxServer) -> None:
        sandbox.add_fault("code:Forbidden.AccessDenied.AccessTokenPermissionDenied", operation="contact_get")
        with client_of(sandbox) as client, pytest.raises(NotAuthorised):
            client.get_user(union_id=DEMO_PEOPLE[0].union_id)

    def test_several_people_are_asked_about_at_the_same_time_and_told_in_order(self) -> None:
        asked: list[str] = []
        people = [f"person{n}" for n in range(8)] + ["unknown-9"]

        def one_by_one() -> Iterator[str]:
            for union_id in people:
                asked.append(union_id)
                yield union_id

        with SandboxServer(latency_ms=100) as slow, client_of(slow) as client:
            client.get_user(union_id="somebody")
            begun = time.monotonic()
            told = list(client.get_users(union_ids=one_by_one(), at_once=4))
            took = time.monotonic() - begun
        assert [union_id for union_id, _answer in told] == people == asked
        assert [isinstance(answer, UnknownPerson) for _union_id, answer in told] == [False] * 8 + [True]
        # The first alone, then four at a time; one after the other they would take 0.9 s.
        assert took < 0.7

    def test_who_stops_listening_asks_about_nobody_else(self, sandbox: SandboxServer) -> None:
        sandbox.add_fault(
            "code:Forbidden.AccessDenied.AccessTokenPermissionDenied", operation="contact_get", times=None
        )
        with client_of(sandbox) as client:
            _union_id, answer = next(client.get_users(union_ids=["a", "b", "c"], at_once=4))
        assert isinstance(answer, NotAuthorised)
        assert len([post for post in sandbox.received if "contact/users" in post.target]) == 1


class TestSignIn:
    """Who somebody is who has agreed on the page."""

    @staticmethod
    def code(sandbox: SandboxServer, client: DingTalkClient, **query: str) -> str:
        sign_in = client.sign_in
        assert sign_in is not None
        asked = {"client_id": sign_in.client_id, "redirect_uri": "http://localhost/", "response_type": "code"}
        asked |= {"scope": "openid corpid", "person": DEMO_PEOPLE[0].union_id} | query
        answer = httpx.get(sign_in.page(), params=asked)
        return parse_qs(urlsplit(answer.headers["location"]).query)["authCode"][0]

    def test_person_has_their_ids_and_their_company(self, sandbox: SandboxServer) -> None:
        with DingTalkClient(base_url=sandbox.base_url, tokens=INTERNAL) as client:
            assert client.sign_in is not None
            person = client.sign_in.person(code=self.code(sandbox, client))
        assert person.union_id == DEMO_PEOPLE[0].union_id
        assert person.open_id == f"open-{DEMO_PEOPLE[0].union_id}"
        assert (person.nick, person.corp_id) == (DEMO_PEOPLE[0].nick, SANDBOX_CORP_ID)

    @pytest.mark.parametrize(
        ("operation", "fault", "error"),
        [
            ("user_token", "html_502", OutcomeUnknown),
            ("user_token", "html", UnreadableAnswer),
            ("user_token", "drop", OutcomeUnknown),
            ("user_token", "redirect", OutcomeUnknown),
            ("user_token", "empty_object", UnreadableAnswer),
            ("user_token", "throttled", Throttled),
            ("me", "cut_json", UnreadableAnswer),
            ("me", "json_array", UnreadableAnswer),
            ("me", "code:Forbidden.AccessDenied.AccessTokenPermissionDenied", NotAuthorised),
        ],
    )
    def test_what_goes_wrong_is_an_error_of_ours_without_code_or_secret(
        self, sandbox: SandboxServer, operation: str, fault: str, error: type[DingTalkError]
    ) -> None:
        with DingTalkClient(base_url=sandbox.base_url, tokens=INTERNAL) as client:
            assert client.sign_in is not None
            code = self.code(sandbox, client)
            sandbox.add_fault(fault, operation=operation)
            with pytest.raises(error) as raised:
                client.sign_in.person(code=code)
        told = repr((raised.value.args, vars(raised.value)))
        assert code not in told
        assert SANDBOX_CLIENT_SECRET not in told
        assert raised.value.__cause__ is None

    def test_app_without_credentials_signs_nobody_in(self, sandbox: SandboxServer) -> None:
        with DingTalkClient(base_url=sandbox.base_url, tokens=FixedToken("token")) as client:
            assert client.sign_in is None

    @pytest.mark.parametrize(
        ("host", "page"),
        [
            ("https://api.dingtalk.com", "https://login.dingtalk.com/oauth2/auth"),
            ("https://api.dingtalk.io", "https://login.dingtalk.io/oauth2/auth"),
            ("https://proxy.example", "https://proxy.example/oauth2/auth"),
        ],
    )
    def test_page_is_on_the_host_of_the_edition(self, host: str, page: str) -> None:
        with DingTalkClient(base_url=host, tokens=INTERNAL) as client:
            assert client.sign_in is not None
            assert client.sign_in.page() == page
            assert (
                client.sign_in.page(login_url_instead="https://x.example") == "https://x.example/oauth2/auth"
            )
