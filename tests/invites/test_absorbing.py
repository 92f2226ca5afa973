"""What becomes of the rows of an import: cleaned, compared with the book, stored together or not at all."""

from collections.abc import Sequence
from datetime import date
from io import BytesIO

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from invites import absorbing, importing, journal
from invites.absorbing import Person
from invites.models import AddressBook, BookChange, ChangedContact, Contact, ContactImport, User
from invites.models.book_change import ChangeKind
from invites.models.contact_import import ImportSource, ImportState, RowOutcome
from tests.factories import AddressBookFactory, ContactFactory, ContactGroupFactory
from tests.invites.imported import compare

pytestmark = pytest.mark.django_db

HEADINGS = "Name,unionId,Mobile,Groups,doNotInvite,doNotInviteUntil"
FIELDS = ["nick", "unionId", "phoneNumber", "groups", "doNotInvite", "doNotInviteUntil"]


@pytest.fixture
def other_book(organizer: User) -> AddressBook:
    return AddressBookFactory(owner=organizer)


def read(book: AddressBook, *lines: str, columns: Sequence[str] = FIELDS) -> ContactImport:
    """An import of these lines of CSV, at its preview."""
    return compare(book, "\n".join([HEADINGS, *lines]), columns)


def store(contact_import: ContactImport) -> ContactImport:
    importing.confirm(contact_import=contact_import)
    contact_import.refresh_from_db()
    return contact_import


def outcomes(contact_import: ContactImport) -> list[tuple[int, str, str]]:
    return list(contact_import.rows.in_order().values_list("number", "outcome", "problem"))


class TestRows:
    def test_row_becomes_a_person_with_a_number_in_e164(self, book: AddressBook) -> None:
        read(book, "张三,,138 0013 8000,,,")
        row = ContactImport.objects.get().rows.get()
        assert (row.outcome, row.nick, row.phone_number) == (RowOutcome.ADD, "张三", "+8613800138000")
        assert "zhangsan" in row.search_text

    @pytest.mark.parametrize(
        ("line", "problem", "field"),
        [
            ("Ann,,138,,,", "too_short", "phoneNumber"),
            ("Ann,,13800138000000000,,,", "too_long", "phoneNumber"),
            ("Ann,,2026-01-31,,,", "date_for_number", "phoneNumber"),
            ("Ann,,abc,,,", "not_a_number", "phoneNumber"),
            ("Ann,,12000138000,,,", "no_such_prefix", "phoneNumber"),
            ("Ann,,,,,", "unreachable", "phoneNumber"),
            ("Ann,a b,,,,", "union_id_invalid", "unionId"),
            (f"{'n' * 101},ann1,,,,", "name_max_length", "nick"),
            ("Ann,sandbox-person-01,,,,", "demo_person", "unionId"),
            ("Ann,,+86 10 0000 0001,,,", "demo_person", "phoneNumber"),
            (f"Ann,ann1,,{'g' * 81},,", "group_name", "groups"),
            ("Ann,ann1,,,,2027-01-31", "no_reason", "doNotInvite"),
            ("Ann,ann1,,,left,soon", "date", "doNotInviteUntil"),
        ],
    )
    def test_unusable_row_is_refused_with_its_cells_and_the_reason(
        self, book: AddressBook, line: str, problem: str, field: str
    ) -> None:
        row = read(book, line).rows.get()
        assert (row.outcome, row.problem, row.problem_field) == (RowOutcome.REFUSE, problem, field)
        assert row.cells == line.rstrip(",").split(",")
        assert str(absorbing.row_problem(problem)) != problem

    def test_number_without_a_name_gets_one_that_can_be_edited(self, book: AddressBook) -> None:
        store(read(book, ",,13800138000,,,"))
        assert book.contacts.get().nick == "Guest 8000"

    def test_demo_people_are_welcome_in_the_sandbox(self, sandbox_app: object, organizer: User) -> None:
        demo = AddressBookFactory(owner=organizer, app=sandbox_app)
        assert read(demo, "Ann,sandbox-person-01,,,,").added == 1

    def test_country_of_the_import_decides_how_a_number_is_read(self, book: AddressBook) -> None:
        begun = importing.begin(
            book=book,
            user=book.owner,
            source=ImportSource.PASTE,
            file=BytesIO(b"Ann\t020 7946 1234\nBob\t07400 123456\n"),
            name="",
            country="GB",
        )
        importing.choose_columns(contact_import=begun, columns=["nick", "phoneNumber"], user=book.owner)
        numbers = list(begun.rows.in_order().values_list("phone_number", flat=True))
        assert numbers[-1] == "+447400123456"


