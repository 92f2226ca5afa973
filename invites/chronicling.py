"""Gathers what ever happened to one person, as far as somebody may see it, a page at a time. Only reads."""

from collections.abc import Sequence
from dataclasses import dataclass

from invites import permissions
from invites.models import Contact, Invitee, Person
from invites.models.invitee import Channel, InviteeQuerySet
from invites.permissions import Viewer

PAGE_SIZE = 30
# So many of somebody's invitations are looked through for a page of those that may be seen, piece by piece.
PIECES = (PAGE_SIZE + 1, 200, 800)
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

    ``names`` are the others under which they were called; ``older`` is where the next page begins, or None. A page that
    is not full and has a next one ends where it was looked far enough for one page.
    """

    ways: Sequence[Way]
    names: Sequence[str]
    rows: Sequence[Invitee]
    older: int | None

    @property
    def is_cut_short(self) -> bool:
        """Whether there may be more that belongs on this page."""
        return self.older is not None and len(self.rows) < PAGE_SIZE


def chronicle(person: Person, *, user: Viewer, before: int | None = None) -> Chronicle:
    """What happened to ``person``, as far as ``user`` may see it, before the invitee with the key ``before``."""
    ways = _ways(person, user)
    people = Invitee.objects.all().on_record()
    parts = [people.reached_by(way.channel, way.value) for way in ways] or [people.called_as(person)]
    keys, older = _page(parts, user, before)
    rows = Invitee.objects.among(keys).for_chronicle().order_by("-invitation__sent_at", "-pk")
    names = permissions.people(user).reached_by(way.value for way in ways).names(MOST_NAMES)
    return Chronicle(
        ways=ways,
        names=[name for name in names if name != person.nick],
        rows=list(rows),
        older=older,
    )


def _ways(person: Person, user: Viewer) -> list[Way]:
    """That of ``person``, and those which their contacts have in books that ``user`` may read."""
    if person.is_erased:
        return []
    ways = {(person.channel, person.value): None}
    contacts = Contact.objects.in_books(permissions.readable_books(user))
    for contact in contacts.reached_by(person.channel, person.value)[:MOST_WAYS]:
        ways |= {(Channel.UNION_ID, contact.union_id): None, (Channel.PHONE, contact.phone_number): None}
    known = [Way(channel=channel, value=value) for channel, value in ways if value]
    return known[:MOST_WAYS]


def _page(parts: Sequence[InviteeQuerySet], user: Viewer, before: int | None) -> tuple[list[int], int | None]:
    """The keys of a page of invitees, the newest of all ``parts``, and where the next page begins."""
    walked = [_walk(part, user, before) for part in parts]
    # Beyond the nearest of these ends one of the parts may have more than is known.
    end = max((end for _keys, end in walked if end is not None), default=None)
    keys = sorted((key for keys, _end in walked for key in keys if key >= (end or 0)), reverse=True)
    return keys[:PAGE_SIZE], keys[PAGE_SIZE - 1] if len(keys) > PAGE_SIZE else end


def _walk(part: InviteeQuerySet, user: Viewer, before: int | None) -> tuple[list[int], int | None]:
    """The keys of those of ``part`` whom ``user`` may see, and how far back was looked; None for all the way.

    Along an index and in pieces: who was invited into which conferences is asked first, and which of these may be seen
    then, so that it costs the same for whoever sees few of many.
    """
    keys: list[int] = []
    for size in PIECES:
        places = part.newest(before=before, limit=size)
        seen = permissions.conferences_in_history(user).keys_among({place.conference for place in places})
        keys += [place.invitee for place in places if place.conference in seen]
        if len(places) < size:
            return keys, None
        before = places[-1].invitee
        if len(keys) > PAGE_SIZE:
            break
    return keys, before
