"""What every page is told: where one may go, the way back, what the banner says."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from dashboard.context import chosen_theme, here, navigation, page
from invites.counting import count_call
from invites.models import CallCount, User, Worker
from invites.models.app import AppKind
from tests.factories import AppFactory


def request_of(user: User | AnonymousUser, path: str = "/") -> HttpRequest:
    request = RequestFactory().get(path)
    request.user = user
    return request


def banner_of(user: User) -> str:
    """What the banner says, as one line of text."""
    text = re.sub(r"<[^>]+>", " ", render_to_string("_banner.html", {}, request_of(user)))
    return " ".join(text.split())


class TestNavigation:
    """Where one may go."""

    def words(self, user: User, path: str = "/") -> list[str]:
        return [str(entry.word) for entry in navigation(request_of(user, path), user)]

    def test_organizer_sees_everything_but_settings(self, organizer: User) -> None:
        assert self.words(organizer) == ["Home", "Conferences", "Address books", "History"]

    def test_administrator_sees_settings_too(self, administrator: User) -> None:
        assert self.words(administrator)[-1] == "Settings"

    def test_auditor_sees_home_and_history_alone(self, auditor: User) -> None:
        assert self.words(auditor) == ["Home", "History"]

    @pytest.mark.parametrize(
        ("path", "current"),
        [
            ("/", ["page", "", "", ""]),
            ("/conferences/", ["", "page", "", ""]),
            ("/conferences/7/draft/", ["", "true", "", ""]),
            ("/invitations/7/", ["", "true", "", ""]),
            ("/books/", ["", "", "page", ""]),
            ("/contacts/7/", ["", "", "true", ""]),
            ("/groups/7/", ["", "", "true", ""]),
            ("/imports/7/", ["", "", "true", ""]),
            ("/codes/", ["", "", "", "true"]),
            ("/password/", ["", "", "", ""]),
        ],
    )
    def test_present_place_is_marked(self, organizer: User, path: str, current: list[str]) -> None:
        entries = navigation(request_of(organizer, path), organizer)
        assert [entry.current for entry in entries] == current


class TestHere:
    """The address that a change of language or theme comes back to."""

    def test_page_comes_back_to_itself_with_its_query(self) -> None:
        assert here(RequestFactory().get("/history/", {"code": "x"})) == "/history/?code=x"

    @pytest.mark.parametrize(
        ("referrer", "path"),
        [
            ("http://testserver/conferences/1/?q=a", "/conferences/1/?q=a"),
            ("http://testserver", "/"),
            ("https://elsewhere.example/conferences/1/", "/"),
            ("javascript:alert(1)", "/"),
            ("", "/"),
        ],
    )
    def test_answer_to_a_post_comes_back_to_where_the_form_stood(self, referrer: str, path: str) -> None:
        assert here(RequestFactory().post("/conferences/1/draft/add/", headers={"referer": referrer})) == path


class TestTheme:
    """The theme that the viewer chose."""

    @pytest.mark.parametrize(
        ("cookie", "theme"), [("dark", "dark"), ("light", "light"), ('"><script>', "auto"), ("", "auto")]
    )
    def test_only_a_known_theme_counts(self, cookie: str, theme: str) -> None:
        request = RequestFactory().get("/")
        request.COOKIES["theme"] = cookie
        assert chosen_theme(request) == theme


class TestBanner:
    """The strip that says which app is in use."""

    @pytest.fixture(autouse=True)
    def no_sandbox(self, settings: Settings) -> None:
        settings.DINGTALK_SANDBOX_URL = ""

    def test_sandbox_is_named(self, organizer: User, settings: Settings, alive_worker: Worker) -> None:
        settings.DINGTALK_SANDBOX_URL = "http://127.0.0.1:9"
        AppFactory(kind=AppKind.SANDBOX, name="Sandbox", base_url="", access_token="")
        assert banner_of(organizer) == "Sandbox: nobody real is called."

    def test_real_apps_are_named(self, organizer: User, alive_worker: Worker) -> None:
        AppFactory(name="Head office")
        AppFactory(name="Branch")
        AppFactory(name="Old one", enabled=False)
        assert banner_of(organizer) == "Real people are called. DingTalk app in use: Branch, Head office"

    def test_name_of_an_app_is_escaped(self, organizer: User, alive_worker: Worker) -> None:
        AppFactory(name="<b>Office</b>")
        assert "<b>" not in render_to_string("_banner.html", {}, request_of(organizer))

    def test_missing_worker_is_told(self, organizer: User, alive_worker: Worker) -> None:
        Worker.objects.update(seen_at=timezone.now() - timedelta(minutes=5))
        assert banner_of(organizer) == "No worker runs: invitations wait until one is started."

    def test_nothing_to_say_shows_nothing(self, organizer: User, alive_worker: Worker) -> None:
        assert not render_to_string("_banner.html", {}, request_of(organizer)).strip()

    @pytest.mark.parametrize(
        ("spent", "said"),
        [
            (3_999, ""),
            (4_000, "The quota of calls for this month is nearly used up: 4,000 of 5,000 (Office)."),
            (5_001, "The quota of calls for this month is used up: 5,001 of 5,000 (Office)."),
        ],
    )
    def test_quota_that_runs_out_is_told_to_those_who_organize(
        self, organizer: User, auditor: User, alive_worker: Worker, spent: int, said: str
    ) -> None:
        app = AppFactory(name="Office")
        count_call(app.pk, "InviteUsers", calls=spent)
        count_call(app.pk, "GetUser", calls=9_000)
        assert said in banner_of(organizer)
        assert ("quota" in banner_of(organizer)) is bool(said)
        assert "quota" not in banner_of(auditor)

    def test_quota_of_last_month_is_forgotten(self, organizer: User, alive_worker: Worker) -> None:
        count_call(AppFactory().pk, "InviteUsers", calls=4_999)
        assert "quota" in banner_of(organizer)
        CallCount.objects.update(month=date(2020, 1, 1))
        assert "quota" not in banner_of(organizer)

    def test_app_without_a_limit_is_never_short(self, organizer: User, alive_worker: Worker) -> None:
        count_call(AppFactory(monthly_quota=0).pk, "InviteUsers", calls=100_000)
        assert "quota" not in banner_of(organizer)

    def test_banner_asks_twice_at_most(
        self, organizer: User, alive_worker: Worker, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for app in AppFactory.create_batch(3):
            count_call(app.pk, "InviteUsers", calls=5_000)
        with django_assert_num_queries(2):
            banner_of(organizer)


class TestPage:
    """What the context processor gives."""

    def test_it_asks_nothing_by_itself(
        self, administrator: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(0):
            page(request_of(administrator))

    @pytest.mark.parametrize(
        "key", ["navigation", "apps_in_use", "scarce_quotas", "no_worker", "may_see_phone_numbers"]
    )
    def test_anonymous_visitor_learns_nothing(self, key: str) -> None:
        context: dict[str, Any] = page(request_of(AnonymousUser()))
        assert key not in context

    def test_rights_follow_the_role(self, organizer: User, auditor: User, administrator: User) -> None:
        rights = ("may_organize", "may_administer", "may_see_phone_numbers")
        assert [page(request_of(organizer))[right] for right in rights] == [True, False, True]
        assert [page(request_of(auditor))[right] for right in rights] == [False, False, False]
        assert [page(request_of(administrator))[right] for right in rights] == [True, True, True]
