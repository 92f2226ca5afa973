"""Signing in, in a real browser."""

import pytest
from playwright.sync_api import Page, expect

from invites.models import User
from tests.browser.conftest import Screenshot, SignIn
from tests.browser.looks import LOOKS, Look, sideways
from tests.factories import UserFactory


class TestSignIn:
    """The form that opens the door."""

    @pytest.mark.parametrize("look", LOOKS, ids=str)
    def test_sign_in_form_leads_home(self, page: Page, look: Look, screenshot: Screenshot) -> None:
        user: User = UserFactory(username="visitor")
        user.set_password("a-long-enough-password")
        user.save()
        page.goto("/")
        expect(page.locator("html")).to_have_attribute("data-bs-theme", look.theme)
        expect(page.locator("html")).to_have_attribute(
            "lang", "zh-hans" if look.language == "zh-CN" else "en"
        )
        screenshot("sign-in")
        page.locator("input[name=login]").fill("visitor")
        page.locator("input[name=password]").fill("a-long-enough-password")
        page.locator("input[name=password]").press("Enter")
        page.wait_for_url("/")
        assert sideways(page) == 0

    @pytest.mark.parametrize("look", [Look(scripts=False)], ids=str)
    def test_home_opens_without_scripts(self, page: Page, sign_in: SignIn, organizer: User) -> None:
        sign_in(organizer)
        page.goto("/")
        expect(page.locator("main")).to_be_visible()
