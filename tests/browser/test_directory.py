"""The company directory in a real browser: searched from the composer, and followed by a book."""

import re

import pytest
from playwright.sync_api import Page, expect

from invites.dingtalk.sandbox import SandboxServer
from invites.models import AddressBook, App, Conference, Contact, User
from invites.models.app import AppKind
from tests.browser.conftest import Screenshot, SignIn
from tests.browser.looks import LOOKS, Look, settled, sideways
from tests.factories import AddressBookFactory, MarkedContactFactory


@pytest.fixture
def book(worker: None, organizer: User) -> AddressBook:
    book: AddressBook = AddressBookFactory(
        app=App.objects.get(kind=AppKind.SANDBOX), owner=organizer, name="Colleagues"
    )
    return book


@pytest.fixture
def opened(page: Page, sign_in: SignIn, organizer: User, conference: Conference, book: AddressBook) -> Page:
    """The page of the conference."""
    sign_in(organizer)
    page.goto(f"/conferences/{conference.pk}/")
    return page


def on_list(page: Page) -> list[str]:
    return page.locator("#draft_people bdi").all_inner_texts()


class TestComposer:
    def test_a_name_that_no_book_knows_is_searched_for_added_and_kept(
        self, opened: Page, book: AddressBook
    ) -> None:
        opened.keyboard.press("/")
        opened.keyboard.type("sample")
        option = opened.get_by_role("option", name="Search the company directory for “sample”")
        expect(option).to_be_visible()
        settled(opened)
        # Enter alone would add what was typed; this is a choice of its own.
        expect(option).to_have_attribute("aria-selected", "false")
        opened.keyboard.press("ArrowDown")
        expect(option).to_have_attribute("aria-selected", "true")
        opened.keyboard.press("Enter")
        panel = opened.locator("#draft_directory")
        expect(panel).to_contain_text("Alex Sample")
        expect(opened.get_by_label("Add people")).to_have_value("")

        settled(opened)
        opened.get_by_label("Also into the address book").select_option(label="Colleagues")
        opened.get_by_role("button", name="Add Alex Sample").click()
        expect(opened.locator("#draft_people")).to_contain_text("Alex Sample")
        expect(opened.get_by_text("is now in the address book “Colleagues”")).to_be_visible()
        assert on_list(opened) == ["Alex Sample"]
        assert Contact.objects.get(book=book).union_id == "sandbox-person-21"

    def test_a_refusal_says_whose_move_it_is_and_can_be_tried_again(
        self, opened: Page, sandbox: SandboxServer
    ) -> None:
        sandbox.add_fault(
            "code:Forbidden.AccessDenied.AccessTokenPermissionDenied", operation="contact_search"
        )
        opened.get_by_text("Search the company directory").click()
        field = opened.get_by_label("Name of a colleague")
        expect(field).to_be_focused()
        settled(opened)
        field.fill("张")
        field.press("Enter")
        expect(opened.locator("#draft_directory")).to_contain_text(
            "The app may not read the company directory"
        )
        settled(opened)
        opened.get_by_role("link", name="Search again").click()
        expect(opened.locator("#draft_directory")).to_contain_text("张三")

    @pytest.mark.parametrize("look", LOOKS, ids=str)
    def test_it_fits(self, opened: Page, look: Look, screenshot: Screenshot, book: AddressBook) -> None:
        MarkedContactFactory(book=book, nick="José", union_id="sandbox-person-26")
        opened.locator("#draft_directory summary").click()
        field = opened.locator("#directory_q")
        field.fill("e")
        settled(opened)
        field.press("Enter")
        expect(opened.locator("#draft_directory")).to_contain_text("Kim Specimen")
        screenshot("directory-composer")
        assert not sideways(opened)

    @pytest.mark.parametrize("look", [Look(scripts=False)], ids=str)
    def test_it_works_without_script(self, opened: Page, look: Look) -> None:
        opened.locator("#draft_directory summary").click()
        opened.get_by_role("link", name="Search by name").click()
        opened.get_by_label("Name of a colleague").fill("sample")
        opened.get_by_role("button", name="Search", exact=True).click()
        opened.get_by_role("button", name="Add Alex Sample").click()
        expect(opened.locator("#draft_people")).to_contain_text("Alex Sample")


class TestBook:
    def follow(self, page: Page, book: AddressBook) -> None:
        page.goto(f"/books/{book.pk}/")
        page.get_by_role("link", name="Follow the directory").click()
        page.get_by_role("link", name="Engineering 研发").click()
        # The page above has the button as well.
        page.wait_for_url(re.compile(r"/choose/\?department=\d+$"))
        page.get_by_role("button", name="Follow Engineering 研发").click()

    def test_it_follows_a_department_and_keeps_up_with_it(
        self, page: Page, sign_in: SignIn, organizer: User, book: AddressBook, sandbox: SandboxServer
    ) -> None:
        sign_in(organizer)
        self.follow(page, book)
        expect(page.get_by_text("何测试")).to_be_visible()
        assert not Contact.objects.exists()
        page.get_by_role("button", name="Apply 8 changes").click()
        expect(page.get_by_text("The import is done.")).to_be_visible()
        page.goto(f"/books/{book.pk}/")
        expect(page.get_by_text("何测试")).to_be_visible()

        sandbox.company.remove("staff-person-13")
        sandbox.company.rename("staff-person-14", "郭新名")
        sandbox.company.add(name="新同事", department_id=21, user_id="staff-new", phone_number=None)
        page.get_by_role("link", name="Directory settings").click()
        page.get_by_role("button", name="Read the directory now").click()
        expect(page.get_by_role("button", name="Apply 3 changes")).to_be_visible()
        expect(page.get_by_text("新同事")).to_be_visible()
        assert not Contact.objects.left_directory().exists()
        page.get_by_role("button", name="Apply 3 changes").click()
        expect(page.get_by_text("The import is done.")).to_be_visible()
        page.goto(f"/books/{book.pk}/")
        expect(page.get_by_text("郭新名")).to_be_visible()
        expect(page.locator("tr", has_text="何测试")).to_contain_text("Left the company directory")

    @pytest.mark.parametrize("look", LOOKS, ids=str)
    def test_its_pages_fit(
        self,
        page: Page,
        sign_in: SignIn,
        organizer: User,
        book: AddressBook,
        look: Look,
        screenshot: Screenshot,
        sandbox: SandboxServer,
    ) -> None:
        sign_in(organizer)
        page.goto(f"/books/{book.pk}/directory/choose/?department=20")
        screenshot("directory-choose")
        assert not sideways(page)
        sandbox.add_fault("code:60011", operation="department_people")
        page.locator(".directory-part form button").first.click()
        expect(page.locator(".alert-danger")).to_be_visible()
        screenshot("directory-failed")
        page.goto(f"/books/{book.pk}/directory/")
        screenshot("directory-link")
        assert not sideways(page)
        page.locator("form[action$='refresh/'] button").click()
        expect(page.get_by_text("何测试")).to_be_visible()
        screenshot("directory-preview")
        page.goto(f"/books/{book.pk}/")
        screenshot("directory-book")
        assert not sideways(page)
