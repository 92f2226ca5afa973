"""What somebody chooses about a file of the history."""

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from invites import extracting
from invites.models.history_export import ExportFormat, ExportRows


class ChangesExportForm(forms.Form):
    """The kind of a file of changes, and in whose time zone its moments stand: the viewer's or UTC."""

    file_format = forms.ChoiceField(
        label=_("Kind of file"),
        choices=ExportFormat.choices,
        initial=ExportFormat.CSV,
        widget=forms.RadioSelect,
    )
    time_zone = forms.ChoiceField(label=_("Time zone"), widget=forms.RadioSelect)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = timezone.get_current_timezone_name()
        field = self.fields["time_zone"]
        field.initial = own
        zones = dict.fromkeys((own, extracting.UTC))
        field.choices = [(zone, zone) for zone in zones]  # type: ignore[attr-defined]

    @property
    def rows(self) -> ExportRows:
        """What its rows are."""
        return ExportRows.CHANGES


class HistoryExportForm(ChangesExportForm):
    """The same of a file of calls, and what its rows are."""

    field_order = ("rows_are", "file_format", "time_zone")

    rows_are = forms.ChoiceField(
        label=_("Rows"),
        choices=[(each.value, each.label) for each in ExportRows.of_calls()],
        initial=ExportRows.PEOPLE,
        widget=forms.RadioSelect,
    )

    @property
    def rows(self) -> ExportRows:
        """What its rows are. The form is valid."""
        return ExportRows(self.cleaned_data["rows_are"])
