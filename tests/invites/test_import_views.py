"""The pages of an import: the file, its columns, the preview, what came of it, and who may see them."""

from http import HTTPStatus

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from invites import absorbing, curating, erasing, importing
from invites.files import MOST_BYTES
from invites.models import AddressBook, ContactImport, User
from invites.models.contact_import import ImportSource, ImportState, RowOutcome
from invites.models.invitee import Channel
from tests.conftest import SignedIn, htmx
from tests.factories import ContactFactory, ContactGroupFactory
from tests.invites import imported

pytestmark = pytest.mark.django_db

CSV = "姓名,unionId,手机号\n张三,zhang3,13800138000\n李四,,138\nBob,bob1,\n"


def at(page: str, target: AddressBook | ContactImport, query: str = "") -> str:
    return reverse(f"invites:{page}", args=[target.pk]) + query


def uploaded(content: str | bytes = CSV, name: str = "people.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content.encode() if isinstance(content, str) else content)


def begin(book: AddressBook, content: str = CSV) -> ContactImport:
    """An import at its columns."""
    return imported.begin(book, content)


def preview(book: AddressBook, content: str = CSV) -> ContactImport:
    """An import at its preview."""
    return imported.compare(book, content)


def finished(book: AddressBook, content: str = CSV) -> ContactImport:
    done = preview(book, content)
    importing.confirm(contact_import=done)
    done.refresh_from_db()
    return done


class TestWayToIt:
    def test_book_offers_an_import_and_an_empty_one_begins_with_it(
        self, browser: Client, book: AddressBook
    ) -> None:
        assertContains(browser.get(at("book_detail", book)), at("import_create", book), count=2)
        ContactFactory(book=book)
        assertContains(browser.get(at("book_detail", book)), at("import_create", book), count=1)

    def test_who_may_only_read_the_book_is_offered_none(
        self, signed_in: SignedIn, other_organizer: User, book: AddressBook
    ) -> None:
        AddressBook.objects.filter(pk=book.pk).update(sharing="read")
        assertNotContains(signed_in(other_organizer).get(at("book_detail", book)), at("import_create", book))


class TestImportCreate:
    def test_page_offers_a_file_and_a_text_with_the_country_of_the_book(
        self, browser: Client, book: AddressBook
    ) -> None:
        page = browser.get(at("import_create", book))
        assertContains(page, 'type="file"')
        assertContains(page, '<option value="CN" selected>')
        assertNotContains(page, "Last imports")

    def test_file_leads_to_its_columns(self, browser: Client, book: AddressBook) -> None:
        answer = browser.post(at("import_create", book), {"file": uploaded(), "country": "CN"})
        begun = ContactImport.objects.get()
        assertRedirects(answer, at("import_detail", begun))
        assert (begun.state, begun.file_name) == (ImportState.UPLOADED, "people.csv")
        assert begun.columns == ["nick", "unionId", "phoneNumber"]

    def test_pasted_text_leads_to_its_columns(self, browser: Client, book: AddressBook) -> None:
        browser.post(
            at("import_create", book), {"text": "Ann\t13800138000\nBob\t13900139000", "country": "CN"}
        )
        begun = ContactImport.objects.get()
        assert (begun.source, begun.columns) == (ImportSource.PASTE, ["nick", "phoneNumber"])

    def test_vcard_needs_no_columns(self, browser: Client, book: AddressBook) -> None:
        card = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:张三\r\nTEL;TYPE=CELL:13800138000\r\nEND:VCARD\r\n"
        browser.post(at("import_create", book), {"file": uploaded(card, "people.vcf"), "country": "CN"})
        begun = ContactImport.objects.get()
        assert (begun.state, begun.added) == (ImportState.READY, 1)

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "This file is empty."),
            (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8, "not a list of people"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600, "old Excel"),
        ],
    )
    def test_unreadable_file_is_refused_at_its_field_and_nothing_is_kept(
        self, browser: Client, book: AddressBook, content: bytes, words: str
    ) -> None:
        answer = browser.post(at("import_create", book), {"file": uploaded(content), "country": "DE"})
        assertContains(answer, words, status_code=HTTPStatus.UNPROCESSABLE_ENTITY)
        assert set(answer.context["form"].errors) == {"file"}
        assertContains(answer, '<option value="DE" selected>', status_code=HTTPStatus.UNPROCESSABLE_ENTITY)
        assert not ContactImport.objects.exists()

    def test_file_that_is_too_large_is_dropped_while_it_arrives(
        self, browser: Client, book: AddressBook
    ) -> None:
        large = uploaded(b"Ann,13800138000\n" * (MOST_BYTES // 16 + 1))
        answer = browser.post(at("import_create", book), {"file": large, "country": "DE"})
        assertContains(answer, "too large", status_code=HTTPStatus.UNPROCESSABLE_ENTITY)
        assert set(answer.context["form"].errors) == {"file"}
        assertContains(answer, '<option value="DE" selected>', status_code=HTTPStatus.UNPROCESSABLE_ENTITY)

    def test_pasted_text_of_two_megabytes_fits_and_a_longer_one_is_refused(
        self, browser: Client, book: AddressBook
    ) -> None:
        line = "张三\tzhang3\n"
        fits = line * (1_900_000 // len(line.encode()))
        assert browser.post(at("import_create", book), {"text": fits, "country": "CN"}).status_code == 302
        answer = browser.post(at("import_create", book), {"text": fits + fits[:200_000], "country": "CN"})
        assert set(answer.context["form"].errors) == {"text"}

    def test_neither_and_both_are_refused(self, browser: Client, book: AddressBook) -> None:
        neither = browser.post(at("import_create", book), {"country": "CN"})
        assert set(neither.context["form"].errors) == {"file"}
        both = browser.post(at("import_create", book), {"file": uploaded(), "text": "Ann", "country": "CN"})
        assert set(both.context["form"].errors) == {"text"}
        assertContains(both, "Ann</textarea>", status_code=HTTPStatus.UNPROCESSABLE_ENTITY)

    def test_last_imports_are_listed_with_who_and_how_many(self, browser: Client, book: AddressBook) -> None:
        finished(book)
        page = browser.get(at("import_create", book))
        assertContains(page, "people.csv")
        assertContains(page, "2 added")
        assertContains(page, "1 refused")

    def test_as_many_queries_for_ten_imports_as_for_one(
        self, browser: Client, book: AddressBook, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        finished(book)
        with CaptureQueriesContext(connection) as first:
            browser.get(at("import_create", book))
        for number in range(9):
            finished(book, f"Name,unionId\nAnn,new{number}\n")
        with django_assert_num_queries(len(first)):
            browser.get(at("import_create", book))


class TestColumns:
    def test_columns_are_recognised_and_shown_with_their_first_rows(
        self, browser: Client, book: AddressBook
    ) -> None:
        page = browser.get(at("import_detail", begin(book)))
        assertContains(page, "手机号")
        assertContains(page, "13800138000")
        assertContains(page, '<option value="phoneNumber" selected>')

    def test_chosen_columns_lead_to_the_preview_and_are_remembered(
        self, browser: Client, book: AddressBook
    ) -> None:
        begun = begin(book)
        chosen = {"column_0": "nick", "column_1": "", "column_2": "phoneNumber"}
        answer = browser.post(at("import_columns", begun), chosen)
        assertRedirects(answer, at("import_detail", begun))
        begun.refresh_from_db()
        assert (begun.state, begun.added, begun.refused) == (ImportState.READY, 1, 2)
        again = begin(book)
        assert again.columns == ["nick", "", "phoneNumber"]
        assertContains(
            browser.get(at("import_detail", again)), "columns that you chose for such a file before"
        )

    @pytest.mark.parametrize(
        ("chosen", "wrong"),
        [
            ({"column_0": "nick", "column_1": "nick", "column_2": "phoneNumber"}, {"column_1"}),
            ({"column_0": "nick", "column_1": "", "column_2": ""}, {"__all__"}),
            ({"column_0": "nick", "column_1": "wings", "column_2": "phoneNumber"}, {"column_1"}),
        ],
    )
    def test_unusable_choice_is_refused_and_stays(
        self, browser: Client, book: AddressBook, chosen: dict[str, str], wrong: set[str]
    ) -> None:
        begun = begin(book)
        answer = browser.post(at("import_columns", begun), chosen)
        assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert set(answer.context["form"].errors) == wrong
        begun.refresh_from_db()
        assert begun.state == ImportState.UPLOADED

    def test_columns_can_be_chosen_once_more_from_the_preview(
        self, browser: Client, book: AddressBook
    ) -> None:
        ready = preview(book)
        assertContains(browser.get(at("import_detail", ready, "?columns")), "Show the preview")
        browser.post(at("import_columns", ready), {"column_0": "nick", "column_1": "unionId", "column_2": ""})
        ready.refresh_from_db()
        assert (ready.state, ready.added) == (ImportState.READY, 2)

    def test_second_press_after_it_is_done_changes_nothing(self, browser: Client, book: AddressBook) -> None:
        done = finished(book)
        answer = browser.post(
            at("import_columns", done), {"column_0": "nick", "column_1": "unionId", "column_2": ""}
        )
        assertRedirects(answer, at("import_detail", done))
        done.refresh_from_db()
        assert done.state == ImportState.DONE


class TestPreview:
    def test_it_says_what_is_added_changed_left_and_refused(self, browser: Client, book: AddressBook) -> None:
        ContactFactory(book=book, nick="Robert", union_id="bob1")
        ready = preview(book)
        page = browser.get(at("import_detail", ready))
        assertContains(page, "Import 2 contacts")
        assertContains(page, "138 0013 8000")
        changed = browser.get(at("import_detail", ready, "?show=change"))
        assertContains(changed, '<del class="text-secondary"><bdi>Robert</bdi></del>')
        assertContains(changed, "<bdi>Bob</bdi></ins>")
        refused = browser.get(at("import_detail", ready, "?show=refuse"))
        assertContains(refused, "This phone number is too short.")
        assertContains(refused, "李四")

    def test_htmx_gets_the_rows_alone(self, browser: Client, book: AddressBook) -> None:
        ready = preview(book)
        part = browser.get(at("import_detail", ready, "?show=refuse"), headers=htmx("import_rows"))
        assertContains(part, "too short")
        assertNotContains(part, "<html")
        whole = browser.get(at("import_detail", ready), headers=htmx("anything"))
        assertContains(whole, "<html")

    def test_long_list_comes_in_pages_with_as_many_queries(
        self, browser: Client, book: AddressBook, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        few = preview(book, "Name,unionId\nAnn,ann1\n")
        many = preview(book, "Name,unionId\n" + "".join(f"P{n},p{n}\n" for n in range(120)))
        with CaptureQueriesContext(connection) as first:
            browser.get(at("import_detail", few))
        with django_assert_num_queries(len(first)):
            page = browser.get(at("import_detail", many))
        assertContains(page, "after=51")
        more = browser.get(at("import_detail", many, "?show=add&after=101"), headers=htmx("more_rows"))
        assertContains(more, '<bdi class="fw-medium">P119</bdi>')
        assertNotContains(more, "after=")

    @pytest.mark.parametrize("query", ["?show=wings&after=x", "?after=-1", "?after=99999999999999999999"])
    def test_nonsense_in_the_address_counts_as_absent(
        self, browser: Client, book: AddressBook, query: str
    ) -> None:
        assertContains(browser.get(at("import_detail", preview(book), query)), "张三")

    def test_list_that_changes_nothing_offers_no_import(self, browser: Client, book: AddressBook) -> None:
        ContactFactory(book=book, nick="Ann", union_id="ann1")
        page = browser.get(at("import_detail", preview(book, "Name,unionId\nAnn,ann1\n")))
        assertContains(page, "Everybody is in the book already")
        assertNotContains(page, "btn btn-primary order-last")

    def test_list_of_headings_alone_says_that_nobody_is_in_it(
        self, browser: Client, book: AddressBook
    ) -> None:
        response = browser.get(at("import_detail", preview(book, "姓名,手机号\n")))
        assertContains(response, "Nobody is in this list")
        assertContains(response, "There is nobody to import.")
        assertNotContains(response, "Everybody is in the book already")

    def test_nothing_that_a_file_holds_becomes_markup(self, browser: Client, book: AddressBook) -> None:
        page = browser.get(
            at("import_detail", preview(book, "Name,unionId\n<script>alert(1)</script>,ann1\n"))
        )
        assertNotContains(page, "<script>alert")

    def test_book_that_changed_meanwhile_asks_once_more(self, browser: Client, book: AddressBook) -> None:
        ready = preview(book)
        book.touch()
        page = browser.post(at("import_confirm", ready), follow=True)
        assertContains(page, "The book has changed meanwhile")
        assert not book.contacts.exists()


class TestConfirm:
    def test_it_stores_and_leads_to_what_came_of_it(self, browser: Client, book: AddressBook) -> None:
        ready = preview(book)
        page = browser.post(at("import_confirm", ready), follow=True)
        assertContains(page, "The import is done.")
        assertContains(page, "Undo the import")
        assertContains(page, "too short")
        assert book.contacts.count() == 2

    def test_second_press_shows_the_same_page(self, browser: Client, book: AddressBook) -> None:
        ready = preview(book)
        for _press in range(2):
            assertContains(browser.post(at("import_confirm", ready), follow=True), "The import is done.")
        assert book.contacts.count() == 2

    def test_second_press_of_undo_shows_the_same_page(self, browser: Client, book: AddressBook) -> None:
        done = finished(book)
        for _press in range(2):
            assertContains(browser.post(at("import_undo", done), follow=True), "This import was undone.")

    def test_undoing_tells_of_whoever_was_left_alone(self, browser: Client, book: AddressBook) -> None:
        done = finished(book)
        robert = book.contacts.get(union_id="bob1")
        robert.nick = "Robert"
        curating.save_contact(contact=robert, user=book.owner)
        page = browser.post(at("import_undo", done), follow=True)
        assertContains(page, "Undone for 1 person.")
        assertContains(page, "1 person was left alone: changed or deleted since")

    def test_undoing_takes_the_groups_along_that_were_made_for_it(
        self, browser: Client, book: AddressBook
    ) -> None:
        ContactGroupFactory(book=book, name="Sales")
        done = finished(book, "Name,unionId,Groups\nAnn,ann1,sales;New\n")
        assert book.groups.count() == 2
        browser.post(at("import_undo", done))
        assert [group.name for group in book.groups.all()] == ["Sales"]

    def test_it_can_be_undone_as_a_whole(self, browser: Client, book: AddressBook) -> None:
        known = ContactFactory(book=book, nick="Robert", union_id="bob1")
        done = finished(book)
        page = browser.post(at("import_undo", done), follow=True)
        assertContains(page, "This import was undone.")
        assertNotContains(page, "Undo the import")
        assert [contact.nick for contact in book.contacts.all()] == ["Robert"]
        assert book.contacts.get() == known


class TestDiscard:
    def test_it_drops_the_file_and_the_rows(self, browser: Client, book: AddressBook) -> None:
        ready = preview(book)
        assertRedirects(browser.post(at("import_discard", ready)), at("book_detail", book))
        ready.refresh_from_db()
        assert ready.state == ImportState.DISCARDED
        assert not ready.rows.exists()
        assert not ready.chunks.exists()
        assertContains(browser.get(at("import_detail", ready)), "This import was discarded")

    def test_who_began_one_is_told_that_it_went_with_somebody_who_is_erased(
        self, browser: Client, book: AddressBook
    ) -> None:
        lost, other = preview(book), preview(book, "name,unionId\nBob,bob1\n")
        erasing.erase(channel=Channel.UNION_ID, value="zhang3", by=None, because="Asked")
        assertContains(browser.get(at("import_detail", lost)), "asked to be erased")
        assertNotContains(browser.get(at("import_detail", other)), "asked to be erased")
        assertContains(browser.get("/"), "A list that you were importing was discarded")
        assertContains(browser.get("/"), at("import_detail", lost))

    def test_what_is_done_is_not_discarded(self, browser: Client, book: AddressBook) -> None:
        done = finished(book)
        assertRedirects(browser.post(at("import_discard", done)), at("import_detail", done))
        assert book.contacts.count() == 2


class TestRefused:
    def test_refused_rows_come_back_as_a_file_that_imports_again_once_mended(
        self, browser: Client, book: AddressBook
    ) -> None:
        done = finished(book)
        answer = browser.get(at("import_refused", done))
        assert answer["Content-Type"].startswith("text/csv")
        text = answer.getvalue().decode("utf-8-sig")
        assert "too short" in text
        browser.post(
            at("import_create", book),
            {"file": uploaded(text.replace("'138", "'13900139000")), "country": "CN"},
        )
        mended = ContactImport.objects.order_by("-pk")[0]
        assert mended.columns == ["nick", "unionId", "phoneNumber", ""]
        importing.choose_columns(contact_import=mended, columns=mended.columns, user=book.owner)
        mended.refresh_from_db()
        assert (mended.added, mended.refused) == (1, 0)
        assert mended.rows.get().outcome == RowOutcome.ADD


class TestSample:
    def test_sample_file_has_every_column_that_is_understood(
        self, browser: Client, book: AddressBook
    ) -> None:
        text = browser.get(at("import_sample", book)).getvalue().decode("utf-8-sig")
        begun = begin(book, text)
        assert set(begun.columns) == {
            "nick",
            "unionId",
            "phoneNumber",
            "groups",
            "doNotInvite",
            "doNotInviteUntil",
        }


class TestUnderWay:
    @pytest.fixture
    def long(self, book: AddressBook) -> ContactImport:
        return preview(book, "Name,unionId\n" + "".join(f"P{n},p{n}\n" for n in range(1500)))

    def test_long_list_is_left_to_a_worker_and_the_page_looks_again(
        self, browser: Client, long: ContactImport
    ) -> None:
        assert long.state == ImportState.READING
        page = browser.get(at("import_detail", long))
        assertContains(page, 'hx-trigger="every 1s"')
        assertContains(page, "Look again")
        part = browser.get(at("import_detail", long), headers=htmx("import_step"))
        assertContains(part, 'hx-trigger="every 1s"')

    def test_page_stops_looking_when_the_import_has_been_read(
        self, browser: Client, long: ContactImport
    ) -> None:
        assert long.heard_at is not None
        absorbing.read(long.pk, heard_at=long.heard_at)
        part = browser.get(at("import_detail", long), headers=htmx("import_step"))
        assertNotContains(part, "hx-trigger")
        assertContains(part, "Import 1,500 contacts")


class TestFailed:
    def test_list_that_breaks_off_says_why(self, browser: Client, book: AddressBook) -> None:
        broken = preview(
            book, "Name,unionId\n" + "".join(f"P{n},p{n}\n" for n in range(50)) + "," * 200 + "x\n"
        )
        assert broken.state == ImportState.FAILED
        page = browser.get(at("import_detail", broken))
        assertContains(page, "more than 100 columns")
        assert not broken.rows.exists()


PAGES = ["import_detail", "import_refused"]
POSTS = ["import_columns", "import_confirm", "import_discard", "import_undo"]


class TestWhoMay:
    @pytest.mark.parametrize("page", PAGES)
    def test_others_do_not_see_it(
        self, signed_in: SignedIn, other_organizer: User, book: AddressBook, page: str
    ) -> None:
        target = finished(book)
        assert signed_in(other_organizer).get(at(page, target)).status_code == HTTPStatus.NOT_FOUND

    @pytest.mark.parametrize("page", POSTS)
    def test_others_change_nothing(
        self, signed_in: SignedIn, other_organizer: User, book: AddressBook, page: str
    ) -> None:
        target = preview(book)
        assert signed_in(other_organizer).post(at(page, target)).status_code == HTTPStatus.NOT_FOUND
        target.refresh_from_db()
        assert target.state == ImportState.READY

    def test_who_may_only_read_a_book_imports_nothing(
        self, signed_in: SignedIn, other_organizer: User, book: AddressBook
    ) -> None:
        AddressBook.objects.filter(pk=book.pk).update(sharing="read")
        assert signed_in(other_organizer).get(at("import_create", book)).status_code == HTTPStatus.NOT_FOUND
        answer = signed_in(other_organizer).post(
            at("import_create", book), {"file": uploaded(), "country": "CN"}
        )
        assert answer.status_code == HTTPStatus.NOT_FOUND

    @pytest.mark.parametrize("page", ["import_create", "import_sample"])
    def test_auditors_import_nothing(
        self, signed_in: SignedIn, auditor: User, book: AddressBook, page: str
    ) -> None:
        assert signed_in(auditor).get(at(page, book)).status_code == HTTPStatus.FORBIDDEN

    @pytest.mark.parametrize("page", [*PAGES, *POSTS])
    def test_strangers_sign_in_first(self, client: Client, book: AddressBook, page: str) -> None:
        target = preview(book)
        answer = client.get(at(page, target)) if page in PAGES else client.post(at(page, target))
        assert answer.status_code == HTTPStatus.FOUND
        assert answer["Location"].startswith(reverse("login"))
