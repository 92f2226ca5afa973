"""Gathers what ever happened to one person, as far as somebody may see it, a page at a time. Only reads."""

from collections.abc import Sequence
from dataclasses import dataclass

from invites import permissions
from invites.models import Contact, Invitee, Person
from invites.models.invitee import Channel
from invites.permissions import Viewer

PAGE_SIZE = 50
# One person has a unionId and a number or two; whatever books make of it, so many ways and names are looked at.
MOST_WAYS = 5
MOST_NAMES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How somebody is reached: by which channel, under which unionId or number."""

    channel: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chronicle:
    """The invitations of one person, newest first, by any of the ``ways`` in which they are known to be reached.

    ``names`` are the others under which they were called; ``older`` is where the next page begins, or None.
    """

    ways: Sequence[Way]
    names: Sequence[str]
    rows: Sequence[Invitee]
    older: int | None


def chronicle(person: Person, *, user: Viewer, before: int | None = None) -> Chronicle:
    """What happened to ``person``, as far as ``user`` may see it, before the invitee with the key ``before``."""
    ways = _ways(person, user)
    keys = _keys(person, ways, user, before)
    rows = Invitee.objects.among(keys[:PAGE_SIZE]).for_chronicle().order_by("-invitation__sent_at", "-pk")
    names = permissions.people(user).reached_by(way.value for way in ways).names(MOST_NAMES)
    return Chronicle(
        ways=ways,
        names=[name for name in names if name != person.nick],
        rows=list(rows),
        older=keys[PAGE_SIZE - 1] if len(keys) > PAGE_SIZE else None,
    )


def _ways(person: Person, user: Viewer) -> list[Way]:
    """That of ``person``, and those which their contacts have in books that ``user`` may read."""
    if person.is_erased:
        return []
    ways = {(person.channel, person.value): None}
    books = permissions.readable_books(user)
    same = Contact.objects.in_books(books).reachable_as(
        union_ids=[person.value] if person.channel == Channel.UNION_ID else [],
        phone_numbers=[person.value] if person.channel == Channel.PHONE else [],
    )
    for contact in same[:MOST_WAYS]:
        ways |= {(Channel.UNION_ID, contact.union_id): None, (Channel.PHONE, contact.phone_number): None}
    known = [Way(channel=channel, value=value) for channel, value in ways if value]
    return known[:MOST_WAYS]


def _keys(person: Person, ways: Sequence[Way], user: Viewer, before: int | None) -> list[int]:
    """The keys of a page of invitees and one more: of each way so many along its index, and of these the newest."""
    people = permissions.invitees(user)
    parts = [people.reached_by(way.channel, way.value) for way in ways] or [people.called_as(person)]
    keys = {key for part in parts for key in part.newest_keys(before=before, limit=PAGE_SIZE + 1)}
    return sorted(keys, reverse=True)[: PAGE_SIZE + 1]
