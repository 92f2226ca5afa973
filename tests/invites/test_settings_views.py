"""The settings: everybody's own account, and what administrators see beside it."""

from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from invites.counting import count_call
from invites.models import User, Worker
from invites.models.app import EventMode
from invites.models.user import Role
from tests.conftest import SignedIn, htmx
from tests.factories import AppFactory, UserFactory

URL = "/settings/"
ABOUT = "/settings/about/"
HTMX = htmx("account")


def page(client: Client, url: str = URL) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return unescape(response.content.decode())


class TestMyAccount:
    @pytest.mark.parametrize("role", ["organizer", "auditor", "administrator"])
    def test_everybody_sees_their_own(
        self, role: str, request: pytest.FixtureRequest, signed_in: SignedIn
    ) -> None:
        shown = page(signed_in(request.getfixturevalue(role)))
        assert "My account" in shown
        assert 'href="/password/"' in shown
        assert "without it the call shows no inviter's name" in shown

    def test_name_and_union_id_are_saved(self, organizer: User, signed_in: SignedIn) -> None:
        client = signed_in(organizer)
        response = client.post(URL, {"first_name": "Ada Example", "union_id": " u-1 "})
        assert response["Location"] == URL
        assert "Your account has been saved." in page(client)
        organizer.refresh_from_db()
        assert (organizer.display_name, organizer.union_id) == ("Ada Example", "u-1")

    def test_union_id_may_be_taken_away(self, organizer: User, signed_in: SignedIn) -> None:
        signed_in(organizer).post(URL, {"union_id": ""})
        organizer.refresh_from_db()
        assert organizer.union_id == ""

    @pytest.mark.parametrize("union_id", ["with blank", "with\u200binvisible", "x" * 129])
    def test_union_id_that_cannot_be_one_is_refused_at_its_field(
        self, union_id: str, organizer: User, signed_in: SignedIn
    ) -> None:
        response = signed_in(organizer).post(URL, {"first_name": "Ada", "union_id": union_id})
        assert response.status_code == 422
        assert response.context["form"].errors.keys() == {"union_id"}
        assert 'value="Ada"' in response.content.decode()
        organizer.refresh_from_db()
        assert organizer.union_id == "operator-of-organizer"

    def test_what_is_refused_shows_nowhere_else(self, organizer: User, signed_in: SignedIn) -> None:
        response = signed_in(organizer).post(URL, {"first_name": "Refused Name", "union_id": "with blank"})
        # Long enough never to occur by chance in a page's random tokens.
        assert response.content.decode().count("Refused Name") == 1

    def test_refused_form_comes_back_as_fragment(self, organizer: User, signed_in: SignedIn) -> None:
        response = signed_in(organizer).post(URL, {"union_id": "with blank"}, headers=HTMX)
        assert response.status_code == 422
        assert response.content.decode().lstrip().startswith('<form id="account"')

    @pytest.mark.parametrize(
        "field", ["role", "is_staff", "is_superuser", "may_see_phone_numbers", "username"]
    )
    def test_nobody_gives_themselves_rights(self, field: str, auditor: User, signed_in: SignedIn) -> None:
        client = signed_in(auditor)
        before = User.objects.values().get(pk=auditor.pk)
        client.post(URL, {field: "administrator", "first_name": "Ada"})
        assert User.objects.values().get(pk=auditor.pk) == before | {
            "first_name": "Ada",
            "union_id": "",
            "language": "en",
        }

    def test_role_that_an_administrator_changes_meanwhile_stays_changed(
        self, administrator: User, monkeypatch: pytest.MonkeyPatch, signed_in: SignedIn
    ) -> None:
        def demote(union_id: str) -> None:
            other = User.objects.get(pk=administrator.pk)
            other.role = Role.ORGANIZER
            other.save()

        monkeypatch.setattr("invites.forms.account.validate_union_id", demote)
        signed_in(administrator).post(URL, {"union_id": "u-1"})
        administrator.refresh_from_db()
        assert (administrator.role, administrator.union_id) == (Role.ORGANIZER, "u-1")

    def test_anonymous_visitor_is_sent_to_sign_in(self, client: Client, db: None) -> None:
        assert client.get(URL)["Location"] == f"/sign-in/?next={URL}"
        assert client.post(URL, {"first_name": "Ada"})["Location"].startswith("/sign-in/?next=/")


