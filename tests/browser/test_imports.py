"""Lists as other programs make them, taken into a book in a real browser, found there and exported again."""

import re
from pathlib import Path

import pytest
import xlsxwriter
from playwright.sync_api import Page, expect

from invites.models import AddressBook, App, ContactImport, User
from invites.models.app import AppKind
from tests.browser.conftest import Screenshot, SignIn
from tests.browser.looks import LOOKS, Look, sideways
from tests.factories import AddressBookFactory

FILES = Path(__file__).parent.parent / "files"
OF_LIBREOFFICE = {"张三", "李四", "Pat Novel", "孙八", "مثال تجريبي", "Demo 小明 🎧"}


@pytest.fixture
def book(worker: None, organizer: User) -> AddressBook:
    """An empty book of the sandbox, whose people are in the files."""
    book: AddressBook = AddressBookFactory(
        owner=organizer, app=App.objects.get(kind=AppKind.SANDBOX), name="Team 团队"
    )
    return book


@pytest.fixture
def opened(page: Page, sign_in: SignIn, organizer: User, book: AddressBook) -> Page:
    """The first step of an import."""
    sign_in(organizer)
    page.goto(f"/books/{book.pk}/import/")
    return page


def choose(page: Page, file: Path) -> None:
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Continue").click()


def take_in(page: Page, file: Path) -> None:
    """Goes through all the steps with what the page proposes."""
    choose(page, file)
    if file.suffix != ".vcf":
        page.get_by_role("button", name="Show the preview").click()
    page.get_by_role("button", name=re.compile(r"Import [\d,]+ contacts?")).click()
    expect(page.get_by_text("The import is done.")).to_be_visible(timeout=30_000)


def names(book: AddressBook) -> set[str]:
    return set(book.contacts.values_list("nick", flat=True))


class TestFiles:
    @pytest.mark.parametrize(
        "name",
        [
            "libreoffice.xlsx",
            "libreoffice-utf-8.csv",
            "libreoffice-gb18030.csv",
            "libreoffice-semicolon.csv",
        ],
    )
    def test_spreadsheet_of_libreoffice_comes_in_and_who_is_in_it_is_found(
        self, opened: Page, book: AddressBook, name: str
    ) -> None:
        take_in(opened, FILES / name)
        assert names(book) >= OF_LIBREOFFICE
        expect(opened.get_by_text("This is a date, not a phone number.")).to_be_visible()
        opened.get_by_role("link", name="To the book").click()
        # The scripts of the page must be there before somebody types.
        opened.wait_for_url(f"**/books/{book.pk}/")
        opened.locator("#search_contacts").fill("zs")
        expect(opened.locator("#book_contacts tbody tr")).to_have_count(1)
        expect(opened.locator("#book_contacts tbody tr")).to_contain_text("sandbox-person-01")

    def test_workbook_of_a_writing_library_comes_in(
        self, opened: Page, book: AddressBook, tmp_path: Path
    ) -> None:
        path = tmp_path / "people.xlsx"
        with xlsxwriter.Workbook(str(path)) as workbook:
            sheet = workbook.add_worksheet()
            sheet.write_row(0, 0, ["Name", "Mobile", "Team"])
            sheet.write_row(1, 0, ["张三", "+86 10 0000 0001", "Sales"])
            sheet.write_row(2, 0, ["李四", 861000000002, "Sales"])
        take_in(opened, path)
        assert set(book.contacts.values_list("nick", "phone_number")) == {
            ("张三", "+861000000001"),
            ("李四", "+861000000002"),
        }
        assert book.groups.get().contacts.count() == book.contacts.count()

    @pytest.mark.parametrize(
        ("name", "people"),
        [
            ("android-2.1.vcf", {"张三", "李四", "Alex Sample", "Sam Placeholder"}),
            ("iphone-3.0.vcf", {"王五", "Zoë Muster", "客户甲 Guest A"}),
            ("contacts-4.0.vcf", {"Lee Story", "مثال تجريبي", "Demo 小明 🎧"}),
        ],
    )
    def test_cards_of_a_phone_come_in(
        self, opened: Page, book: AddressBook, name: str, people: set[str]
    ) -> None:
        take_in(opened, FILES / name)
        assert names(book) >= people

    @pytest.mark.parametrize("kind", ["csv", "xlsx", "vcf"])
    def test_what_came_in_goes_out_and_comes_in_unchanged(
        self, opened: Page, book: AddressBook, tmp_path: Path, kind: str
    ) -> None:
        take_in(opened, FILES / "libreoffice.xlsx")
        opened.goto(f"/books/{book.pk}/")
        with opened.expect_download() as waiting:
            opened.evaluate(f"location.href = '/books/{book.pk}/export/?format={kind}'")
        path = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(path)
        opened.goto(f"/books/{book.pk}/import/")
        choose(opened, path)
        if kind != "vcf":
            opened.get_by_role("button", name="Show the preview").click()
        expect(opened.get_by_text("Everybody is in the book already")).to_be_visible()
        again = ContactImport.objects.order_by("-pk")[0]
        assert (again.added, again.changed, again.refused) == (0, 0, 0)
        assert again.unchanged == book.contacts.count()