class TestWhoItIs:
    def test_person_is_known_by_union_id(self, book: AddressBook) -> None:
        contact = ContactFactory(book=book, nick="Ann", union_id="ann1", phone_number="")
        row = read(book, "Ann,ann1,13800138000,,,").rows.get()
        assert (row.outcome, row.contact_key) == (RowOutcome.CHANGE, contact.pk)

    def test_person_is_known_by_phone_number(self, book: AddressBook) -> None:
        contact = ContactFactory(book=book, nick="Ann", union_id="", phone_number="+8613800138000")
        row = read(book, "Anne,ann1,13800138000,,,").rows.get()
        assert (row.outcome, row.contact_key) == (RowOutcome.CHANGE, contact.pk)

    def test_nobody_is_known_from_another_book(self, book: AddressBook, other_book: AddressBook) -> None:
        ContactFactory(book=other_book, union_id="ann1")
        assert read(book, "Ann,ann1,,,,").added == 1

    def test_person_who_is_there_already_stays_as_they_are(self, book: AddressBook) -> None:
        contact = ContactFactory(book=book, nick="Ann", union_id="ann1", phone_number="+8613800138000")
        contact.groups.add(ContactGroupFactory(book=book, name="Sales"))
        assert outcomes(read(book, "Ann,ann1,,sales,,", "Bob,bob1,,,,")) == [(2, "same", ""), (3, "add", "")]

    def test_row_that_names_two_different_people_is_refused(self, book: AddressBook) -> None:
        ContactFactory(book=book, union_id="ann1")
        ContactFactory(book=book, union_id="", phone_number="+8613800138000")
        assert outcomes(read(book, "Ann,ann1,13800138000,,,")) == [(2, "refuse", "two_contacts")]

    def test_second_row_of_the_same_person_is_refused_and_names_the_first(self, book: AddressBook) -> None:
        found = read(book, "Ann,ann1,13800138000,,,", "Ann,,+8613800138000,,,", "Ann,ann1,,,,")
        assert outcomes(found) == [
            (2, "add", ""),
            (3, "refuse", "twice_in_file:2"),
            (4, "refuse", "twice_in_file:2"),
        ]
        assert "2" in str(absorbing.row_problem("twice_in_file:2"))
        assert found.rows.get(number=3).cells == ["Ann", "", "+8613800138000"]

    def test_two_rows_for_one_contact_by_different_channels_are_one_too_many(self, book: AddressBook) -> None:
        ContactFactory(book=book, nick="Ann", union_id="ann1", phone_number="+8613800138000")
        found = read(book, "Ann,ann1,,,,", "Ann,,13800138000,,,")
        assert outcomes(found)[1] == (3, "refuse", "twice_in_file:2")


