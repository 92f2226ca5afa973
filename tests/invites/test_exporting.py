"""Files of a book's people: whom they hold, what they are called, and who may have them."""

import io
import tracemalloc
from datetime import date
from http import HTTPStatus

import pytest
import time_machine
from django.db import connection
from django.http import StreamingHttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains, assertNotContains

from invites import exporting, files
from invites.exporting import PIECE, Kind
from invites.files import Field
from invites.models import AddressBook, Contact, User
from invites.models.address_book import Sharing
from tests.conftest import SignedIn, htmx
from tests.factories import AddressBookFactory, ContactFactory, ContactGroupFactory

pytestmark = pytest.mark.django_db


def address(book: AddressBook) -> str:
    return reverse("invites:book_export", args=[book.pk])


def export(
    browser: Client, book: AddressBook, kind: str = "csv", **query: str | int
) -> StreamingHttpResponse:
    response: StreamingHttpResponse = browser.get(address(book), {"format": kind, **query})  # type: ignore[assignment]
    assert response.status_code == HTTPStatus.OK
    return response


def people_in(response: StreamingHttpResponse) -> list[dict[Field, str]]:
    """The people of a file as an import reads them."""
    file = io.BytesIO(response.getvalue())
    fmt = files.sniff(file)
    columns = files.recognise(fmt.headings, [], country="CN")
    return [
        {field: cell for field, cell in zip(columns, line.cells, strict=False) if field and cell}
        for line in files.read(file, fmt)
    ]


def names_in(response: StreamingHttpResponse) -> list[str]:
    return [person[Field.NICK] for person in people_in(response)]


def fill(book: AddressBook, people: int, *, groups: int = 2) -> None:
    """``people`` in ``book``, each of them in all of its new ``groups``."""
    contacts = Contact.objects.bulk_create(
        Contact(book=book, nick=f"Person {n:05}", union_id=f"person{n}x") for n in range(people)
    )
    for _number in range(groups):
        ContactGroupFactory(book=book).contacts.add(*contacts)


