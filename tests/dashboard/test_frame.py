"""The frame of every page, and what no template may do."""

import json
import re
from html import unescape
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from invites.models import User
from tests.conftest import SignedIn

TEMPLATES = sorted((Path(settings.BASE_DIR) / "templates").rglob("*.html"))
FORBIDDEN = {
    "style attribute": r"\sstyle\s*=",
    "style element": r"<style\b",
    "inline script": r"<script(?![^>]*\bsrc=)",
    "handler attribute": r"<[^>]*\son[a-z]+\s*=",
    "script in htmx": r"\bhx-on|\bhx-vals\s*=\s*.js:|\bhx-vars\b",
    "unescaped text": r"\|\s*safe\b|\bautoescape off\b",
    "address of another site": r"(?:src|href)\s*=\s*[\"'](?:https?:)?//",
}


@pytest.fixture
def body(organizer: User, signed_in: SignedIn) -> str:
    return signed_in(organizer).get("/password/").content.decode()


class TestTemplates:
    """Every template, whoever wrote it."""

    @pytest.mark.parametrize("name", FORBIDDEN)
    def test_none_goes_round_the_policy(self, name: str) -> None:
        found = [
            path.name for path in TEMPLATES if re.search(FORBIDDEN[name], path.read_text(encoding="utf-8"))
        ]
        assert found == []

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("style attribute", '<p class="a" style="color: red">'),
            ("style element", "<style>"),
            ("inline script", "<script>alert(1)</script>"),
            ("handler attribute", '<button type="button" onclick="go()">'),
            ("script in htmx", "<p hx-on:click='go()'>"),
            ("unescaped text", "{{ nick|safe }}"),
            ("address of another site", '<script src="https://cdn.example/x.js">'),
        ],
    )
    def test_rule_finds_what_it_is_for(self, name: str, text: str) -> None:
        assert re.search(FORBIDDEN[name], text)

    def test_each_says_first_what_it_needs(self) -> None:
        silent = [path.name for path in TEMPLATES if not path.read_text(encoding="utf-8").startswith("{#")]
        assert silent == []


class TestPolicy:
    """What the browser is told to refuse."""

    def test_nothing_inline_is_allowed(self, db: None) -> None:
        policy = Client().get("/sign-in/")["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy


class TestFrame:
    """The page around a page."""

    def test_keyboard_reaches_the_content_first(self, body: str) -> None:
        links = re.findall(r'<a [^>]*href="([^"]+)"', body)
        assert links[0] == "#content"
        assert '<main id="content"' in body

    def test_page_has_one_heading_of_the_first_rank(self, body: str) -> None:
        assert body.count("<h1") == 1

    def test_region_for_messages_is_always_there(self, body: str) -> None:
        assert re.search(r'id="messages"[^>]*aria-live="polite"', body)

    def test_who_is_signed_in_and_may_sign_out(self, body: str, organizer: User) -> None:
        assert organizer.display_name in body
        assert re.search(
            r'<form method="post" action="/sign-out/">\s*<input type="hidden" name="csrfmiddlewaretoken"',
            body,
        )

    def test_name_of_a_person_is_escaped(self, organizer: User, signed_in: SignedIn) -> None:
        organizer.first_name = "<img src=x>"
        organizer.save()
        assert "<img src=x>" not in signed_in(organizer).get("/password/").content.decode()

    def test_htmx_is_set_up_for_the_policy_and_for_our_answers(self, body: str) -> None:
        match = re.search(r"name=\"htmx-config\" content='([^']+)'", body)
        assert match
        config = json.loads(match[1])
        swapped = {rule["code"]: rule["swap"] for rule in config["responseHandling"]}
        assert swapped["409"]
        assert swapped["422"]
        assert swapped["429"]
        assert not swapped["[45].."]
        assert not swapped["204"]
        assert config["includeIndicatorStyles"] is config["allowEval"] is config["allowScriptTags"] is False
        assert config["historyCacheSize"] == 0

    def test_htmx_sends_the_token_that_forms_need(self, body: str) -> None:
        match = re.search(r"hx-headers='([^']+)'", body)
        assert match
        assert len(json.loads(match[1])["X-CSRFToken"]) == 64

    def test_script_learns_its_words_from_the_page(self, body: str) -> None:
        match = re.search(r'data-words="([^"]+)"', body)
        assert match
        words = json.loads(unescape(match[1]))
        script = (Path(settings.BASE_DIR) / "static/js/app.js").read_text(encoding="utf-8")
        said = set(re.findall(r"words\.(\w+)", script)) | set(re.findall(r'complain\("(\w+)"\)', script))
        assert said | {"broken", "missing", "refused", "minutes", "hours", "inMinutes", "inHours"} == set(
            words
        )

    @pytest.mark.parametrize(
        ("theme", "attributes"),
        [
            ("dark", 'data-chosen-theme="dark" data-bs-theme="dark"'),
            ("light", 'data-chosen-theme="light" data-bs-theme="light"'),
            ("auto", 'data-chosen-theme="auto" data-bs-theme="light"'),
        ],
    )
    def test_theme_stands_in_the_first_byte(self, db: None, theme: str, attributes: str) -> None:
        client = Client()
        client.cookies["theme"] = theme
        assert attributes in client.get("/sign-in/").content.decode()
