"""Django's admin: who gets in, what can be changed there, and that no secret comes out."""

import re
from datetime import time

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from dashboard.environment import DingTalkEnvironment
from invites.counting import count_call
from invites.models import App, Attempt, Conference, Invitation, Invitee, User
from invites.models.app import AppKind
from invites.models.user import Role
from tests.conftest import SignedIn
from tests.factories import (
    AddressBookFactory,
    AttemptFactory,
    ContactFactory,
    ContactGroupFactory,
    InviteeFactory,
)

APPS = "/admin/invites/app/"
INTERNAL = {
    "name": "Company app",
    "kind": "internal",
    "base_url": "https://api.dingtalk.io",
    "default_country": "CN",
    "client_id": "cid",
    "new_client_secret": "first-secret",
    "batch_size": "100",
    "calls_per_second": "20",
    "monthly_quota": "5000",
    "looks_up_unknown_people": "on",
    "halve_refused_batches": "on",
    "enabled": "on",
}


@pytest.fixture
def client_of_administrator(administrator: User, signed_in: SignedIn) -> Client:
    return signed_in(administrator)


@pytest.fixture
def app(client_of_administrator: Client) -> App:
    """An internal app, added as an administrator adds it."""
    assert client_of_administrator.post(f"{APPS}add/", INTERNAL).status_code == 302
    return App.objects.get()


def refused(client: Client, url: str, data: dict[str, str]) -> dict[str, list[str]]:
    response = client.post(url, data)
    assert response.status_code == 200
    errors: dict[str, list[str]] = response.context["adminform"].form.errors
    return errors


class TestWhoGetsIn:
    @pytest.mark.parametrize("role", ["organizer", "auditor"])
    def test_nobody_but_administrators(
        self, role: str, request: pytest.FixtureRequest, signed_in: SignedIn
    ) -> None:
        client = signed_in(request.getfixturevalue(role))
        for url in ("/admin/", APPS, "/admin/invites/user/", "/admin/invites/attempt/"):
            assert client.get(url)["Location"] == f"/admin/login/?next={url}"
        assert client.post(f"{APPS}add/", INTERNAL).status_code == 302
        assert not App.objects.exists()

    def test_administrator(self, client_of_administrator: Client) -> None:
        assert client_of_administrator.get("/admin/").status_code == 200

    def test_passwords_are_changed_where_tries_are_counted(self, client_of_administrator: Client) -> None:
        for ask in (client_of_administrator.get, client_of_administrator.post):
            assert ask("/admin/password_change/")["Location"] == "/password/"

    def test_somebody_who_is_no_longer_administrator_is_kept_out(
        self, administrator: User, client_of_administrator: Client
    ) -> None:
        administrator.role = Role.AUDITOR
        administrator.save()
        assert client_of_administrator.get(APPS).status_code == 302


class TestSecrets:
    def test_secret_goes_in(self, app: App) -> None:
        assert app.client_secret == "first-secret"

    def test_secret_never_comes_out(self, app: App, client_of_administrator: Client) -> None:
        for url in (APPS, f"{APPS}{app.pk}/change/", f"{APPS}{app.pk}/history/", f"{APPS}{app.pk}/delete/"):
            page = client_of_administrator.get(url).content.decode()
            assert "Company app" in page
            assert "first-secret" not in page
        assert "first-secret" not in str(LogEntry.objects.values_list("change_message", "object_repr"))

    def test_secret_that_was_typed_does_not_come_back_with_an_error(
        self, client_of_administrator: Client, db: None
    ) -> None:
        response = client_of_administrator.post(f"{APPS}add/", INTERNAL | {"name": ""})
        assert response.status_code == 200
        assert "first-secret" not in response.content.decode()

    def test_field_that_is_left_empty_keeps_the_stored_secret(
        self, app: App, client_of_administrator: Client
    ) -> None:
        changed = INTERNAL | {"name": "Renamed", "new_client_secret": ""}
        assert client_of_administrator.post(f"{APPS}{app.pk}/change/", changed).status_code == 302
        app.refresh_from_db()
        assert (app.name, app.client_secret) == ("Renamed", "first-secret")

    def test_field_that_is_filled_in_replaces_it(self, app: App, client_of_administrator: Client) -> None:
        changed = INTERNAL | {"new_client_secret": "second-secret"}
        assert client_of_administrator.post(f"{APPS}{app.pk}/change/", changed).status_code == 302
        app.refresh_from_db()
        assert app.client_secret == "second-secret"

    def test_stored_secret_does_not_follow_the_app_to_another_host(
        self, app: App, client_of_administrator: Client
    ) -> None:
        moved = INTERNAL | {"base_url": "https://elsewhere.example", "new_client_secret": ""}
        errors = refused(client_of_administrator, f"{APPS}{app.pk}/change/", moved)
        assert errors.keys() == {"new_client_secret"}
        again = moved | {"new_client_secret": "second-secret"}
        assert client_of_administrator.post(f"{APPS}{app.pk}/change/", again).status_code == 302

    def test_secret_of_another_kind_is_forgotten(self, app: App, client_of_administrator: Client) -> None:
        changed = INTERNAL | {"kind": "fixed_token", "new_client_secret": "", "new_access_token": "a-token"}
        assert client_of_administrator.post(f"{APPS}{app.pk}/change/", changed).status_code == 302
        app.refresh_from_db()
        assert (app.client_secret, app.access_token) == ("", "a-token")

    def test_secret_that_no_key_fits_can_be_replaced(
        self, app: App, administrator: User, settings: Settings, signed_in: SignedIn
    ) -> None:
        settings.SECRET_KEY = "another-key-another-key-another-key-another"
        client = signed_in(administrator)
        assert client.get(f"{APPS}{app.pk}/change/").status_code == 200
        changed = INTERNAL | {"new_client_secret": "second-secret"}
        assert client.post(f"{APPS}{app.pk}/change/", changed).status_code == 302
        app = App.objects.get(pk=app.pk)
        assert app.client_secret == "second-secret"


