"""What a page has seen of what it shows, so that it is sent only what is new to it.

A page's address names each of its parts and rows by a few characters that depend on what is shown there. So nothing
hangs on clocks, and a change that is committed late is found all the same.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

_LENGTH = 3
_BETWEEN = "."


def fingerprint(*facts: object) -> str:
    """A few characters that are the same for the same facts, in every process, and hardly ever for others."""
    digest = hashlib.blake2b(repr(facts).encode(), digest_size=_LENGTH).digest()
    return urlsafe_b64encode(digest).decode()[:_LENGTH]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The fingerprints of what is shown: the parts of a page in a fixed order, and its rows in theirs."""

    parts: Sequence[str]
    rows: Sequence[str]

    @classmethod
    def read(cls, text: str) -> Self:
        """What an address says; of nonsense, nothing that anybody shows."""
        parts, _dot, rows = text.partition(_BETWEEN)
        return cls(parts=_cut(parts), rows=_cut(rows))

    def __str__(self) -> str:
        return "".join(self.parts) + _BETWEEN + "".join(self.rows)

    def new_rows(self, before: Self) -> set[int] | None:
        """Which rows differ from ``before``, by their place; None where they cannot be told apart one by one."""
        if len(self.rows) != len(before.rows):
            return None
        pairs = zip(self.rows, before.rows, strict=True)
        return {place for place, (now, then) in enumerate(pairs) if now != then}

    def new_parts(self, names: Collection[str], before: Self) -> Mapping[str, bool]:
        """For each of the ``names`` of the parts whether it differs from ``before``."""
        then = list(before.parts) if len(before.parts) == len(self.parts) else [""] * len(self.parts)
        return {name: now != was for name, now, was in zip(names, self.parts, then, strict=True)}


def _cut(text: str) -> list[str]:
    return [text[start : start + _LENGTH] for start in range(0, len(text), _LENGTH)]
