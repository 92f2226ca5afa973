"""Tells who the people of an import are in their book, and what becomes of each. Only reads.

A person is known by unionId or phone number. Whoever stands in the import twice is taken the first time.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from django.utils.translation import gettext as _

from invites import clock, spelling
from invites.absorbing.cleaning import Person, Refusal
from invites.absorbing.problems import TWICE, TWO_CONTACTS
from invites.models import AddressBook, Contact, ContactGroup
from invites.models.contact import ContactQuerySet
from invites.models.contact_import import RowOutcome

# Plain strings: these are compared and written for every row.
ADD, CHANGE, SAME, REFUSE, LEAVE = (
    RowOutcome(outcome).value for outcome in ("add", "change", "same", "refuse", "leave")
)


class Known(NamedTuple):
    """A contact of the book, as far as an import can change it."""

    pk: int
    nick: str
    union_id: str
    phone_number: str
    do_not_invite_reason: str
    do_not_invite_until: date | None
    has_left: bool


class Row(NamedTuple):
    """One row as it is staged; the fields are those of ImportRow."""

    number: int
    outcome: str
    nick: str = ""
    union_id: str = ""
    phone_number: str = ""
    search_text: str = ""
    groups: Sequence[str] = ()
    do_not_invite_reason: str = ""
    do_not_invite_until: date | None = None
    contact_key: int | None = None
    problem: str = ""
    problem_field: str = ""
    cells: Sequence[str] = ()


class Comparison:
    """Compares one import with ``book``, piece by piece. ``counts`` says how many rows had which outcome.

    ``unmarks_leavers`` is for a directory: whoever is in it has not left it.
    """

    def __init__(self, book: AddressBook, *, unmarks_leavers: bool = False) -> None:
        self._book = book
        self._is_empty = not Contact.objects.of_book(book).exists()
        self._unmarks_leavers = unmarks_leavers
        # Who was met, and in which row. Numbers without their plus sign take half of the memory.
        self._union_ids: dict[str, int] = {}
        self._phone_numbers: dict[int, int] = {}
        self._contacts: dict[int, int] = {}
        # Whom rows are about that were refused: they change nobody, and yet these people are there.
        self._named: set[int] = set()
        self.counts: Counter[str] = Counter()
        self.group_names: set[str] = set()

    def compare(self, piece: Sequence[Person | Refusal]) -> list[Row]:
        """The rows of the next people of the import, in their order."""
        people = [person for person in piece if isinstance(person, Person)]
        by_union_id, by_phone_number = self._find(people)
        groups = self._groups_of([*by_union_id.values(), *by_phone_number.values()], people)
        rows = []
        for person in piece:
            if isinstance(person, Refusal):
                row = Row(
                    person.number,
                    REFUSE,
                    problem=person.problem,
                    problem_field=person.field,
                    cells=person.cells,
                )
            else:
                known = by_union_id.get(person.union_id)
                other = by_phone_number.get(person.phone_number)
                if known is not None and other is not None and known.pk != other.pk:
                    self._named |= {known.pk, other.pk}
                    row = _refused(person, TWO_CONTACTS, "phoneNumber")
                else:
                    row = self._judge(person, known or other, groups)
            self.counts[row.outcome] += 1
            rows.append(row)
        return rows

    def has_met(self, contact_key: int) -> bool:
        """Whether somebody of the import is the contact with this key, be it in a row that was refused."""
        return contact_key in self._contacts or contact_key in self._named

    def _judge(self, person: Person, known: Known | None, groups: dict[int, set[str]]) -> Row:
        if earlier := self._meet(person, known):
            if known is not None:
                self._named.add(known.pk)
            return _refused(person, f"{TWICE}:{earlier}", "")
        self.group_names.update(person.groups)
        if known is None:
            return _added(person)
        person = _with_known_mark(person, known)
        nick, phone_number = person.nick or known.nick, person.phone_number or known.phone_number
        is_same = (
            nick == known.nick
            and phone_number == known.phone_number
            and (not person.union_id or person.union_id == known.union_id)
            and (not person.do_not_invite_reason or _has_mark(known, person))
            and groups.get(known.pk, set()).issuperset(map(str.casefold, person.groups))
            and not (self._unmarks_leavers and known.has_left)
        )
        text = "" if is_same else spelling.search_text(nick=nick, phone_number=phone_number)
        return _row(person, SAME if is_same else CHANGE, search_text=text, contact_key=known.pk)

    def _meet(self, person: Person, known: Known | None) -> int:
        """The number of the row in which this person has been met before; 0 for the first time, which is noted."""
        union_id, number = person.union_id, person.number
        phone_number = int(person.phone_number) if person.phone_number else 0
        if known is not None and (earlier := self._contacts.get(known.pk)):
            return earlier
        if union_id and (earlier := self._union_ids.get(union_id)):
            return earlier
        if phone_number and (earlier := self._phone_numbers.get(phone_number)):
            return earlier
        if known is not None:
            self._contacts[known.pk] = number
        if union_id:
            self._union_ids[union_id] = number
        if phone_number:
            self._phone_numbers[phone_number] = number
        return 0

    def _find(self, people: Sequence[Person]) -> tuple[dict[str, Known], dict[str, Known]]:
        """The contacts of the book with a unionId or a phone number of one of ``people``, by these."""
        if self._is_empty:
            return {}, {}
        contacts = Contact.objects.of_book(self._book)
        union_ids = {person.union_id for person in people} - {""}
        phone_numbers = {person.phone_number for person in people} - {""}
        by_union_id = (
            _known(contacts.reachable_as(union_ids=union_ids, phone_numbers=())) if union_ids else []
        )
        by_phone = (
            _known(contacts.reachable_as(union_ids=(), phone_numbers=phone_numbers)) if phone_numbers else []
        )
        return {known.union_id: known for known in by_union_id}, {
            known.phone_number: known for known in by_phone
        }

    def _groups_of(self, contacts: Iterable[Known], people: Iterable[Person]) -> dict[int, set[str]]:
        """The folded names of the groups of ``contacts``, where the import has groups at all."""
        if not any(person.groups for person in people):
            return {}
        found: dict[int, set[str]] = {}
        for pk, name in ContactGroup.objects.names_by_contact({known.pk for known in contacts}):
            found.setdefault(pk, set()).add(name.casefold())
        return found


def _known(contacts: ContactQuerySet) -> list[Known]:
    rows = contacts.values_list(*Known._fields[:-1], "left_directory_at")
    return [Known._make((*row[:-1], row[-1] is not None)) for row in rows]


def _with_known_mark(person: Person, known: Known) -> Person:
    """``person``, whose mark without a reason takes nothing from the one that holds: its reason stays, and its last day
    where no other is named.
    """
    until = known.do_not_invite_until
    holds = known.do_not_invite_reason and (until is None or until >= clock.today())
    if not holds or person.do_not_invite_reason != _("No reason was given."):
        return person
    return person._replace(
        do_not_invite_reason=known.do_not_invite_reason,
        do_not_invite_until=person.do_not_invite_until or until,
    )


def _has_mark(known: Known, person: Person) -> bool:
    return (known.do_not_invite_reason, known.do_not_invite_until) == (
        person.do_not_invite_reason,
        person.do_not_invite_until,
    )


def _added(person: Person) -> Row:
    if not person.nick:
        # As in the composer: a number without a name is taken, and gets one that can be edited.
        last = (person.phone_number or person.union_id)[-4:]
        person = person._replace(nick=_("Guest %(last)s") % {"last": last})
    text = spelling.search_text(nick=person.nick, phone_number=person.phone_number)
    return _row(person, ADD, search_text=text, contact_key=None)


def _refused(person: Person, problem: str, field: str) -> Row:
    return _row(person, REFUSE, search_text="", contact_key=None)._replace(
        problem=problem, problem_field=field
    )


def _row(person: Person, outcome: str, *, search_text: str, contact_key: int | None) -> Row:
    return Row(
        person.number,
        outcome,
        person.nick,
        person.union_id,
        person.phone_number,
        search_text,
        person.groups,
        person.do_not_invite_reason,
        person.do_not_invite_until,
        contact_key,
        person.remark,
    )
