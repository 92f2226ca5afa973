"""Changes what a book is called and who may use it."""

from django.db import transaction

from invites import journal
from invites.models import AddressBook, BookChange, BookShare, User
from invites.models.book_change import ChangeKind

_EDITED = ("name", "sharing", "default_country")

# What somebody may do with a book, as the journal keeps it.
NOTHING, USE, CHANGE = "", "use", "change"


@transaction.atomic
def save_book(*, book: AddressBook, user: User) -> BookChange | None:
    """Saves a new or changed book. Raises IntegrityError where its owner has another one of this name."""
    if not book.pk:
        book.save()
        return None
    AddressBook.objects.lock(book)
    before = AddressBook.objects.fields_of(book.pk, *_EDITED)
    book.save(update_fields=[*_EDITED, "updated_at"])
    after = {name: getattr(book, name) for name in _EDITED}
    if before == after:
        return None
    detail: dict[str, object] = {"before": before, "after": after}
    return journal.note(book=book, user=user, kind=ChangeKind.BOOK_EDITED, detail=detail)


@transaction.atomic
def share(*, book: AddressBook, person: User, may_write: bool, user: User) -> BookChange | None:
    """Lets ``person`` use the book, or change it too, whatever they were allowed before."""
    AddressBook.objects.lock(book)
    if BookShare.objects.of_book(book).of_user(person).with_right(may_write=may_write).exists():
        return None
    BookShare.objects.update_or_create(book=book, user=person, defaults={"may_write": may_write})
    return _note(book, person, CHANGE if may_write else USE, user)


@transaction.atomic
def withdraw(*, book: AddressBook, person: User, user: User) -> BookChange | None:
    """Takes the book away from ``person``, unless everybody may use it anyway."""
    AddressBook.objects.lock(book)
    taken, _rows = BookShare.objects.of_book(book).of_user(person).delete()
    return _note(book, person, NOTHING, user) if taken else None


def _note(book: AddressBook, person: User, may: str, user: User) -> BookChange:
    detail: dict[str, object] = {"person": person.display_name, "may": may}
    return journal.note(book=book, user=user, kind=ChangeKind.SHARED, detail=detail)
