"""Tells what is held of one person, and gives it to them as a file, which is put on record. Changes nothing else."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from invites import auditing
from invites.disclosing.people import MOST_FOUND, Somebody, behind, find, gather, token_of
from invites.disclosing.sections import SECTIONS, Fate, Section
from invites.models import Person, User

__all__ = [
    "CONTENT_TYPE",
    "MOST_FOUND",
    "Fate",
    "Held",
    "Somebody",
    "behind",
    "disclose",
    "find",
    "gather",
    "held",
    "token_of",
]

CONTENT_TYPE: Final = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """How much is held of somebody, section by section; only those in which there is something."""

    sections: list[tuple[Section, int]]

    def that(self, fate: Fate) -> list[tuple[Section, int]]:
        """Those of which an erasure makes this."""
        return [(section, count) for section, count in self.sections if section.fate is fate]

    @property
    def goes(self) -> list[tuple[Section, int]]:
        """What an erasure deletes."""
        return self.that(Fate.GOES)

    @property
    def is_emptied(self) -> list[tuple[Section, int]]:
        """What stays after an erasure, without them in it."""
        return self.that(Fate.IS_EMPTIED)

    @property
    def stays(self) -> list[tuple[Section, int]]:
        """What an erasure does not touch."""
        return self.that(Fate.STAYS)


def held(somebody: Somebody) -> Held:
    """What is held of ``somebody``."""
    counts = [(section, section.count(somebody)) for section in SECTIONS]
    return Held(sections=[(section, count) for section, count in counts if count])


def disclose(somebody: Somebody, *, by: User) -> Iterator[bytes]:
    """All that is held of ``somebody``, as one JSON document in parts. That ``by`` took it away is on record before the
    first of them.
    """
    people = Person.objects.reached_by(way.value for way in somebody.ways)
    auditing.note_disclosure(people.order_by("pk").first() or by)
    return _document(somebody)


def _document(somebody: Somebody) -> Iterator[bytes]:
    who = {
        "exportedAt": timezone.now(),
        "names": somebody.names,
        "unionIds": somebody.union_ids,
        "phoneNumbers": somebody.phone_numbers,
    }
    # A section after the other, so that somebody in very many calls does not have to fit into memory.
    yield _text(who).removesuffix("}").encode() + b', "held": {'
    for number, section in enumerate(SECTIONS):
        yield f'{", " if number else ""}"{section.key}": ['.encode()
        for place, row in enumerate(section.tell(somebody)):
            yield (", " if place else "").encode() + _text(row).encode()
        yield b"]"
    yield b"}}"


def _text(value: object) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
