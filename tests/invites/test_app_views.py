"""Pages of the DingTalk apps: what administrators set up, and that no secret comes out."""

import re
from datetime import UTC, datetime
from html import unescape

import pytest
import time_machine
from allauth.socialaccount.models import SocialAccount
from cryptography.fernet import Fernet
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format
from pytest_django import DjangoAssertNumQueries, Settings

from dashboard.environment import DingTalkEnvironment
from invites import demo, diagnosing
from invites.connecting import client_for
from invites.counting import count_call
from invites.errors import AppUnavailable
from invites.models import App, AppCheck, AuditEntry, User
from invites.models.app import AppKind
from invites.models.invitation import InvitationState
from invites.models.spending import quota_month
from invites.signing_in.through_dingtalk import SANDBOX_PROVIDER
from tests.conftest import SignedIn
from tests.factories import AppFactory, InvitationFactory, SentInvitationFactory

URL = "/settings/apps/"
SECRET, TOKEN = "the-very-secret", "the-very-token"
CALLS = {
    "batch_size": "100",
    "calls_per_second": "20",
    "monthly_quota": "5000",
    "looks_up_unknown_people": "on",
    "halve_refused_batches": "on",
}
OF_EVERY_KIND = {"name": "Company app", "edition": "international", "default_country": "CN", **CALLS}
INTERNAL = OF_EVERY_KIND | {"client_id": "cid", "new_client_secret": SECRET, "event_mode": "none"}
THIRD_PARTY = OF_EVERY_KIND | {
    "client_id": "suite",
    "new_client_secret": SECRET,
    "auth_corp_id": "ding1",
    "new_suite_ticket": "ticket",
    "event_mode": "none",
}
FIXED = OF_EVERY_KIND | {"new_access_token": TOKEN}


@pytest.fixture
def browser(administrator: User, signed_in: SignedIn) -> Client:
    """The administrator's."""
    return signed_in(administrator)


@pytest.fixture
def app(db: None) -> App:
    """An internal app, as an administrator has added it."""
    return AppFactory(
        name="Company app",
        kind=AppKind.INTERNAL,
        base_url="https://api.dingtalk.io",
        client_id="cid",
        client_secret=SECRET,
        access_token="",
    )


