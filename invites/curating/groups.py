"""Makes, renames and deletes groups, and changes who is in them."""

from collections.abc import Sequence

from django.db import transaction

from invites import journal
from invites.curating.picking import keys_of, merely_touched, pieces
from invites.errors import GroupGone
from invites.models import AddressBook, BookChange, Contact, ContactGroup, User
from invites.models.book_change import ChangeKind
from invites.models.contact import ContactQuerySet


@transaction.atomic
def save_group(
    *, group: ContactGroup, user: User, contacts: ContactQuerySet | None = None
) -> BookChange | None:
    """Saves a new or renamed group and adds ``contacts`` of its book.

    Raises IntegrityError where the name is taken, and GroupGone where somebody has deleted the group meanwhile.
    """
    AddressBook.objects.lock(group.book)
    name = _name_of(group) if group.pk else ""
    group.save()
    if name:
        return _note(group, user, ChangeKind.GROUP_RENAMED, before=name) if name != group.name else None
    newcomers = keys_of(contacts.of_book(group.book)) if contacts is not None else []
    put_into(group, newcomers)
    return _note(group, user, ChangeKind.GROUP_CREATED, newcomers)


@transaction.atomic
def delete_group(*, group: ContactGroup, user: User) -> BookChange:
    """Removes a group. The people in it stay in the book. Raises GroupGone where it is not there any more."""
    AddressBook.objects.lock(group.book)
    _name_of(group)
    change = _note(group, user, ChangeKind.GROUP_DELETED, keys_of(Contact.objects.in_group(group)))
    group.delete()
    return change


@transaction.atomic
def add_to_group(*, group: ContactGroup, contacts: ContactQuerySet, user: User) -> BookChange | None:
    """Puts those of ``contacts`` that are of the group's book, and not in it yet, into the group.

    Raises GroupGone where it is not there any more.
    """
    AddressBook.objects.lock(group.book)
    _name_of(group)
    newcomers = keys_of(contacts.of_book(group.book).outside_group(group))
    put_into(group, newcomers)
    return _note(group, user, ChangeKind.GROUPED, newcomers) if newcomers else None


@transaction.atomic
def remove_from_group(*, group: ContactGroup, contacts: ContactQuerySet, user: User) -> BookChange | None:
    """Takes those of ``contacts`` that are in the group out of it. They stay in the book."""
    AddressBook.objects.lock(group.book)
    leavers = keys_of(contacts.of_book(group.book).in_group(group))
    take_out_of(group, leavers)
    return _note(group, user, ChangeKind.UNGROUPED, leavers) if leavers else None


def put_into(group: ContactGroup, keys: Sequence[int]) -> None:
    """Makes the contacts with these keys members; the caller has locked the book."""
    for piece in pieces(keys):
        group.contacts.add(*piece)


def take_out_of(group: ContactGroup, keys: Sequence[int]) -> None:
    """Lets the contacts with these keys be members no longer; the caller has locked the book."""
    for piece in pieces(keys):
        group.contacts.remove(*piece)


def _name_of(group: ContactGroup) -> str:
    """What ``group`` is called by now; the caller has locked the book. Raises GroupGone."""
    name = ContactGroup.objects.of_book(group.book).name_of(group.pk)
    if not name:
        raise GroupGone
    return name


def _note(
    group: ContactGroup, user: User, kind: ChangeKind, keys: Sequence[int] = (), **detail: object
) -> BookChange:
    return journal.note(
        book=group.book,
        user=user,
        kind=kind,
        people=len(keys),
        detail={"group": group.name, "group_key": group.pk, **detail},
        touched=merely_touched(keys),
        can_be_undone=True,
    )
