"""The sizes of books and groups, which the database keeps."""

import importlib

import pytest
from django.apps import apps
from django.db import connection

from invites.models import AddressBook, BookSize, Contact, ContactGroup, GroupSize
from tests.factories import AddressBookFactory, ContactFactory, ContactGroupFactory


@pytest.fixture
def book(db: None) -> AddressBook:
    return AddressBookFactory()


def size(book: AddressBook) -> int:
    return BookSize.objects.get(book=book).contacts


class TestBookSize:
    def test_adding_and_deleting_count_however_it_is_done(self, book: AddressBook) -> None:
        ContactFactory.create_batch(3, book=book)
        Contact.objects.bulk_create(Contact(book=book, nick=f"N {n}", union_id=f"bulk{n}") for n in range(5))
        assert size(book) == 8
        Contact.objects.of_book(book).filter(union_id__startswith="bulk").delete()
        assert size(book) == 3
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM invites_contact")
        assert size(book) == 0

    def test_moving_counts_in_both_books(self, book: AddressBook) -> None:
        other = AddressBookFactory()
        contacts = ContactFactory.create_batch(3, book=book)
        Contact.objects.among([contacts[0].pk, contacts[1].pk]).update(book=other)
        assert (size(book), size(other)) == (1, 2)

    def test_other_changes_count_nothing(self, book: AddressBook) -> None:
        contact = ContactFactory(book=book)
        contact.nick = "Somebody else"
        contact.save()
        Contact.objects.update(nick="Everybody")
        assert size(book) == 1

    def test_deleting_a_book_takes_its_size_along(self, book: AddressBook) -> None:
        ContactFactory.create_batch(2, book=book)
        book.delete()
        assert not BookSize.objects.exists()

    def test_list_of_books_shows_it(self, book: AddressBook) -> None:
        ContactFactory.create_batch(2, book=book)
        empty = AddressBookFactory()
        counts = {shown.pk: shown.contact_count for shown in AddressBook.objects.for_list()}
        assert counts == {book.pk: 2, empty.pk: 0}


class TestGroupSize:
    def test_joining_and_leaving_count(self, book: AddressBook) -> None:
        group, other = ContactGroupFactory(book=book), ContactGroupFactory(book=book)
        contacts = ContactFactory.create_batch(3, book=book)
        group.contacts.add(*contacts)
        other.contacts.add(contacts[0])
        assert GroupSize.objects.get(group=group).contacts == 3
        contacts[0].delete()
        assert GroupSize.objects.get(group=group).contacts == 2
        assert GroupSize.objects.get(group=other).contacts == 0
        group.contacts.clear()
        assert GroupSize.objects.get(group=group).contacts == 0
        group.delete()
        assert not GroupSize.objects.filter(group=group.pk).exists()

    def test_list_of_groups_shows_it_and_who_is_not_to_be_invited(self, book: AddressBook) -> None:
        group = ContactGroupFactory(book=book)
        group.contacts.add(*ContactFactory.create_batch(3, book=book))
        ContactGroupFactory(book=book)
        shown = {one.pk: (one.contact_count, one.marked_count) for one in ContactGroup.objects.for_list()}  # type: ignore[attr-defined]
        assert shown[group.pk] == (3, 0)
        assert sorted(shown.values()) == [(0, 0), (3, 0)]


class TestMigration:
    def test_contacts_that_were_there_before_are_counted_and_can_be_found(self, book: AddressBook) -> None:
        group = ContactGroupFactory(book=book)
        group.contacts.add(ContactFactory(book=book, nick="张三"))
        Contact.objects.update(search_text="")
        BookSize.objects.all().delete()
        GroupSize.objects.all().delete()
        migration = importlib.import_module("invites.migrations.0004_kept_by_the_database")
        migration.spell_and_count(apps, connection.schema_editor())
        assert size(book) == 1
        assert GroupSize.objects.get(group=group).contacts == 1
        assert Contact.objects.matching("zs").count() == 1
