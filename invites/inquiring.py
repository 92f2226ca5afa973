"""Asks the company directory for people while somebody waits, and puts those found on a list and into a book.

The directory costs nothing of the quota, but it is slow and shared: a search asks it twice, adding somebody once, and
nothing asks it while one types. Raises DingTalkRefused where it says no or nothing, AppUnavailable where the app is.
"""

import time
from dataclasses import dataclass, replace

from django.db import IntegrityError, transaction

from invites import absorbing, composing, curating, permissions, sparing
from invites.composing import Change, Entry
from invites.connecting import client_for
from invites.dingtalk import DingTalkError, DirectoryPerson
from invites.errors import ColleagueGone
from invites.guarding import refuse_demo_person
from invites.models import AddressBook, App, Contact, Invitation, User
from invites.refusing import directory_refusal

FOUND = 20
"""So many people are shown at a time."""

_PATIENCE = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Colleague:
    """Somebody whom the directory has found, and what is known of them here.

    ``books`` are the names of those in which they are; ``mark`` is the contact that says "do not invite".
    """

    user_id: str
    nick: str
    union_id: str
    phone_number: str
    books: tuple[str, ...] = ()
    mark: Contact | None = None
    is_on_list: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Whom a search has found. ``next_offset`` is where it goes on; ``unusable`` have neither unionId nor number."""

    people: list[Colleague]
    unusable: int = 0
    next_offset: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What adding somebody did to the list, and whether their book has them since then."""

    change: Change
    nick: str
    is_new_in_book: bool


def search(*, text: str, offset: int = 0, app: App, user: User, draft: Invitation | None) -> Found:
    """The people whose names contain ``text``, with what ``user`` may know of them."""
    until = time.monotonic() + _PATIENCE
    directory = client_for(app).directory
    try:
        found = directory.search_users(query_word=text, offset=offset, size=FOUND, deadline=until)
        people = found.ids and directory.batch_get_users(user_ids=found.ids, deadline=until).people
    except DingTalkError as error:
        raise directory_refusal(error) from error
    usable = [entry for person in people or () if (entry := _usable(person)) is not None]
    return Found(
        people=_known_here(usable, app=app, user=user, draft=draft),
        unusable=len(found.ids) - len(usable),
        next_offset=offset + len(found.ids) if found.has_more and found.ids else None,
    )


def add(*, draft: Invitation, user_id: str, book: AddressBook | None, user: User) -> Added:
    """Puts the person with this id inside the company on a list, and into ``book`` where one is named.

    They are taken as the directory has them by now, not as a page has shown them. Raises ColleagueGone where it no
    longer shows them.
    """
    colleague = _ask(app=draft.conference.app, user_id=user_id)
    is_new = _keep(colleague, book=book, user=user) if book else False
    found = Entry(nick=colleague.nick, union_id=colleague.union_id, phone_number=colleague.phone_number)
    change = composing.add_found(draft=draft, found=found, user=user)
    return Added(change=change, nick=colleague.nick, is_new_in_book=is_new)


def _keep(colleague: Colleague, *, book: AddressBook, user: User) -> bool:
    """Puts somebody into a book; False where they are there already."""
    refuse_demo_person(app=book.app, values=[colleague.union_id, colleague.phone_number])
    contact = Contact(
        book=book,
        nick=colleague.nick,
        union_id=colleague.union_id,
        phone_number=colleague.phone_number,
    )
    try:
        with transaction.atomic():
            curating.save_contact(contact=contact, user=user)
    except IntegrityError:
        return False
    return True


def _ask(*, app: App, user_id: str) -> Colleague:
    client = client_for(app)
    until = time.monotonic() + _PATIENCE
    try:
        people = client.directory.batch_get_users(user_ids=[user_id], deadline=until).people
    except DingTalkError as error:
        raise directory_refusal(error) from error
    colleague = _usable(people[0]) if people else None
    if colleague is None:
        raise ColleagueGone
    return colleague


def _usable(person: DirectoryPerson) -> Colleague | None:
    """``person`` as a contact could be; None where there is no way to reach them."""
    found = absorbing.colleague(person)
    if found is None:
        return None
    return Colleague(
        user_id=person.user_id, nick=found.nick, union_id=found.union_id, phone_number=found.phone_number
    )


def _known_here(
    people: list[Colleague], *, app: App, user: User, draft: Invitation | None
) -> list[Colleague]:
    """``people`` with the books in which they are, their marks, and whether they are on the list."""
    union_ids = [person.union_id for person in people if person.union_id]
    numbers = [person.phone_number for person in people if person.phone_number]
    contacts = permissions.contacts(user, app=app).with_book()
    by_union_id: dict[str, list[Contact]] = {}
    for contact in contacts.reachable_as(union_ids=union_ids, phone_numbers=[]):
        by_union_id.setdefault(contact.union_id, []).append(contact)
    identities = [
        sparing.Identity(
            value=person.union_id or person.phone_number,
            union_id=person.union_id,
            phone_numbers=frozenset({person.phone_number} - {""}),
        )
        for person in people
    ]
    marks = sparing.marks(identities, user=user, app=app)
    listed = composing.listed(draft, union_ids=union_ids, phone_numbers=numbers)
    return [
        replace(
            person,
            books=tuple(contact.book.name for contact in by_union_id.get(person.union_id, ())),
            mark=mark,
            is_on_list=not listed.isdisjoint({person.union_id, person.phone_number} - {""}),
        )
        for person, mark in zip(people, marks, strict=True)
    ]
