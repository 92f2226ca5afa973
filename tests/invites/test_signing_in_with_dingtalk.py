"""Signing in with DingTalk: all of the way, over HTTP, with the sandbox as the authorisation server."""

from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.db import connection
from django.test import Client
from pytest_django import Settings

from dashboard.environment import DingTalkEnvironment
from invites.dingtalk.sandbox import SandboxServer
from invites.dingtalk.sandbox.people import DEMO_STRANGER, SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET
from invites.models import App, AuditEntry, Session, SignInPolicy, User
from invites.models.app import AppKind
from invites.models.sign_in_policy import SignUp
from invites.models.user import Role
from tests.conftest import SignedIn
from tests.factories import PASSWORD, AppFactory, UserFactory
from tests.invites.dingtalk_door import DOOR, PERSON, agree, open_door, page_of_dingtalk, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def door(sandbox_app: App) -> SignInPolicy:
    """Open for everybody of the sandbox's company."""
    return open_door(sandbox_app)


def nobody() -> Client:
    """A browser on this machine, to which alone the sandbox leads back."""
    return Client(SERVER_NAME="127.0.0.1")


def by_password(user: User) -> Client:
    """Somebody's browser, after they have shown who they are."""
    client = nobody()
    client.post("/sign-in/", {"login": user.username, "password": PASSWORD})
    return client


def connected(user: User, person: str = PERSON.union_id, provider: str = "dingtalk-sandbox") -> SocialAccount:
    return SocialAccount.objects.create(user=user, provider=provider, uid=f"open-{person}", extra_data={})


def whoever_is_in(client: Client) -> str:
    """The username of whoever is signed in; "" for nobody."""
    key = client.session.get("_auth_user_id")
    return User.objects.get(pk=key).username if key else ""