class TestAppForm:
    @pytest.mark.parametrize(
        ("kind", "missing"),
        [
            ("internal", {"client_id", "new_client_secret"}),
            ("third_party", {"client_id", "new_client_secret", "auth_corp_id"}),
            ("fixed_token", {"new_access_token"}),
        ],
    )
    def test_each_kind_needs_its_credentials(
        self, kind: str, missing: set[str], client_of_administrator: Client
    ) -> None:
        data = INTERNAL | {"kind": kind, "client_id": "", "new_client_secret": ""}
        assert refused(client_of_administrator, f"{APPS}add/", data).keys() == missing

    @pytest.mark.parametrize("kind", ["environment", "sandbox", "nonsense"])
    def test_kind_of_the_settings_cannot_be_added(self, kind: str, client_of_administrator: Client) -> None:
        assert "kind" in refused(client_of_administrator, f"{APPS}add/", INTERNAL | {"kind": kind})

    @pytest.mark.parametrize(
        "base_url",
        [
            "http://api.dingtalk.io",
            "ftp://api.dingtalk.io",
            "https://user:word@host",
            "https://host/?q",
            "host",
            "",
        ],
    )
    def test_host_must_be_https(self, base_url: str, client_of_administrator: Client) -> None:
        errors = refused(client_of_administrator, f"{APPS}add/", INTERNAL | {"base_url": base_url})
        assert errors.keys() == {"base_url"}

    @pytest.mark.parametrize(
        "base_url", ["http://127.0.0.1:9", "http://localhost:9/", "https://api.dingtalk.com/"]
    )
    def test_host_may_be_this_machine_or_any_over_https(
        self, base_url: str, client_of_administrator: Client
    ) -> None:
        data = INTERNAL | {"base_url": base_url}
        assert client_of_administrator.post(f"{APPS}add/", data).status_code == 302
        assert App.objects.get().base_url == base_url.rstrip("/")

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("default_country", "XX"),
            ("batch_size", "0"),
            ("batch_size", "501"),
            ("calls_per_second", "0"),
            ("calls_per_second", "501"),
            ("monthly_quota", "-1"),
            ("client_id", "with blank"),
            ("new_client_secret", "ünfit"),
        ],
    )
    def test_value_that_cannot_be_is_refused_at_its_field(
        self, field: str, value: str, client_of_administrator: Client
    ) -> None:
        assert refused(client_of_administrator, f"{APPS}add/", INTERNAL | {field: value}).keys() == {field}

    def test_quiet_hours_need_both_ends(self, client_of_administrator: Client, db: None) -> None:
        data = INTERNAL | {"quiet_from": "22:00"}
        for wrong, field in (
            (data, "quiet_until"),
            (INTERNAL | {"quiet_until": "07:30"}, "quiet_from"),
            (data | {"quiet_until": "22:00"}, "quiet_until"),
        ):
            assert refused(client_of_administrator, f"{APPS}add/", wrong).keys() == {field}
        both = data | {"quiet_until": "07:30"}
        assert client_of_administrator.post(f"{APPS}add/", both).status_code == 302
        assert App.objects.get().quiet_until == time(7, 30)

    def test_what_dingtalk_refused_is_tried_again_after_a_change(
        self, app: App, client_of_administrator: Client
    ) -> None:
        App.objects.update(largest_batch=20, lookup_refused_at=timezone.now())
        changed = INTERNAL | {"new_client_secret": "", "calls_per_second": "40", "monthly_quota": "0"}
        assert client_of_administrator.post(f"{APPS}{app.pk}/change/", changed).status_code == 302
        app = App.objects.get()
        assert (app.people_per_call, app.may_look_up) == (100, True)
        assert (app.calls_per_second, app.monthly_quota) == (40, 0)

    def test_name_is_taken_once(self, app: App, client_of_administrator: Client) -> None:
        assert refused(client_of_administrator, f"{APPS}add/", INTERNAL).keys() == {"name"}


