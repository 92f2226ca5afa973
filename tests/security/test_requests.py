"""What a stranger can write into a request: hosts, addresses to go on to, keys, wildcards, bodies. Nothing breaks."""

import ast
import re
from http import HTTPStatus
from pathlib import Path

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver, reverse
from pytest_django import Settings

from invites import curating
from invites.models import AddressBook, User
from tests.conftest import SignedIn, htmx
from tests.factories import (
    AddressBookFactory,
    AttemptFactory,
    ConferenceFactory,
    ContactFactory,
    InviteeFactory,
    SentInvitationFactory,
    UserFactory,
)
from tests.security.walking import routes

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
ELSEWHERE = (
    "//evil.example/",
    "\\\\evil.example",
    "https://evil.example/",
    "https:evil.example",
    "https:///evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "/\\evil.example",
    "//evil.example\\@testserver/",
    "http://testserver@evil.example/",
    " //evil.example",
    "/\t/evil.example",
)


@pytest.fixture
def browser(signed_in: SignedIn, administrator: User) -> Client:
    """The administrator's."""
    return signed_in(administrator)


def leads_home(answer: HttpResponse) -> bool:
    """Whether a redirect stays on this site."""
    target = answer.headers.get("Location") or answer.headers.get("HX-Redirect", "")
    return target.startswith("/") and not target.startswith(("//", "/\\", "/\t"))


class TestRedirects:
    @pytest.mark.parametrize("target", ELSEWHERE)
    def test_theme_and_language_lead_nowhere_else(self, browser: Client, target: str) -> None:
        assert leads_home(browser.post("/theme/", {"theme": "dark", "next": target}))  # type: ignore[arg-type]
        for referrer in ({}, {"Referer": target}):
            answer = browser.post("/language/", {"language": "en", "next": target}, headers=referrer)
            assert leads_home(answer)  # type: ignore[arg-type]

    @pytest.mark.parametrize("target", ELSEWHERE)
    def test_way_back_after_sign_in_is_a_page_of_ours(self, client: Client, target: str) -> None:
        for headers in ({"HX-Request": "true", "HX-Current-URL": target}, {"Referer": target}):
            answer = client.post("/conferences/new/id/", headers=headers)
            location = answer.headers.get("Location") or answer.headers["HX-Redirect"]
            assert location.startswith("/sign-in/")
            assert "evil" not in location

    @pytest.mark.parametrize("target", ELSEWHERE)
    def test_refusal_offers_no_way_elsewhere(self, browser: Client, target: str) -> None:
        browser.logout()
        page = Client(enforce_csrf_checks=True).post("/theme/", {}, headers={"Referer": target})
        assert b"evil.example" not in page.content


class TestHosts:
    @pytest.mark.parametrize(
        "host", ["evil.example", "evil.example:80", "testserver@evil.example", "a b", "[::1", ""]
    )
    def test_strange_host_is_refused_and_not_repeated(
        self, client: Client, host: str, settings: Settings
    ) -> None:
        settings.ALLOWED_HOSTS = ["testserver"]
        answer = client.get(
            "/sign-in/", headers={"Host": host} if host else {}, SERVER_NAME=host or "evil.example"
        )
        assert answer.status_code == HTTPStatus.BAD_REQUEST
        assert b"evil" not in answer.content

    def test_forwarded_host_is_not_believed(self, client: Client) -> None:
        answer = client.get(
            "/", headers={"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
        )
        assert "evil" not in answer.headers["Location"]


class TestKeys:
    @pytest.mark.parametrize("key", ["9" * 30, "9" * 19, "0", "١"])
    def test_number_that_nothing_has_is_not_found(self, browser: Client, key: str) -> None:
        assert self.found(browser, key, self.routes()) == []

    @pytest.mark.parametrize("key", ["-1", "1.0", "%00", "1%00", "..%2f", "%f0%28"])
    def test_what_is_no_number_is_not_found(self, browser: Client, key: str) -> None:
        """It comes to no view, so one address of each kind will do."""
        kinds = {route.partition("/")[0]: route for route in self.routes()}
        assert self.found(browser, key, list(kinds.values())) == []

    def routes(self) -> list[str]:
        """Every address with a number in it."""
        ours = [route for route, _view in routes(get_resolver().url_patterns, "") if "<int:" in route]
        assert len(ours) > 50
        return [route for route in ours if not route.startswith(("admin/", "api/"))]

    def found(self, browser: Client, key: str, among: list[str]) -> list[tuple[str, int]]:
        """Those that answer otherwise than that nothing is there, and how."""
        wrong = []
        for route in among:
            address = "/" + "/".join(key if part.startswith("<") else part for part in route.split("/"))
            answer = browser.get(address)
            # Some ask first whether it is still the same person.
            asks_who = answer.status_code == HTTPStatus.FOUND and "next=" in answer.headers["Location"]
            if answer.status_code not in {404, 403, 405, 400} and not asks_who:
                wrong.append((address, answer.status_code))
        return wrong


class TestWildcards:
    """Each search box takes what is typed literally, and asks as often as for anything else."""

    @pytest.fixture
    def book(self, administrator: User) -> AddressBook:
        book: AddressBook = AddressBookFactory(owner=administrator)
        for nick in ("plain one", "100% sure", "under_score", "back\\slash", "quote'd"):
            ContactFactory(book=book, nick=nick)
        curating.save_contact(contact=book.contacts.get(nick="plain one"), user=administrator)
        UserFactory(first_name="plain user")
        conference = ConferenceFactory(app=book.app, owner=administrator, title="plain one")
        sent = SentInvitationFactory(conference=conference)
        person = InviteeFactory(invitation=sent, nick="plain one")
        AttemptFactory(invitation=sent, sent_to=[person], error_message="plain one")
        return book

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("100% s", "100% sure"),
            ("under_s", "under_score"),
            ("back\\s", "back\\slash"),
            ("quote'd", "quote'd"),
        ],
    )
    def test_wildcards_are_letters(self, browser: Client, book: AddressBook, text: str, found: str) -> None:
        address = reverse("invites:book_detail", args=[book.pk])
        with CaptureQueriesContext(connection) as usual:
            browser.get(address, {"q": "plain"})
        with CaptureQueriesContext(connection) as asked:
            page = browser.get(address, {"q": text}).content.decode()
        # Not more; the first search of a process may ask for what is kept from then on.
        assert len(asked) <= len(usual)
        key = book.contacts.get(nick=found).pk
        assert re.findall(r'name="contact" value="(\d+)"', page) == [str(key)]

    @pytest.mark.parametrize(
        "text", ["%%%", "___", "\\\\\\", "%_%_%", "%" * 60, "_" * 90, "a%" * 40, "' OR 1=1 --", "\\"]
    )
    def test_nothing_but_wildcards_finds_nobody(self, browser: Client, book: AddressBook, text: str) -> None:
        for address, name, everybody in self.boxes(book):
            somebody = b"plain user" if address == "/settings/users/" else b"plain one"
            assert somebody in browser.get(address, everybody).content, (address, name)
            page = browser.get(address, {name: text})
            assert page.status_code in {200, 404, 422}, (address, name)
            assert somebody not in page.content, (address, name)

    def boxes(self, book: AddressBook) -> list[tuple[str, str, dict[str, str]]]:
        """Each search box, and what is asked for to see everybody."""
        return [
            (reverse("invites:book_detail", args=[book.pk]), "q", {}),
            ("/history/", "person", {}),
            ("/history/", "q", {}),
            ("/history/", "text", {}),
            ("/history/changes/", "person", {}),
            ("/conferences/", "q", {}),
            ("/settings/personal-data/", "who", {"who": "plain"}),
            ("/settings/users/", "q", {}),
        ]


