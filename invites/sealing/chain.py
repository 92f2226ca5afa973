"""The chain: each day's digest is keyed, and made over that of the day before, the day, and what its sections hold."""

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from invites.models import SealedSection
from invites.models.sealed_day import DIGEST_BYTES
from invites.sealing.keys import SealingKey, mark
from invites.sealing.lines import lines
from invites.sealing.sections import Section

BEGINNING = bytes(DIGEST_BYTES)
"""What stands in the place of the digest of the day before where there is none."""
_KEY_BYTES = 8
_MARK_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What one section of one day holds."""

    name: str
    rows: int
    digest: bytes
    marks: bytes


def contents(section: Section, day: date, *, key: SealingKey) -> Contents:
    """Reads one section of ``day``."""
    digest, marks, rows = hashlib.sha256(), bytearray(), 0
    for row, line in lines(section, day):
        digest.update(line)
        marks += row.to_bytes(_KEY_BYTES, "big") + mark(line, key=key)
        rows += 1
    return Contents(name=section.name, rows=rows, digest=digest.digest(), marks=bytes(marks))


def contents_of(section: SealedSection) -> Contents:
    """What was sealed of one section."""
    return Contents(
        name=section.name, rows=section.rows, digest=bytes(section.digest), marks=bytes(section.marks)
    )


def chained(previous: bytes, day: date, sections: Sequence[Contents], *, key: SealingKey) -> bytes:
    """The digest of a day that follows one with the digest ``previous``."""
    digest = hmac.new(key.chain, previous + day.isoformat().encode(), hashlib.sha256)
    for section in sections:
        digest.update(section.name.encode() + b"\0" + section.rows.to_bytes(8, "big"))
        digest.update(section.digest + hashlib.sha256(section.marks).digest())
    return digest.digest()


def marked_rows(marks: bytes) -> Iterator[tuple[int, bytes]]:
    """Each key with its mark."""
    for begin in range(0, len(marks), _MARK_BYTES):
        row = marks[begin : begin + _MARK_BYTES]
        yield int.from_bytes(row[:_KEY_BYTES], "big"), row[_KEY_BYTES:]


def as_sealed(sections: Iterable[SealedSection], *, order: Sequence[Section]) -> list[Contents]:
    """What was sealed of a day, in the order in which it is chained; what is not there is left out."""
    there = {section.name: section for section in sections}
    return [contents_of(there[section.name]) for section in order if section.name in there]
