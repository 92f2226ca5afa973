"""Changes address books: their contacts, their groups, and who is in which.

Every change moves the book's ``updated_at``, the "last change" that lists show. Invitations keep their own snapshots of
people, so nothing here touches them.
"""

from collections.abc import Iterable

from django.db import transaction

from invites.models import AddressBook, Contact, ContactGroup
from invites.models.contact import ContactQuerySet


@transaction.atomic
def save_contact(*, contact: Contact, group: ContactGroup | None = None) -> None:
    """Saves a new or changed contact, and puts it into ``group`` of the same book where one is named.

    What DingTalk said about a unionId goes with it. Raises IntegrityError where the book has somebody else with this
    unionId or phone number.
    """
    if contact.is_not_known and not Contact.objects.among([contact.pk]).with_union_id(contact.union_id):
        contact.forget_mark()
    contact.save()
    if group is not None:
        group.contacts.add(contact)
    contact.book.touch()


@transaction.atomic
def delete_contacts(*, book: AddressBook, contacts: ContactQuerySet) -> int:
    """Removes ``contacts`` of ``book`` from it and from its groups; how many they were."""
    going = contacts.of_book(book)
    people = going.count()
    going.delete()
    book.touch()
    return people


@transaction.atomic
def save_group(*, group: ContactGroup, contacts: Iterable[Contact] = ()) -> None:
    """Saves a new or renamed group and adds ``contacts``. Raises IntegrityError where the name is taken."""
    group.save()
    group.contacts.add(*contacts)
    group.book.touch()


@transaction.atomic
def delete_group(*, group: ContactGroup) -> None:
    """Removes a group. The people in it stay in the book."""
    group.delete()
    group.book.touch()


@transaction.atomic
def add_to_group(*, group: ContactGroup, contacts: ContactQuerySet) -> int:
    """Puts those of ``contacts`` that are of the group's book into it; how many were not in it before."""
    newcomers = list(contacts.of_book(group.book).outside_group(group).values_list("pk", flat=True))
    group.contacts.add(*newcomers)
    group.book.touch()
    return len(newcomers)


@transaction.atomic
def remove_from_group(*, group: ContactGroup, contacts: ContactQuerySet) -> int:
    """Takes ``contacts`` out of the group; how many were in it. They stay in the book."""
    members = list(contacts.in_group(group).values_list("pk", flat=True))
    group.contacts.remove(*members)
    group.book.touch()
    return len(members)
