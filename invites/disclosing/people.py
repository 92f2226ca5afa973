"""Finds out who somebody is: all the ways in which one person is known to be reached, and their names. Only reads."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.core.exceptions import ValidationError

from invites import encryption, phone_numbers
from invites.chronicling import Way
from invites.models import Contact, Member, Person
from invites.models.invitee import Channel
from invites.models.person import ERASED_NICK

MOST_FOUND = 50
# Stands before what is in a token, so that nothing else that we have encrypted is taken for one.
_PURPOSE = "somebody"
_APART = "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Somebody:
    """One person: the ``ways`` in which they are reached, the first of which stands for all, and their ``names``."""

    ways: tuple[Way, ...]
    names: tuple[str, ...]

    @property
    def token(self) -> str:
        """What an address names them by."""
        return token_of(self.ways[0])

    @property
    def tells(self) -> list[str]:
        """What in a text would say that it is they."""
        numbers = (text for number in self.phone_numbers for text in phone_numbers.spellings(number))
        return [*self.names, *self.union_ids, *numbers]

    @property
    def union_ids(self) -> list[str]:
        """Their unionIds."""
        return [way.value for way in self.ways if way.channel == Channel.UNION_ID]

    @property
    def phone_numbers(self) -> list[str]:
        """Their numbers."""
        return [way.value for way in self.ways if way.channel == Channel.PHONE]


def token_of(somebody: Way | Person) -> str:
    """What an address names whoever is reached so by. Nobody reads a unionId or a number in it, nor in a log."""
    return encryption.encrypt(_APART.join((_PURPOSE, somebody.channel, somebody.value)))


def behind(token: str) -> Somebody:
    """Whom an address names by ``token``. Raises LookupError for what is no such token, or was made with other keys."""
    try:
        purpose, channel, value = encryption.decrypt(token).split(_APART)
    except (ValueError, encryption.UndecryptableError) as error:
        raise LookupError(_PURPOSE) from error
    if purpose != _PURPOSE:
        raise LookupError(_PURPOSE)
    return gather([Way(channel=channel, value=value)])[0]


def find(text: str, *, country: str) -> list[Somebody]:
    """Whom ``text`` finds: by a unionId or a number, written as people in ``country`` do, or by name; the first
    `MOST_FOUND` of the history, of the books, and of whom conferences have reported.
    """
    text = text.strip()
    if not text:
        return []
    ways = [Way(channel=way.channel, value=way.value) for way in _meant(text, country)]
    people = Person.objects.matching(text, by_phone_number=True).order_by("-pk")[:MOST_FOUND]
    ways += [Way(channel=person.channel, value=person.value) for person in people]
    for contact in Contact.objects.matching(text).order_by("-pk")[:MOST_FOUND]:
        ways += _ways(contact.union_id, contact.phone_number)
    for member in Member.objects.called(text).order_by("-pk")[:MOST_FOUND]:
        ways += _ways(member.union_id, "")
    return gather(ways)


def gather(ways: Iterable[Way]) -> list[Somebody]:
    """The people behind ``ways``, each once, in this order. What it costs does not depend on how many they are.

    A contact says which number belongs to which unionId. One that several unionIds have belongs to none of them: it is
    somebody of its own, since whoever is erased must not take others with them.
    """
    given = list(dict.fromkeys(ways))
    known = _contacts([*given, *(way for row in _contacts(given) for way in _ways(row[0], row[1]))])
    owners = _owners(known)
    heads: dict[Way, list[Way]] = {}
    for way in [*given, *(way for row in known for way in _ways(row[0], row[1]))]:
        heads.setdefault(_head(way, owners), []).append(way)
    names = _names(heads, known, owners)
    wanted = dict.fromkeys(_head(way, owners) for way in given)
    return [
        Somebody(ways=tuple(dict.fromkeys([head, *heads[head]])), names=tuple(names.get(head, ())))
        for head in wanted
    ]


def _meant(text: str, country: str) -> list[Way]:
    """The number and the unionId that ``text`` may be in whole, where anything at all is known of them."""
    try:
        number = phone_numbers.parse(text, country=country)
    except ValidationError:
        number = ""
    return _ways(text if Member.objects.reached_by(Channel.UNION_ID, text).exists() else "", number)


def _ways(union_id: str, phone_number: str) -> list[Way]:
    ways = [
        Way(channel=Channel.UNION_ID, value=union_id),
        Way(channel=Channel.PHONE, value=phone_number),
    ]
    return [way for way in ways if way.value]


def _contacts(ways: Sequence[Way]) -> list[tuple[str, str, str]]:
    """UnionId, number and name of every contact that is reached in any of ``ways``."""
    found = Contact.objects.reachable_as(
        union_ids=[way.value for way in ways if way.channel == Channel.UNION_ID],
        phone_numbers=[way.value for way in ways if way.channel == Channel.PHONE],
    )
    return list(found.order_by("pk").values_list("union_id", "phone_number", "nick"))


def _owners(contacts: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """The unionId that each number belongs to, where it is one alone."""
    holders: dict[str, set[str]] = {}
    for union_id, phone_number, _nick in contacts:
        if union_id and phone_number:
            holders.setdefault(phone_number, set()).add(union_id)
    return {number: next(iter(ids)) for number, ids in holders.items() if len(ids) == 1}


def _head(way: Way, owners: dict[str, str]) -> Way:
    """The way that stands for whoever is reached in this one."""
    if way.channel == Channel.PHONE and way.value in owners:
        return Way(channel=Channel.UNION_ID, value=owners[way.value])
    return way


def _names(
    heads: dict[Way, list[Way]], contacts: Iterable[tuple[str, str, str]], owners: dict[str, str]
) -> dict[Way, dict[str, None]]:
    """Under what names each is known in books, in the history, and to conferences."""
    values = [way.value for ways in heads.values() for way in ways]
    in_history = Person.objects.reached_by(values).values_list("channel", "value", "nick")
    reported = Member.objects.with_union_ids(values).values_list("union_id", "nick").distinct()
    told = [
        *((way, nick) for union_id, number, nick in contacts for way in _ways(union_id, number)),
        *((Way(channel=channel, value=value), nick) for channel, value, nick in in_history),
        *((Way(channel=Channel.UNION_ID, value=union_id), nick) for union_id, nick in reported),
    ]
    called: dict[Way, dict[str, None]] = {}
    for way, nick in told:
        # A conference may report somebody without a name, and whoever was never called has none on record.
        if nick not in {"", ERASED_NICK}:
            called.setdefault(_head(way, owners), {})[nick] = None
    return called
