"""Writes down what is done to address books, so that an owner sees who changed what and a change can be undone.

Every verb that changes contacts or groups notes it here, in its own transaction. Undoing is `invites.curating`. What an
auditor reads about it for good is written at the same time (`invites.auditing`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import batched

from invites import acting, auditing
from invites.models import AddressBook, BookChange, ChangedContact, Contact, User
from invites.models.book_change import ChangeKind

FIELDS = (
    "nick",
    "union_id",
    "phone_number",
    "refused_at",
    "refused_code",
    "do_not_invite_since",
    "do_not_invite_until",
    "do_not_invite_reason",
    "do_not_invite_by_id",
    "in_directory_since",
    "left_directory_at",
    "added_by_id",
    "created_at",
)
"""The fields of a contact that a snapshot holds, beside ``groups``, the keys of its groups."""

PIECE = 1000

type Snapshot = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """One contact of a change; ``before`` or ``after`` is None where it was not there, or where only groups changed."""

    key: int
    before: Snapshot | None = None
    after: Snapshot | None = None


def snapshot(contact: Contact) -> Snapshot:
    """A contact as it is, with the keys of its groups; wants ``with_groups`` where there are many."""
    fields: Snapshot = {name: getattr(contact, name) for name in FIELDS}
    return fields | {"groups": sorted(group.pk for group in contact.groups.all())}


def note(
    *,
    book: AddressBook,
    user: User | None,
    kind: ChangeKind,
    people: int = 0,
    detail: dict[str, object] | None = None,
    touched: Iterable[Touched] = (),
    can_be_undone: bool = False,
) -> BookChange:
    """Writes down that ``user`` (nobody, for what happens by itself) did something to ``book``, and returns it.

    ``detail`` holds the names and numbers of the sentence that tells it. The caller holds the transaction. The book's
    "last change" moves along.
    """
    change = BookChange.objects.create(
        book=book, user=user, kind=kind, people=people, detail=detail or {}, can_be_undone=can_be_undone
    )
    with acting.in_the_name_of(lambda: user):
        noted = sum(_keep(change, piece) for piece in batched(touched, PIECE))
        # Of a single person everything has been said.
        if not people == noted == 1:
            auditing.note_book_change(change)
    book.touch()
    return change


def _keep(change: BookChange, touched: Iterable[Touched]) -> int:
    """Keeps what an undo needs, and what is to be read for good; says of how many contacts."""
    rows = [
        ChangedContact(change=change, contact_key=each.key, before=each.before, after=each.after)
        for each in touched
    ]
    ChangedContact.objects.bulk_create(rows)
    return auditing.note_contacts(change, rows)
