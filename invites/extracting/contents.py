"""What goes into a file: calls, whose rows a database may write itself, or changes, each of which is told in words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from django.db import connection
from django.utils.translation import gettext as _

from invites.extracting.cells import Manner
from invites.extracting.columns import COLUMNS, Column
from invites.extracting.copying import Lines, copy
from invites.extracting.reading import Piece, Rows, pieces, pieces_of_changes
from invites.models.attempt import AttemptQuerySet
from invites.models.audit_entry import AuditEntryQuerySet
from invites.models.history_export import ExportRows


class Contents(Protocol):
    """Rows with ``columns``, written in a ``manner``."""

    @property
    def columns(self) -> Sequence[Column]:
        """What stands in a row."""

    @property
    def manner(self) -> Manner:
        """How it is written."""

    @property
    def title(self) -> str:
        """What they are called together."""

    def pieces(self) -> Iterator[Piece]:
        """The rows, the newest first."""

    def lines(self) -> Iterator[Lines] | None:
        """The rows as lines of CSV, which the database writes itself; None where it does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Attempts that began before ``until``, and what of each of them."""

    attempts: AttemptQuerySet
    columns: Sequence[Column]
    manner: Manner
    until: datetime

    @property
    def title(self) -> str:
        """What they are called together."""
        return _("Calls")

    def pieces(self) -> Iterator[Piece]:
        """The rows, the newest first."""
        return pieces(self.attempts, columns=self.columns, until=self.until)

    def lines(self) -> Iterator[Lines] | None:
        """The rows as lines of CSV, which PostgreSQL writes itself."""
        if connection.vendor != "postgresql":
            return None
        return copy(self.attempts, columns=self.columns, manner=self.manner, until=self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Changes on record that happened before ``until``, of which ``rows`` makes rows."""

    entries: AuditEntryQuerySet
    rows: Rows
    columns: Sequence[Column]
    manner: Manner
    until: datetime

    @property
    def title(self) -> str:
        """What they are called together."""
        return _("Changes")

    def pieces(self) -> Iterator[Piece]:
        """The rows, the newest first."""
        return pieces_of_changes(self.entries, until=self.until, rows=self.rows)

    def lines(self) -> Iterator[Lines] | None:
        """None: no database knows the words."""
        return None


def worded(rows_are: ExportRows) -> list[Column]:
    """The columns with headings and words in the language of whoever asks, whatever language is spoken later."""
    return [
        replace(
            column,
            heading=str(column.heading),
            words=tuple((key, str(word)) for key, word in column.words),
        )
        for column in COLUMNS[rows_are]
    ]
