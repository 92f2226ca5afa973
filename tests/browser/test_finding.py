"""Finding somebody by pinyin, initials and a part of the number, in the book and in the composer, by the keyboard."""

import re

import pytest
from playwright.sync_api import Page, expect

from invites.models import AddressBook, Conference, Invitee, User
from tests.browser.conftest import Screenshot, SignIn
from tests.browser.looks import LOOKS, Look, settled, sideways
from tests.factories import AddressBookFactory, ContactFactory, ContactGroupFactory

FOUND = [("zs", "张三"), ("zhangsan", "张三"), ("3800", "3 800")]
"""What is typed, and what of 张三 is marked then."""


@pytest.fixture
def book(organizer: User, conference: Conference) -> AddressBook:
    """Three people, of whom 张三 comes last by name."""
    book: AddressBook = AddressBookFactory(owner=organizer, app=conference.app, name="Team 团队")
    for nick, number in (("Alice", "+8613900139001"), ("Bob Zs", ""), ("张三", "+8613800138000")):
        ContactFactory(book=book, nick=nick, union_id=f"u-{nick[0].lower()}", phone_number=number)
    ContactGroupFactory(book=book, name="Sales 销售").contacts.set(book.contacts.all())
    return book


@pytest.fixture
def opened(page: Page, sign_in: SignIn, organizer: User, book: AddressBook) -> Page:
    """The page of the book."""
    sign_in(organizer)
    page.goto(f"/books/{book.pk}/")
    return page


class TestInTheBook:
    @pytest.mark.parametrize(("typed", "marked"), FOUND)
    def test_person_is_found_and_marked_as_one_types(self, opened: Page, typed: str, marked: str) -> None:
        opened.keyboard.press("/")
        opened.keyboard.type(typed)
        row = opened.locator("#book_contacts tbody tr", has_text="张三")
        expect(row.locator("mark")).to_have_text(marked)
        expect(opened.locator("#book_contacts tbody tr", has_text="Alice")).to_have_count(0)
        expect(opened.locator("#search_contacts")).to_be_focused()

    def test_group_that_is_found_narrows_the_list(self, opened: Page) -> None:
        opened.keyboard.press("/")
        opened.keyboard.type("sal")
        found = opened.get_by_role("navigation", name="Groups found").get_by_role("link")
        expect(found.locator("mark")).to_have_text("Sal")
        found.click()
        expect(opened.locator("#book_contacts tbody tr")).to_have_count(3)
        expect(opened.locator("#search_contacts")).to_have_value("")

    @pytest.mark.parametrize("look", LOOKS, ids=str)
    def test_what_is_found_fits(
        self, opened: Page, look: Look, book: AddressBook, screenshot: Screenshot
    ) -> None:
        opened.goto(f"/books/{book.pk}/?q=zs")
        expect(opened.locator("#book_contacts mark").first).to_be_visible()
        assert sideways(opened) == 0
        screenshot("book-found")

    @pytest.mark.parametrize("look", [Look(scripts=False)], ids=str)
    def test_it_is_found_without_scripts(self, opened: Page, look: Look) -> None:
        opened.locator("#search_contacts").fill("zhangsan")
        opened.locator("#search_contacts").press("Enter")
        expect(opened.locator("#book_contacts tbody tr")).to_have_count(1)
        expect(opened.locator("#book_contacts mark")).to_have_text("张三")


class TestInTheComposer:
    @pytest.mark.parametrize(("typed", "marked"), FOUND)
    def test_enter_adds_whom_the_text_finds(
        self, opened: Page, conference: Conference, typed: str, marked: str
    ) -> None:
        opened.goto(f"/conferences/{conference.pk}/")
        opened.keyboard.press("/")
        # A part of it may find the same: the answer to the rest would take its place.
        with opened.expect_response(re.compile(rf"[?&]text={typed}(&|$)")):
            opened.keyboard.type(typed)
        option = opened.get_by_role("option", name="张三")
        expect(option.locator("mark")).to_have_text(marked)
        settled(opened)
        while option.get_attribute("aria-selected") != "true":
            opened.keyboard.press("ArrowDown")
        opened.keyboard.press("Enter")
        expect(opened.locator("#draft_people")).to_contain_text("张三")
        assert Invitee.objects.get().nick == "张三"

    def test_panel_of_address_books_finds_the_same(self, opened: Page, conference: Conference) -> None:
        opened.goto(f"/conferences/{conference.pk}/draft/pick/")
        opened.locator("#picker_q").press_sequentially("zhangs")
        expect(opened.locator("#draft_picker .composer-contact")).to_have_count(1)
        expect(opened.locator("#draft_picker .composer-contact mark")).to_have_text("张三")
        expect(opened.locator("#picker_q")).to_be_focused()
