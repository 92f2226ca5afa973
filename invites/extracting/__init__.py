"""Takes the history, or what was changed, away as a file: CSV, XLSX or JSON Lines, of any length. Changes nothing.

A file is ordered, which is put on record, and fetched once. It is written while it is fetched, so no worker and no disk
is needed; what has come of it, and how far it has got, stands in `HistoryExport`.
"""

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.utils import timezone

from invites import permissions
from invites.errors import ExportOver, ExportUnderWay, TooManyExports
from invites.extracting.cells import Manner
from invites.extracting.contents import Calls, Changes, Contents, worded
from invites.extracting.reading import Rows
from invites.extracting.writing import Part, write
from invites.models import Attempt, AuditEntry, HistoryExport, User
from invites.models.attempt import AttemptQuerySet
from invites.models.audit_entry import AuditEntryQuerySet
from invites.models.history_export import ExportFormat, ExportRows, ExportState
from invites.models.timeline import Way

__all__ = ["CONTENT_TYPES", "UTC", "begin", "order", "percent_done", "stream", "stream_changes"]

UTC: Final = "UTC"
CONTENT_TYPES: Final = {
    ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ExportFormat.JSONL: "application/jsonl; charset=utf-8",
}
# Each holds a thread of the web server for as long as somebody takes to fetch it: others must be left for pages.
MOST_AT_ONCE: Final = 3
_NOTED_EVERY_SECONDS: Final = 1.0
_SLICE: Final = 256 * 1024


def order(
    user: User, *, query: str, file_format: ExportFormat, rows_are: ExportRows, time_zone: str
) -> HistoryExport:
    """Puts on record that ``user`` wants what the filters ``query`` leave of the history, as a file to be fetched."""
    return HistoryExport.objects.create(
        user=user,
        query=query,
        file_format=file_format,
        rows_are=rows_are,
        time_zone=time_zone,
        with_phone_numbers=permissions.may_see_phone_numbers(user),
    )


def begin(export: HistoryExport) -> None:
    """Whoever ordered ``export`` begins to fetch it.

    Raises ExportOver where it was fetched before or is too old, ExportUnderWay where they are fetching another one,
    TooManyExports where too many others are at present.
    """
    HistoryExport.objects.give_up_silent()
    if HistoryExport.objects.under_way().count() >= MOST_AT_ONCE:
        raise TooManyExports
    # What somebody may see was decided when they ordered it, and may have been taken from them since.
    with_numbers = export.with_phone_numbers and permissions.may_see_phone_numbers(export.user)
    try:
        with transaction.atomic():
            begun = HistoryExport.objects.begin(export.pk, with_phone_numbers=with_numbers)
    except IntegrityError as error:
        raise ExportUnderWay from error
    if not begun:
        raise ExportOver
    export.refresh_from_db()


def stream(export: HistoryExport, attempts: AttemptQuerySet) -> Iterator[bytes]:
    """The file of an export that has begun, in parts, with headings in the language that is spoken now.

    What began after the export is not in it. Somebody who stops fetching breaks it off.
    """
    return _written(export, Calls(attempts=attempts, **_shared(export)))


def stream_changes(export: HistoryExport, entries: AuditEntryQuerySet, rows: Rows) -> Iterator[bytes]:
    """As `stream`, for changes on record, of which ``rows`` makes rows: with the columns of ExportRows.CHANGES, in the
    language that is spoken now, however late it is asked.
    """
    return _written(export, Changes(entries=entries, rows=rows, **_shared(export)))


def percent_done(export: HistoryExport, *, since: datetime | None) -> int | None:
    """How much of the time that it covers an export has been through, from now back to ``since`` or to the first call
    or change of all; None before anything is known.
    """
    rows = AuditEntry.objects.in_time() if export.is_of_changes else Attempt.objects.all()
    oldest = rows.in_order(Way.NEWER).positions().first()
    if export.reached is None or export.begun_at is None or oldest is None:
        return None
    first = max(oldest[0], since) if since else oldest[0]
    whole = (export.begun_at - first).total_seconds()
    done = (export.begun_at - export.reached).total_seconds()
    return min(99, round(100 * done / whole)) if whole > 0 else None


def _shared(export: HistoryExport) -> dict[str, Any]:
    return {
        "columns": worded(ExportRows(export.rows_are)),
        "manner": Manner(zone=ZoneInfo(export.time_zone), with_phone_numbers=export.with_phone_numbers),
        "until": export.begun_at or timezone.now(),
    }


def _written(export: HistoryExport, contents: Contents) -> Iterator[bytes]:
    return _noted(export, write(contents, ExportFormat(export.file_format)))


def _noted(export: HistoryExport, parts: Iterator[Part]) -> Iterator[bytes]:
    """The bytes of ``parts``, while it is noted how far they have got, and at the end what came of them."""
    rows, reached, state, noted_at = 0, None, ExportState.BROKEN_OFF, time.monotonic()
    try:
        for part in parts:
            rows, reached = rows + part.rows, part.reached or reached
            # In slices, so that one hears of somebody who takes them slowly.
            for at in range(0, len(part.data), _SLICE):
                if time.monotonic() - noted_at > _NOTED_EVERY_SECONDS:
                    HistoryExport.objects.note(export.pk, rows=rows, reached=reached)
                    noted_at = time.monotonic()
                yield bytes(part.data[at : at + _SLICE])
        state = ExportState.FINISHED
    finally:
        HistoryExport.objects.end(export.pk, state, rows=rows)
