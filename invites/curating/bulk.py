"""Deletes, moves and copies many contacts at once, by statements that carry a thousand each."""

from django.db import transaction

from invites import journal
from invites.curating.picking import as_they_are, keys_of, nick_of, pieces
from invites.models import AddressBook, BookChange, Contact, User
from invites.models.book_change import ChangeKind
from invites.models.contact import ContactQuerySet


@transaction.atomic
def delete_contacts(*, book: AddressBook, contacts: ContactQuerySet, user: User) -> BookChange | None:
    """Removes those of ``contacts`` that are of ``book`` from it and from its groups."""
    AddressBook.objects.lock(book)
    going = keys_of(contacts.of_book(book))
    if not going:
        return None
    change = journal.note(
        book=book,
        user=user,
        kind=ChangeKind.DELETED,
        people=len(going),
        detail=nick_of(going),
        touched=as_they_are(going),
        can_be_undone=True,
    )
    for piece in pieces(going):
        Contact.objects.among(piece).delete()
    return change
