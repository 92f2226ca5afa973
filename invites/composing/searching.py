"""Finds contacts, groups and books while somebody types into the composer. Only reads."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from invites import finding, permissions, sparing
from invites.composing.fields import holds_a_separator
from invites.composing.recognising import person_of
from invites.likeness import Likeness, likeness
from invites.models import AddressBook, Contact, ContactGroup, Invitation, User
from invites.models.app import App

CONTACTS, GROUPS, BOOKS = 8, 4, 2


class Kind(StrEnum):
    """What a suggestion adds; also the name of the field that names it in a form."""

    CONTACT = "contact"
    GROUP = "group"
    BOOK = "book"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Something to add with one key: a contact, or the ``people`` of a group or a book.

    ``mark`` is why the contact is to be left alone; so many ``marked`` of a group are.
    """

    kind: Kind
    pk: int
    name: str
    book: str = ""
    people: int = 1
    marked: int = 0
    contact: Contact | None = None
    mark: Contact | None = None
    is_on_list: bool = False


def suggest(*, text: str, user: User, app: App, draft: Invitation | None) -> list[Suggestion]:
    """What in the books that ``user`` may read contains ``text``; nothing for what is a line rather than a name."""
    text = text.strip()
    if not text or holds_a_separator(text):
        return []
    books = permissions.readable_books(user).of_app(app)
    contacts = Contact.objects.in_books_with_keys(books.values_list("pk", flat=True))
    groups = permissions.contact_groups(user, app=app).matching(text).with_book().for_list()
    return [
        *_of_contacts(
            finding.find(contacts, text=text, most=CONTACTS).contacts, user=user, app=app, draft=draft
        ),
        *map(_of_group, groups[:GROUPS]),
        *map(_of_book, books.matching(text).for_list()[:BOOKS]),
    ]


def may_be_a_colleague(text: str, *, found: Sequence[Suggestion]) -> bool:
    """Whether the company directory may know more of ``text`` than the books have ``found``: a name, and few of it."""
    text = text.strip()
    if not text or holds_a_separator(text) or any(map(str.isdecimal, text)):
        return False
    contacts = sum(suggestion.kind == Kind.CONTACT for suggestion in found)
    return likeness(text) < Likeness.LIKELY and contacts < CONTACTS


def listed(draft: Invitation | None, *, union_ids: list[str], phone_numbers: list[str]) -> set[str]:
    """Of those with these unionIds and E.164 numbers who stand on ``draft``: all by which they are known."""
    known: set[str] = set()
    if draft is None:
        return known
    for invitee in draft.invitees.known_as(union_ids=union_ids, phone_numbers=phone_numbers).with_contact():
        known.add(invitee.value)
        if invitee.contact:
            known |= {invitee.contact.union_id, invitee.contact.phone_number}
    return known - {""}


def _of_contacts(
    contacts: list[Contact], *, user: User, app: App, draft: Invitation | None
) -> Iterable[Suggestion]:
    known = listed(
        draft,
        union_ids=[contact.union_id for contact in contacts if contact.union_id],
        phone_numbers=[contact.phone_number for contact in contacts if contact.phone_number],
    )
    marks = sparing.marks(list(map(person_of, contacts)), user=user, app=app)
    for contact, mark in zip(contacts, marks, strict=True):
        yield Suggestion(
            kind=Kind.CONTACT,
            pk=contact.pk,
            name=contact.nick,
            book=contact.book.name,
            contact=contact,
            mark=mark,
            is_on_list=not known.isdisjoint({contact.union_id, contact.phone_number}),
        )


def _of_group(group: ContactGroup) -> Suggestion:
    people: int = group.invited_count  # type: ignore[attr-defined]  # annotated by for_list
    marked: int = group.marked_count  # type: ignore[attr-defined]
    return Suggestion(
        kind=Kind.GROUP,
        pk=group.pk,
        name=group.name,
        book=group.book.name,
        people=people,
        marked=marked,
    )


def _of_book(book: AddressBook) -> Suggestion:
    people: int = book.contact_count
    return Suggestion(kind=Kind.BOOK, pk=book.pk, name=book.name, people=people)