class TestBodies:
    """A body that is none is refused, and breaks nothing."""

    @pytest.mark.parametrize(
        ("body", "content_type"),
        [
            (
                b'--x\r\nContent-Disposition: form-data; name="nick"\r\n\r\nno end',
                "multipart/form-data; boundary=x",
            ),
            (b"anything", "multipart/form-data"),
            (b"anything", "multipart/form-data; boundary=" + "x" * 300),
            (b"&".join(b"a=1" for _n in range(20_001)), "application/x-www-form-urlencoded"),
            (b"nick=" + b"x" * (5 * 1024 * 1024), "application/x-www-form-urlencoded"),
            (b"nick=%ff%fe%00&union_id=\xff", "application/x-www-form-urlencoded; charset=utf-16"),
            (b"nick=x", "application/x-www-form-urlencoded; charset=no-such-thing"),
            (b'{"nick": ' * 1000, "application/json"),
            (b"\0" * 1000, ""),
        ],
    )
    def test_body_that_is_none_is_refused(
        self, browser: Client, administrator: User, body: bytes, content_type: str
    ) -> None:
        book = AddressBookFactory(owner=administrator)
        for address in (
            reverse("invites:contact_create", args=[book.pk]),
            reverse("invites:import_create", args=[book.pk]),
            "/theme/",
        ):
            answer = browser.generic("POST", address, body, content_type=content_type)
            assert answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR, address
        assert book.contacts.count() == 0


class TestTargets:
    @pytest.mark.parametrize("target", ["'; DROP", "../base", "<script>", "x" * 5000, "é", "base.html#x"])
    def test_fragment_that_is_none_is_the_whole_page(self, browser: Client, target: str) -> None:
        page = browser.get("/history/", headers=htmx(target))
        assert b"<html" in page.content


class TestComparing:
    """What only its holder knows is compared in a time that does not tell how much of it was right."""

    SECRETS = ("signature", "digest", "hmac", "token_given", "password")

    def test_nothing_secret_is_compared_by_equality(self) -> None:
        found = []
        for path in sorted([*ROOT.glob("invites/**/*.py"), *ROOT.glob("dashboard/**/*.py")]):
            if "migrations" in path.parts or "sandbox" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Compare) and any(
                    isinstance(op, ast.Eq | ast.NotEq) for op in node.ops
                ):
                    text = ast.unparse(node).lower()
                    if any(word in text for word in self.SECRETS):
                        found.append(f"{path.relative_to(ROOT)}:{node.lineno}: {text}")
        assert [each for each in found if not any(known in each for known in NOT_SECRET)] == []


# What is compared with nothing to find out for whoever asks: what they have sent themselves with what they have sent
# before, what is stored with what else is stored, and how long a text is.
NOT_SECRET = (
    "claimed.digest != digest",
    "len(head) != digest_bytes",
    "chained(self._previous, day.day, sections, key=key) != bytes(day.digest)",
    "found[section.name].get(day.day, nothing) != digests.get(section.name)",
)