class TestStoring:
    def test_nothing_is_in_the_book_before_it_is_confirmed(self, book: AddressBook) -> None:
        read(book, "Ann,ann1,,Sales,,")
        assert not book.contacts.exists()
        assert not book.groups.exists()

    def test_confirmed_import_adds_everybody_with_groups_and_marks(
        self, book: AddressBook, organizer: User
    ) -> None:
        ContactGroupFactory(book=book, name="Sales")
        done = store(
            read(book, "张三,ann1,13800138000,sales;新人,On leave,2030-01-31", "Bob,bob1,,,,", "Cy,,1,,,")
        )
        assert (done.state, done.added, done.refused) == (ImportState.DONE, 2, 1)
        contact = book.contacts.get(union_id="ann1")
        assert {group.name for group in contact.groups.all()} == {"Sales", "新人"}
        assert (contact.do_not_invite_reason, contact.do_not_invite_until) == ("On leave", date(2030, 1, 31))
        assert contact.do_not_invite_since is not None
        assert contact.do_not_invite_by == organizer
        assert contact.added_by == done.change
        assert list(Contact.objects.of_book(book).matching("zs")) == [contact]
        assert book.groups.get(name="新人").size.contacts == 1

    def test_empty_cell_erases_nothing_and_a_name_replaces_the_name(self, book: AddressBook) -> None:
        contact = ContactFactory(book=book, nick="Ann", union_id="ann1", phone_number="+8613800138000")
        contact.groups.add(ContactGroupFactory(book=book, name="Sales"))
        store(read(book, "Anne,ann1,,,,"))
        contact.refresh_from_db()
        assert (contact.nick, contact.phone_number) == ("Anne", "+8613800138000")
        assert contact.groups.count() == 1
        assert list(Contact.objects.of_book(book).matching("anne")) == [contact]

    @pytest.mark.parametrize(
        ("cells", "reason", "until"),
        [
            ("yes,", "On leave", date(2099, 1, 1)),
            ("yes,2099-02-02", "On leave", date(2099, 2, 2)),
            ("Moved,", "Moved", None),
        ],
    )
    def test_mark_without_a_reason_erases_no_reason(
        self, book: AddressBook, cells: str, reason: str, until: date | None
    ) -> None:
        contact = ContactFactory(
            book=book,
            nick="Ann",
            union_id="ann1",
            do_not_invite_since=timezone.now(),
            do_not_invite_reason="On leave",
            do_not_invite_until=date(2099, 1, 1),
        )
        store(read(book, f"Ann,ann1,,,{cells}"))
        contact.refresh_from_db()
        assert (contact.do_not_invite_reason, contact.do_not_invite_until) == (reason, until)

    def test_mark_without_a_reason_holds_anew_where_the_last_one_is_over(self, book: AddressBook) -> None:
        contact = ContactFactory(
            book=book,
            union_id="ann1",
            do_not_invite_since=timezone.now(),
            do_not_invite_reason="On leave",
            do_not_invite_until=date(2026, 1, 1),
        )
        store(read(book, "Ann,ann1,,,yes,"))
        contact.refresh_from_db()
        assert contact.is_not_to_be_invited

    def test_what_dingtalk_said_goes_with_the_union_id(self, book: AddressBook) -> None:
        kept = ContactFactory(
            book=book, nick="Ann", union_id="ann1", refused_at=timezone.now(), refused_code="unknownUserError"
        )
        gone = ContactFactory(
            book=book,
            union_id="bob1",
            phone_number="+8613800138000",
            refused_at=timezone.now(),
            refused_code="unknownUserError",
        )
        store(read(book, "Anne,ann1,,,,", ",bob2,13800138000,,,"))
        kept.refresh_from_db()
        gone.refresh_from_db()
        assert (kept.is_not_known, gone.is_not_known, gone.union_id) == (True, False, "bob2")

    def test_it_is_on_record_with_those_changed_as_they_were_and_are(
        self, book: AddressBook, organizer: User
    ) -> None:
        contact = ContactFactory(book=book, nick="Ann", union_id="ann1")
        before = journal.snapshot(contact)
        done = store(read(book, "Anne,ann1,13800138000,Sales,On leave,", "Bob,bob1,,,,"))
        change = BookChange.objects.get()
        assert (change.user, change.kind, change.people) == (organizer, ChangeKind.IMPORTED, 2)
        assert change.detail["file_name"] == "people.csv"
        assert done.change == change
        touched = ChangedContact.objects.get()
        after = journal.snapshot(Contact.objects.get(pk=contact.pk))
        assert touched.contact_key == contact.pk
        assert touched.before["nick"] == before["nick"]  # type: ignore[index]
        expected = ChangedContact(change=change, contact_key=0, before=None, after=after)
        expected.save()
        expected.refresh_from_db()
        assert touched.after == expected.after

    def test_second_press_stores_nothing_twice(self, book: AddressBook) -> None:
        found = read(book, "Ann,ann1,,,,")
        store(found)
        importing.confirm(contact_import=found)
        importing.discard(contact_import=found)
        found.refresh_from_db()
        assert found.state == ImportState.DONE
        assert book.contacts.count() == BookChange.objects.count() == 1

    def test_file_and_rows_go_and_the_refused_stay_to_be_given_back(self, book: AddressBook) -> None:
        done = store(read(book, "Ann,ann1,,,,", "Bob,,1,,,"))
        assert not done.chunks.exists()
        assert "sample" not in done.reading
        assert [row.outcome for row in done.rows.all()] == [RowOutcome.REFUSE]

    def test_book_that_changed_meanwhile_is_compared_again_and_nothing_is_stored(
        self, book: AddressBook
    ) -> None:
        found = read(book, "Ann,ann1,,,,")
        ContactFactory(book=book, nick="Ann", union_id="ann1")
        book.touch()
        store(found)
        assert (found.state, found.problem, found.added, found.unchanged) == (
            ImportState.READY,
            "book_changed",
            0,
            1,
        )
        assert not BookChange.objects.exists()

    def test_person_who_was_added_at_that_very_moment_is_found_by_comparing_again(
        self, book: AddressBook
    ) -> None:
        found = read(book, "Ann,ann1,,,,", "Bob,bob1,,,,")
        ContactFactory(book=book, nick="Ann", union_id="ann1")
        store(found)
        assert (found.state, found.added, found.unchanged) == (ImportState.READY, 1, 1)
        assert store(found).state == ImportState.DONE

    def test_as_many_queries_for_many_as_for_few(self, book: AddressBook, other_book: AddressBook) -> None:
        counts = []
        for target, people in ((book, 2), (other_book, 900)):
            found = read(target, *(f"P {n},person-{n},,Sales,," for n in range(people)))
            with CaptureQueriesContext(connection) as queries:
                store(found)
            counts.append(len(queries))
            assert target.contacts.count() == people
        assert counts[0] == counts[1]


