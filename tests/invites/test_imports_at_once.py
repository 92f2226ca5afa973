"""However often and from however many tabs an import is confirmed, and whatever else happens to its book: once."""

import threading
from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection

from invites import absorbing, erasing, importing
from invites.models import AddressBook, BookChange, Contact, ContactImport
from invites.models.contact_import import ImportState
from invites.models.invitee import Channel
from tests.invites.imported import compare

PRESSES = 8
PEOPLE = 300

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ready(book: AddressBook) -> ContactImport:
    """An import at its preview."""
    text = "Name,unionId,Groups\n" + "".join(f"Person {n},person-{n},Sales\n" for n in range(PEOPLE))
    return compare(book, text)


def at_once(*acts: Callable[[], object]) -> None:
    """Does everything at the same time, each on a connection of its own. What went wrong in one goes wrong here."""
    barrier = threading.Barrier(len(acts))
    problems: list[Exception] = []

    def run(act: Callable[[], object]) -> None:
        try:
            barrier.wait(timeout=20)
            act()
        except Exception as problem:  # noqa: BLE001 - told below
            problems.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems, problems


class TestAtOnce:
    def test_many_presses_store_once(self, book: AddressBook, ready: ContactImport) -> None:
        at_once(*[lambda: importing.confirm(contact_import=ready)] * PRESSES)
        ready.refresh_from_db()
        assert ready.state == ImportState.DONE
        assert BookChange.objects.count() == 1
        assert book.contacts.count() == book.groups.get().contacts.count() == PEOPLE

    def test_confirming_and_discarding_at_once_does_one_of_them(
        self, book: AddressBook, ready: ContactImport
    ) -> None:
        at_once(
            lambda: importing.confirm(contact_import=ready), lambda: importing.discard(contact_import=ready)
        )
        ready.refresh_from_db()
        assert (ready.state, book.contacts.count()) in {
            (ImportState.DONE, PEOPLE),
            (ImportState.DISCARDED, 0),
        }

    def test_erased_while_their_list_is_stored_nobody_comes_back(
        self, book: AddressBook, ready: ContactImport
    ) -> None:
        at_once(
            lambda: importing.confirm(contact_import=ready),
            lambda: erasing.erase(channel=Channel.UNION_ID, value="person-7", by=None, because="Asked"),
        )
        ready.refresh_from_db()
        assert (ready.state, book.contacts.count()) in {
            (ImportState.DONE, PEOPLE - 1),
            (ImportState.DISCARDED, 0),
        }
        assert not book.contacts.filter(union_id="person-7").exists()

    def test_person_added_meanwhile_is_never_there_twice(
        self, book: AddressBook, ready: ContactImport
    ) -> None:
        def add() -> None:
            try:
                Contact.objects.create(book=book, nick="Somebody", union_id="person-7")
            except IntegrityError:
                # They came with the list a moment before.
                return

        at_once(lambda: importing.confirm(contact_import=ready), add)
        ready.refresh_from_db()
        assert ready.state in {ImportState.DONE, ImportState.READY}
        assert book.contacts.filter(union_id="person-7").count() == 1
        assert book.contacts.count() in {1, PEOPLE}

    def test_bell_heard_by_many_workers_is_answered_by_one(
        self, book: AddressBook, ready: ContactImport
    ) -> None:
        ContactImport.objects.filter(pk=ready.pk).update(state=ImportState.READING)
        rung_at = ContactImport.objects.get(pk=ready.pk).heard_at
        assert rung_at is not None
        at_once(*[lambda: absorbing.read(ready.pk, heard_at=rung_at)] * PRESSES)
        ready.refresh_from_db()
        assert (ready.state, ready.added, ready.rows.count()) == (ImportState.READY, PEOPLE, PEOPLE)
