"""Which address a request is taken to come from, whatever it says, and what browsers are called."""

import pytest
from django.test import RequestFactory
from django.utils import translation
from pytest_django import Settings

from invites.visiting import address_of, browser_in_words, visitor_of

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Safari/604.1"
)


class TestAddress:
    """Only what proxies of ours have added is believed."""

    @pytest.mark.parametrize(
        ("proxies", "forwarded", "address"),
        [
            (0, None, "198.51.100.1"),
            (0, "203.0.113.9", "198.51.100.1"),
            (1, "203.0.113.9", "203.0.113.9"),
            (1, "1.1.1.1, 203.0.113.9", "203.0.113.9"),
            (2, "1.1.1.1, 203.0.113.9, 10.0.0.1", "203.0.113.9"),
            (2, "203.0.113.9", "198.51.100.1"),
            (1, None, "198.51.100.1"),
            (1, "rubbish", "198.51.100.1"),
            (1, "203.0.113.9:1234", "203.0.113.9"),
            (1, "[2001:db8::1]:1234", "2001:db8::1"),
            (1, "fe80::1%eth0", "fe80::1"),
            (1, "::ffff:203.0.113.9", "203.0.113.9"),
        ],
    )
    def test_it_is_as_many_from_the_end_as_there_are_proxies(
        self, settings: Settings, proxies: int, forwarded: str | None, address: str
    ) -> None:
        settings.TRUSTED_PROXIES = proxies
        headers = {"X-Forwarded-For": forwarded} if forwarded else {}
        request = RequestFactory().get("/", headers=headers, REMOTE_ADDR="198.51.100.1")
        assert address_of(request) == address

    def test_behind_a_unix_socket_nobody_has_one(self) -> None:
        assert visitor_of(RequestFactory().get("/", REMOTE_ADDR="")).address is None


class TestBrowser:
    """Words for a browser."""

    @pytest.mark.parametrize(
        ("language", "agent", "words"),
        [
            ("en", CHROME, "Chrome on Windows"),
            ("zh-hans", CHROME, "Windows 上的 Chrome"),
            ("en", SAFARI, "Safari on iPhone"),
            ("en", CHROME + " Edg/142.0", "Edge on Windows"),
            ("en", CHROME + " DingTalk/7.6", "DingTalk on Windows"),
            ("en", "curl/8.0", "Unknown browser"),
            ("en", "", "Unknown browser"),
        ],
    )
    def test_it_is_what_people_call_it(self, language: str, agent: str, words: str) -> None:
        with translation.override(language):
            assert browser_in_words(agent) == words