class TestForAdministrators:
    @pytest.mark.parametrize("role", ["organizer", "auditor"])
    def test_nobody_else_sees_apps_users_or_versions(
        self, role: str, request: pytest.FixtureRequest, signed_in: SignedIn
    ) -> None:
        client = signed_in(request.getfixturevalue(role))
        AppFactory(name="Company app")
        UserFactory(username="somebody-else")
        shown = page(client)
        # The banner names the app in use; a link to it is the administrator's alone.
        for text in ("127.0.0.1:9", "somebody-else", "SQLite", "PostgreSQL", "/admin/"):
            assert text not in shown
        assert client.get(ABOUT).status_code == 403

    def test_tabs_mark_the_page_that_is_shown(self, administrator: User, signed_in: SignedIn) -> None:
        client = signed_in(administrator)
        assert f'aria-current="page" href="{URL}">My account' in page(client)
        assert f'aria-current="page" href="{ABOUT}">About' in page(client, ABOUT)

    def test_missing_worker_is_said(self, administrator: User, signed_in: SignedIn) -> None:
        client = signed_in(administrator)
        assert "No worker is running" in page(client, ABOUT)
        now = timezone.now()
        worker = Worker.objects.create(name="w", started_at=now, seen_at=now - timedelta(hours=1))
        assert "last seen" in page(client, ABOUT)
        worker.seen_at = now
        worker.save()
        assert "1 worker is running" in page(client, ABOUT)

    def test_about_names_version_database_and_tasks(
        self, administrator: User, settings: Settings, signed_in: SignedIn
    ) -> None:
        settings.DINGTALK_SANDBOX_URL = "http://127.0.0.1:4711"
        shown = page(signed_in(administrator), ABOUT)
        for text in ("0.1.0", "Django 6", "django_tasks_db", "http://127.0.0.1:4711"):
            assert text in shown

    def test_about_says_how_each_app_hears_of_what_happens(
        self, administrator: User, signed_in: SignedIn
    ) -> None:
        client, now = signed_in(administrator), timezone.now()
        assert "No app hears of any" in page(client, ABOUT)
        app = AppFactory(event_mode=EventMode.STREAM)
        assert "Not connected yet" in page(client, ABOUT)
        app.stream_seen_at = now
        app.save()
        assert ">Connected" in page(client, ABOUT).replace("</svg> ", ">")
        app.event_mode, app.event_token, app.event_seen_at = EventMode.CALLBACK, "the-token", now
        app.save()
        shown = page(client, ABOUT)
        assert f"http://localhost/dingtalk/events/{app.pk}/" in shown
        assert "Last event" in shown
        assert "the-token" not in shown

    @pytest.mark.parametrize("count", [1, 20])
    def test_number_of_queries_does_not_grow_with_apps_and_users(
        self,
        count: int,
        administrator: User,
        signed_in: SignedIn,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        for app in AppFactory.create_batch(count):
            count_call(app.pk, "InviteUsers")
            count_call(app.pk, "GetUser")
        UserFactory.create_batch(count)
        client = signed_in(administrator)
        # Session, user twice, apps and their calls, users, and the banner's two.
        with django_assert_max_num_queries(8):
            client.get(URL)


class TestRoleAndStaff:
    def test_administrators_and_nobody_else_are_staff(self, db: None) -> None:
        for role in Role:
            user = UserFactory(role=role)
            assert (user.is_staff, user.is_superuser) == (role == Role.ADMINISTRATOR,) * 2

    def test_marks_follow_the_role_in_a_partial_save(self, administrator: User) -> None:
        administrator.role = Role.AUDITOR
        administrator.save(update_fields=["role"])
        administrator.refresh_from_db()
        assert not administrator.is_staff
        assert not administrator.is_superuser

    def test_superuser_made_on_the_command_line_is_an_administrator(self, db: None) -> None:
        assert User.objects.create_superuser("root", password="a long password").role == Role.ADMINISTRATOR