class TestTheWay:
    def test_button_is_there_where_a_policy_names_an_app(self, sandbox_app: App) -> None:
        assert "Sign in with DingTalk" not in Client().get("/sign-in/").content.decode()
        assert Client().post(DOOR).status_code == 404
        open_door(sandbox_app)
        assert "Sign in with DingTalk" in Client().get("/sign-in/").content.decode()

    def test_dingtalk_is_asked_for_consent_and_company_and_told_no_secret(self, door: SignInPolicy) -> None:
        page = page_of_dingtalk(nobody(), next="/history/")
        asked = parse_qs(urlsplit(page).query)
        assert page.startswith(f"{urlsplit(page).scheme}://127.0.0.1:")
        assert urlsplit(page).path == "/oauth2/auth"
        assert asked["client_id"] == [SANDBOX_CLIENT_ID]
        assert asked["redirect_uri"] == ["http://127.0.0.1/sign-in/dingtalk/callback/"]
        assert set(asked["scope"][0].split()) == {"openid", "corpid"}
        assert (asked["prompt"], asked["response_type"]) == (["consent"], ["code"])
        assert asked["code_challenge_method"] == ["S256"]
        assert SANDBOX_CLIENT_SECRET not in page
        assert "history" not in page

    def test_what_a_request_adds_to_its_address_does_not_reach_dingtalk(self, door: SignInPolicy) -> None:
        evil = "?scope=evil&auth_params=redirect_uri%3Dhttps%3A%2F%2Fevil.example%26client_id%3Devil"
        page = nobody().post(f"{DOOR}{evil}").content.decode()
        assert "evil" not in page.split("<main")[1]

    def test_opening_the_address_asks_first(self, door: SignInPolicy) -> None:
        answer = nobody().get(DOOR, {"next": "/history/"})
        assert answer.status_code == 200
        assert 'name="next" value="/history/"' in answer.content.decode()
        assert not SocialAccount.objects.exists()

    def test_press_needs_the_token_of_the_page(self, door: SignInPolicy) -> None:
        assert Client(enforce_csrf_checks=True).post(DOOR).status_code == 403

    def test_somebody_of_the_company_gets_an_account_and_is_in(self, door: SignInPolicy) -> None:
        client = nobody()
        assert sign_in(client, next="/conferences/")["Location"] == "/conferences/"
        user = User.objects.get()
        assert whoever_is_in(client) == user.username == "AlexSample"
        assert (user.first_name, user.role, user.union_id) == ("Alex Sample", Role.ORGANIZER, PERSON.union_id)
        assert not user.has_usable_password()
        assert not user.email
        account = SocialAccount.objects.get(user=user)
        assert account.extra_data == {
            "nick": "Alex Sample",
            "unionId": PERSON.union_id,
            "corpId": "sandbox-corp-id",
        }
        assert not SocialToken.objects.exists()
        assert not SocialApp.objects.exists()

    def test_who_comes_again_is_the_same_and_their_union_id_is_kept_fresh(self, door: SignInPolicy) -> None:
        sign_in(nobody())
        User.objects.update(union_id="an older one", first_name="Alexandra")
        client = nobody()
        sign_in(client)
        user = User.objects.get()
        assert whoever_is_in(client) == user.username
        assert (user.union_id, user.first_name) == (PERSON.union_id, "Alexandra")

    def test_session_knows_from_where_and_with_what_it_began(self, door: SignInPolicy) -> None:
        client = Client(SERVER_NAME="127.0.0.1", REMOTE_ADDR="192.0.2.7", headers={"user-agent": "Firefox/1"})
        sign_in(client)
        session = Session.objects.get(user__isnull=False)
        assert (session.address, session.user_agent) == ("192.0.2.7", "Firefox/1")

    @pytest.mark.parametrize("sign_up", [SignUp.NOBODY, SignUp.COMPANY])
    def test_another_app_of_the_company_finds_everybody_again(
        self, sandbox_app: App, sign_up: SignUp
    ) -> None:
        """An openId is one app's own."""
        open_door(sandbox_app, sign_up)
        account = connected(UserFactory(username="ada"))
        SocialAccount.objects.update(uid="of-the-app-before", extra_data={"unionId": PERSON.union_id})
        client = nobody()
        sign_in(client)
        assert whoever_is_in(client) == "ada"
        assert SocialAccount.objects.get() == account
        assert sign_in(by_password(User.objects.get()), process="connect").status_code == 302

    def test_each_sign_in_is_on_record_once(self, door: SignInPolicy) -> None:
        sign_in(nobody())
        sign_in(nobody())
        entries = AuditEntry.objects.filter(additional_data={"what": "signed_in"})
        assert entries.count() == 2
        assert {entry.actor for entry in entries} == {User.objects.get()}

    def test_session_of_before_is_worth_nothing_afterwards(self, door: SignInPolicy) -> None:
        client = nobody()
        page = page_of_dingtalk(client)
        before = client.cookies["invites_session"].value
        client.get(agree(page))
        assert client.cookies["invites_session"].value != before
        thief = nobody()
        thief.cookies["invites_session"] = before
        assert thief.get("/").status_code == 302

    @pytest.mark.django_db(transaction=True)
    def test_two_tabs_at_the_same_moment_make_one_account(self, door: SignInPolicy) -> None:
        browsers = [nobody() for _tab in range(2)]
        ways = [agree(page_of_dingtalk(client)) for client in browsers]
        statuses: list[int] = []

        def come_back(client: Client, way: str) -> None:
            try:
                statuses.append(client.get(way).status_code)
            finally:
                connection.close()

        tabs = [Thread(target=come_back, args=pair) for pair in zip(browsers, ways, strict=True)]
        for tab in tabs:
            tab.start()
        for tab in tabs:
            tab.join()
        assert len(statuses) == 2
        assert set(statuses) <= {302, 400}
        assert User.objects.count() == SocialAccount.objects.count() == 1


