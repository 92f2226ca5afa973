"""Finds people of a book who may be one and the same: those of one name. Only reads.

A book lets nobody in twice by unionId or number, so doubles have a name in common and different ways to be reached.
They are looked for in the order of names, a bounded part of the book at a time, so that a page costs the same in any
book.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from invites.models import AddressBook, Contact

WINDOW = 20_000
"""Contacts whose names are read at a time."""

WINDOWS = 3
"""How many times so many are read for one page."""

PEOPLE = 10
"""People of one name that are shown at a time."""


type Way = tuple[str, str, str]
"""Somebody's name in small letters, unionId and number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Double:
    """Several people of one name, the oldest first; there may be more of them than are here."""

    people: list[Contact]

    @property
    def nick(self) -> str:
        """What they are called."""
        return self.people[0].nick

    @property
    def union_ids(self) -> list[str]:
        """Their different unionIds."""
        return list(dict.fromkeys(contact.union_id for contact in self.people if contact.union_id))

    @property
    def phone_numbers(self) -> list[str]:
        """Their different numbers, in E.164."""
        return list(dict.fromkeys(contact.phone_number for contact in self.people if contact.phone_number))

    @property
    def is_likely(self) -> bool:
        """Whether nothing speaks against their being one person: two unionIds or two numbers would."""
        return len(self.union_ids) <= 1 and len(self.phone_numbers) <= 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubles:
    """Some of the doubles of a book; ``next_name`` is where looking for others goes on, "" at the end of the book."""

    doubles: list[Double]
    next_name: str


def find_doubles(book: AddressBook, *, after: str = "", only_likely: bool = False, most: int) -> Doubles:
    """Up to ``most`` of the doubles of ``book`` whose names follow the name ``after``; with ``only_likely`` those whom
    nothing tells apart.
    """
    names: list[str] = []
    for _window in range(WINDOWS):
        part = list(Contact.objects.of_book(book).ways_behind(after)[: WINDOW + 1])
        goes_on = len(part) > WINDOW
        # Of the last name there may be more behind the part; it is looked at again, unless it fills the part alone.
        last = part[-1][0] if part else ""
        complete = [way for way in part if way[0] != last] if goes_on and part[0][0] != last else part
        names += _repeated(complete, only_likely=only_likely)
        if len(names) > most:
            return Doubles(doubles=_people(book, names[:most]), next_name=names[most - 1])
        after = complete[-1][0] if complete else after
        if not goes_on:
            return Doubles(doubles=_people(book, names), next_name="")
    return Doubles(doubles=_people(book, names), next_name=after)


def double_called(book: AddressBook, name: str) -> Double | None:
    """The people of ``book`` with this name; None where there are not several."""
    return next(iter(_people(book, [name])), None)


def _repeated(ways: Iterable[Way], *, only_likely: bool) -> list[str]:
    """The names that stand in ``ways`` more than once, in their order; perhaps only where nothing tells them apart."""
    repeated = []
    for name, same in groupby(ways, key=itemgetter(0)):
        people = list(same)
        if len(people) > 1 and not (only_likely and _are_told_apart(people)):
            repeated.append(name)
    return repeated


def _are_told_apart(people: list[Way]) -> bool:
    """Whether two of them have a unionId, or two a number: in one book they never have the same."""
    return any(sum(bool(way[place]) for way in people) > 1 for place in (1, 2))


def _people(book: AddressBook, names: list[str]) -> list[Double]:
    """The people of these names, by name."""
    rows = list(Contact.objects.of_book(book).first_called(names, most=PEOPLE))
    contacts = {c.pk: c for c in Contact.objects.among(pk for _name, pk in rows).with_groups()}
    # Somebody may have gone since the names were read.
    people = [
        [contacts[pk] for _name, pk in same if pk in contacts]
        for _name, same in groupby(rows, key=itemgetter(0))
    ]
    return [Double(people=same) for same in people if len(same) > 1]
