"""Retention: removes whole sealed days of the history, and lets their digests stand.

That a day is removed, by whom and why, is on record before the first of its rows goes: the database lets go of nothing
else. Invitations stay, without their people, and so do counts. It is done in pieces, and goes on where it was stopped.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import batched
from typing import Any

from django.db import connection, models, transaction
from django.utils import timezone

from invites import acting
from invites.models import (
    Attempt,
    AttemptInvitee,
    AuditEntry,
    DraftLine,
    Invitation,
    Invitee,
    Person,
    SealedDay,
    SealedSection,
    User,
)

# So many rows, or invitations, are gone through in one transaction.
PIECE = 1000
# People are referred to by many invitees and no index says by which: it is only needed here.
_INDEX = "invites_invitee_removing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """What a removal takes away: from which day to which, and how many rows of each kind were sealed with them."""

    first: date
    last: date
    days: int
    rows: dict[str, int]


def extent(before: date) -> Extent | None:
    """What there is to remove before a day, None for nothing. Days that are not sealed stay."""
    days = list(SealedDay.objects.kept_before(before).values_list("day", flat=True))
    if not days:
        return None
    rows = SealedSection.objects.rows_of(first=days[0], last=days[-1])
    return Extent(first=days[0], last=days[-1], days=len(days), rows=rows)


@transaction.atomic
def order(before: date, *, by: User | None, because: str) -> int:
    """Puts on record that the sealed days before a day are removed, and says how many these are.

    `sweep` then removes them; from now on they are gone for whoever asks.
    """
    ordered = 0
    with acting.in_the_name_of(lambda: by):
        for day in SealedDay.objects.kept_before(before).select_for_update():
            day.removed_at, day.removed_by, day.removed_because = timezone.now(), by, because
            day.save(update_fields=["removed_at", "removed_by", "removed_because"])
            ordered += 1
    return ordered


def sweep(*, progress: Callable[[str, int], None] = lambda kind, rows: None) -> dict[str, int]:
    """Deletes what is left of removed days, and says how many rows of each kind these were.

    ``progress`` hears after each piece how many that are so far.
    """
    last = SealedDay.objects.last_removed()
    swept: dict[str, int] = dict.fromkeys(("attempts", "invitees", "entries", "people"), 0)
    if last is None:
        return swept
    steps = (_attempts(last.day), _invitees(last.day), _entries(last.day), _people())
    for kind, pieces in zip(swept, steps, strict=True):
        for rows in pieces:
            swept[kind] += rows
            progress(kind, swept[kind])
    return swept


def _pieces(rows: models.QuerySet[Any]) -> Iterator[list[int]]:
    """The keys of ``rows``, so many at a time."""
    after = 0
    while pks := list(rows.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:PIECE]):
        yield pks
        after = pks[-1]


def _attempts(last: date) -> Iterator[int]:
    """The attempts, with who was part of them."""
    for pks in _pieces(Attempt.objects.up_to_day(last)):
        with transaction.atomic():
            AttemptInvitee.objects.of_attempts(pks).delete()
            Invitee.objects.forget_attempts(pks)
            gone, _kinds = Attempt.objects.among(pks).delete()
        yield gone


def _invitees(last: date) -> Iterator[int]:
    """The people of invitations of which nobody is going to be called any more, but for who is on a kept attempt."""
    for pks in _pieces(Invitation.objects.over_up_to_day(last)):
        over = Invitation.objects.among(pks)
        with transaction.atomic():
            DraftLine.objects.on(over).delete()
            gone, _kinds = Invitee.objects.on(over).never_sent().delete()
        yield gone


def _entries(last: date) -> Iterator[int]:
    """What was put on record on these days."""
    for pks in _pieces(AuditEntry.objects.all().up_to_day(last)):
        with transaction.atomic():
            gone, _kinds = AuditEntry.objects.all().among(pks).delete()
        yield gone


def _people() -> Iterator[int]:
    """Who is on no invitation any more. Whoever was erased stays, since that is on record."""
    unnamed: list[int] = []
    for pks in _pieces(Person.objects.all()):
        unnamed += Person.objects.among(pks).whom_nobody_refers_to().values_list("pk", flat=True)
    if not unnamed:
        return
    with _index_of_people():
        for piece in batched(unnamed, PIECE):
            with transaction.atomic():
                # Somebody may have been invited again meanwhile.
                gone, _kinds = Person.objects.among(piece).whom_nobody_refers_to().delete()
            yield gone


@contextmanager
def _index_of_people() -> Iterator[None]:
    """Lets the database find by an index whether anybody refers to a person, which it asks for each that goes."""
    if connection.in_atomic_block:
        # PostgreSQL makes none beside changes that are not stored yet.
        yield
        return
    # Whoever writes meanwhile is not to wait.
    apart = "CONCURRENTLY" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        # One that was left behind half made would serve nobody.
        cursor.execute(f"DROP INDEX {apart} IF EXISTS {_INDEX}")
        cursor.execute(f"CREATE INDEX {apart} {_INDEX} ON invites_invitee (person_id)")
        try:
            yield
        finally:
            cursor.execute(f"DROP INDEX {apart} IF EXISTS {_INDEX}")
