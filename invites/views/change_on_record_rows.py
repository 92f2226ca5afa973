"""Makes rows of a file of changes on record, with the columns of ExportRows.CHANGES. Changes nothing."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from django.utils import timezone, translation

from invites.extracting.cells import Value
from invites.extracting.reading import Rows
from invites.models import AuditEntry, HistoryExport
from invites.models.audit_entry import Happened
from invites.views.change_on_record_fields import Difference
from invites.views.change_on_record_told import Told, tell


def rows_for(export: HistoryExport) -> Rows:
    """What makes the rows of ``export``: in the language that is spoken now, whatever is spoken when they are made."""
    language, zone = translation.get_language(), ZoneInfo(export.time_zone)

    def rows(entries: Sequence[AuditEntry]) -> list[list[Value]]:
        with translation.override(language), timezone.override(zone):
            return [_row(told) for told in tell(entries, show_phone_numbers=export.with_phone_numbers)]

    return rows


def _row(told: Told) -> list[Value]:
    entry = told.entry
    return [
        entry.pk,
        entry.timestamp,
        entry.actor.username if entry.actor else "",
        Happened(entry.action).name.lower(),
        entry.content_type.model,
        entry.object_id,
        entry.object_repr,
        told.sentence,
        "\n".join(map(_line, told.differences)),
        entry.cid or "",
        entry.day,
    ]


def _line(difference: Difference) -> str:
    return f"{difference.label}: {difference.before or '–'} → {difference.after or '–'}"
