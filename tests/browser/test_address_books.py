"""Keeping an address book in a real browser, with scripts and without."""

import re

import pytest
from playwright.sync_api import Page, expect

from invites.models import AddressBook, Contact, User
from tests.browser.conftest import Screenshot, SignIn
from tests.browser.looks import LOOKS, Look, settled, sideways
from tests.factories import AddressBookFactory, ContactFactory, ContactGroupFactory


@pytest.fixture
def book(organizer: User) -> AddressBook:
    """Three people, one of them in a group."""
    book: AddressBook = AddressBookFactory(owner=organizer, name="Team 团队")
    for name in ("Alice", "Bob", "مثال تجريبي"):
        ContactFactory(book=book, nick=name)
    ContactGroupFactory(book=book, name="Sales").contacts.add(book.contacts.get(nick="Bob"))
    return book


@pytest.fixture
def opened(page: Page, sign_in: SignIn, organizer: User, book: AddressBook) -> Page:
    """The page of the book."""
    sign_in(organizer)
    page.goto(f"/books/{book.pk}/")
    return page


class TestBook:
    @pytest.mark.parametrize("look", LOOKS, ids=str)
    def test_it_fits_and_shows_everybody(
        self, opened: Page, look: Look, book: AddressBook, screenshot: Screenshot
    ) -> None:
        expect(opened.locator("#book_contacts tbody tr")).to_have_count(3)
        assert sideways(opened) == 0
        screenshot("book")
        opened.goto("/books/")
        expect(opened.get_by_role("link", name="Team 团队")).to_be_visible()
        assert sideways(opened) == 0
        screenshot("books")

    def test_list_follows_what_is_typed_and_the_address_with_it(
        self, opened: Page, book: AddressBook
    ) -> None:
        opened.keyboard.press("/")
        opened.keyboard.type("ali")
        expect(opened.locator("#book_contacts tbody tr")).to_have_count(1)
        expect(opened).to_have_url(re.compile(r"\?q=ali$"))
        opened.reload()
        expect(opened.locator("#search_contacts")).to_have_value("ali")
        expect(opened.locator("#book_contacts tbody tr")).to_have_count(1)

    def test_size_of_a_group_stands_apart_from_its_name(self, opened: Page) -> None:
        chip = opened.get_by_role("link", name="Sales")
        name, size = chip.locator("bdi").bounding_box(), chip.locator(".badge").bounding_box()
        assert name
        assert size
        assert size["x"] - (name["x"] + name["width"]) >= 5

    def test_group_narrows_the_list_and_back_widens_it(self, opened: Page, book: AddressBook) -> None:
        opened.get_by_role("link", name="Sales").click()
        expect(opened.locator("#book_contacts tbody tr")).to_have_count(1)
        expect(opened).to_have_url(re.compile(r"\?group=\d+$"))
        opened.go_back()
        expect(opened.locator("#book_contacts tbody tr")).to_have_count(3)

    def test_people_are_added_one_after_the_other_above_the_list(
        self, opened: Page, book: AddressBook
    ) -> None:
        opened.get_by_role("link", name="Add contact").click()
        name = opened.locator("#new_contact [name=nick]")
        expect(name).to_be_focused()
        settled(opened)
        opened.keyboard.type("Zoë")
        opened.keyboard.press("Enter")
        expect(opened.locator("#new_contact [data-error-summary]")).to_be_focused()
        settled(opened)
        expect(name).to_have_value("Zoë")
        opened.locator("#new_contact [name=phone_number]").fill("138 0013 8000")
        opened.keyboard.press("Enter")
        expect(opened.locator("#book_contacts tbody tr").first).to_contain_text("Zoë")
        expect(name).to_be_focused()
        expect(name).to_have_value("")
        assert Contact.objects.get(nick="Zoë").phone_number == "+8613800138000"

    def test_impatient_presses_add_one_person(self, opened: Page, book: AddressBook) -> None:
        opened.get_by_role("link", name="Add contact").click()
        expect(opened.locator("#new_contact [name=nick]")).to_be_focused()
        settled(opened)
        opened.locator("#new_contact [name=nick]").fill("Zoë")
        opened.locator("#new_contact [name=union_id]").fill("u-zoe")
        opened.locator("#new_contact button").dblclick()
        expect(opened.locator("#book_contacts tbody tr")).to_have_count(4)
        expect(opened.locator("#new_contact [data-error-summary]")).to_have_count(0)
        assert Contact.objects.filter(union_id="u-zoe").count() == 1

    def test_person_is_changed_in_their_row(self, opened: Page, book: AddressBook) -> None:
        opened.get_by_role("link", name="Change Bob").click()
        form = opened.locator("#book_contacts td form")
        expect(form.locator("[name=nick]")).to_be_focused()
        settled(opened)
        form.locator("[name=union_id]").fill("with blank")
        opened.keyboard.press("Enter")
        expect(form.locator("[data-error-summary]")).to_be_focused()
        settled(opened)
        form.locator("[name=union_id]").fill("u-bob")
        form.locator("[name=nick]").fill("Bobby")
        opened.keyboard.press("Enter")
        expect(opened.get_by_role("link", name="Change Bobby")).to_be_focused()
        assert Contact.objects.get(nick="Bobby").union_id == "u-bob"

    def test_change_can_be_called_off(self, opened: Page, book: AddressBook) -> None:
        opened.get_by_role("link", name="Change Bob").click()
        expect(opened.locator("#book_contacts td form [name=nick]")).to_be_focused()
        settled(opened)
        opened.locator("#book_contacts td form [name=nick]").fill("Somebody else")
        opened.locator("#book_contacts td form").get_by_role("link", name="Cancel").click()
        expect(opened.get_by_role("link", name="Change Bob")).to_be_focused()
        assert not Contact.objects.filter(nick="Somebody else").exists()

    def test_bar_is_there_while_somebody_is_ticked(self, opened: Page, book: AddressBook) -> None:
        bar = opened.locator("#selection")
        expect(bar).to_be_hidden()
        opened.get_by_role("checkbox", name="Select all that are shown").check()
        expect(bar).to_contain_text("3 selected")
        opened.get_by_role("checkbox", name="Select Bob").uncheck()
        expect(bar).to_contain_text("2 selected")
        bar.get_by_role("button", name="Delete").click()
        expect(opened.locator("#book_contacts tbody tr")).to_have_count(1)
        assert [contact.nick for contact in Contact.objects.all()] == ["Bob"]
        opened.locator("#messages").get_by_role("button", name="Undo").click()
        expect(opened.locator("#book_contacts tbody tr")).to_have_count(3)
        expect(opened.locator("#messages")).to_contain_text("Undone for 2 people.")

    def test_everybody_is_offered_once_all_that_are_shown_are_ticked(
        self, opened: Page, book: AddressBook
    ) -> None:
        Contact.objects.bulk_create(
            Contact(book=book, nick=f"Person {n:02}", union_id=f"u-{n}") for n in range(60)
        )
        opened.reload()
        everything = opened.get_by_label("Select all 63 in this list")
        opened.get_by_role("checkbox", name="Select Bob").check()
        expect(everything).to_be_hidden()
        opened.get_by_role("checkbox", name="Select all that are shown").check()
        everything.check()
        expect(opened.locator("#selection")).to_contain_text("All selected")
        opened.get_by_role("checkbox", name="Select Bob").uncheck()
        expect(everything).not_to_be_checked()
        expect(opened.locator("#selection")).to_contain_text("49 selected")
        opened.get_by_role("checkbox", name="Select all that are shown").check()
        everything.check()
        opened.locator("#selection").get_by_role("button", name="Delete").click()
        expect(opened.locator("main")).to_contain_text("Delete 63 people?")
        opened.locator("main form").get_by_role("button", name="Delete").click()
        expect(opened.locator("#messages")).to_contain_text("63 people were deleted.")
        assert not Contact.objects.exists()

    def test_enter_on_a_box_presses_no_button(self, opened: Page, book: AddressBook) -> None:
        box = opened.get_by_role("checkbox", name="Select Bob")
        box.check()
        box.press("Enter")
        expect(opened.locator("#selection")).to_contain_text("1 selected")
        assert Contact.objects.filter(nick="Bob").exists()

    def test_change_in_a_row_can_be_undone(self, opened: Page, book: AddressBook) -> None:
        opened.get_by_role("link", name="Change Bob").click()
        form = opened.locator("#book_contacts td form")
        expect(form.locator("[name=nick]")).to_be_focused()
        settled(opened)
        form.locator("[name=nick]").fill("Bobby")
        opened.keyboard.press("Enter")
        expect(opened.get_by_role("link", name="Change Bobby")).to_be_focused()
        opened.locator("#messages").get_by_role("button", name="Undo").click()
        expect(opened.get_by_role("link", name="Change Bob", exact=True)).to_be_visible()

    def test_members_come_and_go_in_their_row(self, opened: Page, book: AddressBook) -> None:
        group = book.groups.get()
        opened.goto(f"/groups/{group.pk}/members/?everybody=on")
        opened.get_by_role("button", name="Add Alice to the group").click()
        expect(opened.get_by_role("button", name="Remove Alice from the group")).to_be_focused()
        expect(opened.locator("#member_count")).to_have_text("2 people")


class TestBookWithoutScripts:
    @pytest.mark.parametrize("look", [Look(scripts=False)], ids=str)
    def test_people_are_added_grouped_and_deleted(self, opened: Page, book: AddressBook) -> None:
        opened.get_by_role("link", name="Add contact").click()
        opened.locator("[name=nick]").fill("Zoë")
        opened.locator("[name=union_id]").fill("u-zoe")
        opened.locator("main form").get_by_role("button", name="Add contact").click()
        opened.get_by_role("checkbox", name="Select Zoë").check()
        opened.get_by_role("checkbox", name="Select Alice").check()
        opened.get_by_role("button", name="Add to group").click()
        opened.locator("[name=name]").fill("New ones")
        opened.get_by_role("button", name="Create the group").click()
        expect(opened.locator("#book_contacts tbody tr")).to_have_count(2)
        opened.get_by_role("button", name="Delete Zoë").click()
        expect(opened.locator("#book_contacts tbody tr")).to_have_count(1)
        assert not Contact.objects.filter(union_id="u-zoe").exists()
        opened.locator("#messages").get_by_role("button", name="Undo").click()
        expect(opened.locator("#book_contacts tbody tr")).to_have_count(2)
