"""Brings contacts back to what they were before a change: added ones go, changed ones change back, deleted ones return.

The caller has locked the book. What a change did to a contact is the difference between its two snapshots; only that is
taken back, and only where it still is as the change left it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils.dateparse import parse_date, parse_datetime

from invites import auditing, journal
from invites.curating.picking import PIECE, keys_of, pieces
from invites.models import AddressBook, BookChange, ChangedContact, Contact, ContactGroup, User

_UNIQUE = ("union_id", "phone_number")
# These go with the unionId; they are no change that somebody made.
_SAID_BY_DINGTALK = ("refused_at", "refused_code")
_MOMENTS = ("refused_at", "do_not_invite_since", "in_directory_since", "left_directory_at", "created_at")
_DAYS = ("do_not_invite_until",)
_OF_DIRECTORY = ("in_directory_since", "left_directory_at")
_MEMBERSHIP = ContactGroup.contacts.through


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """How many people are as they were, and how many were left alone, since they have changed or cannot come back."""

    people: int = 0
    left_alone: int = 0

    def __add__(self, other: "Restored") -> "Restored":
        return Restored(people=self.people + other.people, left_alone=self.left_alone + other.left_alone)


def restore(change: BookChange) -> Restored:
    """Takes back what ``change`` did to contacts."""
    restored = _remove_added(change)
    touched = ChangedContact.objects.of(change).by_key()
    for rows in batched(touched.edited().iterator(chunk_size=PIECE), PIECE):
        restored += _change_back(change, rows)
    for rows in batched(touched.gone().iterator(chunk_size=PIECE), PIECE):
        restored += _bring_back(change, rows)
    return restored


def _remove_added(change: BookChange) -> Restored:
    """Deletes whom the change has added, but for those with whom anything was done since."""
    there = Contact.objects.of_book(change.book)
    named = ChangedContact.objects.of(change).added()
    restored = Restored()
    for added in (there.added_by(change), there.named_in(named)):
        for piece in pieces(keys_of(added)):
            changed = set(ChangedContact.objects.later_than(change).among(piece).keys())
            going = [key for key in piece if key not in changed]
            auditing.note_taken_back(change, named.among(going))
            Contact.objects.among(going).delete()
            restored += Restored(people=len(piece) - len(changed), left_alone=len(changed))
    return restored


def _change_back(change: BookChange, rows: Sequence[ChangedContact]) -> Restored:
    """Gives contacts the values back that a change took from them."""
    book = change.book
    stored = Contact.objects.of_book(book).in_bulk([row.contact_key for row in rows])
    taken = _taken(book, rows)
    changing = {row: stored[row.contact_key] for row in rows if _can_change_back(row, stored, taken)}
    fields: set[str] = set()
    for row, contact in changing.items():
        for name in _difference(row):
            setattr(contact, name, _value(name, row.was[name]))
            fields.add(name)
    Contact.objects.rewrite(changing.values(), fields)
    auditing.note_taken_back(change, changing)
    _leave_groups(changing)
    regroup(book, {row.contact_key: row.was for row in changing})
    return Restored(people=len(changing), left_alone=len(rows) - len(changing))


def _can_change_back(row: ChangedContact, stored: Mapping[int, Contact], taken: Mapping[str, int]) -> bool:
    """Whether a contact is there, still is as the change left it, and nobody else has what it had before."""
    contact = stored.get(row.contact_key)
    if contact is None:
        return False
    names = [name for name in _difference(row) if name not in _SAID_BY_DINGTALK]
    is_as_left = all(_as_json(getattr(contact, name)) == row.became[name] for name in names)
    return is_as_left and all(taken.get(row.was[name], contact.pk) == contact.pk for name in _UNIQUE)


def _difference(row: ChangedContact) -> list[str]:
    """The fields that a change has changed."""
    return [
        name
        for name in journal.FIELDS
        if name in row.was and name in row.became and row.was[name] != row.became[name]
    ]


def _leave_groups(changing: Iterable[ChangedContact]) -> None:
    """Takes contacts out of the groups that a change has put them into."""
    joined: dict[int, list[int]] = {}
    for row in changing:
        for group in set(row.became.get("groups", [])) - set(row.was.get("groups", [])):
            joined.setdefault(group, []).append(row.contact_key)
    for group, keys in joined.items():
        _MEMBERSHIP.objects.filter(contactgroup=group, contact__in=keys).delete()


def _bring_back(change: BookChange, rows: Sequence[ChangedContact]) -> Restored:
    """Makes contacts again that a change has deleted, with their keys and groups."""
    book = change.book
    there = set(Contact.objects.among(row.contact_key for row in rows).keys())
    taken = _taken(book, rows)
    coming = [
        row
        for row in rows
        if row.contact_key not in there and not any(row.was[name] in taken for name in _UNIQUE)
    ]
    contacts = [_as_before(row, book) for row in coming]
    _drop_dead_links(contacts)
    created = [contact.created_at for contact in contacts]
    Contact.objects.bulk_create(contacts)
    for contact, moment in zip(contacts, created, strict=True):
        # The field takes the present moment for every new row.
        contact.created_at = moment
    Contact.objects.bulk_update(contacts, ["created_at"], batch_size=PIECE)
    auditing.note_taken_back(change, coming)
    regroup(book, {row.contact_key: row.was for row in coming})
    return Restored(people=len(coming), left_alone=len(rows) - len(coming))


def _as_before(row: ChangedContact, book: AddressBook) -> Contact:
    """The contact of a snapshot, not saved yet."""
    fields = {name: _value(name, row.was[name]) for name in journal.FIELDS if name in row.was}
    return Contact(pk=row.contact_key, book=book, **fields)


def _drop_dead_links(contacts: Sequence[Contact]) -> None:
    """Forgets users and changes that were deleted meanwhile."""
    users = User.objects.in_bulk({contact.do_not_invite_by_id for contact in contacts} - {None})
    changes = BookChange.objects.in_bulk({contact.added_by_id for contact in contacts} - {None})
    for contact in contacts:
        if contact.do_not_invite_by_id not in users:
            contact.do_not_invite_by_id = None
        if contact.added_by_id not in changes:
            contact.added_by_id = None


def _taken(book: AddressBook, rows: Sequence[ChangedContact]) -> dict[str, int]:
    """Who in the book has one of the unionIds and numbers that these contacts had before."""
    return Contact.objects.of_book(book).values_taken(
        union_ids=[row.was["union_id"] for row in rows if row.was["union_id"]],
        phone_numbers=[row.was["phone_number"] for row in rows if row.was["phone_number"]],
    )


def _as_json(value: object) -> object:
    """``value`` as it stands in a snapshot that was stored."""
    return json.loads(json.dumps(value, cls=DjangoJSONEncoder))


def _value(name: str, stored: Any) -> Any:
    """What stands in a stored snapshot, as a contact has it."""
    if stored is None:
        return None
    if name in _MOMENTS:
        return parse_datetime(stored)
    return parse_date(stored) if name in _DAYS else stored


def regroup(book: AddressBook, snapshots: Mapping[int, dict[str, Any]]) -> None:
    """Puts contacts, by their keys, into those of the groups of their snapshots that there still are in ``book``."""
    there = set(ContactGroup.objects.of_book(book).values_list("pk", flat=True))
    _MEMBERSHIP.objects.bulk_create(
        (
            _MEMBERSHIP(contact_id=key, contactgroup_id=group)
            for key, snapshot in snapshots.items()
            for group in snapshot.get("groups", [])
            if group in there
        ),
        ignore_conflicts=True,
        batch_size=PIECE,
    )


def tell_of_directory(snapshots: Mapping[int, dict[str, Any]]) -> None:
    """Gives contacts back, by their keys, what was known of them in the directory that their book follows."""
    known = {
        key: snapshot
        for key, snapshot in snapshots.items()
        if any(snapshot.get(name) for name in _OF_DIRECTORY)
    }
    contacts = Contact.objects.in_bulk(known)
    for key, contact in contacts.items():
        for name in _OF_DIRECTORY:
            setattr(contact, name, _value(name, known[key].get(name)))
    Contact.objects.rewrite(contacts.values(), _OF_DIRECTORY)
