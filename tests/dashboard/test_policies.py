"""What every answer tells browsers to refuse: pages of every role, files, answers of machines, and what goes wrong."""

import re
from collections.abc import Iterator
from contextlib import closing

import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, path
from pytest_django import Settings

from dashboard.middleware import FILE_POLICY
from dashboard.urls import urlpatterns as site
from invites.files import MOST_BYTES
from invites.models import User
from tests.conftest import SignedIn, htmx
from tests.factories import AddressBookFactory, ConferenceFactory, ContactFactory

SECRET_OF_A_FAULT = "a-fault-with-a-secret-in-it"


def fail(request: HttpRequest) -> HttpResponse:
    raise RuntimeError(SECRET_OF_A_FAULT)


def data(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"a": "<script>"})


urlpatterns = [path("probe/fail/", fail), path("probe/data/", data), *site]
pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


def plain_addresses() -> Iterator[str]:
    """The address of each page that needs no key."""

    def walk(patterns: list[URLPattern | URLResolver], before: str) -> Iterator[str]:
        for pattern in patterns:
            address = before + str(pattern.pattern).lstrip("^").removesuffix("\\Z").removesuffix("$")
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, address)
            elif not re.search(r"[<(\\?]", address):
                yield address

    yield from walk(get_resolver("dashboard.urls").url_patterns, "/")


def policy_of(response: HttpResponseBase) -> str:
    return response["Content-Security-Policy"]


def assert_is_hardened(response: HttpResponseBase, what: str) -> None:
    """Whatever it is, a browser guesses nothing about it, and no other site gets at it."""
    headers = response.headers
    assert headers["X-Content-Type-Options"] == "nosniff", what
    assert headers["Referrer-Policy"] == "same-origin", what
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin", what
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin", what
    assert "camera=()" in headers["Permissions-Policy"], what
    assert "Server" not in headers, what
    assert "X-Powered-By" not in headers, what


def assert_is_private(response: HttpResponseBase, what: str) -> None:
    """Nobody frames it, keeps it, or runs anything in it that is not a file of ours."""
    assert_is_hardened(response, what)
    assert response["X-Frame-Options"] == "DENY", what
    assert "no-store" in response["Cache-Control"], what
    policy = policy_of(response)
    assert policy.startswith("default-src 'none'"), what
    assert "frame-ancestors 'none'" in policy, what
    assert "unsafe" not in policy, what
    for source in re.findall(r"(?:script|style)-src ([^;]*)", policy):
        assert source == "'self'", what


class TestPages:
    @pytest.mark.parametrize("role", ["administrator", "organizer", "auditor", None])
    def test_every_page_carries_all_of_it(
        self, role: str | None, request: pytest.FixtureRequest, signed_in: SignedIn
    ) -> None:
        client = signed_in(request.getfixturevalue(role)) if role else Client()
        addresses = list(plain_addresses())
        assert len(addresses) > 20
        for address in addresses:
            response = client.get(address)
            assert response.status_code < 500 or address == "/readyz", address
            assert_is_private(response, f"{address} {response.status_code}")

    def test_refusals_and_faults_do_too(self, organizer: User, signed_in: SignedIn) -> None:
        client = signed_in(organizer)
        client.raise_request_exception = False
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(organizer)
        conference = ConferenceFactory(owner=organizer)
        answers = {
            400: client.get("/", headers={"host": "elsewhere.example"}),
            403: strict.post("/conferences/new/"),
            404: client.get("/no/such/page/"),
            405: client.get("/sign-out/"),
            409: client.post(f"/conferences/{conference.pk}/draft/send/", {}, headers=htmx("draft_bar")),
            422: client.post("/conferences/new/", {}),
            500: client.get("/probe/fail/"),
        }
        assert {status: answer.status_code for status, answer in answers.items()} == {
            status: status for status in answers
        }
        for status, answer in answers.items():
            assert_is_private(answer, str(status))

    def test_fault_shows_its_number_and_nothing_of_itself(self, organizer: User, signed_in: SignedIn) -> None:
        client = signed_in(organizer)
        client.raise_request_exception = False
        answer = client.get("/probe/fail/?q=somebody")
        body = answer.content.decode()
        assert answer["X-Request-ID"] in body
        for hidden in (SECRET_OF_A_FAULT, "RuntimeError", "Traceback", "probe", "somebody", "settings"):
            assert hidden not in body

    def test_browsers_are_told_to_stay_with_https(self, settings: Settings) -> None:
        settings.SECURE_HSTS_SECONDS = 31536000
        assert Client().get("/healthz", secure=True)["Strict-Transport-Security"] == "max-age=31536000"


class TestFiles:
    def test_data_and_downloads_run_nothing_where_somebody_opens_them(
        self, organizer: User, signed_in: SignedIn
    ) -> None:
        client = signed_in(organizer)
        book = AddressBookFactory(owner=organizer)
        ContactFactory(book=book)
        for address in ("/probe/data/", f"/books/{book.pk}/export/?format=csv", "/healthz", "/readyz"):
            response = client.get(address)
            assert_is_private(response, address)
            assert policy_of(response) == FILE_POLICY
        disposition = client.get(f"/books/{book.pk}/export/?format=vcf")["Content-Disposition"]
        assert disposition.startswith("attachment")

    @pytest.mark.parametrize("name", ["css/app.css", "js/app.js", "favicon.svg"])
    def test_static_files_are_no_guess_either(self, name: str, settings: Settings) -> None:
        settings.WHITENOISE_USE_FINDERS = True
        with closing(Client().get(f"/static/{name}")) as response:
            assert response.status_code == 200
            assert_is_hardened(response, name)


class TestCookies:
    def test_scripts_see_neither_session_nor_token(self) -> None:
        client = Client()
        client.get("/sign-in/")
        client.post("/language/", {"language": "zh-hans"})
        for name in (settings.CSRF_COOKIE_NAME, settings.LANGUAGE_COOKIE_NAME):
            cookie = client.cookies[name]
            assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax"), name
            assert (cookie["path"], cookie["domain"]) == ("/", ""), name
        assert (settings.SESSION_COOKIE_HTTPONLY, settings.SESSION_COOKIE_SAMESITE) == (True, "Lax")
        assert (settings.SESSION_COOKIE_PATH, settings.SESSION_COOKIE_DOMAIN) == ("/", None)


class TestPolicy:
    def test_pages_may_use_what_is_here_and_nothing_else(self) -> None:
        policy = policy_of(Client().get("/sign-in/"))
        assert set(re.findall(r"'[^']*'", policy)) == {"'none'", "'self'"}
        assert "http" not in policy

    def test_uploads_are_bounded_in_number_and_size(self) -> None:
        assert settings.DATA_UPLOAD_MAX_MEMORY_SIZE <= 4 * 1024 * 1024
        assert settings.DATA_UPLOAD_MAX_NUMBER_FIELDS <= 20_000
        assert settings.FILE_UPLOAD_HANDLERS == ["dashboard.uploads.BoundedUploadHandler"]
        assert MOST_BYTES <= 20 * 1024 * 1024
