"""Deleting, moving, copying and grouping many people at once."""

from collections.abc import Callable

import pytest
from pytest_django import DjangoAssertNumQueries

from invites import curating
from invites.curating.picking import PIECE
from invites.models import AddressBook, Contact, ContactGroup, DraftLine, User
from invites.models.book_change import BookChange, ChangeKind
from invites.models.draft_line import LineProblem
from tests.factories import (
    AddressBookFactory,
    ContactFactory,
    ContactGroupFactory,
    InvitationFactory,
    InviteeFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def book(organizer: User) -> AddressBook:
    return AddressBookFactory(owner=organizer, name="Here")


@pytest.fixture
def target(book: AddressBook) -> AddressBook:
    return AddressBookFactory(owner=book.owner, app=book.app, name="There")


@pytest.fixture
def group(book: AddressBook) -> ContactGroup:
    return ContactGroupFactory(book=book, name="Sales")


def crowd(book: AddressBook, people: int) -> None:
    """Puts many people into a book."""
    Contact.objects.bulk_create(
        Contact(book=book, nick=f"Person {n}", union_id=f"u{n}", phone_number=f"+861380{n:07}")
        for n in range(people)
    )


class TestMove:
    def test_people_keep_their_keys_and_leave_their_groups(
        self, book: AddressBook, target: AddressBook, group: ContactGroup
    ) -> None:
        ada = ContactFactory(book=book, nick="Ada")
        group.contacts.add(ada)
        invitee = InviteeFactory(contact=ada)
        moved = curating.move_contacts(
            book=book, contacts=book.contacts.all(), target=target, user=book.owner
        )
        assert list(target.contacts.all()) == [ada]
        assert not group.contacts.exists()
        invitee.refresh_from_db()
        assert invitee.contact == ada
        assert moved.change is not None
        assert (moved.change.people, moved.fit.stayed) == (1, 0)
        assert moved.change.detail["book"] == "There"
        assert BookChange.objects.of_book(target).get().kind == ChangeKind.MOVED_IN

    def test_whoever_is_there_already_stays_and_is_counted(
        self, book: AddressBook, target: AddressBook
    ) -> None:
        by_id, by_number, free = ContactFactory.create_batch(3, book=book)
        Contact.objects.among([by_number.pk]).update(phone_number="+8613800138000")
        ContactFactory(book=target, union_id=by_id.union_id)
        ContactFactory(book=target, phone_number="+8613800138000")
        moved = curating.move_contacts(
            book=book, contacts=book.contacts.all(), target=target, user=book.owner
        )
        assert moved.fit.stayed == 2
        assert set(book.contacts.all()) == {by_id, by_number}
        assert target.contacts.contains(free)

    def test_nobody_moved_is_no_change(self, book: AddressBook, target: AddressBook) -> None:
        ContactFactory(book=book, union_id="u1")
        ContactFactory(book=target, union_id="u1")
        moved = curating.move_contacts(
            book=book, contacts=book.contacts.all(), target=target, user=book.owner
        )
        assert (moved.change, moved.fit.stayed) == (None, 1)
        assert not BookChange.objects.exists()

    def test_mark_of_a_directory_stays_behind(self, book: AddressBook, target: AddressBook) -> None:
        ContactFactory(book=book, left_directory_at="2026-01-01T00:00Z")
        curating.move_contacts(book=book, contacts=book.contacts.all(), target=target, user=book.owner)
        assert target.contacts.get().left_directory_at is None


class TestCopy:
    def test_copies_have_everything_but_groups(
        self, book: AddressBook, target: AddressBook, group: ContactGroup
    ) -> None:
        ada = ContactFactory(
            book=book, nick="Ada", do_not_invite_since="2026-01-01T00:00Z", do_not_invite_reason="Left"
        )
        group.contacts.add(ada)
        copied = curating.copy_contacts(
            book=book, contacts=book.contacts.all(), target=target, user=book.owner
        )
        copy = target.contacts.get()
        assert (copy.nick, copy.union_id, copy.do_not_invite_reason) == ("Ada", ada.union_id, "Left")
        assert copy.added_by == copied.change
        assert not copy.groups.exists()
        assert list(target.contacts.matching("ada")) == [copy]
        assert list(book.contacts.all()) == [ada]

    def test_second_copy_finds_everybody_there(self, book: AddressBook, target: AddressBook) -> None:
        crowd(book, 3)
        for _press in range(2):
            copied = curating.copy_contacts(
                book=book, contacts=book.contacts.all(), target=target, user=book.owner
            )
        assert (copied.change, copied.fit.stayed) == (None, 3)


class TestDelete:
    def test_what_hangs_on_a_person_goes_or_lets_go(self, book: AddressBook) -> None:
        ada = ContactFactory(book=book)
        invitee = InviteeFactory(contact=ada)
        DraftLine.objects.create(
            invitation=InvitationFactory(), text="Ada", problem=LineProblem.DO_NOT_INVITE, contact=ada
        )
        curating.delete_contacts(book=book, contacts=book.contacts.all(), user=book.owner)
        invitee.refresh_from_db()
        assert invitee.contact is None
        assert not DraftLine.objects.exists()

    def test_nobody_is_no_change(self, book: AddressBook) -> None:
        assert curating.delete_contacts(book=book, contacts=book.contacts.all(), user=book.owner) is None


class TestManyPieces:
    """More people than one statement carries."""

    PEOPLE = 2 * PIECE + 3

    def test_all_of_them_are_moved_and_come_back(
        self, book: AddressBook, target: AddressBook, group: ContactGroup
    ) -> None:
        crowd(book, self.PEOPLE)
        assert curating.add_to_group(group=group, contacts=book.contacts.all(), user=book.owner)
        moved = curating.move_contacts(
            book=book, contacts=book.contacts.all(), target=target, user=book.owner
        )
        assert moved.change is not None
        assert (book.contacts.count(), target.contacts.count()) == (0, self.PEOPLE)
        curating.undo(moved.change, user=book.owner)
        assert (group.contacts.count(), target.contacts.count()) == (self.PEOPLE, 0)

    def test_all_of_them_are_deleted_and_come_back(self, book: AddressBook, group: ContactGroup) -> None:
        crowd(book, self.PEOPLE)
        curating.add_to_group(group=group, contacts=book.contacts.all(), user=book.owner)
        change = curating.delete_contacts(book=book, contacts=book.contacts.all(), user=book.owner)
        assert change is not None
        assert (change.people, book.contacts.count()) == (self.PEOPLE, 0)
        assert curating.undo(change, user=book.owner).people == self.PEOPLE
        assert group.contacts.count() == self.PEOPLE

    @pytest.mark.parametrize("people", [10, PIECE])
    def test_one_piece_costs_the_same_however_full_it_is(
        self,
        book: AddressBook,
        target: AddressBook,
        group: ContactGroup,
        people: int,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        crowd(book, people)
        everybody, user = book.contacts.all(), book.owner
        acts: list[Callable[[], object]] = [
            lambda: curating.add_to_group(group=group, contacts=everybody, user=user),
            lambda: curating.copy_contacts(book=book, contacts=everybody, target=target, user=user),
            lambda: curating.delete_contacts(book=book, contacts=everybody, user=user),
        ]
        for act in acts:
            with django_assert_max_num_queries(30):
                act()
