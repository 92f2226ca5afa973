"""The frame of the page in a real browser: themes, menus, messages, the keyboard."""

import pytest
from playwright.sync_api import Page, expect

from invites.models import User
from tests.browser.conftest import Screenshot, SignIn
from tests.browser.looks import Look, sideways


class TestFrame:
    """Bars, menus and messages."""

    @pytest.mark.parametrize("look", [Look(), Look(size="phone", theme="dark", language="zh-CN")], ids=str)
    def test_home_fits_every_screen(
        self, page: Page, sign_in: SignIn, administrator: User, screenshot: Screenshot
    ) -> None:
        sign_in(administrator)
        page.goto("/")
        screenshot("home")
        assert sideways(page) == 0
        expect(page.locator("nav.rail a")).to_have_count(5)

    @pytest.mark.parametrize("look", [Look(size="phone")], ids=str)
    def test_bar_is_at_the_bottom_of_a_phone(self, page: Page, sign_in: SignIn, organizer: User) -> None:
        sign_in(organizer)
        page.goto("/")
        box = page.locator("nav.rail").bounding_box()
        assert box
        assert box["y"] + box["height"] == 844
        for link in page.locator("nav.rail a").all():
            target = link.bounding_box()
            assert target
            assert min(target["width"], target["height"]) >= 44

    def test_keyboard_skips_to_the_content(self, page: Page, sign_in: SignIn, organizer: User) -> None:
        sign_in(organizer)
        page.goto("/")
        page.keyboard.press("Tab")
        expect(page.locator(".skip-link")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#content")).to_be_focused()


class TestTheme:
    """Light, dark, or like the device."""

    def test_choice_shows_at_once_and_after_a_reload(
        self, page: Page, sign_in: SignIn, organizer: User
    ) -> None:
        sign_in(organizer)
        page.goto("/")
        page.get_by_role("button", name="Theme").click()
        page.get_by_role("button", name="Dark").click()
        expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
        expect(page.locator("#theme-menu")).to_be_hidden()
        page.reload()
        expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")

    def test_device_is_followed_while_the_page_is_open(self, page: Page) -> None:
        page.goto("/sign-in/")
        page.emulate_media(color_scheme="dark")
        expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")

    @pytest.mark.parametrize("look", [Look(scripts=False)], ids=str)
    def test_choice_works_without_scripts(self, page: Page, sign_in: SignIn, organizer: User) -> None:
        sign_in(organizer)
        page.goto("/history/?code=x")
        page.get_by_role("button", name="Theme").click()
        page.get_by_role("button", name="Dark").click()
        expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
        expect(page).to_have_url("/history/?code=x")


class TestAccount:
    """Who I am."""

    def test_menu_closes_on_escape_and_gives_focus_back(
        self, page: Page, sign_in: SignIn, organizer: User
    ) -> None:
        sign_in(organizer)
        page.goto("/")
        button = page.get_by_role("button", name=organizer.display_name)
        button.press("Enter")
        expect(page.get_by_role("link", name="Change password")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("link", name="Change password")).to_be_hidden()
        expect(button).to_be_focused()

    def test_language_stays_on_the_page(self, page: Page, sign_in: SignIn, organizer: User) -> None:
        sign_in(organizer)
        page.goto("/history/?code=x")
        page.get_by_role("button", name="Language").click()
        page.get_by_role("button", name="简体中文").click()
        expect(page.locator("html")).to_have_attribute("lang", "zh-hans")
        expect(page).to_have_url("/history/?code=x")


class TestForms:
    """What a refused form does."""

    def test_summary_takes_focus_and_leads_to_the_field(
        self, page: Page, sign_in: SignIn, organizer: User
    ) -> None:
        sign_in(organizer)
        page.goto("/password/")
        for name in ("oldpassword", "password1", "password2"):
            page.locator(f"[name={name}]").fill("short")
        page.get_by_role("button", name="Change password").click()
        summary = page.locator("[data-error-summary]")
        expect(summary).to_be_focused()
        summary.get_by_role("link").first.click()
        expect(page.locator("[name=oldpassword]")).to_be_focused()
