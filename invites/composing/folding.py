"""Folds people into a list, so that everybody stands on it once, however often and by whatever channel they are named.

Knows no queries. Two people are the same when they share a unionId, or a phone number without having two different
unionIds: a switchboard's number must not make one person of two.
"""

from collections.abc import Iterable

from invites.composing.recognising import Person
from invites.models import Invitation, Invitee, User
from invites.models.invitee import Channel


class _Seat:
    """Somebody on the list, with everything they are known by."""

    def __init__(self, invitee: Invitee, *, union_ids: set[str], numbers: set[str], is_new: bool) -> None:
        self.invitee = invitee
        self.is_new = is_new
        self.union_ids = union_ids
        self.numbers = numbers

    def may_be(self, union_id: str) -> bool:
        """Whether nothing speaks against this being the person with ``union_id``, which may be unknown."""
        return not union_id or not self.union_ids or union_id in self.union_ids


class Folding:
    """The list of a draft while people are added to it. Afterwards:

    new       invitees to be stored
    folded    those, new or not, who were named again; ``times_added`` has grown
    renamed   those already stored who had a filled-in name and got a real one
    overridden  those already stored whom somebody now wants to invite in spite of a mark "do not invite"
    gone      those already stored who turned out to be somebody else on the list
    """

    def __init__(self, draft: Invitation, invitees: Iterable[Invitee], *, next_position: int) -> None:
        self.draft = draft
        self.next_position = next_position
        self.new: list[Invitee] = []
        self.folded: dict[int, Invitee] = {}
        self.renamed: list[Invitee] = []
        self.overridden: list[Invitee] = []
        self.gone: list[Invitee] = []
        self.times_folded = 0
        self._by_value: dict[tuple[str, str], _Seat] = {}
        self._by_union_id: dict[str, _Seat] = {}
        self._by_number: dict[str, _Seat] = {}
        for invitee in sorted(invitees, key=lambda invitee: invitee.position):
            self._seat(_seat_of(invitee))

    def add(self, person: Person) -> None:
        """Gives ``person`` a seat, or the one they have."""
        seat = self._find(person)
        if seat is None:
            seat = _Seat(self._invitee(person), union_ids=set(), numbers=set(), is_new=True)
        else:
            self._name_again(seat, person)
        seat.union_ids |= {person.union_id} - {""}
        seat.numbers |= person.phone_numbers
        self._seat(seat)

    def seats(self, person: Person) -> bool:
        """Whether ``person`` has a seat already."""
        return self._find(person) is not None

    def _find(self, person: Person) -> _Seat | None:
        certain = self._by_value.get((person.channel, person.value)) or self._by_union_id.get(person.union_id)
        if certain:
            return certain
        seats = (self._by_number.get(number) for number in person.phone_numbers)
        return next((seat for seat in seats if seat and seat.may_be(person.union_id)), None)

    def _seat(self, seat: _Seat) -> None:
        """Notes what a seat is known by, and clears those that are thereby the same person's."""
        self._by_value[seat.invitee.channel, seat.invitee.value] = seat
        for union_id in seat.union_ids:
            self._by_union_id.setdefault(union_id, seat)
        for number in list(seat.numbers):
            other = self._by_number.setdefault(number, seat)
            if other is not seat and not other.union_ids:
                self._clear(other, into=seat)

    def _clear(self, seat: _Seat, *, into: _Seat) -> None:
        self._by_value[seat.invitee.channel, seat.invitee.value] = into
        for number in seat.numbers:
            self._by_number[number] = into
        into.numbers |= seat.numbers
        self._count(into, seat.invitee.times_added)
        self._override(into, by=seat.invitee.overridden_by, reason=seat.invitee.overridden_reason)
        self.folded.pop(id(seat.invitee), None)
        if seat.is_new:
            self.new = [invitee for invitee in self.new if invitee is not seat.invitee]
        else:
            self.gone.append(seat.invitee)

    def _name_again(self, seat: _Seat, person: Person) -> None:
        self._count(seat, 1)
        invitee = seat.invitee
        if invitee.nick_filled_in and not person.nick_filled_in:
            invitee.nick = person.nick
            invitee.nick_filled_in = False
            if not seat.is_new:
                self.renamed.append(invitee)
        self._override(seat, by=person.overridden_by, reason=person.overridden_reason)

    def _override(self, seat: _Seat, *, by: User | None, reason: str) -> None:
        if by is None or seat.invitee.is_overridden:
            return
        seat.invitee.overridden_by, seat.invitee.overridden_reason = by, reason
        if not seat.is_new:
            self.overridden.append(seat.invitee)

    def _count(self, seat: _Seat, times: int) -> None:
        seat.invitee.times_added += times
        self.times_folded += times
        self.folded[id(seat.invitee)] = seat.invitee

    def _invitee(self, person: Person) -> Invitee:
        invitee = Invitee(
            invitation=self.draft,
            position=self.next_position,
            channel=person.channel,
            value=person.value,
            nick=person.nick,
            nick_filled_in=person.nick_filled_in,
            contact=person.contact,
            overridden_by=person.overridden_by,
            overridden_reason=person.overridden_reason,
        )
        self.next_position += 1
        self.new.append(invitee)
        return invitee


def _seat_of(invitee: Invitee) -> _Seat:
    """The seat of somebody who is on the list; the contact they were added from may know them by more."""
    contact = invitee.contact
    union_ids = {contact.union_id} - {""} if contact else set()
    numbers = {contact.phone_number} - {""} if contact else set()
    (union_ids if invitee.channel == Channel.UNION_ID else numbers).add(invitee.value)
    return _Seat(invitee, union_ids=union_ids, numbers=numbers, is_new=False)
