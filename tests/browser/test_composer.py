"""Composing and sending in a real browser: by keyboard, by pasting, on a phone, in two tabs, and without script."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from re import Pattern

import pytest
from playwright.sync_api import Page, Route, expect

from invites.models import Conference, User
from invites.models.invitee import InviteeState
from invites.views import people_shown
from tests.browser.conftest import Screenshot, SignIn
from tests.browser.looks import LOOKS, Look, settled, sideways
from tests.factories import InviteeFactory, SentInvitationFactory

pytestmark = pytest.mark.usefixtures("colleagues")

PASTE = """text => {
  const data = new DataTransfer();
  data.setData("text", text);
  document.activeElement.dispatchEvent(
    new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}"""
# What asks for news beside the composer asks now.
LOOK = "() => htmx.trigger('#people_live', 'look')"
# The same, as soon as the answer to Remove stands on the page, and before htmx calls it settled.
LOOK_AFTER_REMOVE = """() => {
  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    if (detail.requestConfig.elt.id === "draft_remove") htmx.trigger("#people_live", "look");
  });
}"""
LIST = "姓名,手机号\n张三, sandbox-person-01\nKim 010 0000 0067\nnobody\nsandbox-person-01"


def paste(page: Page, text: str) -> None:
    """Into the field that has the focus; waits for the answer."""
    page.evaluate(PASTE, text)
    settled(page)


@contextmanager
def held_back(page: Page, address: Pattern[str], ask: Callable[[], None]) -> Iterator[None]:
    """Asks at ``address``; the answer comes only behind the block."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(address, hold, times=1)
    with page.expect_request(address):
        ask()
    yield
    [route] = held
    route.continue_()


