"""Undoes what was done to groups. The caller has locked the book."""

from invites.curating.groups import put_into, take_out_of
from invites.curating.picking import keys_of
from invites.curating.restoring import Restored
from invites.errors import CannotBeUndone
from invites.models import BookChange, ChangedContact, Contact, ContactGroup
from invites.models.contact import ContactQuerySet


def withdraw(change: BookChange) -> Restored:
    """Lets those who were put into the group leave it again."""
    group = _group(change)
    leavers = keys_of(_touched(change).in_group(group))
    take_out_of(group, leavers)
    return Restored(people=len(leavers), left_alone=change.people - len(leavers))


def rejoin(change: BookChange) -> Restored:
    """Puts those who were taken out of the group into it again."""
    group = _group(change)
    newcomers = keys_of(_touched(change).outside_group(group))
    put_into(group, newcomers)
    return Restored(people=len(newcomers), left_alone=change.people - len(newcomers))


def dissolve_group(change: BookChange) -> Restored:
    """Deletes the group that was made, unless somebody else has joined it since."""
    group = _group(change)
    if group.name != change.detail["group"] or _others(change, group).exists():
        raise CannotBeUndone
    group.delete()
    return Restored(people=change.people)


def rename_back(change: BookChange) -> Restored:
    """Gives the group the name that it had, unless it was renamed again or another group has that name."""
    group = _group(change)
    before = str(change.detail["before"])
    if group.name != change.detail["group"] or _is_taken(change, before, besides=group):
        raise CannotBeUndone
    group.name = before
    group.save(update_fields=["name"])
    return Restored()


def bring_group_back(change: BookChange) -> Restored:
    """Makes the group again, with its key, of those who were in it and are still in the book."""
    name, pk = str(change.detail["group"]), int(str(change.detail["group_key"]))
    group = ContactGroup(pk=pk, book=change.book, name=name)
    if _is_taken(change, name, besides=group) or ContactGroup.objects.with_key(pk).exists():
        raise CannotBeUndone
    group.save(force_insert=True)
    members = keys_of(_touched(change))
    put_into(group, members)
    return Restored(people=len(members), left_alone=change.people - len(members))


def _group(change: BookChange) -> ContactGroup:
    group = ContactGroup.objects.of_book(change.book).with_key(change.detail["group_key"]).first()
    if group is None:
        raise CannotBeUndone
    return group


def _touched(change: BookChange) -> ContactQuerySet:
    """Those whom a change has touched and who are still in the book."""
    return Contact.objects.of_book(change.book).named_in(ChangedContact.objects.of(change))


def _others(change: BookChange, group: ContactGroup) -> ContactQuerySet:
    """Members of the group whom ``change`` has not put into it."""
    return Contact.objects.in_group(group).not_named_in(ChangedContact.objects.of(change))


def _is_taken(change: BookChange, name: str, *, besides: ContactGroup) -> bool:
    """Whether another group of the book has this name, in large or small letters."""
    return ContactGroup.objects.of_book(change.book).called(name).besides(besides).exists()
