"""An administrator's first day: the first account from the command line, and everything else in the browser."""

from collections.abc import Callable

import pytest
from django.core.management import call_command
from playwright.sync_api import BrowserContext, Page, expect

from invites.dingtalk.sandbox import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, SandboxServer
from invites.models import User
from invites.models.user import Role
from tests.browser.conftest import Screenshot
from tests.browser.looks import Look, sideways

PASSWORD = "correct horse battery"
LOOKS = [
    Look(),
    Look(size="phone", theme="dark", language="zh-CN"),
]


@pytest.fixture
def first(monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> User:
    """Whom `createsuperuser` makes on the server."""
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command(
        "createsuperuser", interactive=False, username="admin", email="admin@example.org", verbosity=0
    )
    return User.objects.get(username="admin")


class TestFirstDay:
    """Sign in, add users, an app and its test, give roles, hand out a sign-up link."""

    @pytest.mark.parametrize("look", LOOKS, ids=str)
    def test_from_the_first_sign_in_to_somebody_who_signed_up(
        self,
        first: User,
        page: Page,
        new_context: Callable[..., BrowserContext],
        look: Look,
        base_url: str,
        sandbox: SandboxServer,
        screenshot: Screenshot,
    ) -> None:
        day = Day(page=page, screenshot=screenshot)
        day.sign_in()
        day.add_user()
        day.give_a_role()
        day.add_an_app(sandbox.base_url)
        day.decide_how_people_sign_in()
        address = day.make_a_link()
        colleague = new_context(**look.context_options())
        somebody = colleague.new_page()
        somebody.goto(address.replace(address.partition("/join/")[0], base_url))
        sign_up(somebody)
        colleague.close()
        day.see_who_came()


class Day:
    """What the administrator does, step by step; each ends with a look at the page."""

    def __init__(self, *, page: Page, screenshot: Screenshot) -> None:
        self.page = page
        self.screenshot = screenshot

    def look(self, name: str) -> None:
        self.page.wait_for_load_state()
        assert sideways(self.page) == 0
        self.screenshot(f"first-day-{name}")

    def sign_in(self) -> None:
        self.page.goto("/")
        self.page.locator("input[name=login]").fill("admin")
        self.page.locator("input[name=password]").fill(PASSWORD)
        self.page.locator("input[name=password]").press("Enter")
        self.page.wait_for_url("/")
        self.look("home")
        self.page.locator(".rail a[href='/settings/']").click()
        self.page.wait_for_url("/settings/")
        self.look("account")

    def add_user(self) -> None:
        self.page.locator("a[href='/settings/users/']").click()
        self.page.wait_for_url("/settings/users/")
        self.look("users")
        self.page.locator("a[href='/settings/users/new/']").click()
        self.page.locator("[name=username]").fill("ada")
        self.page.locator("[name=first_name]").fill("Ada Example")
        for name in ("password1", "password2"):
            self.page.locator(f"[name={name}]").fill("a-long-enough-password")
        self.look("user-new")
        self.page.locator("main form button.btn-primary").click()
        expect(self.page.locator("h1")).to_have_text("Ada Example")
        self.look("user")

    def give_a_role(self) -> None:
        self.page.locator("[name=role][value=auditor]").check()
        self.page.locator("[name=may_see_phone_numbers]").check()
        # It leads back to this page, which says already that the user was made.
        with self.page.expect_navigation():
            self.page.locator("main form button.btn-primary").click()
        expect(self.page.locator("[data-toast=success]").last).to_be_visible()
        user = User.objects.get(username="ada")
        assert (user.role, user.may_see_phone_numbers) == (Role.AUDITOR, True)

    def add_an_app(self, host: str) -> None:
        self.page.goto("/settings/apps/")
        self.look("apps")
        self.page.goto("/settings/apps/new/")
        self.page.locator("[name=name]").fill("Company app")
        self.page.locator("[name=edition]").last.check()
        self.page.locator("[name=base_url]").fill(host)
        self.page.locator("[name=client_id]").fill(SANDBOX_CLIENT_ID)
        self.page.locator("[name=new_client_secret]").fill(SANDBOX_CLIENT_SECRET)
        self.look("app-new")
        self.page.locator("main form button.btn-primary").click()
        expect(self.page.locator("h1")).to_have_text("Company app")
        self.page.locator("#begin_test").click()
        expect(self.page.locator("#app_test .text-success").first).to_be_visible(timeout=30_000)
        assert SANDBOX_CLIENT_SECRET not in self.page.content()
        self.look("app-tested")

    def decide_how_people_sign_in(self) -> None:
        self.page.goto("/settings/signing-in/")
        self.page.locator("[name=sign_up][value=by_link]").check()
        self.page.locator("main form[data-once] button.btn-primary").click()
        expect(self.page.locator("[data-toast=success]")).to_be_visible()
        expect(self.page.locator("[name=sign_up][value=by_link]")).to_be_checked()
        self.look("signing-in")

    def make_a_link(self) -> str:
        self.page.goto("/settings/signing-in/links/new/")
        self.look("link-new")
        self.page.locator("main form button.btn-primary").click()
        address = self.page.locator("#sign-up-address").inner_text()
        self.look("link")
        return address

    def see_who_came(self) -> None:
        self.page.goto("/settings/users/?q=grace")
        expect(self.page.locator("#users")).to_contain_text("Grace Example")
        self.page.goto("/settings/signing-in/")
        expect(self.page.locator("#sign-up-links")).to_be_visible()
        expect(self.page.get_by_role("link", name="Grace Example")).to_be_visible()
        self.look("came")


def sign_up(page: Page) -> None:
    """Somebody with the link makes their account, and is in."""
    page.locator("[name=first_name]").fill("Grace Example")
    page.locator("[name=username]").fill("grace")
    for name in ("password1", "password2"):
        page.locator(f"[name={name}]").fill("a-long-enough-password")
    page.locator("main form button.btn-primary").click()
    page.wait_for_url("/")
    assert User.objects.get(username="grace").role == Role.ORGANIZER
