"""Exports of the history: who took which part of it away, as what, and how far it got."""

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from invites.models.on_record import OnRecord
from invites.models.user import User


class ExportFormat(models.TextChoices):
    """What kind of file."""

    CSV = "csv", "CSV"
    XLSX = "xlsx", "Excel (XLSX)"
    JSONL = "jsonl", "JSON Lines"


class ExportState(models.TextChoices):
    """Where an export stands."""

    STARTED = "started", _("Under way")
    FINISHED = "finished", _("Finished")
    BROKEN_OFF = "broken_off", _("Broken off")


class HistoryExportQuerySet(models.QuerySet["HistoryExport"]):
    """Queries over exports."""

    def of(self, user: User) -> Self:
        """Those of ``user``, newest first."""
        return self.filter(user=user).order_by("-pk")


class HistoryExport(OnRecord):
    """One file of attempts that somebody asked for: the filters as the address carried them, and what came of it."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="history_exports", db_index=False)
    created_at = models.DateTimeField(auto_now_add=True)
    file_format = models.CharField(max_length=8, choices=ExportFormat)
    query = models.CharField(max_length=2000, blank=True)
    # "UTC", or the zone of the person's own.
    time_zone = models.CharField(max_length=64)
    with_phone_numbers = models.BooleanField(default=False)
    state = models.CharField(max_length=16, choices=ExportState, default=ExportState.STARTED)
    rows = models.PositiveBigIntegerField(default=0)
    finished_at = models.DateTimeField(null=True)

    objects = HistoryExportQuerySet.as_manager()

    class Meta:
        verbose_name = _("export of the history")
        verbose_name_plural = _("exports of the history")
        indexes = (models.Index("user", F("id").desc(), name="history_export_of_user"),)
        constraints = (
            models.CheckConstraint(
                condition=Q(file_format__in=ExportFormat.values), name="history_export_format_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=ExportState.values), name="history_export_state_is_known"
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.file_format}"
