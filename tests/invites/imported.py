"""What the tests of imports share: lists at their columns, and compared with the book."""

from collections.abc import Sequence
from io import BytesIO

from invites import importing
from invites.models import AddressBook, ContactImport
from invites.models.contact_import import ImportSource


def begin(book: AddressBook, text: str) -> ContactImport:
    """An import of this CSV, at its columns."""
    return importing.begin(
        book=book,
        user=book.owner,
        source=ImportSource.FILE,
        file=BytesIO(text.encode()),
        name="people.csv",
        country="CN",
    )


def compare(book: AddressBook, text: str, columns: Sequence[str] | None = None) -> ContactImport:
    """An import whose columns have been chosen, those that it proposes where none are given: at its preview, or with
    a worker that has been rung for.
    """
    begun = begin(book, text)
    importing.choose_columns(
        contact_import=begun, columns=list(begun.columns if columns is None else columns), user=book.owner
    )
    begun.refresh_from_db()
    return begun