class TestAppOfTheSettings:
    @pytest.fixture
    def environment(self, settings: Settings, db: None) -> App:
        settings.DINGTALK = DingTalkEnvironment(base_url="https://one.example", access_token="tok-1")
        return App.objects.create(name="environment", kind=AppKind.ENVIRONMENT)

    def test_where_it_is_and_how_to_get_in_cannot_be_changed(
        self, environment: App, client_of_administrator: Client
    ) -> None:
        url = f"{APPS}{environment.pk}/change/"
        page = client_of_administrator.get(url).content.decode()
        assert not re.search(r'name="(name|kind|base_url|client_id|new_\w+)"', page)
        assert "tok-1" not in page
        data = INTERNAL | {"batch_size": "7", "enabled": "", "looks_up_unknown_people": ""}
        assert client_of_administrator.post(url, data).status_code == 302
        environment.refresh_from_db()
        assert (environment.kind, environment.name, environment.base_url, environment.client_id) == (
            AppKind.ENVIRONMENT,
            "environment",
            "",
            "",
        )
        assert (environment.batch_size, environment.enabled) == (7, False)
        assert not environment.looks_up_unknown_people

    def test_it_cannot_be_deleted(self, environment: App, client_of_administrator: Client) -> None:
        url = f"{APPS}{environment.pk}/delete/"
        assert client_of_administrator.post(url, {"post": "yes"}).status_code == 403
        selected = {"action": "delete_selected", "_selected_action": environment.pk, "post": "yes"}
        client_of_administrator.post(APPS, selected)
        assert App.objects.filter(pk=environment.pk).exists()


class TestRecords:
    @pytest.fixture
    def attempt(self, db: None) -> Attempt:
        person = InviteeFactory()
        book = AddressBookFactory()
        ContactFactory(book=book)
        ContactGroupFactory(book=book)
        count_call(book.app_id, "InviteUsers")
        return AttemptFactory(sent_to=[person])

    @pytest.mark.parametrize(
        "noun",
        [
            "attempt",
            "invitation",
            "invitee",
            "conference",
            "addressbook",
            "contact",
            "contactgroup",
            "callcount",
            "user",
        ],
    )
    def test_rows_can_be_looked_at_and_nothing_else(
        self, noun: str, attempt: Attempt, client_of_administrator: Client
    ) -> None:
        model = next(model for model in admin.site._registry if model._meta.model_name == noun)
        row = model._default_manager.get_queryset()[0]
        before = model._default_manager.values().get(pk=row.pk)
        assert (
            not hasattr(row, "password")
            or row.password
            not in client_of_administrator.get(
                reverse(f"admin:invites_{noun}_change", args=[row.pk])
            ).content.decode()
        )
        listed = reverse(f"admin:invites_{noun}_changelist")
        change = reverse(f"admin:invites_{noun}_change", args=[row.pk])
        page = client_of_administrator.get(change).content.decode()
        assert client_of_administrator.get(listed).status_code == 200
        assert 'name="_save"' not in page
        assert "delete_selected" not in client_of_administrator.get(listed).content.decode()
        assert client_of_administrator.post(change, {"state": "failed", "nick": "x"}).status_code == 403
        delete = reverse(f"admin:invites_{noun}_delete", args=[row.pk])
        assert client_of_administrator.post(delete, {"post": "yes"}).status_code == 403
        assert client_of_administrator.get(reverse(f"admin:invites_{noun}_add")).status_code == 403
        assert model._default_manager.values().get(pk=row.pk) == before

    def test_app_with_a_history_cannot_be_deleted(
        self, attempt: Attempt, client_of_administrator: Client
    ) -> None:
        app = attempt.invitation.conference.app
        response = client_of_administrator.post(f"{APPS}{app.pk}/delete/", {"post": "yes"})
        assert response.status_code in {200, 403}
        assert App.objects.filter(pk=app.pk).exists()
        assert [model.objects.exists() for model in (Conference, Invitation, Invitee, Attempt)] == [True] * 4

    def test_tokens_stand_nowhere(self, client_of_administrator: Client) -> None:
        assert "cachedtoken" not in client_of_administrator.get("/admin/").content.decode().lower()
