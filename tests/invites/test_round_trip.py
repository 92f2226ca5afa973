"""What is exported is imported again as it was, whatever people, groups and reasons are called."""

from datetime import date
from io import BytesIO

import pytest
from django.utils import timezone

from invites import exporting, importing
from invites.exporting import Kind
from invites.models import AddressBook, Contact, ContactImport, User
from invites.models.contact_import import ImportSource, ImportState
from tests.factories import AddressBookFactory, ContactFactory, ContactGroupFactory

pytestmark = pytest.mark.django_db

WORDS = (
    "=1+1",
    "+86",
    "-5",
    "@all",
    "'quoted'",
    '"quoted"',
    'half "quoted',
    "a, b; c | d",
    "，；、",
    "销售\u3000北京",
    "R\u00a0D",
    "👨\u200d👩\u200d👧 family",
    "\\N\\t",
    "a\\;b\\,c:d=e",
    "yes",
    "no",
    "yes: no",
    "_x0041_",
    "2027-01-31",
    "1E5",
    "\u05d0\u05d1 \u200fabc",
    "x" * 70,
)


@pytest.fixture
def book(organizer: User) -> AddressBook:
    book: AddressBook = AddressBookFactory(owner=organizer)
    for number, word in enumerate(WORDS):
        contact = ContactFactory(
            book=book,
            nick=word,
            union_id=f"u{number}" if number % 3 else "",
            phone_number=f"+86138001380{number:02}" if number % 2 or not number % 3 else "",
            do_not_invite_since=timezone.now() if number % 5 else None,
            do_not_invite_reason=word if number % 5 else "",
            do_not_invite_until=date(2099, 1, 1) if number % 5 == 1 else None,
        )
        ContactGroupFactory(book=book, name=f"{word} {number}").contacts.add(contact)
        ContactGroupFactory(book=book, name=word).contacts.add(contact)
    return book


def known(book: AddressBook) -> list[tuple[object, ...]]:
    """Everything that a file says about the people of a book."""
    return [
        (
            contact.nick,
            contact.union_id,
            contact.phone_number,
            contact.do_not_invite_reason,
            contact.do_not_invite_until,
            sorted(group.name for group in contact.groups.all()),
        )
        for contact in Contact.objects.of_book(book).with_groups().order_by("phone_number", "union_id")
    ]


def read_again(source: AddressBook, *, into: AddressBook, kind: Kind) -> ContactImport:
    content = b"".join(exporting.write(source.contacts.all(), kind=kind, with_numbers=True))
    read = importing.begin(
        book=into,
        user=into.owner,
        source=ImportSource.FILE,
        file=BytesIO(content),
        name=f"team.{kind}",
        country="DE",
    )
    importing.choose_columns(contact_import=read, columns=read.columns, user=into.owner)
    read.refresh_from_db()
    return read


@pytest.mark.parametrize("kind", Kind)
class TestRoundTrip:
    def test_nobody_of_the_same_book_is_changed(self, book: AddressBook, kind: Kind) -> None:
        read = read_again(book, into=book, kind=kind)
        assert [
            (row.nick, row.outcome, row.problem) for row in read.rows.all() if row.outcome != "same"
        ] == []
        assert (read.state, read.unchanged) == (ImportState.READY, len(WORDS))

    def test_everybody_is_in_another_book_as_they_were(self, book: AddressBook, kind: Kind) -> None:
        other = AddressBookFactory(owner=book.owner, app=book.app)
        importing.confirm(contact_import=read_again(book, into=other, kind=kind))
        assert known(other) == known(book)