class TestWhoStaysOut:
    def test_stranger_is_told_whom_to_ask(self, door: SignInPolicy) -> None:
        client = nobody()
        answer = sign_in(client, DEMO_STRANGER.union_id)
        assert answer.status_code == 403
        assert "Ask an administrator" in answer.content.decode()
        assert not User.objects.exists()
        assert not SocialAccount.objects.exists()
        assert not whoever_is_in(client)

    @pytest.mark.parametrize("sign_up", [SignUp.NOBODY, SignUp.BY_LINK])
    def test_nobody_signs_up_where_the_policy_says_so(self, sandbox_app: App, sign_up: SignUp) -> None:
        open_door(sandbox_app, sign_up)
        assert sign_in(nobody()).status_code == 403
        assert not User.objects.exists()

    def test_company_of_which_no_id_is_known_is_nobody(self, door: SignInPolicy) -> None:
        door.corp_ids = []
        door.save()
        assert sign_in(nobody()).status_code == 403

    def test_who_was_barred_does_not_come_in(self, door: SignInPolicy) -> None:
        connected(UserFactory(is_active=False, union_id="before"))
        client = nobody()
        answer = sign_in(client)
        assert answer.status_code == 403
        assert "switched off" in answer.content.decode()
        assert not whoever_is_in(client)
        assert User.objects.get().union_id == "before"

    def test_mail_address_that_dingtalk_tells_is_no_identity(self, door: SignInPolicy) -> None:
        boss = UserFactory(username="boss", email="boss@example.com", role=Role.ADMINISTRATOR)
        client = nobody()
        sign_in(client)
        assert whoever_is_in(client) == "AlexSample"
        assert not SocialAccount.objects.filter(user=boss).exists()

    def test_who_has_left_the_company_does_not_come_in_any_more(self, door: SignInPolicy) -> None:
        sign_in(nobody())
        door.corp_ids = ["another"]
        door.save()
        answer = sign_in(nobody())
        assert answer.status_code == 403
        assert "another one" in answer.content.decode().replace("\n", " ")
        assert User.objects.get().is_active

    def test_who_has_a_password_of_an_administrator_is_not_asked_for_the_company(
        self, door: SignInPolicy
    ) -> None:
        connected(UserFactory(username="guest"), DEMO_STRANGER.union_id)
        client = nobody()
        sign_in(client, DEMO_STRANGER.union_id)
        assert whoever_is_in(client) == "guest"

    def test_sandbox_opens_nothing_where_calls_are_real(self, door: SignInPolicy, settings: Settings) -> None:
        client = nobody()
        way_back = agree(page_of_dingtalk(client))
        real = AppFactory(kind=AppKind.INTERNAL, client_id="id", client_secret="secret")
        assert client.get(way_back).status_code == 404
        assert client.post(DOOR).status_code == 404
        assert "Sign in with DingTalk" not in client.get("/sign-in/").content.decode()
        real.delete()
        settings.DINGTALK = DingTalkEnvironment(
            base_url="http://127.0.0.1:9", client_id="id", client_secret="s"
        )
        assert client.post(DOOR).status_code == 404
        assert not User.objects.exists()

    def test_identity_of_the_sandbox_is_none_of_a_real_app(self, sandbox: SandboxServer) -> None:
        """Even one with the same ids: a real app that leads to the sandbox stands for DingTalk here."""
        app = AppFactory(
            kind=AppKind.INTERNAL,
            base_url=sandbox.base_url,
            client_id=SANDBOX_CLIENT_ID,
            client_secret=SANDBOX_CLIENT_SECRET,
        )
        open_door(app, SignUp.NOBODY)
        connected(UserFactory(), provider="dingtalk-sandbox")
        assert sign_in(nobody()).status_code == 403
        connected(UserFactory(username="real"), provider="dingtalk")
        client = nobody()
        sign_in(client)
        assert whoever_is_in(client) == "real"


