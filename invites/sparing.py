"""Says who is marked "do not invite", under whatever name, unionId or number they are about to be called. Only reads.

Whoever invites is bound by the marks in the books that they may read; the command line, which invites out of any book
of the app, by those in all of them. A mark means the person: it covers their unionId and their number, in whichever
book they stand, and holds until the end of its last day by the clock of this server.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Protocol

from invites import permissions
from invites.models import AddressBook, App, Contact, Invitation, Invitee, User
from invites.models.contact import ContactQuerySet
from invites.models.invitee import Channel

# Values in one query: well below what any database takes, and few queries for 10,000 people.
CHUNK = 2000


class Somebody(Protocol):
    """A person about to be called by ``value``, and what else they are known by; ``phone_numbers`` are E.164."""

    @property
    def value(self) -> str: ...
    @property
    def union_id(self) -> str: ...
    @property
    def phone_numbers(self) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """`Somebody` who is no more than that, with the ``key`` of what stands for them."""

    key: int = 0
    value: str
    union_id: str = ""
    phone_numbers: frozenset[str] = frozenset()


def identity(
    *, channel: str, value: str, union_id: str = "", phone_number: str = "", key: int = 0
) -> Identity:
    """Somebody who is called by ``value``, and whose contact has ``union_id`` and ``phone_number``."""
    by_phone = channel == Channel.PHONE
    return Identity(
        key=key,
        value=value,
        union_id=union_id if by_phone else value,
        phone_numbers=frozenset({value if by_phone else "", phone_number} - {""}),
    )


def marks(people: Sequence[Somebody], *, user: User | None, app: App) -> list[Contact | None]:
    """For each of ``people`` the marked contact for which they are to be left alone, None where there is none.

    A number that is somebody else's, too, does not make one person of two: of two different unionIds only the marked
    one is covered, but the number itself is not called.
    """
    marked = marked_contacts(user, app=app)
    # Nobody, in most books: then this is all.
    if not people or not marked.exists():
        return [None for _somebody in people]
    return _marks(people, marked)


def marks_on(invitees: Sequence[Invitee], *, user: User | None, app: App) -> list[Contact | None]:
    """As `marks`, for people on a list who come with their contacts."""
    people = [
        identity(
            channel=invitee.channel,
            value=invitee.value,
            union_id=invitee.contact.union_id if invitee.contact else "",
            phone_number=invitee.contact.phone_number if invitee.contact else "",
        )
        for invitee in invitees
    ]
    return marks(people, user=user, app=app)


def marked_contacts(user: User | None, *, app: App) -> ContactQuerySet:
    """The contacts whose marks bind ``user`` today; None is the command line."""
    if user is None:
        return Contact.objects.in_books(AddressBook.objects.of_app(app)).not_to_be_invited()
    return permissions.contacts(user, app=app).not_to_be_invited()


def to_leave_out(invitation: Invitation, *, user: User | None) -> list[int]:
    """The keys of those on ``invitation`` who are marked, but for those whom somebody put there in spite of it."""
    marked = marked_contacts(user, app=invitation.conference.app)
    if not marked.exists():
        return []
    people = [
        identity(
            key=pk, channel=channel, value=value, union_id=union_id or "", phone_number=phone_number or ""
        )
        for pk, channel, value, union_id, phone_number in invitation.invitees.not_overridden().identities()
    ]
    found = zip(people, _marks(people, marked), strict=True)
    return [somebody.key for somebody, mark in found if mark is not None]


def _marks(people: Sequence[Somebody], marked: ContactQuerySet) -> list[Contact | None]:
    by_union_id, by_number = _look_up(people, marked)
    return [_mark_of(somebody, by_union_id, by_number) for somebody in people]


def _look_up(
    people: Iterable[Somebody], marked: ContactQuerySet
) -> tuple[Mapping[str, Contact], Mapping[str, list[Contact]]]:
    """Those of ``marked`` who may be one of ``people``, by unionId and by number."""
    by_union_id: dict[str, Contact] = {}
    by_number: dict[str, list[Contact]] = defaultdict(list)
    found: dict[int, Contact] = {}
    for some in batched(people, CHUNK):
        union_ids = {somebody.union_id for somebody in some} - {""}
        numbers = {number for somebody in some for number in somebody.phone_numbers}
        found |= marked.reachable_as(union_ids=union_ids, phone_numbers=numbers).in_bulk()
    for _pk, contact in sorted(found.items()):
        if contact.union_id:
            by_union_id.setdefault(contact.union_id, contact)
        if contact.phone_number:
            by_number[contact.phone_number].append(contact)
    return by_union_id, by_number


def _mark_of(
    somebody: Somebody, by_union_id: Mapping[str, Contact], by_number: Mapping[str, list[Contact]]
) -> Contact | None:
    if mark := by_union_id.get(somebody.union_id):
        return mark
    sharing = [contact for number in somebody.phone_numbers for contact in by_number.get(number, ())]
    return next((contact for contact in sharing if _is_same(somebody, contact)), None)


def _is_same(somebody: Somebody, contact: Contact) -> bool:
    """Whether somebody with the number of ``contact``, but not with its unionId, is left alone with it."""
    if somebody.value == contact.phone_number:
        return True
    return not (somebody.union_id and contact.union_id)
