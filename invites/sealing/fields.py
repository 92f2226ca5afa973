"""The canonical form of a field of a sealed row, once as SQL for PostgreSQL and once in Python for SQLite.

It is that of PostgreSQL's COPY as far as these fields need it: ``\\N`` for nothing; backslashes, tabs and ends of lines
escaped inside texts; times in UTC. A test holds both to the same bytes.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from invites.sealing.digests import digest_of, json_text

NOTHING = r"\N"
# What stands in the place of a digest where a snapshot and who it was do not agree: nothing sealed has that.
_DISAGREE = "!"
_KEPT, _COMPUTED = 1, 0
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


class Field(Protocol):
    """One field of a row."""

    @property
    def postgresql(self) -> str:
        """The SQL of its canonical form, NULL for nothing."""

    @property
    def columns(self) -> Sequence[str]:
        """What SQLite is asked for, to be given to ``form``."""

    def form(self, *values: Any) -> str | None:
        """The canonical form of what SQLite gave; None for nothing."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A number, a day, or one of the words that we ourselves define."""

    column: str

    @property
    def postgresql(self) -> str:
        return f"{self.column}::text"

    @property
    def columns(self) -> Sequence[str]:
        return (self.column,)

    def form(self, *values: Any) -> str | None:
        return None if values[0] is None else str(values[0])


@dataclass(frozen=True, slots=True)
class Text(Plain):
    """A text from elsewhere, in which anything may stand."""

    @property
    def postgresql(self) -> str:
        escaped = self.column
        for character, escape in (
            (r"'\'", r"'\\'"),
            (r"E'\t'", r"'\t'"),
            (r"E'\n'", r"'\n'"),
            (r"E'\r'", r"'\r'"),
        ):
            escaped = f"replace({escaped}, {character}, {escape})"
        return escaped

    def form(self, *values: Any) -> str | None:
        return None if values[0] is None else str(values[0]).translate(_ESCAPES)


@dataclass(frozen=True, slots=True)
class Flag(Plain):
    """True or false."""

    @property
    def postgresql(self) -> str:
        return f"left({self.column}::text, 1)"

    def form(self, *values: Any) -> str | None:
        return "t" if values[0] else "f"


@dataclass(frozen=True, slots=True)
class Moment(Plain):
    """A moment, in UTC."""

    def form(self, *values: Any) -> str | None:
        if values[0] is None:
            return None
        text = str(values[0])
        return f"{text.rstrip('0').rstrip('.') if '.' in text else text}+00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Salted:
    """The digest of texts that are personal: made of them and a salt, or the one that was kept when they were erased.

    ``is_erased`` and ``agrees`` are conditions in SQL that both databases read; where neither holds nothing fits.
    """

    salt: str
    texts: Sequence[str]
    kept: str
    is_erased: str
    agrees: str = "TRUE"
    documents: Sequence[str] = ()

    @property
    def postgresql(self) -> str:
        texts = (*self.texts, *(f"{column}::text" for column in self.documents))
        measured = " || ".join(f"coalesce(length({text}) || ':' || {text}, '-')" for text in texts)
        return (
            f"CASE WHEN {self.is_erased} THEN encode({self.kept}, 'hex') "
            f"WHEN {self.agrees} THEN encode(sha256({self.salt} || convert_to({measured}, 'UTF8')), 'hex') "
            f"ELSE '{_DISAGREE}' END"
        )

    @property
    def columns(self) -> Sequence[str]:
        which = f"CASE WHEN {self.is_erased} THEN {_KEPT} WHEN {self.agrees} THEN {_COMPUTED} END"
        return (which, self.kept, self.salt, *self.texts, *self.documents)

    def form(self, *values: Any) -> str | None:
        which, kept, salt, *texts = values
        if which is None:
            return _DISAGREE
        if which == _KEPT:
            return bytes(kept).hex()
        texts, documents = texts[: len(self.texts)], texts[len(self.texts) :]
        read = (None if text is None else json_text(json.loads(text)) for text in documents)
        return digest_of(salt, *texts, *read).hex()