def page(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200, url
    return " ".join(unescape(response.content.decode()).split())


def raw(client: Client) -> str:
    """The list as it came."""
    return unescape(client.get(URL).content.decode())


def pages_of(app: App) -> list[str]:
    return [f"{URL}{app.pk}/{part}" for part in ("", "edit/", "secret/", "disable/")]


class TestWhoGetsIn:
    @pytest.mark.parametrize("role", ["organizer", "auditor"])
    def test_nobody_but_administrators(
        self, role: str, app: App, request: pytest.FixtureRequest, signed_in: SignedIn
    ) -> None:
        client = signed_in(request.getfixturevalue(role))
        for url in (URL, f"{URL}new/", *pages_of(app)):
            assert client.get(url).status_code == 403, url
        posts = (
            "edit/",
            "secret/",
            "secret/forget/",
            "disable/",
            "enable/",
            "test/",
            "test/step/",
            "test/elsewhere/",
        )
        for part in posts:
            assert client.post(f"{URL}{app.pk}/{part}").status_code == 403, part
        app.refresh_from_db()
        assert app.enabled

    def test_anonymous_visitor_is_sent_to_sign_in(self, client: Client, app: App) -> None:
        assert client.get(URL)["Location"] == f"/sign-in/?next={URL}"
        assert client.post(f"{URL}{app.pk}/disable/")["Location"].startswith("/sign-in/")

    def test_app_that_is_not_there_is_not_found(self, browser: Client) -> None:
        assert browser.get(f"{URL}12345/").status_code == 404
        assert browser.post(f"{URL}12345/test/").status_code == 404


class TestAppList:
    def test_empty_list_offers_the_first_step(self, browser: Client) -> None:
        assert f'href="{URL}new/"' in page(browser, URL)

    def test_kind_host_state_test_and_calls_are_shown(self, browser: Client, app: App) -> None:
        count_call(app.pk, "InviteUsers", calls=1_200)
        shown = page(browser, URL)
        for text in ("Company app", "Internal app", "https://api.dingtalk.io", "Switched on", "Never tested"):
            assert text in shown
        assert "1,200 of 5,000 calls used" in shown
        line = {"operation": "x", "code": "", "message": ""}
        check = AppCheck.objects.create(app=app, lines=[line])
        steps = len(diagnosing.operations_of(app))
        assert f"Step 1 of {steps} is done." in page(browser, URL)
        check.lines = [line] * (steps - 1) + [line | {"code": "quota"}]
        check.save()
        App.objects.update(enabled=False)
        shown = page(browser, URL)
        assert "1 thing is missing" in shown
        assert "Switched off" in shown

    @pytest.mark.parametrize(
        ("described", "kind"),
        [
            ({"client_id": "cid-1", "client_secret": SECRET}, "internal app"),
            ({"access_token": TOKEN}, "fixed token"),
        ],
    )
    def test_app_of_the_environment_shows_no_value_of_it(
        self, described: dict[str, str], kind: str, browser: Client, settings: Settings
    ) -> None:
        settings.DINGTALK = DingTalkEnvironment(base_url="https://one.example", **described)
        app = App.objects.create(name="environment", kind=AppKind.ENVIRONMENT)
        for url in (URL, f"{URL}{app.pk}/"):
            shown = page(browser, url)
            assert f"From the environment: {kind}" in shown
            assert "https://one.example" in shown
            assert not {value for value in ("cid-1", SECRET, TOKEN) if value in shown}

    def test_calls_of_the_month_stand_beside_their_quota(self, browser: Client) -> None:
        app = AppFactory(name="Company app")
        count_call(app.pk, "InviteUsers", calls=1_200)
        count_call(app.pk, "QueryConferenceMembers", calls=34)
        count_call(app.pk, "GetUser", calls=77)
        with time_machine.travel(datetime(2026, 10, 5, tzinfo=UTC), tick=False):
            count_call(app.pk, "CreateVideoConference", calls=4_000)
        month = date_format(quota_month(), "F")
        shown = raw(browser)
        assert f"1,234 of 5,000 calls used in {month}" in " ".join(shown.split())
        assert '<meter min="0" max="5000" high="4000" optimum="0" value="1234"' in shown
        assert "CreateVideoConference" not in shown
        rows = re.findall(r"<tr.*?</tr>", shown[shown.index("app-calls") :], re.DOTALL)
        texts = [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in rows]
        assert texts[1:4] == [
            "InviteUsers 1,200",
            "QueryConferenceMembers 34",
            "GetUser 77 not taken from the quota",
        ]

    def test_app_without_a_limit_has_no_meter(self, browser: Client) -> None:
        count_call(AppFactory(monthly_quota=0).pk, "InviteUsers", calls=7)
        shown = raw(browser)
        assert "without a limit" in shown
        assert "<meter" not in shown

    def test_directory_that_refused_to_tell_is_said(self, browser: Client, app: App) -> None:
        assert "directory did not tell" not in page(browser, f"{URL}{app.pk}/")
        App.objects.note_lookup_refused(app.pk)
        assert "directory did not tell" in page(browser, f"{URL}{app.pk}/")

    @pytest.mark.parametrize("count", [1, 20])
    def test_number_of_queries_does_not_grow_with_apps(
        self, count: int, browser: Client, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        for app in AppFactory.create_batch(count):
            count_call(app.pk, "InviteUsers")
            AppCheck.objects.create(app=app)
        # Session, user, apps with their tests, their calls, and the banner's two.
        with django_assert_max_num_queries(6):
            browser.get(URL)


class TestAppDetail:
    @pytest.mark.parametrize("calls", [1, 50])
    def test_number_of_queries_does_not_grow_with_calls(
        self, calls: int, browser: Client, app: App, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        for number in range(calls):
            count_call(app.pk, f"Operation{number}")
        # Session, user, the app, its calls, its secrets, and the banner's two.
        with django_assert_max_num_queries(7):
            browser.get(f"{URL}{app.pk}/")


class TestAppCreate:
    @pytest.mark.parametrize(
        ("kind", "data", "stored"),
        [
            ("internal", INTERNAL, {"client_id": "cid", "client_secret": SECRET}),
            ("third_party", THIRD_PARTY, {"auth_corp_id": "ding1", "suite_ticket": "ticket"}),
            ("fixed_token", FIXED, {"access_token": TOKEN}),
        ],
    )
    def test_each_kind_is_added(
        self, kind: str, data: dict[str, str], stored: dict[str, str], browser: Client
    ) -> None:
        response = browser.post(f"{URL}new/?kind={kind}", data)
        app = App.objects.get()
        assert response["Location"] == f"{URL}{app.pk}/"
        assert (app.kind, app.base_url, app.enabled) == (kind, "https://api.dingtalk.io", True)
        assert {name: getattr(app, name) for name in stored} == stored
        assert (app.suite_ticket_at is not None) == (kind == "third_party")

    @pytest.mark.parametrize(
        ("kind", "needed", "unknown"),
        [
            ("internal", {"client_id", "new_client_secret"}, {"new_access_token", "auth_corp_id"}),
            ("third_party", {"client_id", "new_client_secret", "auth_corp_id"}, {"new_access_token"}),
            ("fixed_token", {"new_access_token"}, {"client_id", "new_client_secret", "event_mode"}),
            ("nonsense", {"client_id", "new_client_secret"}, {"new_access_token"}),
        ],
    )
    def test_each_kind_asks_for_what_it_needs_and_nothing_else(
        self, kind: str, needed: set[str], unknown: set[str], browser: Client
    ) -> None:
        shown = page(browser, f"{URL}new/?kind={kind}")
        assert all(f'name="{name}"' in shown for name in needed)
        assert not any(f'name="{name}"' in shown for name in unknown)
        response = browser.post(f"{URL}new/?kind={kind}", OF_EVERY_KIND | {"event_mode": "none"})
        assert response.status_code == 422
        assert response.context["form"].errors.keys() == needed
        assert 'value="Company app"' in response.content.decode()

    @pytest.mark.parametrize(
        ("edition", "address", "host"),
        [
            ("chinese", "", "https://api.dingtalk.com"),
            ("chinese", "https://ignored.example", "https://api.dingtalk.com"),
            ("custom", "https://93.184.215.14/gateway/", "https://93.184.215.14/gateway"),
        ],
    )
    def test_host_is_an_edition_or_another_one(
        self, edition: str, address: str, host: str, browser: Client
    ) -> None:
        browser.post(f"{URL}new/", INTERNAL | {"edition": edition, "base_url": address})
        assert App.objects.get().base_url == host

    @pytest.mark.parametrize(
        "address",
        [
            *("", "not a url", "ftp://x.example", "http://x.example", "https://user:pw@x.example"),
            *(
                "https://10.0.0.1",
                "https://192.168.1.1:8443",
                "https://169.254.169.254",
                "https://100.64.0.1",
            ),
            *("https://[::1]", "https://[fe80::1]", "https://[::ffff:10.0.0.1]", "https://127.0.0.1"),
            *("http://127.0.0.1:8001", "http://localhost:8001", "https://2130706433", "https://0x0a000001"),
            *("https://017700000001", "https://0.0.0.0", "https://224.0.0.1"),
        ],
    )
    def test_host_that_is_none_or_leads_inside_is_refused_at_its_field(
        self, address: str, browser: Client, settings: Settings
    ) -> None:
        settings.DINGTALK_ALLOW_PRIVATE_HOSTS = False
        response = browser.post(f"{URL}new/", INTERNAL | {"edition": "custom", "base_url": address})
        assert response.status_code == 422
        assert response.context["form"].errors.keys() == {"base_url"}
        assert not App.objects.exists()

    def test_this_machine_is_allowed_beside_the_sandbox(self, browser: Client, settings: Settings) -> None:
        settings.DINGTALK_ALLOW_PRIVATE_HOSTS = False
        settings.DINGTALK_SANDBOX_URL = "http://127.0.0.1:9"
        data = INTERNAL | {"edition": "custom", "base_url": "http://127.0.0.1:8765"}
        assert browser.post(f"{URL}new/", data).status_code == 302

    def test_no_real_app_stands_beside_the_password_of_the_demonstration(
        self, client: Client, settings: Settings, db: None
    ) -> None:
        settings.DINGTALK_SANDBOX_URL = "http://127.0.0.1:9"
        demo.load()
        client.force_login(User.objects.get(username="demo"))
        refused = client.post(f"{URL}new/?kind=internal", INTERNAL)
        assert refused.status_code == 422
        assert "everybody knows its password" in refused.content.decode()
        # Behind an address of this machine there may be a way to the real one.
        here = INTERNAL | {"edition": "custom", "base_url": "http://127.0.0.1:8765"}
        assert client.post(f"{URL}new/?kind=internal", here).status_code == 422
        assert not App.objects.filter(name="Company app").exists()
        for user in User.objects.filter(username__startswith="demo"):
            user.set_password("another long password")
            user.save()
        client.force_login(User.objects.get(username="demo"))
        # Where anybody is anybody.
        visitor = User.objects.create_user("visitor")
        SocialAccount.objects.create(user=visitor, provider=SANDBOX_PROVIDER, uid="of the sandbox")
        assert client.post(f"{URL}new/?kind=internal", INTERNAL).status_code == 422
        User.objects.filter(pk=visitor.pk).update(is_active=False)
        assert client.post(f"{URL}new/?kind=internal", INTERNAL).status_code == 302

    def test_name_is_taken_once(self, browser: Client, app: App) -> None:
        response = browser.post(f"{URL}new/", INTERNAL)
        assert response.context["form"].errors.keys() == {"name"}
        assert SECRET not in response.content.decode()

    def test_callback_needs_its_token_and_its_key(self, browser: Client) -> None:
        data = INTERNAL | {"event_mode": "callback", "new_event_token": "t", "new_event_aes_key": "too-short"}
        response = browser.post(f"{URL}new/", data)
        assert response.context["form"].errors.keys() == {"new_event_aes_key"}
        assert browser.post(f"{URL}new/", data | {"new_event_aes_key": "a" * 43}).status_code == 302
        assert App.objects.get().event_aes_key == "a" * 43


class TestSecrets:
    def test_no_page_shows_one(self, browser: Client, app: App) -> None:
        app.next_client_secret = "the-next-one"
        app.save()
        for url in (URL, *pages_of(app)):
            shown = page(browser, url)
            assert SECRET not in shown
            assert "the-next-one" not in shown

    def test_form_that_is_refused_does_not_repeat_one(self, browser: Client, app: App) -> None:
        data = INTERNAL | {"name": "", "new_client_secret": "typed-just-now"}
        assert "typed-just-now" not in browser.post(f"{URL}{app.pk}/edit/", data).content.decode()

    def test_one_that_no_key_opens_is_told_with_what_to_do(
        self, administrator: User, app: App, settings: Settings, signed_in: SignedIn
    ) -> None:
        settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
        browser = signed_in(administrator)
        assert "Secrets cannot be read" in page(browser, URL)
        shown = page(browser, f"{URL}{app.pk}/")
        assert "FIELD_ENCRYPTION_KEYS" in shown
        assert "client secret or suite secret" in shown
        assert "Enter it again" in page(browser, f"{URL}{app.pk}/edit/")
        response = browser.post(f"{URL}{app.pk}/edit/", INTERNAL | {"new_client_secret": ""})
        assert response.context["form"].errors.keys() == {"new_client_secret"}
        assert browser.post(f"{URL}{app.pk}/edit/", INTERNAL).status_code == 302
        assert client_for(App.objects.get()).refreshable
        assert "Secrets cannot be read" not in page(browser, URL)

    def test_test_of_one_that_no_key_opens_says_so(
        self, administrator: User, app: App, settings: Settings, signed_in: SignedIn
    ) -> None:
        settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
        browser = signed_in(administrator)
        assert browser.post(f"{URL}{app.pk}/test/").status_code == 302
        assert "appUnavailable" in page(browser, f"{URL}{app.pk}/")


class TestAppEdit:
    def test_secret_that_is_left_empty_stays(self, browser: Client, app: App) -> None:
        data = INTERNAL | {"name": "Renamed", "new_client_secret": ""}
        assert browser.post(f"{URL}{app.pk}/edit/", data).status_code == 302
        app = App.objects.get()
        assert (app.name, app.client_secret) == ("Renamed", SECRET)

    def test_secret_that_is_entered_replaces_it_and_is_on_record_masked(
        self, browser: Client, app: App
    ) -> None:
        browser.post(f"{URL}{app.pk}/edit/", INTERNAL | {"new_client_secret": "another"})
        assert App.objects.get().client_secret == "another"
        entry = AuditEntry.objects.filter(object_id=app.pk).latest("pk")
        assert entry.changes["client_secret"] == ["•••", "•••"]

    def test_app_that_moves_needs_its_secret_again_and_leaves_the_next_one_behind(
        self, browser: Client, app: App
    ) -> None:
        App.objects.update(next_client_secret="the-next-one")
        moved = INTERNAL | {"edition": "chinese", "new_client_secret": ""}
        response = browser.post(f"{URL}{app.pk}/edit/", moved)
        assert response.context["form"].errors.keys() == {"new_client_secret"}
        assert browser.post(f"{URL}{app.pk}/edit/", moved | {"new_client_secret": SECRET}).status_code == 302
        app = App.objects.get()
        assert (app.base_url, app.next_client_secret) == ("https://api.dingtalk.com", "")

    def test_next_secret_that_took_over_meanwhile_is_not_undone(self, browser: Client, app: App) -> None:
        App.objects.update(client_secret="taken over", event_token="t", event_aes_key="a" * 43)
        browser.post(f"{URL}{app.pk}/edit/", INTERNAL | {"new_client_secret": ""})
        app = App.objects.get()
        assert (app.client_secret, app.event_token, app.event_aes_key) == ("taken over", "t", "a" * 43)

    def test_kind_cannot_be_changed(self, browser: Client, app: App) -> None:
        browser.post(f"{URL}{app.pk}/edit/", INTERNAL | {"kind": "fixed_token"})
        assert App.objects.get().kind == AppKind.INTERNAL

    def test_of_the_sandbox_only_its_calls_can_be_changed(self, browser: Client) -> None:
        app = App.objects.create(name="sandbox", kind=AppKind.SANDBOX)
        data = CALLS | {"batch_size": "7", "name": "other", "base_url": "https://x.example", "enabled": ""}
        assert browser.post(f"{URL}{app.pk}/edit/", data).status_code == 302
        app = App.objects.get()
        assert (app.name, app.base_url, app.batch_size, app.enabled) == ("sandbox", "", 7, True)

    def test_what_is_wrong_stands_at_its_field(self, browser: Client, app: App) -> None:
        data = INTERNAL | {"calls_per_second": "0", "quiet_from": "22:00", "default_country": "XX"}
        response = browser.post(f"{URL}{app.pk}/edit/", data)
        assert response.status_code == 422
        assert response.context["form"].errors.keys() == {
            "calls_per_second",
            "quiet_until",
            "default_country",
        }


class TestNextSecret:
    def test_it_is_stored_beside_the_present_one(self, browser: Client, app: App) -> None:
        assert browser.post(f"{URL}{app.pk}/secret/", {"next_secret": "the-next-one"}).status_code == 302
        app = App.objects.get()
        assert (app.client_secret, app.next_client_secret) == (SECRET, "the-next-one")
        assert "A next secret is stored" in page(browser, f"{URL}{app.pk}/")

    @pytest.mark.parametrize("value", ["", "with blank", "ünfit"])
    def test_what_can_be_none_is_refused_at_its_field(self, value: str, browser: Client, app: App) -> None:
        response = browser.post(f"{URL}{app.pk}/secret/", {"next_secret": value})
        assert response.status_code == 422
        assert response.context["form"].errors.keys() == {"next_secret"}

    def test_it_can_be_forgotten_also_twice(self, browser: Client, app: App) -> None:
        App.objects.update(next_client_secret="the-next-one")
        for _press in range(2):
            assert browser.post(f"{URL}{app.pk}/secret/forget/").status_code == 302
        assert App.objects.get().next_client_secret == ""

    def test_fixed_token_has_none(self, browser: Client) -> None:
        app = AppFactory()
        assert browser.get(f"{URL}{app.pk}/secret/").status_code == 404


class TestSwitching:
    def test_it_asks_once_and_names_what_waits(self, browser: Client, app: App) -> None:
        SentInvitationFactory(conference__app=app, state=InvitationState.SENDING, finished_at=None)
        InvitationFactory(
            conference__app=app, state=InvitationState.SCHEDULED, scheduled_for=timezone.now(), revision=1
        )
        shown = page(browser, f"{URL}{app.pk}/disable/")
        assert "1 invitation that is under way" in shown
        assert "1 invitation at a set time" in shown
        assert App.objects.get().enabled

    def test_nobody_is_called_through_it_until_it_is_switched_on(self, browser: Client, app: App) -> None:
        for _press in range(2):
            assert browser.post(f"{URL}{app.pk}/disable/").status_code == 302
        with pytest.raises(AppUnavailable):
            client_for(App.objects.get())
        for _press in range(2):
            assert browser.post(f"{URL}{app.pk}/enable/").status_code == 302
        assert client_for(App.objects.get()).refreshable

    def test_no_real_app_is_switched_on_beside_the_password_of_the_demonstration(
        self, client: Client, settings: Settings, db: None
    ) -> None:
        settings.DINGTALK_SANDBOX_URL = "http://127.0.0.1:9"
        demo.load()
        client.force_login(User.objects.get(username="demo"))
        app = AppFactory(kind=AppKind.INTERNAL, enabled=False)
        assert client.post(f"{URL}{app.pk}/enable/").status_code == 409
        sandbox = App.objects.get(kind=AppKind.SANDBOX)
        for path in (f"{URL}{sandbox.pk}/disable/", f"{URL}{sandbox.pk}/enable/"):
            assert client.post(path).status_code == 302
        assert not App.objects.get(pk=app.pk).enabled
        assert App.objects.get(pk=sandbox.pk).enabled

    def test_get_switches_nothing_on(self, browser: Client, app: App) -> None:
        assert browser.get(f"{URL}{app.pk}/enable/").status_code == 405