class TestDirectory:
    @pytest.fixture
    def staged(self, book: AddressBook) -> ContactImport:
        return ContactImport.objects.create(
            book=book, source=ImportSource.DIRECTORY, state=ImportState.READING, heard_at=timezone.now()
        )

    def test_leavers_are_marked_and_those_who_are_back_are_not(
        self, book: AddressBook, staged: ContactImport
    ) -> None:
        back = ContactFactory(book=book, nick="Ann", union_id="ann1", left_directory_at=timezone.now())
        leaver = ContactFactory(book=book, union_id="bob1", in_directory_since=timezone.now())
        by_hand = ContactFactory(book=book, union_id="dan1")
        absorbing.stage(
            staged, [Person(1, "Ann", "ann1"), Person(2, "Cy", "cy1", groups=("Sales",))], tells_who_left=True
        )
        assert (staged.state, staged.added, staged.changed, staged.left) == (ImportState.READY, 1, 1, 1)
        done = store(staged)
        for contact in (back, leaver, by_hand):
            contact.refresh_from_db()
        assert done.state == ImportState.DONE
        assert back.left_directory_at is None
        assert leaver.left_directory_at is not None
        assert by_hand.left_directory_at is None
        assert by_hand.in_directory_since is None
        assert Contact.objects.get(union_id="cy1").in_directory_since is not None
        assert BookChange.objects.get().kind == ChangeKind.REFRESHED

    def test_somebody_added_by_hand_can_leave_once_the_directory_has_had_them(
        self, book: AddressBook, staged: ContactImport
    ) -> None:
        ContactFactory(book=book, nick="Ann", union_id="ann1")
        absorbing.stage(staged, [Person(1, "Ann", "ann1")], tells_who_left=True)
        assert (staged.unchanged, staged.left) == (1, 0)
        again = ContactImport.objects.create(
            book=book, source=ImportSource.DIRECTORY, state=ImportState.READING, heard_at=timezone.now()
        )
        absorbing.stage(again, [Person(1, "Bob", "bob1")], tells_who_left=True)
        assert (again.added, again.left) == (1, 1)

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            # Two people have changed numbers; somebody new has the number of one.
            (Person(1, "Ann", "ann1", "+8613800138002"), Person(2, "Bob", "bob1", "+8613800138001")),
            (Person(1, "Cy", "cy1", "+8613800138003"), Person(2, "Ann", "ann1", "+8613800138003")),
        ],
    )
    def test_whoever_is_there_in_a_row_that_is_refused_has_not_left(
        self, book: AddressBook, staged: ContactImport, first: Person, second: Person
    ) -> None:
        since = timezone.now()
        for name, number in (("ann1", "+8613800138001"), ("bob1", "+8613800138002")):
            ContactFactory(book=book, union_id=name, phone_number=number, in_directory_since=since)
        absorbing.stage(staged, [first, second, Person(3, "Bob", "bob1")], tells_who_left=True)
        assert staged.refused > 0
        assert staged.left == 0

    def test_book_that_changed_meanwhile_is_compared_again(
        self, book: AddressBook, staged: ContactImport
    ) -> None:
        ContactFactory(book=book, union_id="bob1", in_directory_since=timezone.now())
        absorbing.stage(staged, [Person(1, "Ann", "ann1", groups=("Sales",))], tells_who_left=True)
        ContactFactory(book=book, nick="Ann", union_id="ann1")
        book.touch()
        store(staged)
        assert (staged.state, staged.added, staged.changed, staged.left) == (ImportState.READY, 0, 1, 1)
        assert staged.rows.get(outcome="change").groups == ["Sales"]
