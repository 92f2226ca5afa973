"""Finding the best of those whom a text finds."""

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from invites import finding
from invites.models import AddressBook, Contact
from tests.factories import AddressBookFactory, ContactFactory


@pytest.fixture
def book(db: None) -> AddressBook:
    return AddressBookFactory()


def found(book: AddressBook, text: str, *, start: int = 0, most: int = 10) -> list[str]:
    contacts = Contact.objects.of_book(book)
    return [contact.nick for contact in finding.find(contacts, text=text, start=start, most=most).contacts]


class TestOrder:
    def test_whoever_is_called_exactly_so_comes_first_then_whose_name_begins_so(
        self, book: AddressBook
    ) -> None:
        for nick in ("小张三", "张三丰", "章山", "张三", "ANNA", "Anna B", "Joanna"):
            ContactFactory(book=book, nick=nick)
        assert found(book, "张三") == ["张三", "张三丰", "小张三"]
        assert found(book, "anna") == ["ANNA", "Anna B", "Joanna"]

    def test_latin_names_that_begin_so_come_before_pinyin_and_the_middle_of_words(
        self, book: AddressBook
    ) -> None:
        for nick in ("Rosana", "山田", "Sandra", "Lee Sang"):
            ContactFactory(book=book, nick=nick)
        assert found(book, "san")[0] == "Sandra"
        assert found(book, "san")[-1] == "Rosana"

    def test_number_that_ends_so_comes_before_one_with_the_digits_elsewhere(self, book: AddressBook) -> None:
        ContactFactory(book=book, nick="Aa", phone_number="+8613800138001")
        ContactFactory(book=book, nick="Bb", phone_number="+8615912343800")
        assert found(book, "3800") == ["Bb", "Aa"]

    def test_next_page_goes_on_where_the_first_ended(self, book: AddressBook) -> None:
        for number in range(5):
            ContactFactory(book=book, nick=f"Anna {number}")
        assert found(book, "anna", most=3) == ["Anna 0", "Anna 1", "Anna 2"]
        assert found(book, "anna", start=3, most=3) == ["Anna 3", "Anna 4"]


class TestBounds:
    def test_no_more_than_the_candidates_are_looked_at(
        self, book: AddressBook, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(finding, "CANDIDATES", 3)
        for number in range(4):
            ContactFactory(book=book, nick=f"Anna {number}")
        result = finding.find(Contact.objects.of_book(book), text="anna", most=10)
        assert (result.people, result.are_all, len(result.contacts)) == (3, False, 3)
        Contact.objects.all()[:1].get().delete()
        result = finding.find(Contact.objects.of_book(book), text="anna", most=10)
        assert (result.people, result.are_all) == (3, True)

    def test_whoever_is_called_exactly_so_is_found_among_however_many(
        self, book: AddressBook, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(finding, "CANDIDATES", 3)
        for number in range(6):
            ContactFactory(book=book, nick=f"张三 {number}")
        ContactFactory(book=book, nick="张三")
        assert found(book, "张三", most=1) == ["张三"]

    def test_only_the_contacts_asked_for_are_found(self, book: AddressBook) -> None:
        ContactFactory(nick="Anna elsewhere")
        assert found(book, "anna") == []

    def test_percent_and_underscore_are_letters_like_others(self, book: AddressBook) -> None:
        ContactFactory(book=book, nick="Anna")
        assert found(book, "%") == found(book, "_") == found(book, "A%a") == []

    def test_queries_do_not_grow(
        self, book: AddressBook, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        ContactFactory.create_batch(20, book=book, nick="Anna")
        extra = 4 if connection.vendor == "postgresql" else 0
        with django_assert_num_queries(2 + extra):
            assert len(found(book, "anna", most=20)) == 20


class TestIndex:
    @pytest.mark.parametrize("text", ["张", "zs", "an", "8000"])
    def test_postgresql_reads_the_index_and_not_the_table(self, book: AddressBook, text: str) -> None:
        if connection.vendor != "postgresql":
            assert connection.vendor == "sqlite"  # which is meant for small books, and reads them through
            return
        ContactFactory(book=book, nick="张三", phone_number="+8613800138000")
        with finding.by_the_index():
            plan = Contact.objects.matching(text).order_by().values("pk")[:500].explain()
        assert "invites_contact_search" in plan
        assert "Seq Scan" not in plan

    def test_planner_is_left_as_it_was(self, book: AddressBook) -> None:
        finding.find(Contact.objects.of_book(book), text="zs", most=1)
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT current_setting('enable_seqscan'), current_setting('enable_indexscan')"
                )
                assert cursor.fetchone() == ("on", "on")
