"""From an app's row to a client, and the rows for what the settings describe."""

import pytest
from allauth.socialaccount.models import SocialAccount
from cryptography.fernet import Fernet
from django.test import Client
from pytest_django import Settings

from dashboard.environment import DingTalkEnvironment
from invites import demo, tokens
from invites.connecting import client_for, ensure_apps
from invites.dingtalk import NotSent
from invites.dingtalk.sandbox import SandboxServer
from invites.errors import AppUnavailable
from invites.models import AddressBook, ApiToken, App, Conference, SignInPolicy, User
from invites.models.api_token import Scope
from invites.models.app import AppKind
from tests.factories import AppFactory, UserFactory

pytestmark = pytest.mark.django_db
SANDBOX_URL = "http://127.0.0.1:9"
REAL = DingTalkEnvironment(base_url="http://127.0.0.1:9", client_id="id", client_secret="secret")


class TestClientFor:
    @pytest.mark.parametrize("kind", [AppKind.INTERNAL, AppKind.THIRD_PARTY, AppKind.FIXED_TOKEN])
    def test_equal_apps_share_a_client(self, kind: AppKind) -> None:
        app = AppFactory(
            kind=kind, client_id="i", client_secret="s", auth_corp_id="c", suite_ticket="t", access_token="a"
        )
        assert client_for(app) is client_for(App.objects.get())
        assert client_for(app).refreshable is (kind != AppKind.FIXED_TOKEN)

    def test_rotated_secret_makes_another_client(self) -> None:
        app = AppFactory(kind=AppKind.INTERNAL, client_id="i", client_secret="old")
        before = client_for(app)
        app.client_secret = "new"
        assert client_for(app) is not before

    def test_disabled_app_has_none(self) -> None:
        with pytest.raises(AppUnavailable):
            client_for(AppFactory(enabled=False))

    @pytest.mark.parametrize("wrong", [{"base_url": "https://xn--"}, {"default_country": "XX"}])
    def test_app_that_describes_no_host_or_country_has_none(self, wrong: dict[str, str]) -> None:
        with pytest.raises(AppUnavailable):
            client_for(AppFactory(**wrong))

    @pytest.mark.parametrize("kind", [AppKind.ENVIRONMENT, AppKind.SANDBOX])
    def test_app_of_the_settings_needs_them(self, kind: AppKind) -> None:
        with pytest.raises(AppUnavailable):
            client_for(App.objects.create(name="x", kind=kind))

    def test_fixed_token_of_the_environment_wins(self, settings: Settings) -> None:
        settings.DINGTALK = DingTalkEnvironment(base_url="http://127.0.0.1:9", access_token="t")
        [app] = ensure_apps()
        assert not client_for(app).refreshable


class TestOldHost:
    def test_host_of_the_older_interface_is_that_of_the_settings(
        self, settings: Settings, sandbox: SandboxServer
    ) -> None:
        settings.DINGTALK = DingTalkEnvironment(
            base_url="http://127.0.0.1:9",
            old_base_url=sandbox.base_url,
            access_token="sandbox-fixed-token",
        )
        app = next(app for app in ensure_apps() if app.kind == AppKind.ENVIRONMENT)
        assert client_for(app).directory.list_departments()


class TestEnsureApps:
    def test_rows_appear_once(self, settings: Settings) -> None:
        settings.DINGTALK, settings.DINGTALK_SANDBOX_URL = REAL, SANDBOX_URL
        assert {app.kind for app in ensure_apps()} == {AppKind.ENVIRONMENT, AppKind.SANDBOX}
        ensure_apps()
        assert App.objects.count() == 2

    def test_app_whose_secrets_cannot_be_read_keeps_no_other_from_being_used(
        self, settings: Settings
    ) -> None:
        settings.DINGTALK = REAL
        broken = AppFactory(kind=AppKind.INTERNAL, client_id="id", client_secret="secret")
        settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
        usable = {app.kind: app for app in ensure_apps()}
        assert client_for(usable[AppKind.ENVIRONMENT]).refreshable
        with pytest.raises(AppUnavailable):
            client_for(usable[broken.kind])

    def test_name_that_an_administrator_took_is_left_alone(self, settings: Settings) -> None:
        AppFactory(name="environment")
        settings.DINGTALK = REAL
        ensure_apps()
        assert App.objects.get(kind=AppKind.ENVIRONMENT).name == "environment 2"

    def test_row_without_its_settings_is_not_usable(self, settings: Settings) -> None:
        settings.DINGTALK = REAL
        ensure_apps()
        settings.DINGTALK = None
        assert ensure_apps() == []


