"""Undoes what was done to a book, as far as nobody has changed it since.

Whoever has been changed since is left alone and counted, and so is whoever cannot come back because the book has
somebody with their unionId or number meanwhile. Kinds of change come apart into three: what happened to contacts
themselves (`restoring`), to groups (`regrouping`), and moves between books.
"""

from collections.abc import Callable

from django.db import transaction

from invites import acting, auditing, permissions
from invites.curating.bulk import hand_over, who_fits
from invites.curating.picking import pieces
from invites.curating.regrouping import bring_group_back, dissolve_group, rejoin, rename_back, withdraw
from invites.curating.restoring import Restored, regroup, restore, tell_of_directory
from invites.errors import AlreadyUndone, CannotBeUndone
from invites.models import AddressBook, BookChange, ChangedContact, Contact, ContactGroup, User
from invites.models.book_change import ChangeKind


@transaction.atomic
def undo(change: BookChange, *, user: User) -> Restored:
    """Undoes ``change`` for ``user`` and says how many people are as they were, and how many were left alone.

    Raises AlreadyUndone at a second press, and CannotBeUndone where the change is too old for it, or what it was about
    is gone.
    """
    other = _other_book(change, user)
    AddressBook.objects.lock(*filter(None, [change.book, other]))
    change.refresh_from_db(fields=["can_be_undone", "undone_at", "undone_by"])
    if change.undone_at is not None:
        raise AlreadyUndone
    if not change.is_undoable:
        raise CannotBeUndone
    with acting.in_the_name_of(lambda: user):
        restored = _move_back(change, other, user) if other else _UNDO.get(change.kind, restore)(change)
        auditing.note_undo(change, people=restored.people, left_alone=restored.left_alone)
    BookChange.objects.with_key(change.pk).mark_undone(user)
    for book in filter(None, [change.book, other]):
        book.touch()
    return restored


def _other_book(change: BookChange, user: User) -> AddressBook | None:
    """The book that people were moved to, which ``user`` must be able to change as well; None for other changes."""
    if change.kind != ChangeKind.MOVED_OUT:
        return None
    other = permissions.writable_books(user).with_key(change.detail["book_key"]).first()
    if other is None:
        raise CannotBeUndone
    return other


def _move_back(change: BookChange, other: AddressBook, user: User) -> Restored:
    """Moves those who are still in ``other`` back, into the groups of which there still are some."""
    people = 0
    touched = ChangedContact.objects.of(change).by_key()
    for piece in pieces(touched.keys()):
        fitting = who_fits(Contact.objects.of_book(other).among(piece).keys(), into=change.book).keys
        hand_over(fitting, to=change.book)
        snapshots = {row.contact_key: row.was for row in touched.among(fitting)}
        regroup(change.book, snapshots)
        tell_of_directory(snapshots)
        people += len(fitting)
    BookChange.objects.with_key(change.detail["arrival"]).mark_undone(user)
    return Restored(people=people, left_alone=change.people - people)


def _take_out(change: BookChange) -> Restored:
    """Takes back what an import did to contacts, and the groups that it made where nobody is left in them."""
    restored = restore(change)
    ContactGroup.objects.of_book(change.book).empty_ones(change.detail.get("groups_made", [])).delete()
    return restored


_UNDO: dict[str, Callable[[BookChange], Restored]] = {
    ChangeKind.GROUPED: withdraw,
    ChangeKind.UNGROUPED: rejoin,
    ChangeKind.GROUP_CREATED: dissolve_group,
    ChangeKind.GROUP_RENAMED: rename_back,
    ChangeKind.GROUP_DELETED: bring_group_back,
    ChangeKind.IMPORTED: _take_out,
    ChangeKind.REFRESHED: _take_out,
}
