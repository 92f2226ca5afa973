"""The home page in a real browser: it fits, it refreshes itself, and nothing moves under one's hands."""

import pytest
from playwright.sync_api import Page, expect

from invites.models import Conference, User
from tests.browser.conftest import Screenshot, SignIn
from tests.browser.looks import Look, sideways
from tests.factories import AttemptFactory, ConferenceFactory, SentInvitationFactory

LOOK_AGAIN = "htmx.trigger(document.getElementById('home_live'), 'look')"


def called(conference: Conference, *, people: int) -> None:
    AttemptFactory(invitation=SentInvitationFactory(conference=conference), people=people)


class TestHome:
    """How things stand."""

    @pytest.mark.parametrize(
        "look", [Look(theme="dark"), Look(size="phone", language="zh-CN"), Look(scripts=False)], ids=str
    )
    def test_figures_are_drawn_and_told(
        self, page: Page, sign_in: SignIn, auditor: User, screenshot: Screenshot
    ) -> None:
        called(ConferenceFactory(), people=12)
        sign_in(auditor)
        page.goto("/")
        screenshot("home-figures")
        assert sideways(page) == 0
        expect(page.locator("#home_figures")).to_contain_text("12")
        expect(page.locator("#home_people svg[role=img]")).to_be_visible()
        page.locator("summary", has=page.locator("svg")).click()
        expect(page.locator("#home_days tbody tr").first).to_contain_text("12")
        assert sideways(page) == 0

    def test_what_is_new_comes_by_itself_and_moves_nothing(
        self, page: Page, sign_in: SignIn, organizer: User
    ) -> None:
        conference = ConferenceFactory(owner=organizer)
        sign_in(organizer)
        page.goto("/")
        page.locator("summary", has_text="The numbers of each day").click()
        link = page.locator(f"#home_conference_{conference.pk}")
        link.focus()
        called(conference, people=34)
        page.evaluate(LOOK_AGAIN)
        expect(page.locator("#home_figures")).to_contain_text("34")
        expect(page.locator("#home_days tbody tr").first).to_contain_text("34")
        expect(link).to_be_focused()