class TestSteps:
    @pytest.mark.parametrize("look", LOOKS, ids=str)
    def test_every_step_fits(
        self, opened: Page, look: Look, screenshot: Screenshot, book: AddressBook
    ) -> None:
        assert sideways(opened) == 0
        screenshot("import-file")
        opened.locator("input[type=file]").set_input_files(FILES / "libreoffice.xlsx")
        opened.locator("form.card .btn-primary").click()
        expect(opened.locator(".import-columns")).to_be_visible()
        assert sideways(opened) == 0
        screenshot("import-columns")
        opened.locator("form.card .btn-primary").click()
        expect(opened.locator("#import_rows tbody tr").first).to_be_visible()
        assert sideways(opened) == 0
        screenshot("import-preview")
        opened.locator(".card-footer .btn-primary").click()
        # What came of it, in whatever language; the preview has icons, too.
        expect(opened.locator("#import_step p[role=status]")).to_be_visible(timeout=30_000)
        assert sideways(opened) == 0
        screenshot("import-done")
        assert book.contacts.exists()

    @pytest.mark.parametrize("look", [Look(scripts=False)], ids=str)
    def test_it_goes_without_scripts(self, opened: Page, look: Look, book: AddressBook) -> None:
        take_in(opened, FILES / "libreoffice-utf-8.csv")
        assert names(book) >= OF_LIBREOFFICE

    def test_long_list_shows_how_far_it_is_and_goes_on_by_itself(
        self, opened: Page, book: AddressBook, tmp_path: Path
    ) -> None:
        path = tmp_path / "many.csv"
        path.write_text("Name,unionId\n" + "".join(f"Person {n},sandbox-many-{n}\n" for n in range(6000)))
        choose(opened, path)
        opened.get_by_role("button", name="Show the preview").click()
        opened.get_by_role("button", name="Import 6,000 contacts").click(timeout=60_000)
        expect(opened.get_by_text("The import is done.")).to_be_visible(timeout=60_000)
        assert book.contacts.count() == 6000

    def test_import_is_undone_as_a_whole(self, opened: Page, book: AddressBook) -> None:
        take_in(opened, FILES / "libreoffice.xlsx")
        opened.get_by_role("button", name="Undo the import").click()
        expect(opened.get_by_text("This import was undone.")).to_be_visible()
        assert not book.contacts.exists()
        assert not book.groups.exists()

    def test_file_that_is_too_large_is_told_before_it_is_sent(self, opened: Page, tmp_path: Path) -> None:
        path = tmp_path / "large.csv"
        with path.open("wb") as file:
            file.truncate(21 * 1024 * 1024)
        opened.locator("input[type=file]").set_input_files(path)
        expect(opened.get_by_text("This file is too large")).to_be_visible()