class TestDemo:
    @pytest.fixture(autouse=True)
    def sandbox_only(self, settings: Settings) -> None:
        settings.DINGTALK, settings.DINGTALK_SANDBOX_URL = None, SANDBOX_URL

    def test_it_is_loaded_once(self) -> None:
        assert demo.load()
        assert not demo.load()
        assert User.objects.filter(username="demo").count() == 1
        assert set(AddressBook.objects.values_list("app__kind", flat=True)) == {AppKind.SANDBOX}
        assert Conference.objects.exists()

    def test_sign_in_works(self) -> None:
        demo.load()
        offered = demo.sign_in()
        assert offered is not None
        assert User.objects.get(username=offered.username).check_password(offered.password)

    def test_nothing_is_loaded_beside_a_real_app(self, settings: Settings) -> None:
        settings.DINGTALK = REAL
        assert not demo.load()
        assert not User.objects.exists()
        assert demo.sign_in() is None

    def test_nothing_is_loaded_where_people_sign_in_already(self) -> None:
        UserFactory()
        assert not demo.load()

    def test_everybody_of_its_company_may_sign_in_with_dingtalk(self) -> None:
        demo.load()
        policy = SignInPolicy.objects.current()
        assert policy.app is not None
        assert (policy.app.is_sandbox, policy.sign_up, policy.role) == (True, "company", "organizer")
        organizer = SocialAccount.objects.get(uid="open-sandbox-organizer-00").user
        assert (organizer.username, organizer.union_id) == ("demo", "sandbox-organizer-00")

    def test_real_installation_begins_with_nobody_and_no_app(self, settings: Settings) -> None:
        settings.DINGTALK = REAL
        ensure_apps()
        demo.load()
        policy = SignInPolicy.objects.current()
        assert (policy.app, policy.sign_up) == (None, "nobody")

    def test_its_users_are_shut_out_once_a_real_app_is_there(self, settings: Settings) -> None:
        demo.load()
        for username, password in (("came", None), ("came-and-stays", "a password of their own")):
            user = User.objects.create_user(username, password=password)
            SocialAccount.objects.create(user=user, provider="dingtalk-sandbox", uid=username)
        settings.DINGTALK = REAL
        assert demo.withdraw() == 4
        assert User.objects.get(is_active=True).username == "came-and-stays"

    def test_nothing_that_its_users_held_comes_back_with_them(self, settings: Settings) -> None:
        demo.load()
        user = User.objects.get(username="demo")
        browser = Client()
        browser.force_login(user)
        made = tokens.make(ApiToken(user=user, name="script", scopes=[Scope.CONFERENCES_READ]), days=1)
        settings.DINGTALK = REAL
        demo.withdraw()
        User.objects.update(is_active=True)
        assert browser.get("/").status_code == 302
        assert tokens.find(made.text) is None


class TestReach:
    """Which addresses an app may be called at, whatever its host is called. Nothing listens at port 9."""

    @pytest.mark.parametrize(
        ("allowed", "sandbox_url", "code"),
        [(False, "", "hostNotAllowed"), (False, SANDBOX_URL, "notConnected"), (True, "", "notConnected")],
    )
    def test_host_that_was_entered_reaches_this_machine_beside_the_sandbox_only(
        self, allowed: bool, sandbox_url: str, code: str, settings: Settings
    ) -> None:
        settings.DINGTALK_ALLOW_PRIVATE_HOSTS, settings.DINGTALK_SANDBOX_URL = allowed, sandbox_url
        app = AppFactory()
        with pytest.raises(NotSent) as refused:
            client_for(app).query_conference_info(conference_id="1")
        assert refused.value.code == code

    @pytest.mark.parametrize("kind", [AppKind.ENVIRONMENT, AppKind.SANDBOX])
    def test_what_the_settings_describe_reaches_this_machine(self, kind: AppKind, settings: Settings) -> None:
        settings.DINGTALK_ALLOW_PRIVATE_HOSTS = False
        settings.DINGTALK, settings.DINGTALK_SANDBOX_URL = REAL, SANDBOX_URL
        app = next(app for app in ensure_apps() if app.kind == kind)
        with pytest.raises(NotSent, match="notConnected"):
            client_for(app).query_conference_info(conference_id="1")
