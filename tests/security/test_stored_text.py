"""What people and DingTalk wrote is shown as they wrote it, and never done: in pages, fragments, files and headers."""

import csv
import io
import re
import zipfile
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse

from invites import disclosing
from invites.models import AddressBook, Contact, Person, User
from invites.models.history_export import ExportRows
from tests.conftest import SignedIn
from tests.factories import AddressBookFactory, ContactFactory
from tests.invites.held import hold
from tests.keeping import tampering
from tests.security.poison import POISON, evil_in, poison_everything
from tests.security.walking import ordered_at, walk

pytestmark = pytest.mark.django_db
FORMULAS = (
    "=cmd|'/C calc'!A1",
    "@SUM(1+1)",
    "+1+1",
    "-1+1",
    "\t=1+1",
    "\r=1+1",
    "＝1+1",
    '=HYPERLINK("//x")',
)
# Cells that a spreadsheet calculates, a number's own plus in brackets aside.
CALCULATED = re.compile(r"^[=+\-@\t\r\n＝＋－＠]")


@pytest.fixture
def book(administrator: User) -> AddressBook:
    """One of the administrator's, and something of everything beside it."""
    return hold(administrator)


@pytest.fixture
def browser(book: AddressBook, administrator: User, signed_in: SignedIn) -> Client:
    return signed_in(administrator)


def put_formulas(book: AddressBook) -> None:
    """Names, titles and messages that a spreadsheet would calculate, however they came into the database."""
    for number, formula in enumerate(FORMULAS):
        ContactFactory(book=book, nick=formula, union_id=f"formula-{number}")
    with tampering():
        for person, formula in zip(Person.objects.all(), FORMULAS, strict=False):
            Person.objects.filter(pk=person.pk).update(nick=formula)
        book.app.conferences.update(title=FORMULAS[0], conference_id="@1+1")
    for formula in FORMULAS:
        AddressBookFactory(owner=book.owner, name=formula)


class TestPages:
    def test_nothing_that_was_stored_comes_alive_on_any_page_or_fragment(self, browser: Client) -> None:
        browser.raise_request_exception = False
        done = poison_everything()
        # Of what people fill in most.
        assert {"contact.nick", "conference.title", "addressbook.name"} <= done
        pages = dict(walk(browser)) | dict(self.searches_and_people(browser))
        assert len(pages) > 50
        alive = {
            address: list(evil_in(body.decode(errors="ignore")))
            for address, body in pages.items()
            # Files that are taken away are no pages.
            if not address.endswith(("/file/", "/export/"))
        }
        assert {address: found for address, found in alive.items() if found} == {}
        # It stands there, to be read.
        assert any(b"x-evil" in body for body in pages.values())
        assert not any(b"49{%" in body for body in pages.values())

    def searches_and_people(self, browser: Client) -> Iterator[tuple[str, bytes]]:
        """Pages that no number leads to: what is looked for stands in them, too."""
        for person in Person.objects.all():
            for part in ("held", "erase"):
                address = reverse(f"invites:personal_data_{part}", args=[disclosing.token_of(person)])
                yield f"{part} {person.pk}", browser.get(address).content
        for address, name in (
            ("/settings/personal-data/", "who"),
            ("/history/", "person"),
            ("/conferences/", "q"),
        ):
            yield f"{address}?{name}", browser.get(address, {name: POISON[:60]}).content


class TestFiles:
    @pytest.mark.parametrize("rows_are", ExportRows.values)
    def test_history_as_a_table_calculates_nothing(
        self, browser: Client, book: AddressBook, rows_are: str
    ) -> None:
        put_formulas(book)
        order = {"file_format": "csv", "rows_are": rows_are, "time_zone": "UTC"}
        address = browser.post(ordered_at(rows_are), order).headers["Location"]
        text = browser.get(f"{address}file/").getvalue().decode("utf-8-sig")
        cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
        assert any("cmd|" in cell for cell in cells)
        assert [cell for cell in cells if CALCULATED.match(cell)] == []

    @pytest.mark.parametrize("kind", ["csv", "xlsx"])
    def test_book_as_a_table_calculates_nothing(self, browser: Client, book: AddressBook, kind: str) -> None:
        put_formulas(book)
        file = browser.get(reverse("invites:book_export", args=[book.pk]), {"format": kind}).getvalue()
        if kind == "xlsx":
            with zipfile.ZipFile(io.BytesIO(file)) as parts:
                sheets = b"".join(parts.read(name) for name in parts.namelist())
            assert b"<f>" not in sheets
            assert b"cmd|" in sheets
            return
        cells = [
            cell for row in csv.reader(io.StringIO(file.decode("utf-8-sig"), newline="")) for cell in row
        ]
        assert any("cmd|" in cell for cell in cells)
        assert [cell for cell in cells if CALCULATED.match(cell) and not cell.startswith("+86")] == []


class TestHeaders:
    @pytest.mark.parametrize(
        "name", ["a\r\nSet-Cookie: evil=1", "a\nb", 'q"; filename="evil.exe', "\u202egpj.exe", "\x01", "名"]
    )
    def test_name_of_a_book_ends_no_header(self, browser: Client, book: AddressBook, name: str) -> None:
        AddressBook.objects.filter(pk=book.pk).update(name=name)
        answer = browser.get(reverse("invites:book_export", args=[book.pk]), {"format": "csv"})
        header = answer.headers["Content-Disposition"]
        assert (answer.status_code, "\r" in header, "\n" in header) == (200, False, False)
        assert header.startswith("attachment; filename")
        assert "evil" not in answer.cookies

    def test_request_id_of_a_stranger_ends_no_line(self, browser: Client) -> None:
        answer = browser.get("/", headers={"X-Request-ID": "abcdefgh\r\nSet-Cookie: evil=1"})
        assert "evil" not in answer.headers["X-Request-ID"]

    def test_redirect_carries_no_line_break(self, browser: Client) -> None:
        answer = browser.post("/theme/", {"theme": "dark", "next": "/\r\nSet-Cookie: evil=1"})
        assert "\n" not in answer.headers["Location"]
        assert "evil" not in answer.cookies


class TestForms:
    @pytest.mark.parametrize("nick", [POISON[:100], "=1+1", "a\u202eb"])
    def test_name_of_any_letters_is_kept_and_shown_as_it_is(
        self, browser: Client, book: AddressBook, nick: str
    ) -> None:
        address = reverse("invites:contact_create", args=[book.pk])
        answer = browser.post(address, {"nick": nick, "union_id": "somebody-new"})
        assert answer.status_code in {200, 302, 422}
        page = browser.get(reverse("invites:book_detail", args=[book.pk])).content.decode()
        assert list(evil_in(page)) == []
        assert Contact.objects.filter(union_id="somebody-new").count() == (answer.status_code != 422)
