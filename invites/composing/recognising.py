"""Finds out who the people of a pasted text are: which contacts, under which name, and who must stay out.

Only reads. Looks no further than the address books that the person who pastes may read.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import batched

from django.utils.translation import gettext as _

from invites import permissions
from invites.composing.reading import LINE_LENGTH, BadLine, Entry, line_of
from invites.errors import DemoPersonRefused
from invites.guarding import refuse_demo_person
from invites.models import App, Contact, Invitation, Invitee, User
from invites.models.contact import NICK_LENGTH
from invites.models.draft_line import LineProblem
from invites.models.invitee import Channel

# Values in one query: well below what any database takes, and few queries for 10,000 lines.
CHUNK = 2000
CHUNK_OF_NAMES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody to be put on a draft, and everything by which they may stand there already.

    ``overridden_by`` has decided that they are to be invited in spite of a mark "do not invite" with that reason.
    """

    channel: Channel
    value: str
    nick: str
    nick_filled_in: bool = False
    contact: Contact | None = None
    union_id: str = ""
    phone_numbers: frozenset[str] = frozenset()
    overridden_by: User | None = None
    overridden_reason: str = ""


def person_of(contact: Contact) -> Person:
    """A contact, by unionId where there is one."""
    return _person(Entry(union_id=contact.union_id, phone_number=contact.phone_number), contact)


def people_on(invitation: Invitation, *, user: User) -> list[Person]:
    """Everybody on a sent ``invitation`` but those who were erased, in order and as they were reached then.

    Somebody whose contact ``user`` may read is reached as the contact says by now: a wrong unionId may have been
    corrected.
    """
    contacts = permissions.contacts(user, app=invitation.conference.app).on(invitation).in_bulk()
    people = invitation.invitees.not_erased().in_order()
    return [_person_again(invitee, contacts.get(invitee.contact_id)) for invitee in people]


def recognise(
    items: Sequence[Entry | BadLine], *, user: User, app: App
) -> tuple[list[Person], list[BadLine]]:
    """The people among ``items`` in their order, and the lines that stay unusable.

    A line that is exactly the name of one contact stands for that contact.
    """
    contacts = _Contacts(user=user, app=app)
    contacts.look_up([item for item in items if isinstance(item, Entry)])
    called = contacts.called(
        [item.text for item in items if isinstance(item, BadLine) and _may_be_a_name(item)]
    )
    people: list[Person] = []
    bad: list[BadLine] = []
    for item in items:
        if isinstance(item, Entry):
            people.append(_person(item, contacts.of(item), contacts.name_of(item)))
        elif contact := called.get(item.text.casefold()):
            people.append(person_of(contact))
        else:
            bad.append(item)
    return keep_demo_people_out(people, bad, app=app)


def keep_demo_people_out(
    people: Iterable[Person], bad: Iterable[BadLine] = (), *, app: App
) -> tuple[list[Person], list[BadLine]]:
    """``people`` without those of the sandbox, who join ``bad``, unless ``app`` is the sandbox."""
    welcome: list[Person] = []
    refused = list(bad)
    for person in people:
        try:
            refuse_demo_person(app=app, values=[person.value, person.union_id, *person.phone_numbers])
        except DemoPersonRefused:
            text = line_of(nick=person.nick, channel=person.channel, value=person.value)
            refused.append(BadLine(text=text[:LINE_LENGTH], problem=LineProblem.DEMO_PERSON))
        else:
            welcome.append(person)
    return welcome, refused


def _may_be_a_name(line: BadLine) -> bool:
    return line.problem == LineProblem.NOTHING_USABLE and len(line.text) <= NICK_LENGTH


def _person(entry: Entry, contact: Contact | None, name: str = "") -> Person:
    nick = entry.nick or (contact.nick if contact else name)
    numbers = {entry.phone_number, contact.phone_number if contact else ""} - {""}
    return Person(
        channel=entry.channel,
        value=entry.value,
        nick=nick or _("Guest %(last)s") % {"last": entry.value[-4:]},
        nick_filled_in=not nick,
        contact=contact,
        union_id=entry.union_id or (contact.union_id if contact else ""),
        phone_numbers=frozenset(numbers),
    )


def _person_again(invitee: Invitee, contact: Contact | None) -> Person:
    by_phone = invitee.channel == Channel.PHONE
    known = contact and (contact.phone_number if by_phone else contact.union_id)
    value = known or invitee.value
    numbers = {value if by_phone else "", contact.phone_number if contact else ""} - {""}
    return Person(
        channel=Channel(invitee.channel),
        value=value,
        nick=invitee.nick,
        nick_filled_in=invitee.nick_filled_in,
        contact=contact,
        union_id=(contact.union_id if contact else "") if by_phone else value,
        phone_numbers=frozenset(numbers),
    )


class _Contacts:
    """Who is who in the books that a person may read; their own books come first."""

    def __init__(self, *, user: User, app: App) -> None:
        self.user = user
        self.readable = permissions.contacts(user, app=app).with_book()
        self.by_union_id: dict[str, Contact] = {}
        self.by_number: dict[str, list[Contact]] = defaultdict(list)

    def look_up(self, entries: Iterable[Entry]) -> None:
        """Reads the contacts of all ``entries``, a few thousand at a time."""
        found: dict[int, Contact] = {}
        for some in batched(dict.fromkeys(entries), CHUNK):
            union_ids = [entry.union_id for entry in some if entry.union_id]
            numbers = [entry.phone_number for entry in some if entry.phone_number]
            found |= self.readable.reachable_as(union_ids=union_ids, phone_numbers=numbers).in_bulk()
        for contact in self._own_first(found.values()):
            if contact.union_id:
                self.by_union_id.setdefault(contact.union_id, contact)
            if contact.phone_number:
                self.by_number[contact.phone_number].append(contact)

    def of(self, entry: Entry) -> Contact | None:
        """The contact that an entry certainly is: a number shared by several unionIds is nobody's in particular."""
        if entry.union_id:
            return self.by_union_id.get(entry.union_id)
        sharing = self.by_number.get(entry.phone_number, [])
        union_ids = {contact.union_id for contact in sharing if contact.union_id}
        return (
            max(sharing, key=lambda contact: bool(contact.union_id))
            if sharing and len(union_ids) <= 1
            else None
        )

    def name_of(self, entry: Entry) -> str:
        """A name for an entry that has none and is no certain contact."""
        sharing = self.by_number.get(entry.phone_number, [])
        return sharing[0].nick if sharing and not entry.union_id else ""

    def called(self, names: Iterable[str]) -> dict[str, Contact]:
        """The contacts with one of these names, by the name in small letters; only where it is one person's."""
        found: dict[int, Contact] = {}
        for some in batched(dict.fromkeys(names), CHUNK_OF_NAMES):
            found |= self.readable.called(some).in_bulk()
        by_name: dict[str, list[Contact]] = defaultdict(list)
        for contact in self._own_first(found.values()):
            by_name[contact.nick.casefold()].append(contact)
        return {name: people[0] for name, people in by_name.items() if len(set(_values(people))) == 1}

    def _own_first(self, contacts: Iterable[Contact]) -> list[Contact]:
        return sorted(contacts, key=lambda contact: (contact.book.owner_id != self.user.pk, contact.pk))


def _values(contacts: Iterable[Contact]) -> Iterator[str]:
    for contact in contacts:
        yield contact.union_id or contact.phone_number