@pytest.fixture
def watched(conference: Conference, organizer: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody is being called already, and the page asks for news of them only when the test makes it."""
    monkeypatch.setattr(people_shown, "WHILE_CALLING", "60m")
    monkeypatch.setattr(people_shown, "WHILE_OPEN", "60m")
    invitation = SentInvitationFactory(conference=conference, sent_by=organizer)
    InviteeFactory(invitation=invitation, state=InviteeState.INVITED)


@pytest.fixture
def opened(page: Page, sign_in: SignIn, organizer: User, conference: Conference) -> Page:
    """The page of the conference."""
    sign_in(organizer)
    page.goto(f"/conferences/{conference.pk}/")
    return page


def rows(page: Page) -> list[str]:
    return page.locator("#draft_people bdi").all_inner_texts()


class TestByKeyboard:
    def test_typing_finds_arrows_choose_enter_adds_and_backspace_takes_back(self, opened: Page) -> None:
        opened.keyboard.press("/")
        opened.keyboard.type("sam")
        options = opened.get_by_role("option")
        # Two people, and the way to the company directory.
        expect(options).to_have_count(3)
        settled(opened)
        expect(options.first).to_have_attribute("aria-selected", "true")
        opened.keyboard.press("ArrowDown")
        expect(options.nth(1)).to_contain_text("Alex Sample")
        expect(options.nth(1)).to_have_attribute("aria-selected", "true")
        opened.keyboard.press("Enter")
        expect(opened.locator("#draft_change")).to_have_text("“Alex Sample” was added.")
        expect(opened.get_by_label("Add people")).to_be_focused()
        expect(opened.get_by_label("Add people")).to_have_value("")
        settled(opened)
        opened.keyboard.press("Backspace")
        expect(opened.locator("#draft_change")).to_contain_text("“Alex Sample” was taken off the list.")
        expect(opened.locator("#draft_people li")).to_have_count(0)

    def test_escape_closes_what_was_found_and_keeps_the_text(self, opened: Page) -> None:
        opened.keyboard.press("/")
        opened.keyboard.type("sam")
        expect(opened.get_by_role("option")).to_have_count(3)
        opened.keyboard.press("Escape")
        expect(opened.get_by_role("listbox")).to_be_hidden()
        expect(opened.get_by_label("Add people")).to_have_value("sam")

    def test_escape_calls_a_search_off_that_has_not_begun(self, opened: Page) -> None:
        opened.clock.install()
        opened.keyboard.press("/")
        opened.keyboard.type("sam")
        expect(opened.get_by_role("option")).to_have_count(3)
        settled(opened)
        opened.clock.pause_at(datetime.now(UTC) + timedelta(minutes=5))
        opened.keyboard.press("p")
        opened.keyboard.press("Escape")
        opened.clock.run_for(1000)
        opened.clock.resume()
        settled(opened)
        expect(opened.get_by_role("listbox")).to_be_hidden()
        opened.keyboard.press("l")
        expect(opened.get_by_role("listbox")).to_be_visible()
        expect(opened.get_by_label("Add people")).to_have_value("sampl")

    def test_focus_moves_on_when_a_row_goes_or_changes(self, opened: Page) -> None:
        opened.keyboard.press("/")
        paste(opened, "Kim, 010 0000 0067\nLee, 010 0000 0068")
        opened.get_by_role("link", name="Kim").click()
        opened.get_by_label("Name", exact=True).fill("Kimmy")
        settled(opened)
        opened.keyboard.press("Enter")
        expect(opened.get_by_role("link", name="Kimmy")).to_be_focused()
        settled(opened)
        opened.get_by_role("button", name="Remove Kimmy").click()
        expect(opened.get_by_role("button", name="Remove Lee")).to_be_focused()

    @pytest.mark.usefixtures("watched")
    def test_focus_moves_on_though_the_page_asks_for_news_as_the_row_goes(self, opened: Page) -> None:
        opened.keyboard.press("/")
        paste(opened, "Kim, 010 0000 0067\nLee, 010 0000 0068")
        opened.evaluate(LOOK_AFTER_REMOVE)
        with opened.expect_request(re.compile("/live/")):
            opened.get_by_role("button", name="Remove Kim").click()
        expect(opened.get_by_role("button", name="Remove Lee")).to_be_focused()


class TestPastedList:
    @pytest.mark.parametrize("look", LOOKS, ids=str)
    def test_it_shows_what_was_understood_and_what_was_not(
        self, opened: Page, look: Look, screenshot: Screenshot
    ) -> None:
        opened.locator("#draft_text").focus()
        paste(opened, LIST)
        expect(opened.locator("#draft_lines li")).to_have_count(1)
        assert rows(opened) == ["张三", "Kim"]
        expect(opened.locator("#draft_bar button.btn-primary")).to_be_in_viewport()
        assert sideways(opened) == 0
        screenshot("composer")

    def test_line_is_corrected_in_place(self, opened: Page) -> None:
        opened.keyboard.press("/")
        paste(opened, LIST)
        line = opened.get_by_label("Line", exact=True)
        line.fill("Nina, 138")
        line.press("Enter")
        expect(opened.get_by_text("This phone number is too short.")).to_be_visible()
        settled(opened)
        line.fill("Nina, 010 0000 0068")
        line.press("Enter")
        expect(opened.locator("#draft_lines li")).to_have_count(0)
        assert rows(opened) == ["张三", "Kim", "Nina"]

    def test_long_list_shows_its_beginning_and_asks_before_it_is_called(self, opened: Page) -> None:
        opened.keyboard.press("/")
        paste(opened, "\n".join(f"Person {n}, sandbox-someone-{n:03}" for n in range(130)))
        expect(opened.locator("#draft_people .composer-person")).to_have_count(100)
        opened.get_by_role("link", name="Show the next 100").click()
        expect(opened.locator("#draft_people .composer-person")).to_have_count(130)
        opened.get_by_role("button", name="Invite 130 people to “Weekly review”").click()
        expect(opened.get_by_text("The phones of 130 people would ring now.")).to_be_visible()
        settled(opened)
        opened.get_by_role("link", name="Not yet").click()
        expect(opened.locator("#draft_send")).to_be_visible()


class TestPicking:
    def test_group_and_ticked_people_are_added(self, opened: Page) -> None:
        opened.get_by_text("Pick from address books").click()
        expect(opened.get_by_role("button", name="Sales")).to_be_visible()
        settled(opened)
        opened.get_by_role("button", name="Sales").click()
        expect(opened.locator("#draft_people li")).to_have_count(2)
        settled(opened)
        opened.get_by_label("Search address books").fill("sam")
        expect(opened.locator(".composer-contact")).to_have_count(2)
        settled(opened)
        sam = opened.get_by_role("checkbox", name="Sam Placeholder")
        sam.check()
        opened.get_by_role("button", name="Add those ticked").click()
        expect(opened.locator("#draft_people li")).to_have_count(3)
        expect(sam).not_to_be_checked()

    def test_tick_set_while_a_search_is_under_way_stays(self, opened: Page) -> None:
        opened.get_by_text("Pick from address books").click()
        expect(opened.locator(".composer-contact")).to_have_count(3)
        settled(opened)
        sam = opened.get_by_role("checkbox", name="Sam Placeholder")
        search = opened.get_by_label("Search address books")
        with held_back(opened, re.compile(r"/draft/pick/\?"), lambda: search.fill("sam")):
            sam.check()
        expect(opened.locator(".composer-contact")).to_have_count(2)
        settled(opened)
        expect(sam).to_be_checked()
        opened.get_by_role("button", name="Add those ticked").click()
        expect(opened.locator("#draft_people bdi")).to_have_text(["Sam Placeholder"])
        expect(sam).not_to_be_checked()

    def test_search_that_is_answered_while_people_are_added_takes_nobody_away(self, opened: Page) -> None:
        opened.get_by_text("Pick from address books").click()
        expect(opened.locator(".composer-contact")).to_have_count(3)
        settled(opened)
        opened.get_by_role("checkbox", name="Sam Placeholder").check()
        add = opened.get_by_role("button", name="Add those ticked")
        with (
            held_back(opened, re.compile(r"/draft/pick/$"), add.click),
            opened.expect_response(re.compile(r"/draft/pick/\?")),
        ):
            opened.get_by_label("Search address books").fill("robin")
        expect(opened.locator("#draft_people bdi")).to_have_text(["Sam Placeholder"])
        expect(opened.locator(".composer-contact")).to_have_count(1)

    def test_page_of_its_own_leads_back_to_the_list(self, opened: Page, conference: Conference) -> None:
        opened.goto(f"/conferences/{conference.pk}/draft/pick/")
        opened.locator("#picker_q").fill("sam place")
        expect(opened.get_by_role("checkbox")).to_have_count(1)
        settled(opened)
        opened.get_by_role("checkbox", name="Sam Placeholder").check()
        opened.get_by_role("button", name="Add those ticked").click()
        expect(opened.locator("#draft_people bdi")).to_have_text(["Sam Placeholder"])
        opened.goto(f"/conferences/{conference.pk}/draft/pick/")
        opened.get_by_role("button", name="Sales").click()
        expect(opened.locator("#draft_people bdi")).to_have_count(3)

    def test_earlier_invitation_is_picked_on_a_page_of_its_own(
        self, opened: Page, conference: Conference
    ) -> None:
        earlier = SentInvitationFactory(conference=conference)
        InviteeFactory(invitation=earlier, nick="Kim Specimen", value="sandbox-person-24")
        opened.goto(f"/conferences/{conference.pk}/draft/earlier/")
        opened.get_by_role("button", name="1 person of “Weekly review”").click()
        expect(opened.locator("#draft_people bdi")).to_have_text(["Kim Specimen"])


class TestInvite:
    @pytest.mark.parametrize("look", LOOKS, ids=str)
    def test_people_come_alive_on_the_same_page(
        self, opened: Page, look: Look, screenshot: Screenshot
    ) -> None:
        opened.locator("#draft_text").focus()
        paste(opened, LIST)
        expect(opened.locator("#draft_people li")).to_have_count(2)
        opened.locator("#draft_send").click()
        expect(opened.locator("#latest_invitation [data-state=invited]")).to_have_count(3)
        expect(opened.locator("#latest-heading")).to_be_focused()
        expect(opened.locator("#draft_people li")).to_have_count(0)
        expect(opened.locator("#draft_lines li")).to_have_count(1)
        screenshot("composer-sent")

    @pytest.mark.usefixtures("watched")
    def test_focus_goes_to_the_people_though_the_page_asks_for_news_meanwhile(self, opened: Page) -> None:
        opened.keyboard.press("/")
        paste(opened, LIST)
        with (
            held_back(opened, re.compile("/draft/send/$"), opened.locator("#draft_send").click),
            opened.expect_response(re.compile("/live/")),
        ):
            opened.evaluate(LOOK)
        expect(opened.locator("#latest-heading")).to_be_focused()

    def test_back_button_brings_no_list_back_that_was_sent(self, opened: Page) -> None:
        opened.keyboard.press("/")
        paste(opened, LIST)
        opened.locator("#draft_send").click()
        expect(opened.locator("#draft_people li")).to_have_count(0)
        opened.goto("/history/")
        opened.go_back()
        expect(opened.locator("#latest-heading")).to_be_visible()
        expect(opened.locator("#draft_people li")).to_have_count(0)

    def test_list_that_another_tab_changed_is_shown_before_it_is_sent(
        self, opened: Page, conference: Conference
    ) -> None:
        opened.keyboard.press("/")
        paste(opened, LIST)
        expect(opened.locator("#draft_people li")).to_have_count(2)
        other = opened.context.new_page()
        other.goto(f"/conferences/{conference.pk}/")
        other.get_by_role("button", name="Remove Kim").click()
        expect(other.locator("#draft_people li")).to_have_count(1)
        opened.locator("#draft_send").click()
        expect(opened.locator("#draft_change")).to_contain_text("The list has changed")
        expect(opened.locator("#draft_people li")).to_have_count(1)

    def test_text_stays_when_the_list_was_sent_meanwhile(self, opened: Page, conference: Conference) -> None:
        opened.keyboard.press("/")
        paste(opened, LIST)
        expect(opened.locator("#draft_people li")).to_have_count(2)
        other = opened.context.new_page()
        other.goto(f"/conferences/{conference.pk}/")
        other.locator("#draft_send").click()
        expect(other.locator("#draft_people li")).to_have_count(0)
        opened.get_by_label("Add people").fill("Nina, 010 0000 0068")
        opened.keyboard.press("Enter")
        expect(opened.locator("#draft_change")).to_contain_text("has been sent meanwhile")
        expect(opened.get_by_label("Add people")).to_have_value("Nina, 010 0000 0068")
        settled(opened)
        opened.keyboard.press("Enter")
        expect(opened.locator("#draft_people li")).to_have_count(1)


class TestWithoutScript:
    @pytest.mark.parametrize("look", [Look(scripts=False)], ids=str)
    def test_composing_and_sending_are_ordinary_forms(self, opened: Page, look: Look) -> None:
        opened.get_by_label("Add people").fill(LIST)
        opened.get_by_role("button", name="Add", exact=True).click()
        people = opened.locator("#draft_people bdi")
        expect(people).to_have_text(["张三", "Kim"])
        opened.get_by_label("Line", exact=True).fill("Nina, 010 0000 0068")
        opened.get_by_role("button", name="Save").first.click()
        # The page before has the link as well.
        expect(people).to_have_text(["张三", "Kim", "Nina"])
        opened.get_by_role("link", name="Kim").click()
        opened.get_by_label("Name").fill("Kimmy")
        opened.get_by_role("button", name="Save").click()
        opened.get_by_role("button", name="Remove Nina").click()
        expect(people).to_have_text(["张三", "Kimmy"])
        opened.get_by_role("button", name="Invite 2 people to “Weekly review”").click()
        expect(opened.locator("#latest_invitation")).to_contain_text("Kimmy")
