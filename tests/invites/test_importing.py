"""Imports that take a while: bells for workers, workers that die, presses at once, lists that nobody confirms."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from pytest_django import DjangoCaptureOnCommitCallbacks

from invites import absorbing, importing, tasks
from invites.absorbing import Person
from invites.models import AddressBook, BookChange, ContactImport
from invites.models.contact_import import ImportSource, ImportState
from invites.recovering import recover
from tests.factories import ContactFactory
from tests.invites.imported import compare

pytestmark = pytest.mark.django_db

MANY = 2500


def begin(book: AddressBook, *, people: int = MANY) -> ContactImport:
    """An import whose columns have been chosen."""
    text = "Name,unionId\n" + "".join(f"Person {n},person-{n}\n" for n in range(people))
    return compare(book, text)


def bells() -> list[tuple[str, list[object]]]:
    """The tasks that wait, with what they are told."""
    waiting = DBTaskResult.objects.order_by("enqueued_at")
    return [(bell.task_path.rpartition(".")[2], bell.args_kwargs["args"]) for bell in waiting]


def hear(bell: tuple[str, list[object]]) -> None:
    """Does what a worker does with a bell."""
    name, arguments = bell
    getattr(tasks, name).func(*arguments)


def grow_silent(contact_import: ContactImport) -> None:
    long_ago = timezone.now() - importing.SILENT - timedelta(seconds=1)
    ContactImport.objects.under_way().filter(pk=contact_import.pk).update(heard_at=long_ago)


class TestBells:
    def test_long_list_is_read_and_stored_by_a_worker(
        self, book: AddressBook, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            begun = begin(book)
        assert begun.state == ImportState.READING
        (bell,) = bells()
        hear(bell)
        begun.refresh_from_db()
        assert (begun.state, begun.added, begun.rows_read) == (ImportState.READY, MANY, MANY)
        with django_capture_on_commit_callbacks(execute=True):
            importing.confirm(contact_import=begun)
        hear(bells()[-1])
        begun.refresh_from_db()
        assert begun.state == ImportState.DONE
        assert book.contacts.count() == MANY

    def test_short_list_needs_no_worker(
        self, book: AddressBook, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            importing.confirm(contact_import=begin(book, people=999))
        assert not bells()
        assert book.contacts.count() == 999

    def test_bell_that_rings_twice_is_answered_once(
        self, book: AddressBook, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            begun = begin(book)
        for _ring in range(2):
            hear(bells()[0])
        with django_capture_on_commit_callbacks(execute=True):
            for _press in range(2):
                importing.confirm(contact_import=begun)
        stored = [bell for bell in bells() if bell[0] == "store_import"]
        assert len(stored) == 1
        for _ring in range(2):
            hear(stored[0])
        assert book.contacts.count() == MANY
        assert BookChange.objects.count() == 1

    def test_lists_wait_behind_invitations(
        self, book: AddressBook, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            begin(book)
            tasks.deliver_invitation.enqueue(1)
            tasks.ring_behind_others(2, at=timezone.now())
        waiting = DBTaskResult.objects.ready().values_list("task_path", flat=True)
        assert [path.rpartition(".")[2] for path in waiting][-1] == "read_import"


class TestDeadWorkers:
    @pytest.fixture
    def begun(
        self, book: AddressBook, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> ContactImport:
        """A long import of which nobody has heard the bell."""
        begun = begin(book)
        DBTaskResult.objects.all().delete()
        return begun

    def test_silent_import_is_rung_for_again_and_read_anew(
        self, begun: ContactImport, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        grow_silent(begun)
        with django_capture_on_commit_callbacks(execute=True):
            recover()
            recover()
        (bell,) = bells()
        hear(bell)
        begun.refresh_from_db()
        assert (begun.state, begun.added) == (ImportState.READY, MANY)

    def test_import_that_was_heard_of_is_left_alone(
        self, begun: ContactImport, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            recover()
        assert not bells()

    def test_worker_that_was_taken_for_dead_stages_nothing_more(self, begun: ContactImport) -> None:
        old = begun.heard_at
        assert old is not None
        grow_silent(begun)
        recover()
        absorbing.read(begun.pk, heard_at=old)
        begun.refresh_from_db()
        assert begun.state == ImportState.READING
        assert not begun.rows.exists()

    def test_reading_anew_forgets_what_was_staged_before(self, begun: ContactImport) -> None:
        assert begun.heard_at is not None
        absorbing.read(begun.pk, heard_at=begun.heard_at)
        ContactImport.objects.filter(pk=begun.pk).update(state=ImportState.READING, heard_at=begun.heard_at)
        absorbing.read(begun.pk, heard_at=begun.heard_at)
        assert begun.rows.count() == MANY

    def test_what_cannot_be_finished_within_a_day_is_given_up(self, begun: ContactImport) -> None:
        grow_silent(begun)
        begun.reading |= {"handed_on_at": (timezone.now() - importing.GIVEN_UP * 2).isoformat()}
        begun.save(update_fields=["reading"])
        recover()
        begun.refresh_from_db()
        assert (begun.state, begun.problem) == (ImportState.FAILED, importing.GAVE_UP)

    def test_what_lay_for_days_before_it_was_confirmed_has_a_day_from_then_on(
        self, begun: ContactImport
    ) -> None:
        assert begun.heard_at is not None
        absorbing.read(begun.pk, heard_at=begun.heard_at)
        ContactImport.objects.filter(pk=begun.pk).update(created_at=timezone.now() - importing.GIVEN_UP * 2)
        importing.confirm(contact_import=begun)
        grow_silent(begun)
        recover()
        begun.refresh_from_db()
        assert begun.state == ImportState.STORING

    def test_directory_whose_reader_died_is_not_taken_for_read(self, book: AddressBook) -> None:
        ContactFactory(book=book, union_id="ann1")
        staged = ContactImport.objects.create(
            book=book, source=ImportSource.DIRECTORY, state=ImportState.READING, heard_at=timezone.now()
        )
        grow_silent(staged)
        recover()
        staged.refresh_from_db()
        assert (staged.state, staged.problem) == (ImportState.FAILED, importing.INTERRUPTED)
        absorbing.stage(staged, [Person(1, "Bob", "bob1")], tells_who_left=True)
        assert staged.state == ImportState.FAILED
        assert not staged.rows.exists()


class TestDiscarding:
    def test_list_that_nobody_confirms_goes_after_days(self, book: AddressBook) -> None:
        ready = begin(book, people=3)
        ContactImport.objects.filter(pk=ready.pk).update(created_at=timezone.now() - importing.ABANDONED * 2)
        recover()
        ready.refresh_from_db()
        assert ready.state == ImportState.DISCARDED
        assert not ready.chunks.exists()
        assert not ready.rows.exists()

    def test_refused_rows_go_after_a_month(self, book: AddressBook) -> None:
        begun = begin(book, people=2)
        importing.confirm(contact_import=begun)
        begun.rows.create(number=9, outcome="refuse", problem="too_short", cells=["Ann", "1"])
        recover()
        assert begun.rows.exists()
        ContactImport.objects.filter(pk=begun.pk).update(finished_at=timezone.now() - importing.KEPT * 2)
        recover()
        assert not begun.rows.exists()

    def test_list_that_is_discarded_while_it_is_read_stays_discarded(self, book: AddressBook) -> None:
        begun = begin(book)
        assert begun.heard_at is not None
        importing.discard(contact_import=begun)
        absorbing.read(begun.pk, heard_at=begun.heard_at)
        begun.refresh_from_db()
        assert begun.state == ImportState.DISCARDED
        assert not begun.rows.exists()


class TestGroups:
    def test_column_of_names_taken_for_groups_makes_none(self, book: AddressBook) -> None:
        text = "Name,unionId,Groups\n" + "".join(f"P,p{n},Group {n}\n" for n in range(1001))
        begun = compare(book, text)
        assert begun.heard_at is not None
        absorbing.read(begun.pk, heard_at=begun.heard_at)
        begun.refresh_from_db()
        assert (begun.state, begun.problem) == (ImportState.FAILED, absorbing.TOO_MANY_GROUPS)
        assert not book.groups.exists()
