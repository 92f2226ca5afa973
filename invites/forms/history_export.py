"""What somebody chooses about a file of the history."""

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from invites import extracting
from invites.models.history_export import ExportFormat, ExportRows


class HistoryExportForm(forms.Form):
    """The kind of file, what its rows are, and in whose time zone its moments stand: the viewer's or UTC."""

    rows_are = forms.ChoiceField(
        label=_("Rows"), choices=ExportRows.choices, initial=ExportRows.PEOPLE, widget=forms.RadioSelect
    )
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
