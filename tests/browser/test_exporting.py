"""A book's people, and the history, taken away as a file, in a real browser."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from invites import files
from invites.models import AddressBook, App, HistoryExport, User
from invites.models.app import AppKind
from invites.models.history_export import ExportState
from tests.browser.conftest import SignIn
from tests.browser.looks import settled
from tests.factories import AddressBookFactory, ContactFactory


@pytest.fixture
def book(worker: None, organizer: User) -> AddressBook:
    book: AddressBook = AddressBookFactory(
        owner=organizer, app=App.objects.get(kind=AppKind.SANDBOX), name="Team 团队"
    )
    for nick in ("张三", "李四", "Zhang Example"):
        ContactFactory(book=book, nick=nick)
    return book


@pytest.fixture
def opened(page: Page, sign_in: SignIn, organizer: User, book: AddressBook) -> Page:
    """The page of the book."""
    sign_in(organizer)
    page.goto(f"/books/{book.pk}/")
    return page


def names_in(path: Path) -> set[str]:
    with path.open("rb") as file:
        fmt = files.sniff(file)
        at = files.recognise(fmt.headings, [], country="CN").index(files.Field.NICK)
        return {line.cells[at] for line in files.read(file, fmt)}


class TestExportMenu:
    @pytest.mark.parametrize("label", ["CSV", "Excel (.xlsx)", "vCard, for phones"])
    def test_file_of_each_kind_is_downloaded(self, opened: Page, label: str) -> None:
        opened.get_by_role("button", name="Export").click()
        with opened.expect_download() as download:
            opened.get_by_role("link", name=label).click()
        assert download.value.suggested_filename.startswith("Team 团队 20")
        assert names_in(Path(download.value.path())) == {"张三", "李四", "Zhang Example"}

    def test_file_holds_what_the_search_has_left(self, opened: Page) -> None:
        opened.get_by_role("searchbox").fill("zhang")
        expect(opened.get_by_text("李四")).to_have_count(0)
        settled(opened)
        opened.get_by_role("button", name="Export").press("Enter")
        with opened.expect_download() as download:
            opened.get_by_role("link", name="CSV").press("Enter")
        assert names_in(Path(download.value.path())) == {"张三", "Zhang Example"}


class TestFileOfTheHistory:
    @pytest.mark.parametrize("half", ["exports", "changes/export"])
    def test_double_click_fetches_it_whole(
        self, opened: Page, administrator: User, sign_in: SignIn, half: str
    ) -> None:
        sign_in(administrator)
        opened.goto(f"/history/{half}/")
        opened.get_by_role("button", name="Make the file").dblclick()
        # The scripts of the page must be there before somebody clicks twice.
        opened.wait_for_url(re.compile(r"/history/exports/\d+/$"))
        with opened.expect_download() as download:
            opened.get_by_role("link", name="Download").dblclick()
        assert Path(download.value.path()).read_text("utf-8-sig").count("\n") >= 1
        expect(opened.locator("#history_export")).to_contain_text("Finished")
        assert HistoryExport.objects.get().outcome == ExportState.FINISHED
