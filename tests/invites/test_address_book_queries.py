"""Lists of contacts that go on where they were, counts with a bound, and the verbs that change a book."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from invites import curating
from invites.models import AddressBook, Contact, ContactGroup
from tests.factories import AddressBookFactory, ContactFactory, ContactGroupFactory, InviteeFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def book() -> AddressBook:
    return AddressBookFactory()


def people(book: AddressBook, *names: str) -> list[Contact]:
    return [ContactFactory(book=book, nick=name) for name in names]


def nicks(contacts: object) -> list[str]:
    return [str(contact) for contact in contacts]  # type: ignore[attr-defined]


class TestListByName:
    def test_it_goes_on_after_the_last_one_shown(self, book: AddressBook) -> None:
        people(book, "bob", "Alice", "Carol", "alice", "Bob", "Alice")
        everybody = list(Contact.objects.of_book(book).by_name())
        shown: list[Contact] = []
        cursor = ""
        while page := list(Contact.objects.of_book(book).after(cursor).by_name()[:2]):
            shown += page
            cursor = page[-1].cursor
        assert shown == everybody
        assert [str(contact).lower() for contact in shown] == ["alice"] * 3 + ["bob"] * 2 + ["carol"]

    def test_it_goes_on_after_somebody_who_was_deleted_meanwhile(self, book: AddressBook) -> None:
        _a, b, _c = people(book, "A", "B", "C")
        cursor = b.cursor
        b.delete()
        assert nicks(Contact.objects.of_book(book).after(cursor).by_name()) == ["C"]

    @pytest.mark.parametrize("name", ["a-b-c", "- ' % _", "مثال", "🎧", " \N{WATER WAVE}"])
    def test_any_name_can_be_the_place(self, book: AddressBook, name: str) -> None:
        contact, twin = people(book, name, name)
        assert list(Contact.objects.of_book(book).after(contact.cursor).by_name()) == [twin]

    @pytest.mark.parametrize("cursor", ["", "x", "x-A", "²-A", "-A", f"{10**30}-A"])
    def test_what_is_no_place_means_the_beginning(self, book: AddressBook, cursor: str) -> None:
        people(book, "A")
        assert nicks(Contact.objects.of_book(book).after(cursor)) == ["A"]


class TestCountUpTo:
    def test_it_counts_no_further_than_one_beyond_the_limit(self, book: AddressBook) -> None:
        people(book, *"abcde")
        contacts = Contact.objects.of_book(book).by_name()
        assert contacts.count_up_to(10) == 5
        assert contacts.count_up_to(5) == 5
        assert contacts.count_up_to(3) == 4


class TestMatching:
    def test_it_looks_at_name_unionid_and_number(self, book: AddressBook) -> None:
        ContactFactory(book=book, nick="Ada", union_id="u-one", phone_number="+8613800138000")
        ContactFactory(book=book, nick="Bob", union_id="u-two")
        found = Contact.objects.of_book(book)
        assert nicks(found.matching(" aD ")) == ["Ada"]
        assert nicks(found.matching("u-t")) == ["Bob"]
        assert nicks(found.matching("138 0013")) == ["Ada"]
        assert nicks(found.matching("%")) == []


class TestCurating:
    @pytest.fixture
    def book(self) -> AddressBook:
        book = AddressBookFactory()
        AddressBook.objects.update(updated_at=timezone.now() - timedelta(days=3))
        return book

    def assert_changed_now(self, book: AddressBook) -> None:
        book.refresh_from_db()
        assert timezone.now() - book.updated_at < timedelta(minutes=1)

    def test_new_contact_is_a_change_of_the_book(self, book: AddressBook) -> None:
        group = ContactGroupFactory(book=book)
        curating.save_contact(
            contact=Contact(book=book, nick="Ada", union_id="u1"), group=group, user=book.owner
        )
        assert nicks(group.contacts.all()) == ["Ada"]
        self.assert_changed_now(book)

    def test_deleting_takes_only_people_of_the_book_and_leaves_invitees(self, book: AddressBook) -> None:
        mine, other = ContactFactory(book=book), ContactFactory()
        invitee = InviteeFactory(contact=mine, nick="As invited")
        group = ContactGroupFactory(book=book)
        group.contacts.add(mine)
        chosen = Contact.objects.among([mine.pk, other.pk])
        change = curating.delete_contacts(book=book, contacts=chosen, user=book.owner)
        assert change is not None
        assert change.people == 1
        assert list(Contact.objects.all()) == [other]
        invitee.refresh_from_db()
        assert (invitee.contact, invitee.nick) == (None, "As invited")
        self.assert_changed_now(book)

    def test_joining_counts_newcomers_only_and_passes_over_strangers(self, book: AddressBook) -> None:
        group = ContactGroupFactory(book=book)
        member, newcomer = people(book, "Member", "Newcomer")
        stranger = ContactFactory()
        group.contacts.add(member)
        chosen = Contact.objects.among([member.pk, newcomer.pk, stranger.pk])
        change = curating.add_to_group(group=group, contacts=chosen, user=book.owner)
        assert change is not None
        assert change.people == 1
        assert set(group.contacts.all()) == {member, newcomer}
        self.assert_changed_now(book)

    def test_leaving_counts_members_only_and_keeps_them_in_the_book(self, book: AddressBook) -> None:
        group = ContactGroupFactory(book=book)
        member, outsider = people(book, "Member", "Outsider")
        group.contacts.add(member)
        change = curating.remove_from_group(
            group=group, contacts=Contact.objects.of_book(book), user=book.owner
        )
        assert change is not None
        assert change.people == 1
        assert not group.contacts.exists()
        assert set(book.contacts.all()) == {member, outsider}
        self.assert_changed_now(book)

    def test_deleting_a_group_keeps_its_people(self, book: AddressBook) -> None:
        group = ContactGroupFactory(book=book)
        group.contacts.add(*people(book, "A", "B"))
        curating.delete_group(group=group, user=book.owner)
        assert not ContactGroup.objects.exists()
        assert book.contacts.count() == 2
        self.assert_changed_now(book)

    def test_joining_costs_the_same_for_many(
        self, book: AddressBook, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        group = ContactGroupFactory(book=book)
        people(book, *(f"Person {n}" for n in range(30)))
        # The last is the change on record.
        with django_assert_max_num_queries(10):
            curating.add_to_group(group=group, contacts=Contact.objects.of_book(book), user=book.owner)
        assert group.contacts.count() == 30