class TestBookExport:
    """The file."""

    @pytest.mark.parametrize("kind", Kind)
    def test_everything_about_a_person_comes_back(
        self, browser: Client, book: AddressBook, kind: Kind
    ) -> None:
        person = ContactFactory(
            book=book,
            nick="=张三, “老张”",
            union_id="qzR1abcdefiEiE",
            phone_number="+861000000001",
            do_not_invite_since=timezone.now(),
            do_not_invite_reason="on leave",
            do_not_invite_until=date(2030, 1, 31),
        )
        for name in ("研发;一组", "周会"):
            ContactGroupFactory(book=book, name=name).contacts.add(person)
        (read,) = people_in(export(browser, book, kind))
        assert read.pop(Field.PHONE_NUMBER) in {"+861000000001", "(+86) 1000000001"}
        assert files.split_groups(read.pop(Field.GROUPS)) == ["周会", "研发;一组"]
        assert read == {
            Field.NICK: "=张三, “老张”",
            Field.UNION_ID: "qzR1abcdefiEiE",
            Field.DO_NOT_INVITE: "yes: on leave",
            Field.DO_NOT_INVITE_UNTIL: "2030-01-31",
        }

    def test_people_stand_by_name_and_those_of_other_books_are_left_out(
        self, browser: Client, book: AddressBook
    ) -> None:
        for nick in ("bo", "Al", "cy"):
            ContactFactory(book=book, nick=nick)
        ContactFactory(nick="Another book's")
        assert names_in(export(browser, book)) == ["Al", "bo", "cy"]

    def test_group_and_search_narrow_it(self, browser: Client, book: AddressBook) -> None:
        al, bo = ContactFactory(book=book, nick="Al One"), ContactFactory(book=book, nick="Bo One")
        ContactFactory(book=book, nick="Al Two")
        group = ContactGroupFactory(book=book)
        group.contacts.add(al, bo)
        assert names_in(export(browser, book, group=group.pk)) == ["Al One", "Bo One"]
        assert names_in(export(browser, book, q="al")) == ["Al One", "Al Two"]
        assert names_in(export(browser, book, group=group.pk, q="al")) == ["Al One"]

    def test_place_in_the_list_does_not_narrow_it(self, browser: Client, book: AddressBook) -> None:
        first, _second = ContactFactory(book=book, nick="Al"), ContactFactory(book=book, nick="Bo")
        assert names_in(export(browser, book, after=first.cursor)) == ["Al", "Bo"]

    @pytest.mark.parametrize("kind", [Kind.CSV, Kind.XLSX])
    def test_empty_book_gives_headings_alone(self, browser: Client, book: AddressBook, kind: Kind) -> None:
        file = io.BytesIO(export(browser, book, kind).getvalue())
        fmt = files.sniff(file)
        assert files.recognise(fmt.headings, [], country="CN") == list(Field)
        assert list(files.read(file, fmt)) == []

    def test_empty_book_gives_no_cards(self, browser: Client, book: AddressBook) -> None:
        assert export(browser, book, "vcf").getvalue() == b""

    @time_machine.travel("2026-11-30 12:00", tick=False)
    def test_file_is_called_after_book_group_and_day(self, signed_in: SignedIn, organizer: User) -> None:
        book = AddressBookFactory(owner=organizer, name='研发/"A"')
        group = ContactGroupFactory(book=book, name="周会")
        header = export(signed_in(organizer), book, "xlsx", group=group.pk)["Content-Disposition"]
        assert header == (
            "attachment; filename*=utf-8''%E7%A0%94%E5%8F%91_A_%20%E5%91%A8%E4%BC%9A%202026-11-30.xlsx"
        )

    def test_numbers_are_left_out_for_whoever_may_not_see_them(self, book: AddressBook) -> None:
        ContactFactory(book=book, phone_number="+861000000001")
        for kind in Kind:
            content = b"".join(exporting.write(book.contacts.all(), kind=kind, with_numbers=False))
            assert b"1000000001" not in content

    @pytest.mark.parametrize("kind", Kind)
    def test_as_many_queries_for_one_person_as_for_fifty(
        self,
        browser: Client,
        book: AddressBook,
        django_assert_num_queries: DjangoAssertNumQueries,
        kind: Kind,
    ) -> None:
        fill(book, 1)
        # From the first one on it is counted how often somebody takes a file away.
        export(browser, book, kind).getvalue()
        with CaptureQueriesContext(connection) as queries:
            export(browser, book, kind).getvalue()
        fill_more = AddressBookFactory(owner=book.owner)
        fill(fill_more, 50)
        with django_assert_num_queries(len(queries)):
            export(browser, fill_more, kind).getvalue()

    def test_one_more_query_for_each_further_piece(
        self, browser: Client, book: AddressBook, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        fill(book, 1)
        export(browser, book).getvalue()
        with CaptureQueriesContext(connection) as queries:
            export(browser, book).getvalue()
        large = AddressBookFactory(owner=book.owner)
        fill(large, 2 * PIECE + 1)
        with django_assert_num_queries(len(queries) + 2):
            assert len(names_in(export(browser, large))) == 2 * PIECE + 1

    @pytest.mark.parametrize("kind", [Kind.CSV, Kind.XLSX])
    def test_memory_does_not_grow_with_the_book(self, browser: Client, book: AddressBook, kind: Kind) -> None:
        fill(book, 4 * PIECE)
        peaks = []
        for people in (PIECE, 4 * PIECE):
            found = Contact.objects.of_book(book).among(
                Contact.objects.of_book(book).by_name().values_list("pk", flat=True)[:people]
            )
            pieces = exporting.write(found, kind=kind, with_numbers=True)
            next(pieces)
            tracemalloc.start()
            for _piece in pieces:
                pass
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        assert peaks[1] < 1.5 * peaks[0] + 1_000_000


class TestWhoMayExport:
    """Whoever may read the book, and nobody else."""

    def test_anonymous_visitor_is_sent_to_sign_in(self, client: Client, book: AddressBook) -> None:
        response = client.get(address(book), {"format": "csv"})
        assert response.status_code == HTTPStatus.FOUND
        assert "/sign-in/" in response["Location"]

    def test_auditor_may_not(self, signed_in: SignedIn, auditor: User, book: AddressBook) -> None:
        response = signed_in(auditor).get(address(book), {"format": "csv"})
        assert response.status_code == HTTPStatus.FORBIDDEN

    def test_private_book_does_not_exist_for_others(
        self, signed_in: SignedIn, other_organizer: User, book: AddressBook
    ) -> None:
        response = signed_in(other_organizer).get(address(book), {"format": "csv"})
        assert response.status_code == HTTPStatus.NOT_FOUND

    def test_reader_of_a_shared_book_may(
        self, signed_in: SignedIn, other_organizer: User, organizer: User
    ) -> None:
        shared = AddressBookFactory(owner=organizer, sharing=Sharing.READ)
        ContactFactory(book=shared, nick="Al")
        assert names_in(export(signed_in(other_organizer), shared)) == ["Al"]

    @pytest.mark.parametrize("kind", ["", "pdf", "CSV"])
    def test_unknown_kind_does_not_exist(self, browser: Client, book: AddressBook, kind: str) -> None:
        assert browser.get(address(book), {"format": kind}).status_code == HTTPStatus.NOT_FOUND

    def test_only_reading_is_allowed(self, browser: Client, book: AddressBook) -> None:
        assert browser.post(address(book)).status_code == HTTPStatus.METHOD_NOT_ALLOWED


class TestExportMenu:
    """The menu on a book's page, which exports what the page shows."""

    def test_page_offers_every_kind(self, browser: Client, book: AddressBook) -> None:
        ContactFactory(book=book)
        page = browser.get(reverse("invites:book_detail", args=[book.pk]))
        for kind in Kind:
            assertContains(page, f'href="{address(book)}?format={kind}"')

    def test_search_is_carried_along_also_by_the_list_alone(self, browser: Client, book: AddressBook) -> None:
        ContactFactory(book=book, nick="Al")
        headers = htmx("book_contacts")
        page = browser.get(reverse("invites:book_detail", args=[book.pk]), {"q": "al"}, headers=headers)
        assertContains(page, f'href="{address(book)}?q=al&amp;format=csv"')

    def test_list_of_nobody_offers_nothing(self, browser: Client, book: AddressBook) -> None:
        assertNotContains(browser.get(reverse("invites:book_detail", args=[book.pk])), address(book))
