"""Two people who change the same books at the same moment wait for each other and lose nothing."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from invites import curating
from invites.models import AddressBook, Contact
from tests.factories import AddressBookFactory, ContactFactory

pytestmark = pytest.mark.django_db(transaction=True)


def together(*acts: Callable[[], object]) -> list[object]:
    """Runs ``acts`` at the same time and gives what each returned or raised."""
    gate = threading.Barrier(len(acts))
    outcomes: list[object] = [None] * len(acts)

    def run(number: int, act: Callable[[], object]) -> None:
        gate.wait()
        try:
            outcomes[number] = act()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            outcomes[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number, act)) for number, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


@pytest.fixture
def book() -> AddressBook:
    return AddressBookFactory()


@pytest.fixture
def other(book: AddressBook) -> AddressBook:
    return AddressBookFactory(app=book.app, owner=book.owner)


class TestTogether:
    def test_books_whose_people_change_places_do_not_block_each_other(
        self, book: AddressBook, other: AddressBook
    ) -> None:
        here, there = (ContactFactory.create_batch(20, book=each) for each in (book, other))

        def move(people: list[Contact], source: AddressBook, target: AddressBook) -> Callable[[], object]:
            chosen = Contact.objects.among([contact.pk for contact in people])
            return lambda: curating.move_contacts(
                book=source, contacts=chosen, target=target, user=book.owner
            )

        outcomes = together(move(here, book, other), move(there, other, book))
        assert all(isinstance(outcome, curating.Transfer) for outcome in outcomes)
        assert (set(book.contacts.all()), set(other.contacts.all())) == (set(there), set(here))

    def test_one_of_two_presses_of_undo_does_it(self, book: AddressBook) -> None:
        ContactFactory.create_batch(5, book=book)
        change = curating.delete_contacts(book=book, contacts=book.contacts.all(), user=book.owner)
        assert change is not None
        presses = [type(change).objects.get(pk=change.pk) for _press in range(2)]
        outcomes = together(*(lambda press=press: curating.undo(press, user=book.owner) for press in presses))
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AlreadyUndone", "Restored"]
        assert book.contacts.count() == 5