class TestWhatGoesWrong:
    @pytest.mark.parametrize(
        ("operation", "fault", "told"),
        [
            ("user_token", "drop", "did not answer"),
            ("user_token", "html_502", "did not answer"),
            ("user_token", "html", "did not answer"),
            ("user_token", "redirect", "did not answer"),
            ("user_token", "throttled", "Too many calls"),
            ("user_token", "code:invalidClientIdOrSecret", "credentials of the app"),
            ("user_token", "code:somethingNew", "refused this sign-in"),
            ("me", "cut_json", "did not answer"),
            ("me", "json_array", "did not answer"),
            ("me", "wrong_type", "did not answer"),
            ("me", "code:Forbidden.AccessDenied.AccessTokenPermissionDenied", "Contact.User.Read"),
            ("me", "bare_401", "did not tell who you are"),
        ],
    )
    def test_failure_of_dingtalk_is_a_page_that_says_what_to_do(
        self, door: SignInPolicy, sandbox: SandboxServer, operation: str, fault: str, told: str
    ) -> None:
        sandbox.add_fault(fault, operation=operation)
        client = nobody()
        answer = sign_in(client)
        assert answer.status_code == 502
        assert told in answer.content.decode()
        assert not whoever_is_in(client)
        assert not User.objects.exists()

    def test_dingtalk_that_is_away_is_a_page_too(self, door: SignInPolicy, sandbox: SandboxServer) -> None:
        client = nobody()
        way_back = agree(page_of_dingtalk(client))
        sandbox.stop()
        answer = client.get(way_back)
        assert answer.status_code == 502
        assert "could not be reached" in answer.content.decode()

    def test_neither_code_nor_secret_stands_in_a_log_or_page(
        self, door: SignInPolicy, sandbox: SandboxServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        client = nobody()
        sandbox.add_fault("code:somethingNew", operation="me", message="no")
        way_back = agree(page_of_dingtalk(client))
        with caplog.at_level("DEBUG"):
            answer = client.get(way_back)
        code = parse_qs(urlsplit(way_back).query)["authCode"][0]
        for secret in (code, SANDBOX_CLIENT_SECRET):
            assert secret not in answer.content.decode()
            assert secret not in caplog.text

    def test_who_does_not_agree_is_told_so(self, door: SignInPolicy) -> None:
        answer = sign_in(nobody(), "denied")
        assert answer.status_code == 403
        assert "You did not agree" in answer.content.decode()

    def test_codes_that_dingtalk_does_not_take_cost_only_so_many_calls(self, door: SignInPolicy) -> None:
        client = nobody()

        def come_back() -> int:
            state = parse_qs(urlsplit(page_of_dingtalk(client)).query)["state"][0]
            way = {"authCode": "made up", "state": state}
            return client.get("/sign-in/dingtalk/callback/", way).status_code

        assert {come_back() for _ in range(49)} == {502}
        # What is taken does not count.
        assert sign_in(client).status_code == 302
        client = nobody()
        assert [come_back() for _ in range(2)] == [502, 429]

    def test_way_back_works_in_the_browser_that_began_and_once(self, door: SignInPolicy) -> None:
        client = nobody()
        way_back = agree(page_of_dingtalk(client))
        assert nobody().get(way_back).status_code == 400
        assert client.get(way_back).status_code == 302
        assert client.get(way_back).status_code == 400
        assert nobody().get("/sign-in/dingtalk/callback/").status_code == 400

    @pytest.mark.parametrize(
        "target",
        [
            "https://evil.example/",
            "//evil.example",
            "\\\\evil.example",
            "https:evil.example",
            "javascript:alert(1)",
        ],
    )
    def test_it_never_leads_to_another_site(self, door: SignInPolicy, target: str) -> None:
        assert sign_in(nobody(), next=target)["Location"] == "/"


class TestConnecting:
    def test_own_account_is_connected_and_learns_its_union_id(
        self, door: SignInPolicy, organizer: User
    ) -> None:
        client = by_password(organizer)
        assert sign_in(client, process="connect")["Location"] == "/settings/security/"
        organizer.refresh_from_db()
        assert organizer.union_id == PERSON.union_id
        assert "union_id" not in client.get("/settings/").context["form"].fields
        page = client.get("/settings/security/").content.decode()
        assert "Alex Sample" in page
        another = nobody()
        sign_in(another)
        assert whoever_is_in(another) == "organizer"

    def test_identity_of_somebody_else_is_left_to_them(
        self, door: SignInPolicy, organizer: User, other_organizer: User
    ) -> None:
        connected(other_organizer)
        client = by_password(organizer)
        assert sign_in(client, process="connect").status_code == 409
        assert SocialAccount.objects.get().user == other_organizer
        organizer.refresh_from_db()
        assert organizer.union_id == "operator-of-organizer"

    def test_second_identity_waits_until_the_first_is_let_go(
        self, door: SignInPolicy, organizer: User
    ) -> None:
        connected(organizer, DEMO_STRANGER.union_id)
        client = by_password(organizer)
        assert sign_in(client, process="connect").status_code == 409
        assert SocialAccount.objects.get().uid == f"open-{DEMO_STRANGER.union_id}"

    def test_open_session_alone_makes_no_lasting_way_in(
        self, door: SignInPolicy, organizer: User, signed_in: SignedIn
    ) -> None:
        client = signed_in(organizer)
        client.defaults["SERVER_NAME"] = "127.0.0.1"
        asked = client.post(DOOR, {"process": "connect"})
        assert asked["Location"].startswith("/settings/security/confirm/?next=")
        on = client.post(asked["Location"], {"password": PASSWORD, "next": DOOR})
        assert "/oauth2/auth?" in on.content.decode()
        connected(organizer)
        client = signed_in(organizer)
        assert client.post("/sign-in/dingtalk/disconnect/").status_code == 302
        assert SocialAccount.objects.exists()

    def test_address_alone_connects_nothing(
        self, door: SignInPolicy, organizer: User, signed_in: SignedIn
    ) -> None:
        """Nor does it go round the question who one is."""
        client = signed_in(organizer)
        client.defaults["SERVER_NAME"] = "127.0.0.1"
        client.get(agree(page_of_dingtalk(client, at=f"{DOOR}?process=connect")))
        assert not SocialAccount.objects.filter(user=organizer).exists()

    def test_it_takes_no_way_round_a_second_factor(self, door: SignInPolicy, organizer: User) -> None:
        door.second_factor_roles = [Role.ORGANIZER]
        door.save()
        assert by_password(organizer).post(DOOR, {"process": "connect"})["Location"] == "/settings/security/"

    def test_visitor_cannot_connect_anything(self, door: SignInPolicy) -> None:
        client = nobody()
        sign_in(client, process="connect")
        assert whoever_is_in(client) == "AlexSample"

    def test_disconnecting_asks_once_and_is_harmless_twice(self, door: SignInPolicy, organizer: User) -> None:
        connected(organizer)
        client = by_password(organizer)
        assert client.get("/sign-in/dingtalk/disconnect/").status_code == 200
        assert SocialAccount.objects.exists()
        for _press in range(2):
            assert client.post("/sign-in/dingtalk/disconnect/").status_code == 302
        assert not SocialAccount.objects.exists()
        assert "union_id" in client.get("/settings/").context["form"].fields

    def test_only_way_in_is_kept(self, door: SignInPolicy) -> None:
        client = nobody()
        sign_in(client)
        assert client.post("/sign-in/dingtalk/disconnect/").status_code == 409
        assert SocialAccount.objects.exists()
        assert "only way to sign in" in client.get("/settings/security/").content.decode()

    def test_visitor_is_asked_to_sign_in(self) -> None:
        assert Client().post("/sign-in/dingtalk/disconnect/")["Location"].startswith("/sign-in/?next=")
