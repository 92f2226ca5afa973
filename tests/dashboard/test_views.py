"""Theme and language, how the process is, and the pages for what goes wrong."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.test import Client, RequestFactory
from django.utils import translation
from django.views.csrf import csrf_failure
from django.views.defaults import bad_request, permission_denied, server_error

from invites.models import User
from tests.conftest import SignedIn


class TestTheme:
    """Choosing a theme without scripts."""

    def test_choice_is_kept_and_shown(self, db: None) -> None:
        client = Client()
        response = client.post("/theme/", {"theme": "dark", "next": "/sign-in/?next=/"})
        assert response["Location"] == "/sign-in/?next=/"
        assert response.cookies["theme"]["samesite"] == "Lax"
        assert not response.cookies["theme"]["secure"]
        assert 'data-bs-theme="dark"' in client.get("/sign-in/").content.decode()

    def test_cookie_is_secure_over_https(self) -> None:
        response = Client().post("/theme/", {"theme": "dark"}, secure=True)
        assert response.cookies["theme"]["secure"]

    def test_unknown_theme_changes_nothing(self) -> None:
        assert "theme" not in Client().post("/theme/", {"theme": "pink"}).cookies

    @pytest.mark.parametrize(
        "target", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)", ""]
    )
    def test_it_never_leaves_the_site(self, target: str) -> None:
        assert Client().post("/theme/", {"theme": "dark", "next": target})["Location"] == "/"

    def test_it_takes_a_press(self) -> None:
        assert Client().get("/theme/").status_code == 405


class TestLanguage:
    """Choosing a language without scripts."""

    @pytest.fixture(autouse=True)
    def language_of_other_tests(self) -> Iterator[None]:
        """A request leaves its language behind in its thread."""
        with translation.override(translation.get_language()):
            yield

    def test_choice_is_kept_and_shown(self, db: None) -> None:
        client = Client()
        assert '<html lang="en"' in client.get("/sign-in/").content.decode()
        client.post("/language/", {"language": "zh-hans", "next": "/sign-in/"})
        assert '<html lang="zh-hans"' in client.get("/sign-in/").content.decode()

    def test_each_language_is_named_in_itself(self, db: None) -> None:
        body = Client().get("/sign-in/").content.decode()
        assert "English" in body
        assert "简体中文" in body


class TestHealth:
    """Whether the process answers."""

    def test_it_answers_without_the_database(self) -> None:
        assert Client().get("/healthz").content == b"ok"


class TestWhatGoesWrong:
    """Pages for what goes wrong."""

    def test_missing_page_keeps_the_way_open(self, organizer: User, signed_in: SignedIn) -> None:
        response = signed_in(organizer).get("/no/such/page/")
        assert response.status_code == 404
        assert "Nothing is here" in response.content.decode()
        assert 'aria-label="Main"' in response.content.decode()

    def test_missing_page_shows_strangers_no_way(self, db: None) -> None:
        body = Client().get("/no/such/page/").content.decode()
        assert "Nothing is here" in body
        assert 'aria-label="Main"' not in body

    def test_role_is_named_where_it_does_not_suffice(self, auditor: User) -> None:
        request = RequestFactory().get("/conferences/")
        request.user = auditor
        response = permission_denied(request, PermissionDenied())
        assert response.status_code == 403
        assert "Your role does not allow it." in response.content.decode()

    def test_form_that_is_out_of_date_says_that_nothing_was_sent(self) -> None:
        request = RequestFactory().post(
            "/sign-in/", headers={"referer": "http://testserver/sign-in/?next=/books/"}
        )
        request.user = AnonymousUser()
        response = csrf_failure(request)
        assert response.status_code == 403
        assert "Nothing was sent" in response.content.decode()
        assert 'href="/sign-in/?next=/books/"' in response.content.decode()

    def test_fault_of_ours_is_told_without_database_and_session(self) -> None:
        response = server_error(RequestFactory().get("/"))
        assert response.status_code == 500
        assert "look into the history before you try again" in response.content.decode()

    def test_request_that_is_not_understood_changes_nothing(self) -> None:
        response = bad_request(RequestFactory().get("/"), SuspiciousOperation())
        assert response.status_code == 400
        assert "Nothing was changed." in response.content.decode()
