"""Seals days: each in its turn, also those on which nothing was, once nothing of it can change any more."""

import logging
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from invites import clock
from invites.models import Attempt, AuditEntry, Invitation, SealedDay, SealedSection
from invites.sealing.chain import BEGINNING, chained, contents
from invites.sealing.keys import sealing_key
from invites.sealing.sections import SECTIONS
from invites.sealing.telling import tell

# Clocks of several machines differ, and what began on a day may be stored a little after it.
MARGIN = timedelta(minutes=5)
# So long a round of sealing may last, so that whoever does it beside other things gets back to these.
ROUND_SECONDS = 5.0
# Names the lock of PostgreSQL that whoever seals holds.
_LOCK = 0x5EA1_DA75

logger = logging.getLogger("invites.sealing")


def seal_due(
    *, seconds: float = ROUND_SECONDS, let_leave: Callable[[SealedDay], object] = tell
) -> list[SealedDay]:
    """Seals the days that are over, in their order, and begins no further one after ``seconds``.

    ``let_leave`` lets the head leave the house when all of them are sealed. Several may do this at once: of each day
    one of them does.
    """
    sealed: list[SealedDay] = []
    until = time.monotonic() + seconds
    now = timezone.now()
    while (day := _next_due(now)) is not None and time.monotonic() < until:
        row = _seal(day)
        if row is None:
            break
        logger.info("Sealed %s: %s", row.day, row.hex)
        sealed.append(row)
    if sealed and _next_due(now) is None:
        let_leave(sealed[-1])
    return sealed


def due_days(now: datetime) -> Iterator[date]:
    """The days that are over and have not been sealed."""
    day = _next_day()
    while day is not None and _is_over(day, now):
        yield day
        day += timedelta(days=1)


def first_day() -> date | None:
    """The first day of which there is anything; None while there is nothing."""
    days = (Invitation.objects.first_day(), Attempt.objects.first_day(), AuditEntry.objects.all().first_day())
    return min(filter(None, days), default=None)


def _next_day() -> date | None:
    head = SealedDay.objects.last_sealed()
    return first_day() if head is None else head.day + timedelta(days=1)


def _next_due(now: datetime) -> date | None:
    """The day to be sealed next, where nothing of it can change any more."""
    day = next(due_days(now), None)
    # In this order: what was being written a moment ago may be a call that is under way.
    if day is None or _is_being_written(day) or Attempt.objects.under_way_on(day).exists():
        return None
    return day


def _end_of(day: date) -> datetime:
    return clock.beginning_of(day + timedelta(days=1))


def _is_over(day: date, now: datetime) -> bool:
    return now >= _end_of(day) + MARGIN


def _is_being_written(day: date) -> bool:
    """Whether a transaction that began before ``day`` was over has still not ended: it may bring rows of that day."""
    if connection.vendor != "postgresql":
        # One writes at a time, and nobody waits for longer than the margin.
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND backend_xid IS NOT NULL"
            " AND pid <> pg_backend_pid() AND xact_start < %s LIMIT 1",
            [_end_of(day) + MARGIN / 2],
        )
        return cursor.fetchone() is not None


@transaction.atomic
def _seal(day: date) -> SealedDay | None:
    """Seals one day; None where somebody else is about it, or has done it."""
    if not _is_ours():
        return None
    head = SealedDay.objects.last_sealed()
    if head is not None and head.day >= day:
        return None
    key = sealing_key()
    sections = [contents(section, day, key=key) for section in SECTIONS]
    previous = BEGINNING if head is None else bytes(head.digest)
    row = SealedDay(day=day, key_id=key.name, digest=chained(previous, day, sections, key=key))
    # Without signals: that a day was sealed is no change to be put on record.
    SealedDay.objects.bulk_create([row])
    SealedSection.objects.bulk_create(
        SealedSection(
            day=row, name=section.name, rows=section.rows, digest=section.digest, marks=section.marks
        )
        for section in sections
    )
    return row


def _is_ours() -> bool:
    """Takes the lock of whoever seals, until the transaction ends; on SQLite every transaction has it."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])
