"""Undoing what was done to a book: everything is as it was, but for what somebody has changed since."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone
from time_machine import TimeMachineFixture

from invites import curating, journal
from invites.curating import forgetting
from invites.errors import AlreadyUndone, CannotBeUndone, ContactGone
from invites.models import AddressBook, BookChange, BookSize, ChangedContact, Contact, ContactGroup, GroupSize
from invites.models.book_change import ChangeKind
from invites.models.contact import ContactQuerySet
from invites.recovering import recover
from tests.factories import AddressBookFactory, ContactFactory, ContactGroupFactory, UserFactory

pytestmark = pytest.mark.django_db

MARKED = datetime(2026, 5, 4, 8, tzinfo=UTC)


@pytest.fixture
def target(book: AddressBook) -> AddressBook:
    return AddressBookFactory(owner=book.owner, app=book.app)


@pytest.fixture
def group(book: AddressBook) -> ContactGroup:
    return ContactGroupFactory(book=book, name="Sales")


@pytest.fixture
def ada(book: AddressBook, group: ContactGroup) -> Contact:
    """Somebody with everything that a contact can have."""
    contact = ContactFactory(
        book=book,
        nick="Ada",
        union_id="u-ada",
        phone_number="+8613800138000",
        refused_at=MARKED,
        refused_code="unknownUserError",
        do_not_invite_since=MARKED,
        do_not_invite_until=date(2030, 1, 1),
        do_not_invite_reason="On leave",
        do_not_invite_by=book.owner,
        in_directory_since=MARKED,
        left_directory_at=MARKED,
    )
    Contact.objects.update(created_at=MARKED)
    group.contacts.add(contact)
    contact.refresh_from_db()
    return contact


def everybody(book: AddressBook) -> list[dict[str, object]]:
    """Everything that is known of the people of a book."""
    return [
        journal.snapshot(contact) | {"key": contact.pk, "found_by": contact.search_text}
        for contact in Contact.objects.of_book(book).with_groups().order_by("pk")
    ]


def of(book: AddressBook) -> ContactQuerySet:
    return Contact.objects.of_book(book)


def last_change(book: AddressBook) -> BookChange:
    return BookChange.objects.of_book(book).newest_first()[0]


class TestDeleted:
    def test_people_return_with_key_groups_and_marks(self, book: AddressBook, ada: Contact) -> None:
        ContactFactory.create_batch(3, book=book)
        # A snapshot knows thousandths of a second.
        Contact.objects.update(created_at=MARKED)
        before = everybody(book)
        change = curating.delete_contacts(book=book, contacts=of(book), user=book.owner)
        assert change is not None
        assert everybody(book) == []
        assert curating.undo(change, user=book.owner) == curating.Restored(people=4)
        assert everybody(book) == before

    def test_whoever_has_the_unionid_or_number_by_now_keeps_it(self, book: AddressBook, ada: Contact) -> None:
        bob = ContactFactory(book=book, nick="Bob")
        change = curating.delete_contacts(book=book, contacts=of(book), user=book.owner)
        assert change is not None
        ContactFactory(book=book, nick="Ada again", union_id="", phone_number=ada.phone_number)
        assert curating.undo(change, user=book.owner) == curating.Restored(people=1, left_alone=1)
        assert {contact.nick for contact in of(book)} == {"Ada again", bob.nick}

    def test_group_and_user_that_are_gone_are_passed_over(
        self, book: AddressBook, ada: Contact, group: ContactGroup
    ) -> None:
        marker = UserFactory()
        Contact.objects.update(do_not_invite_by=marker)
        change = curating.delete_contacts(book=book, contacts=of(book), user=book.owner)
        assert change is not None
        group.delete()
        marker.delete()
        curating.undo(change, user=book.owner)
        contact = of(book).get()
        assert (contact.do_not_invite_by, contact.do_not_invite_reason) == (None, "On leave")
        assert not contact.groups.exists()

    def test_size_of_the_book_follows(self, book: AddressBook, ada: Contact) -> None:
        change = curating.delete_contacts(book=book, contacts=of(book), user=book.owner)
        assert change is not None
        curating.undo(change, user=book.owner)
        assert BookSize.objects.get(book=book).contacts == 1
        assert GroupSize.objects.get(group__book=book).contacts == 1


class TestOneContact:
    def test_new_contact_goes(self, book: AddressBook) -> None:
        change = curating.save_contact(contact=Contact(book=book, nick="A", union_id="a"), user=book.owner)
        assert change is not None
        assert change.kind == ChangeKind.ADDED
        curating.undo(change, user=book.owner)
        assert not of(book).exists()

    def test_new_contact_with_whom_something_was_done_stays(
        self, book: AddressBook, group: ContactGroup
    ) -> None:
        change = curating.save_contact(contact=Contact(book=book, nick="A", union_id="a"), user=book.owner)
        assert change is not None
        curating.add_to_group(group=group, contacts=of(book), user=book.owner)
        assert curating.undo(change, user=book.owner) == curating.Restored(left_alone=1)
        assert of(book).exists()

    def test_changed_contact_changes_back(self, book: AddressBook, ada: Contact) -> None:
        before = everybody(book)
        ada.nick, ada.union_id = "Augusta", "u-augusta"
        change = curating.save_contact(contact=ada, user=book.owner)
        assert change is not None
        assert change.kind == ChangeKind.EDITED
        assert everybody(book) != before
        assert curating.undo(change, user=book.owner) == curating.Restored(people=1)
        assert everybody(book) == before

    def test_what_was_done_just_before_is_no_part_of_it(self, book: AddressBook, ada: Contact) -> None:
        loaded = Contact.objects.get(pk=ada.pk)
        curating.mark_contacts(book=book, contacts=of(book), reason="Moved", until=None, user=book.owner)
        loaded.nick = "Augusta"
        change = curating.save_contact(contact=loaded, user=book.owner)
        assert change is not None
        assert curating.undo(change, user=book.owner) == curating.Restored(people=1)
        ada.refresh_from_db()
        assert (ada.nick, ada.do_not_invite_reason) == ("Ada", "Moved")

    def test_what_was_not_changed_keeps_what_was_done_since(self, book: AddressBook, ada: Contact) -> None:
        ada.nick = "Augusta"
        change = curating.save_contact(contact=ada, user=book.owner)
        assert change is not None
        ada.phone_number = "+8613800138001"
        curating.save_contact(contact=ada, user=book.owner)
        curating.undo(change, user=book.owner)
        ada.refresh_from_db()
        assert (ada.nick, ada.phone_number) == ("Ada", "+8613800138001")

    def test_field_that_was_changed_again_is_left_alone(self, book: AddressBook, ada: Contact) -> None:
        ada.nick = "Augusta"
        change = curating.save_contact(contact=ada, user=book.owner)
        assert change is not None
        ada.nick = "Countess"
        curating.save_contact(contact=ada, user=book.owner)
        assert curating.undo(change, user=book.owner) == curating.Restored(left_alone=1)
        ada.refresh_from_db()
        assert ada.nick == "Countess"

    def test_number_that_somebody_else_has_by_now_stays_theirs(self, book: AddressBook, ada: Contact) -> None:
        ada.phone_number = ""
        change = curating.save_contact(contact=ada, user=book.owner)
        assert change is not None
        ContactFactory(book=book, phone_number="+8613800138000")
        assert curating.undo(change, user=book.owner) == curating.Restored(left_alone=1)

    def test_somebody_who_was_deleted_or_moved_meanwhile_is_not_saved(
        self, book: AddressBook, target: AddressBook, ada: Contact
    ) -> None:
        ada.nick = "Augusta"
        of(book).move_to(target)
        with pytest.raises(ContactGone):
            curating.save_contact(contact=ada, user=book.owner)
        of(target).delete()
        with pytest.raises(ContactGone):
            curating.save_contact(contact=ada, user=book.owner)
        assert not Contact.objects.exists()

    def test_nothing_changed_is_no_change(self, book: AddressBook, ada: Contact) -> None:
        assert curating.save_contact(contact=ada, user=book.owner) is None
        assert not BookChange.objects.exists()


class TestMoved:
    def test_people_return_to_their_book_and_groups(
        self, book: AddressBook, target: AddressBook, ada: Contact
    ) -> None:
        before = everybody(book)
        moved = curating.move_contacts(book=book, contacts=of(book), target=target, user=book.owner)
        assert moved.change is not None
        assert [contact["key"] for contact in everybody(target)] == [ada.pk]
        assert curating.undo(moved.change, user=book.owner) == curating.Restored(people=1)
        assert everybody(book) == before
        assert everybody(target) == []
        assert last_change(target).undone_at is not None

    def test_people_who_return_leave_the_groups_of_the_other_book(
        self, book: AddressBook, target: AddressBook, ada: Contact
    ) -> None:
        moved = curating.move_contacts(book=book, contacts=of(book), target=target, user=book.owner)
        elsewhere = ContactGroupFactory(book=target, name="Elsewhere")
        curating.add_to_group(group=elsewhere, contacts=of(target), user=book.owner)
        assert moved.change is not None
        assert curating.undo(moved.change, user=book.owner) == curating.Restored(people=1)
        assert [group.name for group in ada.groups.all()] == ["Sales"]
        assert GroupSize.objects.get(group=elsewhere).contacts == 0

    def test_whoever_is_no_longer_there_or_would_be_twice_stays_away(
        self, book: AddressBook, target: AddressBook, ada: Contact
    ) -> None:
        bob = ContactFactory(book=book, nick="Bob")
        moved = curating.move_contacts(book=book, contacts=of(book), target=target, user=book.owner)
        assert moved.change is not None
        bob.delete()
        ContactFactory(book=book, union_id="u-ada")
        assert curating.undo(moved.change, user=book.owner) == curating.Restored(left_alone=2)
        assert [contact["key"] for contact in everybody(target)] == [ada.pk]

    def test_whoever_may_not_change_the_other_book_cannot_undo_it(
        self, book: AddressBook, target: AddressBook, ada: Contact
    ) -> None:
        moved = curating.move_contacts(book=book, contacts=of(book), target=target, user=book.owner)
        assert moved.change is not None
        target.owner = UserFactory()
        target.save()
        with pytest.raises(CannotBeUndone):
            curating.undo(moved.change, user=book.owner)


class TestAddedByOneChange:
    def test_copies_go_but_for_those_that_were_changed(
        self, book: AddressBook, target: AddressBook, ada: Contact
    ) -> None:
        ContactFactory(book=book, nick="Bob")
        copied = curating.copy_contacts(book=book, contacts=of(book), target=target, user=book.owner)
        assert copied.change is not None
        copy = of(target).get(nick="Bob")
        copy.nick = "Bobby"
        curating.save_contact(contact=copy, user=book.owner)
        assert curating.undo(copied.change, user=book.owner) == curating.Restored(people=1, left_alone=1)
        assert list(of(target)) == [copy]

    def test_change_that_was_undone_itself_does_not_count(
        self, book: AddressBook, target: AddressBook, ada: Contact
    ) -> None:
        copied = curating.copy_contacts(book=book, contacts=of(book), target=target, user=book.owner)
        copy = of(target).get()
        copy.nick = "Augusta"
        edited = curating.save_contact(contact=copy, user=book.owner)
        assert edited is not None
        assert copied.change is not None
        curating.undo(edited, user=book.owner)
        assert curating.undo(copied.change, user=book.owner) == curating.Restored(people=1)

    def test_import_takes_back_both_those_it_added_and_those_it_changed(
        self, book: AddressBook, ada: Contact
    ) -> None:
        before = everybody(book)
        was = journal.snapshot(ada)
        ada.nick = "Countess"
        ada.save()
        change = journal.note(
            book=book,
            user=book.owner,
            kind=ChangeKind.IMPORTED,
            people=2,
            touched=[journal.Touched(key=ada.pk, before=was, after=journal.snapshot(ada))],
            can_be_undone=True,
        )
        ContactFactory(book=book, added_by=change)
        assert curating.undo(change, user=book.owner) == curating.Restored(people=2)
        assert everybody(book) == before


class TestMarked:
    def test_marks_of_many_are_taken_back(self, book: AddressBook) -> None:
        ContactFactory.create_batch(5, book=book)
        before = everybody(book)
        marks = {"do_not_invite_since": timezone.now(), "do_not_invite_reason": "Left"}
        change = journal.note(
            book=book,
            user=book.owner,
            kind=ChangeKind.MARKED,
            people=5,
            touched=[
                journal.Touched(key=contact.pk, before=was, after=was | marks)
                for contact in of(book)
                for was in [journal.snapshot(contact)]
            ],
            can_be_undone=True,
        )
        of(book).update(**marks)
        assert curating.undo(change, user=book.owner) == curating.Restored(people=5)
        assert everybody(book) == before


class TestGroups:
    def test_people_leave_the_group_again(self, book: AddressBook, group: ContactGroup, ada: Contact) -> None:
        newcomer = ContactFactory(book=book)
        change = curating.add_to_group(group=group, contacts=of(book), user=book.owner)
        assert change is not None
        assert change.people == 1
        curating.undo(change, user=book.owner)
        assert list(group.contacts.all()) == [ada]
        assert of(book).contains(newcomer)

    def test_people_join_the_group_again(self, book: AddressBook, group: ContactGroup, ada: Contact) -> None:
        change = curating.remove_from_group(group=group, contacts=of(book), user=book.owner)
        assert change is not None
        curating.undo(change, user=book.owner)
        assert list(group.contacts.all()) == [ada]

    def test_new_group_goes_while_nobody_else_has_joined(self, book: AddressBook, ada: Contact) -> None:
        made = ContactGroup(book=book, name="New")
        change = curating.save_group(group=made, contacts=of(book), user=book.owner)
        assert change is not None
        curating.undo(change, user=book.owner)
        assert [group.name for group in book.groups.all()] == ["Sales"]

    def test_new_group_stays_where_somebody_else_has_joined(self, book: AddressBook, ada: Contact) -> None:
        made = ContactGroup(book=book, name="New")
        change = curating.save_group(group=made, user=book.owner)
        assert change is not None
        made.contacts.add(ada)
        with pytest.raises(CannotBeUndone):
            curating.undo(change, user=book.owner)
        change.refresh_from_db()
        assert change.undone_at is None

    def test_renamed_group_has_its_name_again(self, book: AddressBook, group: ContactGroup) -> None:
        group.name = "Support"
        change = curating.save_group(group=group, user=book.owner)
        assert change is not None
        curating.undo(change, user=book.owner)
        group.refresh_from_db()
        assert group.name == "Sales"

    def test_name_that_another_group_has_by_now_stays_theirs(
        self, book: AddressBook, group: ContactGroup
    ) -> None:
        group.name = "Support"
        change = curating.save_group(group=group, user=book.owner)
        assert change is not None
        ContactGroupFactory(book=book, name="SALES")
        with pytest.raises(CannotBeUndone):
            curating.undo(change, user=book.owner)

    def test_deleted_group_returns_with_key_and_people(
        self, book: AddressBook, group: ContactGroup, ada: Contact
    ) -> None:
        key = group.pk
        change = curating.delete_group(group=group, user=book.owner)
        assert curating.undo(change, user=book.owner) == curating.Restored(people=1)
        assert list(ContactGroup.objects.get(pk=key).contacts.all()) == [ada]


class TestOnceOnly:
    def test_second_press_finds_it_undone(self, book: AddressBook, ada: Contact) -> None:
        change = curating.delete_contacts(book=book, contacts=of(book), user=book.owner)
        assert change is not None
        curating.undo(change, user=book.owner)
        change.refresh_from_db()
        assert (change.undone_by, change.is_undoable) == (book.owner, False)
        with pytest.raises(AlreadyUndone):
            curating.undo(BookChange.objects.get(pk=change.pk), user=book.owner)

    @pytest.mark.parametrize(("days", "is_undoable"), [(29, True), (30, False)])
    def test_it_is_possible_for_thirty_days(
        self, book: AddressBook, ada: Contact, time_machine: TimeMachineFixture, days: int, is_undoable: bool
    ) -> None:
        change = curating.delete_contacts(book=book, contacts=of(book), user=book.owner)
        assert change is not None
        time_machine.move_to(timezone.now() + timedelta(days=days))
        assert change.is_undoable is is_undoable
        if is_undoable:
            curating.undo(change, user=book.owner)
        else:
            with pytest.raises(CannotBeUndone):
                curating.undo(change, user=book.owner)


class TestForgetting:
    def test_what_is_needed_to_undo_goes_a_piece_at_a_time(
        self,
        book: AddressBook,
        time_machine: TimeMachineFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(forgetting, "PIECE", 2)
        ContactFactory.create_batch(3, book=book)
        change = curating.delete_contacts(book=book, contacts=of(book), user=book.owner)
        assert change is not None
        for days, left in ((30, 3), (32, 1), (32, 0), (32, 0)):
            time_machine.move_to(change.at + timedelta(days=days), tick=False)
            recover()
            assert ChangedContact.objects.of(change).count() == left
        change.refresh_from_db()
        assert (change.people, change.can_be_undone) == (3, False)
