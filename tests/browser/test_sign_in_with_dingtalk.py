"""Signing in with DingTalk, in a real browser under the real policy: the button, DingTalk's page, and back."""

import pytest
from playwright.sync_api import Page, expect

from invites.models import App, User
from invites.models.app import AppKind
from invites.models.sign_in_policy import SignUp
from tests.browser.conftest import Screenshot
from tests.browser.looks import Look, sideways
from tests.invites.dingtalk_door import open_door

LOOKS = [
    Look(),
    Look(size="phone", theme="dark", language="zh-CN"),
    Look(scripts=False),
]
BUTTONS = {"en": "Sign in with DingTalk", "zh-CN": "使用钉钉登录"}


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_press_on_the_sign_in_page_leads_through_dingtalk_to_where_one_wanted_to_go(
    page: Page, look: Look, screenshot: Screenshot
) -> None:
    open_door(App.objects.get(kind=AppKind.SANDBOX), SignUp.COMPANY)
    page.goto("/conferences/")
    screenshot("sign-in-with-dingtalk")
    page.get_by_role("button", name=BUTTONS[look.language]).click()
    page.wait_for_url("**/oauth2/auth?**")
    screenshot("dingtalk-asks")
    page.get_by_role("link", name="Alex Sample").click()
    page.wait_for_url("**/conferences/")
    expect(page.locator(".who")).to_contain_text("Alex Sample")
    assert User.objects.get(first_name="Alex Sample").union_id == "sandbox-person-21"
    page.goto("/settings/security/")
    expect(page.locator("#dingtalk-heading")).to_be_visible()
    screenshot("dingtalk-connected")
    assert sideways(page) == 0
