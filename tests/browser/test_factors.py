"""Second factors in a real browser: a passkey of Chromium's virtual authenticator, and codes of an app."""

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from invites import securing
from invites.models import User
from tests.browser.conftest import Screenshot
from tests.browser.looks import LOOKS, Look, sideways
from tests.factories import PASSWORD
from tests.invites.codes import code_of

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def has_authenticator(context: BrowserContext, page: Page) -> None:
    """Gives the browser a fingerprint reader, as CDP's domain WebAuthn describes it."""
    session = context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})


def give_password(page: Page) -> None:
    page.locator("input[name=login]").fill("organizer")
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("input[name=password]").press("Enter")


def sign_out(page: Page) -> None:
    page.locator("[popovertarget=account-menu]").click()
    page.locator("#account-menu form button").click()
    page.wait_for_url("**/sign-in/**")


class TestPasskey:
    """Made, used in place of the password, used beside it, and used once more before something that matters."""

    def test_it_opens_the_door(
        self, context: BrowserContext, page: Page, organizer: User, screenshot: Screenshot
    ) -> None:
        has_authenticator(context, page)
        page.goto("/settings/security/")
        give_password(page)
        page.get_by_role("link", name="Add a passkey").click()
        # Its button does nothing before the scripts of its page are there.
        page.wait_for_url("/settings/security/passkeys/new/")
        page.get_by_role("textbox", name="Name").fill("My laptop")
        screenshot("passkey-new")
        page.get_by_role("button", name="Make the passkey").click()
        page.wait_for_url("**/settings/security/codes/")
        page.get_by_role("link", name="I have kept them").click()
        expect(page.get_by_text("My laptop")).to_be_visible()
        assert [factor.wrap().is_passwordless for factor in securing.factors_of(organizer)] == [True]
        sign_out(page)

        page.goto("/sign-in/?next=/codes/")
        page.get_by_role("button", name="Sign in with a passkey").click()
        # The whole path: the page before says at the end of its address where it leads.
        page.wait_for_url("/codes/")
        sign_out(page)

        page.goto("/sign-in/?next=/codes/")
        give_password(page)
        page.wait_for_url("**/sign-in/second-step/")
        page.get_by_role("button", name="Use a passkey").click()
        page.wait_for_url("/codes/")

        page.goto("/settings/security/confirm/passkey/?next=/history/")
        page.get_by_role("button", name="Use a passkey").click()
        page.wait_for_url("/history/")

    def test_calling_it_off_is_said_in_words(self, page: Page, organizer: User) -> None:
        page.goto("/sign-in/")
        # What a browser does when somebody closes its question.
        page.evaluate(
            "() => { navigator.credentials.get = () => Promise.reject(new DOMException('', 'NotAllowedError')) }"
        )
        page.get_by_role("button", name="Sign in with a passkey").click()
        expect(page.get_by_role("alert")).to_contain_text("it was called off")


class TestAuthenticatorApp:
    """Set up and used, in every look."""

    @pytest.mark.parametrize("look", LOOKS, ids=str)
    def test_code_is_the_second_step(
        self, page: Page, organizer: User, look: Look, screenshot: Screenshot
    ) -> None:
        page.goto("/settings/security/app/")
        give_password(page)
        page.wait_for_url("/settings/security/app/")
        secret = page.locator("[data-secret]").inner_text()
        assert page.locator(".qr-code").evaluate("image => image.naturalWidth") > 0
        screenshot("factor-app")
        assert sideways(page) == 0
        page.locator("input[name=code]").fill(code_of(secret))
        page.locator("input[name=code]").press("Enter")
        page.wait_for_url("**/settings/security/codes/")
        codes = re.findall(r"\d{8}", page.locator("#codes").inner_text())
        assert len(codes) == 10
        screenshot("factor-codes")
        assert sideways(page) == 0
        with page.expect_download() as download:
            page.locator("a[download]").click()
        assert download.value.path().read_text(encoding="utf-8").split() == codes
        page.goto("/settings/security/")
        screenshot("security")
        assert sideways(page) == 0
        sign_out(page)
        page.goto("/sign-in/?next=/codes/")
        give_password(page)
        page.wait_for_url("**/sign-in/second-step/")
        screenshot("second-step")
        assert sideways(page) == 0
        page.locator("input[name=code]").fill(codes[0])
        page.locator("input[name=code]").press("Enter")
        page.wait_for_url("/codes/")
