"""Exports of the history: who took which part of it away, as what, and how far it got.

waiting ──▶ started ──▶ finished | broken_off
"""

from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from invites.models.on_record import OnRecord
from invites.models.saved_filter import PERSON, QUERY_LENGTH
from invites.models.user import User

# Whoever has ordered a file may fetch it for so long.
KEPT_FOR = timedelta(days=1)
# A file of which nothing was heard for so long is not being written any more: its process died.
SILENT_FOR = timedelta(minutes=2)
PAGE_SIZE = 50


class ExportFormat(models.TextChoices):
    """What kind of file."""

    CSV = "csv", "CSV"
    XLSX = "xlsx", "Excel (XLSX)"
    JSONL = "jsonl", "JSON Lines"


class ExportRows(models.TextChoices):
    """What a row of the file is."""

    PEOPLE = "people", _("A row for each person of a call")
    CALLS = "calls", _("A row for each call")
    CHANGES = "changes", _("A row for each change")

    @classmethod
    def of_calls(cls) -> "list[ExportRows]":
        """What a row may be in a file of calls."""
        return [cls.PEOPLE, cls.CALLS]


class ExportState(models.TextChoices):
    """Where an export stands."""

    WAITING = "waiting", _("Not fetched yet")
    STARTED = "started", _("Under way")
    FINISHED = "finished", _("Finished")
    BROKEN_OFF = "broken_off", _("Broken off")


class HistoryExportQuerySet(models.QuerySet["HistoryExport"]):
    """Queries over exports."""

    def of(self, user: User) -> Self:
        """Those of ``user``."""
        return self.filter(user=user)

    def of_somebody(self) -> Self:
        """Those that were narrowed to a person."""
        return self.filter(query__contains=PERSON)

    def rewrite(self, pk: int, query: str) -> None:
        """Writes ``query`` in the place of the one that an export was narrowed by."""
        self.filter(pk=pk).update(query=query)

    def newest_first(self) -> Self:
        """For lists, with whose each is."""
        return self.select_related("user").order_by("-pk")

    def older_than(self, pk: int | None) -> Self:
        """Those ordered before export ``pk``; all of them for None."""
        return self if pk is None else self.filter(pk__lt=pk)

    def under_way(self) -> Self:
        """Those that are being written."""
        return self.filter(state=ExportState.STARTED)

    def begin(self, pk: int, *, with_phone_numbers: bool) -> bool:
        """Whether one export, which nobody has fetched yet, is now being written.

        Raises IntegrityError where another one of the same person is.
        """
        now = timezone.now()
        waiting = self.filter(pk=pk, state=ExportState.WAITING, created_at__gt=now - KEPT_FOR)
        return bool(
            waiting.update(
                state=ExportState.STARTED,
                begun_at=now,
                noted_at=now,
                with_phone_numbers=with_phone_numbers,
            )
        )

    def note(self, pk: int, *, rows: int, reached: datetime | None) -> bool:
        """How far one export has got; False where it is not being written any more."""
        started = self.under_way().filter(pk=pk)
        return bool(started.update(rows=rows, reached=reached, noted_at=timezone.now()))

    def end(self, pk: int, state: ExportState, *, rows: int) -> None:
        """What came of one export that was being written."""
        self.under_way().filter(pk=pk).update(state=state, rows=rows, finished_at=timezone.now())

    def give_up_silent(self) -> None:
        """Those whose process must have died are broken off."""
        now = timezone.now()
        silent = self.under_way().filter(noted_at__lt=now - SILENT_FOR)
        silent.update(state=ExportState.BROKEN_OFF, finished_at=now)


class HistoryExport(OnRecord):
    """One file of the history that somebody ordered: the filters as the address carried them, and what came of it.

    A file is fetched once; who wants it again orders it again, so that each is on record. ``rows`` and ``reached``,
    the moment of the last call or change written, tell how far it has got.
    """

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="history_exports", db_index=False)
    created_at = models.DateTimeField(auto_now_add=True)
    file_format = models.CharField(_("kind of file"), max_length=8, choices=ExportFormat)
    rows_are = models.CharField(_("rows"), max_length=8, choices=ExportRows, default=ExportRows.PEOPLE)
    query = models.CharField(_("filters"), max_length=QUERY_LENGTH, blank=True)
    # "UTC", or the zone of the person's own.
    time_zone = models.CharField(_("time zone"), max_length=64)
    with_phone_numbers = models.BooleanField(_("with phone numbers"), default=False)
    state = models.CharField(_("state"), max_length=16, choices=ExportState, default=ExportState.WAITING)
    rows = models.PositiveBigIntegerField(default=0)
    begun_at = models.DateTimeField(null=True)
    noted_at = models.DateTimeField(null=True)
    reached = models.DateTimeField(null=True)
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
                condition=Q(rows_are__in=ExportRows.values), name="history_export_rows_are_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=ExportState.values), name="history_export_state_is_known"
            ),
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(state=ExportState.STARTED),
                name="history_export_one_at_a_time",
            ),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.file_format}"

    @property
    def is_of_changes(self) -> bool:
        """Whether it holds changes on record, and not calls."""
        return self.rows_are == ExportRows.CHANGES

    @property
    def is_under_way(self) -> bool:
        """Whether it is being written, as far as one can tell."""
        heard_since = timezone.now() - SILENT_FOR
        return self.state == ExportState.STARTED and self.noted_at is not None and self.noted_at > heard_since

    @property
    def may_be_fetched(self) -> bool:
        """Whether its link still gives the file."""
        return self.state == ExportState.WAITING and self.created_at > timezone.now() - KEPT_FOR

    @property
    def outcome(self) -> ExportState:
        """Its state, also where its process died before it could say so."""
        if self.state == ExportState.STARTED and not self.is_under_way:
            return ExportState.BROKEN_OFF
        return ExportState(self.state)
