"""Books that follow the directory: reading it in a worker, what is shown before it is applied, and what goes wrong."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from invites import importing, linking, recovering, tasks
from invites.dingtalk.sandbox import SandboxServer
from invites.errors import NotLinked
from invites.models import (
    AddressBook,
    App,
    BookChange,
    CallCount,
    Contact,
    ContactImport,
    DirectoryLink,
    User,
)
from invites.models.app import AppKind
from invites.models.book_change import ChangeKind
from invites.models.contact_import import ImportState, RowOutcome
from invites.models.directory_link import DirectoryPart
from invites.refusing import remembered
from tests.factories import AddressBookFactory, ContactFactory

ENGINEERING = "20"
FIRST_AIDERS = "sandbox-group-1"


@pytest.fixture
def book(sandbox_app: App, organizer: User) -> AddressBook:
    return AddressBookFactory(app=sandbox_app, owner=organizer, name="Followers")


def follow(
    book: AddressBook,
    remote_id: str = ENGINEERING,
    part: DirectoryPart = DirectoryPart.DEPARTMENT,
) -> ContactImport:
    return linking.link(book=book, part=part, remote_id=remote_id, name="Part", user=book.owner)


def work(begun: ContactImport) -> ContactImport:
    """What a worker does when it hears the bell of a reading."""
    assert begun.heard_at is not None
    tasks.read_directory.func(begun.pk, begun.heard_at.isoformat())
    return ContactImport.objects.get(pk=begun.pk)


def followed(book: AddressBook, **more: str) -> ContactImport:
    """A first reading, confirmed."""
    read = work(follow(book, **more))  # type: ignore[arg-type]
    importing.confirm(contact_import=read)
    read.refresh_from_db()
    assert read.state == ImportState.DONE
    return read


def names(book: AddressBook) -> set[str]:
    return set(Contact.objects.filter(book=book).values_list("nick", flat=True))


def outcomes(read: ContactImport) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in read.rows.all():
        found.setdefault(row.outcome, set()).add(row.nick)
    return found


class TestFirstReading:
    def test_a_department_is_read_with_everything_below_it_and_nobody_is_stored(
        self, book: AddressBook
    ) -> None:
        read = work(follow(book))
        assert (read.state, read.added, read.file_name) == (ImportState.READY, 8, "Part")
        assert {"何测试", "罗模板", "郑某某"} <= outcomes(read)[RowOutcome.ADD]
        assert names(book) == set()

    def test_confirming_stores_them_and_says_who_did_it(self, book: AddressBook) -> None:
        followed(book)
        assert len(names(book)) == 8
        contact = Contact.objects.get(union_id="sandbox-person-13")
        assert contact.phone_number == "+861000000013"
        change = BookChange.objects.latest("pk")
        assert (change.kind, change.user, change.can_be_undone) == (ChangeKind.REFRESHED, book.owner, True)

    def test_a_user_group_is_read(self, book: AddressBook) -> None:
        read = work(follow(book, FIRST_AIDERS, DirectoryPart.USER_GROUP))
        assert outcomes(read) == {RowOutcome.ADD: {"张三", "李四", "Alex Sample", "Jo Drama"}}

    def test_long_lists_are_read_page_by_page(self, book: AddressBook, sandbox: SandboxServer) -> None:
        for number in range(230):
            sandbox.company.add(
                name=f"Twin {number:03}", department_id=21, user_id=f"staff-t{number:03}", phone_number=None
            )
        read = work(follow(book))
        assert read.added == 238

    def test_a_name_is_taken_as_a_form_would_take_it(self, book: AddressBook, sandbox: SandboxServer) -> None:
        sandbox.company.add(
            name=" Ann\tBell\n", department_id=21, user_id="staff-ann", phone_number="+447700900123"
        )
        read = work(follow(book))
        assert "Ann Bell" in outcomes(read)[RowOutcome.ADD]

    def test_it_costs_nothing_of_the_quota(self, book: AddressBook) -> None:
        work(follow(book))
        counts = CallCount.objects.filter(app=book.app)
        assert counts.get(operation="topapi/v2/user/list").calls == 3
        assert all(count.is_exempt for count in counts)

    def test_a_contact_who_is_there_already_is_recognised(self, book: AddressBook) -> None:
        ContactFactory(book=book, nick="何测试", union_id="sandbox-person-13", phone_number="+861000000013")
        ContactFactory(book=book, nick="Guo", union_id="", phone_number="+861000000014")
        read = work(follow(book))
        assert outcomes(read)[RowOutcome.SAME] == {"何测试"}
        assert outcomes(read)[RowOutcome.CHANGE] == {"郭试用"}


class TestRefresh:
    def test_adds_changes_and_leavers_are_shown_and_then_applied(
        self, book: AddressBook, sandbox: SandboxServer
    ) -> None:
        followed(book)
        by_hand = ContactFactory(book=book, nick="By hand", union_id="", phone_number="+8613800138000")
        sandbox.company.remove("staff-person-13")
        sandbox.company.rename("staff-person-14", "郭新名")
        sandbox.company.add(name="新同事", department_id=22, user_id="staff-new", phone_number=None)

        read = work(linking.refresh(book=book, user=book.owner))

        assert (read.added, read.changed, read.left, read.unchanged) == (1, 1, 1, 6)
        found = outcomes(read)
        assert found[RowOutcome.ADD] == {"新同事"}
        assert found[RowOutcome.CHANGE] == {"郭新名"}
        assert found[RowOutcome.LEAVE] == {"何测试"}
        assert not Contact.objects.left_directory().exists()

        importing.confirm(contact_import=read)
        assert {"新同事", "郭新名", "何测试", "By hand"} <= names(book)
        assert [each.nick for each in Contact.objects.left_directory()] == ["何测试"]
        by_hand.refresh_from_db()
        assert by_hand.left_directory_at is None

    def test_whoever_comes_back_is_unmarked(self, book: AddressBook, sandbox: SandboxServer) -> None:
        followed(book)
        person = sandbox.company.remove("staff-person-13")
        importing.confirm(contact_import=work(linking.refresh(book=book, user=book.owner)))
        sandbox.company.add(
            name=person.name,
            department_id=20,
            user_id=person.user_id,
            phone_number=person.phone_number,
        )
        # Whoever left before and is still away is not told again.
        read = work(linking.refresh(book=book, user=book.owner))
        assert (read.changed, read.left) == (1, 0)
        importing.confirm(contact_import=read)
        assert not Contact.objects.left_directory().exists()

    def test_nothing_new_changes_nothing(self, book: AddressBook) -> None:
        followed(book)
        read = work(linking.refresh(book=book, user=book.owner))
        assert (read.state, read.people, read.unchanged) == (ImportState.READY, 0, 8)

    def test_a_second_press_gets_the_same_reading(self, book: AddressBook) -> None:
        followed(book)
        first = linking.refresh(book=book, user=book.owner)
        assert linking.refresh(book=book, user=book.owner) == first
        assert ContactImport.objects.of_book(book).from_directory().count() == 2

    def test_a_newer_reading_takes_the_place_of_one_that_nobody_confirmed(self, book: AddressBook) -> None:
        first = work(follow(book))
        second = work(linking.refresh(book=book, user=book.owner))
        first.refresh_from_db()
        assert first.state == ImportState.DISCARDED
        assert not first.rows.exists()
        assert DirectoryLink.objects.get().waiting() == second

    def test_a_bell_that_rings_twice_reads_once(self, book: AddressBook, sandbox: SandboxServer) -> None:
        begun = follow(book)
        work(begun)
        calls = len(sandbox.received)
        work(begun)
        assert len(sandbox.received) == calls

    def test_another_part_takes_the_place_of_the_first(self, book: AddressBook) -> None:
        followed(book)
        read = work(follow(book, FIRST_AIDERS, DirectoryPart.USER_GROUP))
        assert DirectoryLink.objects.get().remote_id == FIRST_AIDERS
        assert (read.added, read.left) == (4, 8)

    def test_a_book_that_follows_nothing_any_more_is_left_alone(self, book: AddressBook) -> None:
        begun = follow(book)
        linking.unlink(book=book, user=book.owner)
        assert work(begun).state == ImportState.DISCARDED
        with pytest.raises(NotLinked):
            linking.refresh(book=book, user=book.owner)
        with pytest.raises(NotLinked):
            linking.set_schedule(book=book, every_hours=24, applies_by_itself=False, user=book.owner)

    def test_the_contacts_of_a_book_that_is_let_go_stay_and_both_are_on_record(
        self, book: AddressBook
    ) -> None:
        followed(book)
        linking.unlink(book=book, user=book.owner)
        assert len(names(book)) == 8
        told = BookChange.objects.filter(book=book, kind=ChangeKind.BOOK_EDITED).order_by("pk")
        assert [change.detail["after"]["directory"] for change in told] == ["Part", ""]
        assert {change.user for change in told} == {book.owner}


class TestFailure:
    @pytest.mark.parametrize(
        ("fault", "operation", "skip", "code"),
        [
            ("html_502", "department_people", 2, "http_502"),
            ("drop", "departments_below", 1, "connectionLost"),
            ("cut_json", "department_people", 1, "unreadableAnswer"),
            ("empty_object", "departments_below", 0, "unreadableAnswer"),
            ("code:60011", "department_people", 0, "60011"),
            (
                "throttled_per_minute",
                "department_people",
                1,
                "Forbidden.AccessDenied.QpmLimitForAppkeyAndApi",
            ),
        ],
    )
    def test_a_failure_on_any_page_stages_nothing_and_says_why(
        self,
        book: AddressBook,
        sandbox: SandboxServer,
        fault: str,
        operation: str,
        skip: int,
        code: str,
    ) -> None:
        followed(book)
        sandbox.add_fault(fault, operation=operation, skip=skip)
        read = work(linking.refresh(book=book, user=book.owner))
        assert (read.state, read.problem, read.problem_detail) == (ImportState.FAILED, "not_read", code)
        assert not read.rows.exists()
        link = DirectoryLink.objects.get()
        assert link.problem_code == code
        assert not Contact.objects.left_directory().exists()
        # The next reading is as if nothing had happened.
        assert work(linking.refresh(book=book, user=book.owner)).unchanged == 8
        assert DirectoryLink.objects.get().problem_code == ""

    def test_being_turned_away_for_a_moment_is_waited_for(
        self, book: AddressBook, sandbox: SandboxServer
    ) -> None:
        sandbox.add_fault("throttled", operation="department_people", skip=1)
        assert work(follow(book)).added == 8

    def test_somebody_whom_the_directory_holds_back_has_not_left(
        self, book: AddressBook, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        followed(book, remote_id=FIRST_AIDERS, part=DirectoryPart.USER_GROUP)
        # Listed as a member, and yet not told who it is.
        members = sandbox.company.members_of(FIRST_AIDERS)
        sandbox.company.remove("staff-person-02")
        monkeypatch.setattr(sandbox.company, "members_of", lambda _code: members)
        read = work(linking.refresh(book=book, user=book.owner))
        assert (read.state, read.problem_detail) == (ImportState.FAILED, "directoryIncomplete")
        assert not Contact.objects.left_directory().exists()

    def test_nobody_has_left_where_somebody_is_shown_without_an_id(
        self, book: AddressBook, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        followed(book)
        shown = [replace(each, union_id="", phone_number=None) for each in sandbox.company.people_in(20)]
        monkeypatch.setattr(sandbox.company, "people_in", lambda number: shown if number == 20 else [])
        read = work(linking.refresh(book=book, user=book.owner))
        assert (read.state, read.left) == (ImportState.READY, 0)

    def test_an_app_that_is_away_is_told(self, book: AddressBook) -> None:
        begun = follow(book)
        App.objects.filter(pk=book.app.pk).update(enabled=False)
        assert work(begun).problem_detail == "appUnavailable"

    def test_a_worker_that_died_leaves_no_reading_for_ever(self, book: AddressBook) -> None:
        begun = follow(book)
        ContactImport.objects.filter(pk=begun.pk).update(heard_at=timezone.now() - timedelta(minutes=5))
        recovering.recover()
        begun.refresh_from_db()
        assert begun.state == ImportState.FAILED
        # Where it was read by itself nobody looks at the import.
        assert DirectoryLink.objects.get(book=book).problem_code == "processDied"
        assert "before it was done" in str(remembered("processDied").what)

    def test_people_of_the_sandbox_stay_away_from_real_apps(
        self, book: AddressBook, sandbox: SandboxServer
    ) -> None:
        App.objects.filter(pk=book.app.pk).update(kind=AppKind.FIXED_TOKEN, base_url=sandbox.base_url)
        app = App.objects.get(pk=book.app.pk)
        app.access_token = "sandbox-fixed-token"
        app.save()
        read = work(follow(book))
        assert (read.state, read.added) == (ImportState.READY, 0)


class TestSchedule:
    def due(self, book: AddressBook, *, applies: bool) -> ContactImport | None:
        """What becomes of a schedule whose time has come."""
        linking.set_schedule(book=book, every_hours=24, applies_by_itself=applies, user=book.owner)
        DirectoryLink.objects.update(next_read_at=timezone.now() - timedelta(minutes=1))
        newest = ContactImport.objects.of_book(book).order_by("-pk").first()
        recovering.recover()
        begun = ContactImport.objects.of_book(book).order_by("-pk").first()
        assert begun is not None
        if begun == newest:
            return None
        return work(begun)

    def test_it_is_read_at_its_time_once_and_waits_for_somebody(
        self, book: AddressBook, sandbox: SandboxServer
    ) -> None:
        followed(book)
        sandbox.company.remove("staff-person-13")
        read = self.due(book, applies=False)
        assert read is not None
        assert (read.state, read.left, read.created_by) == (ImportState.READY, 1, None)
        link = DirectoryLink.objects.get()
        assert link.next_read_at is not None
        assert link.next_read_at > timezone.now() + timedelta(hours=23)
        assert linking.refresh_due() == 0

    def test_it_is_applied_by_itself_where_that_is_wished(
        self, book: AddressBook, sandbox: SandboxServer
    ) -> None:
        followed(book)
        sandbox.company.remove("staff-person-13")
        sandbox.company.add(name="新同事", department_id=22, user_id="staff-new", phone_number=None)
        read = self.due(book, applies=True)
        assert read is not None
        assert read.state == ImportState.DONE
        assert "新同事" in names(book)
        assert [each.nick for each in Contact.objects.left_directory()] == ["何测试"]
        assert BookChange.objects.filter(book=book, user=None, kind=ChangeKind.REFRESHED).exists()

    def test_a_reading_that_changes_nothing_goes_by_itself(self, book: AddressBook) -> None:
        followed(book)
        read = self.due(book, applies=False)
        assert read is not None
        assert read.state == ImportState.DISCARDED
        assert DirectoryLink.objects.get().waiting() is None

    def test_a_reading_that_misses_most_of_a_book_waits_for_somebody(
        self, book: AddressBook, sandbox: SandboxServer
    ) -> None:
        followed(book)
        for number in range(9, 15):
            sandbox.company.remove(f"staff-person-{number:02}")
        read = self.due(book, applies=True)
        assert read is not None
        assert (read.state, read.left) == (ImportState.READY, 6)
        assert not Contact.objects.left_directory().exists()

    def test_what_somebody_ordered_is_never_applied_without_them(
        self, book: AddressBook, sandbox: SandboxServer
    ) -> None:
        followed(book)
        linking.set_schedule(book=book, every_hours=24, applies_by_itself=True, user=book.owner)
        sandbox.company.remove("staff-person-13")
        assert work(linking.refresh(book=book, user=book.owner)).state == ImportState.READY

    def test_it_ends_where_whoever_wanted_it_may_not_change_the_book_any_more(
        self, book: AddressBook, other_organizer: User
    ) -> None:
        followed(book)
        linking.set_schedule(book=book, every_hours=24, applies_by_itself=True, user=other_organizer)
        DirectoryLink.objects.update(next_read_at=timezone.now() - timedelta(minutes=1))
        assert linking.refresh_due() == 0
        link = DirectoryLink.objects.get()
        assert (link.next_read_at, link.every_hours) == (None, 0)
        assert link.problem_code == "directoryNotAllowed"
        assert ContactImport.objects.count() == 1

    def test_a_schedule_that_is_taken_back_reads_nothing(self, book: AddressBook) -> None:
        followed(book)
        linking.set_schedule(book=book, every_hours=24, applies_by_itself=True, user=book.owner)
        linking.set_schedule(book=book, every_hours=0, applies_by_itself=False, user=book.owner)
        assert DirectoryLink.objects.get().next_read_at is None
        assert linking.refresh_due() == 0


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def at_once(self, act: Callable[[], object]) -> None:
        """Lets several threads do the same at the same moment."""
        ready = threading.Barrier(6)

        def work() -> None:
            try:
                ready.wait()
                act()
            finally:
                connection.close()

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def test_of_many_workers_one_reads_at_its_time(self, book: AddressBook) -> None:
        followed(book)
        linking.set_schedule(book=book, every_hours=24, applies_by_itself=False, user=book.owner)
        DirectoryLink.objects.update(next_read_at=timezone.now() - timedelta(minutes=1))
        counts: list[int] = []
        self.at_once(lambda: counts.append(linking.refresh_due()))
        assert sorted(counts) == [0] * 5 + [1]
        assert ContactImport.objects.of_book(book).being_read().count() == 1

    def test_what_is_being_confirmed_is_not_dropped_for_a_newer_reading(self, book: AddressBook) -> None:
        ready = work(follow(book))
        locked, refreshed = threading.Event(), threading.Event()

        def confirm_slowly() -> None:
            try:
                with transaction.atomic():
                    held = ContactImport.objects.for_change().get(pk=ready.pk)
                    held.state = ImportState.STORING
                    held.save(update_fields=["state"])
                    locked.set()
                    refreshed.wait(timeout=2)
            finally:
                connection.close()

        thread = threading.Thread(target=confirm_slowly)
        thread.start()
        locked.wait()
        linking.refresh(book=book, user=book.owner)
        refreshed.set()
        thread.join()
        ready.refresh_from_db()
        assert ready.state == ImportState.STORING
        assert ready.rows.count() == ready.added

    def test_a_schedule_that_is_set_meanwhile_stays_when_another_part_is_chosen(
        self, book: AddressBook
    ) -> None:
        followed(book)
        locked, linked = threading.Event(), threading.Event()

        def set_slowly() -> None:
            try:
                with transaction.atomic():
                    linking.set_schedule(book=book, every_hours=24, applies_by_itself=True, user=book.owner)
                    locked.set()
                    linked.wait(timeout=1)
            finally:
                connection.close()

        thread = threading.Thread(target=set_slowly)
        thread.start()
        locked.wait()
        follow(book, FIRST_AIDERS, DirectoryPart.USER_GROUP)
        linked.set()
        thread.join()
        link = DirectoryLink.objects.get(book=book)
        assert (link.remote_id, link.every_hours) == (FIRST_AIDERS, 24)

    def test_many_presses_begin_one_reading(self, book: AddressBook) -> None:
        followed(book)
        begun: list[ContactImport] = []
        self.at_once(lambda: begun.append(linking.refresh(book=book, user=book.owner)))
        assert len(begun) == 6
        assert len({each.pk for each in begun}) == 1
