"""An administrator adds an app at the sandbox, tests it step by step, and switches it off."""

import re

from playwright.sync_api import Page, expect

from invites.dingtalk.sandbox import SandboxServer
from invites.dingtalk.sandbox.people import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET
from invites.models import User
from tests.browser.conftest import Screenshot, SignIn

APP_PAGE = re.compile(r"/settings/apps/\d+/$")


class TestApps:
    def test_app_is_added_tested_mended_and_switched_off(
        self, page: Page, sign_in: SignIn, administrator: User, sandbox: SandboxServer, screenshot: Screenshot
    ) -> None:
        sign_in(administrator)
        page.goto("/settings/apps/")
        page.get_by_role("link", name="Add app").click()
        page.fill("#id_name", "Company app")
        page.get_by_label("Another host").check()
        page.fill("#id_base_url", sandbox.base_url)
        page.fill("#id_client_id", SANDBOX_CLIENT_ID)
        page.fill("#id_new_client_secret", "not-the-secret")
        page.get_by_role("button", name="Add app").click()
        # Its scripts must be there: without them the whole test is one request.
        page.wait_for_url(APP_PAGE)
        page.get_by_role("button", name="Test the connection").click()
        section = page.locator("#app_test")
        expect(section.get_by_role("status")).to_contain_text("1 thing needs you.")
        expect(section).to_contain_text("does not know this client ID with this secret")
        screenshot("app-refused")
        page.get_by_role("link", name="Change", exact=True).click()
        page.fill("#id_new_client_secret", SANDBOX_CLIENT_SECRET)
        page.get_by_role("button", name="Save").click()
        page.wait_for_url(APP_PAGE)
        page.get_by_role("button", name="Test again").click()
        # Sixteen steps, each a request of the page.
        expect(section.get_by_role("status")).to_contain_text("Everything works.", timeout=30_000)
        expect(section.get_by_text("Works", exact=True)).to_have_count(16)
        screenshot("app-tested")
        page.get_by_role("link", name="Switch off").click()
        page.get_by_role("button", name="Switch off").click()
        expect(page.get_by_text("Switched off", exact=True)).to_be_visible()
        page.get_by_role("button", name="Switch on").click()
        expect(page.get_by_text("Switched on", exact=True)).to_be_visible()
        expect(page).to_have_url(APP_PAGE)
