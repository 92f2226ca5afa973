"""The filters of the history."""

from typing import cast
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from invites import permissions
from invites.explaining import CATALOGUE, explain
from invites.models import Conference
from invites.models.attempt import AttemptState
from invites.permissions import Viewer
from invites.searching import Criteria, Page, find

# So many conferences are offered, the newest first; an address may name any other.
_OFFERED = 100
_FILTERS = ("q", "conference", "outcome", "code")
_LARGEST_KEY = 2**63 - 1


class AttemptFilterForm(forms.Form):
    """Narrows the attempts that a person may read; every field may be left empty. It is sent by GET."""

    q = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=100,
        widget=forms.TextInput(
            attrs={
                "type": "search",
                "placeholder": _("Person, conference, organizer, message …"),
                "autocomplete": "off",
                "data-shortcut": "/",
            }
        ),
    )
    conference = forms.ModelChoiceField(
        label=_("Conference"),
        required=False,
        queryset=Conference.objects.none(),
        empty_label=_("All conferences"),
    )
    outcome = forms.ChoiceField(
        label=_("Outcome"), required=False, choices=[("", _("All outcomes")), *AttemptState.choices]
    )
    code = forms.CharField(
        label=_("Code"),
        required=False,
        max_length=128,
        widget=forms.TextInput(
            attrs={
                "placeholder": _("Any code"),
                "list": "codes",
                "autocomplete": "off",
                "spellcheck": "false",
            }
        ),
    )
    before = forms.IntegerField(required=False, min_value=1, max_value=_LARGEST_KEY, widget=forms.HiddenInput)
    after = forms.IntegerField(required=False, min_value=0, max_value=_LARGEST_KEY, widget=forms.HiddenInput)

    def __init__(self, *, data: QueryDict, user: Viewer) -> None:
        super().__init__(data, auto_id="filter_%s")
        self.user = user
        conferences = permissions.conferences_in_history(user)
        field = cast("forms.ModelChoiceField[Conference]", self.fields["conference"])
        field.queryset = conferences
        offered = list(conferences.for_list()[:_OFFERED])
        chosen = _chosen(field, data)
        if chosen is not None and chosen not in offered:
            offered.append(chosen)
        widget = cast("forms.Select", field.widget)
        widget.choices = [("", field.empty_label), *((row.pk, str(row)) for row in offered)]

    @property
    def codes(self) -> list[str]:
        """The codes to offer while one is typed."""
        return [code for entry in CATALOGUE for code in entry.codes if not code.isdecimal()]

    @property
    def is_narrowing(self) -> bool:
        """Whether any filter is set. The form has been validated."""
        return any(self.cleaned_data.get(name) for name in _FILTERS)

    @property
    def criteria(self) -> Criteria:
        """What is looked for. The form is valid."""
        wanted = self.cleaned_data
        return Criteria(
            conference=wanted["conference"] and wanted["conference"].pk,
            outcome=wanted["outcome"],
            code=wanted["code"],
            whole_code=bool(wanted["code"]) and explain(wanted["code"]).known,
            anything=wanted["q"],
        )

    def page(self) -> Page:
        """The attempts that fit. The form is valid."""
        wanted = self.cleaned_data
        return find(self.criteria, self.user, before=wanted["before"], after=wanted["after"])

    def query(self, **position: int) -> str:
        """The query of an address with these filters, and with a position ``before`` or ``after`` an attempt."""
        values = {name: self.data.get(name, "").strip() for name in _FILTERS}
        return urlencode({name: value for name, value in values.items() if value} | position)


def _chosen(field: forms.ModelChoiceField[Conference], data: QueryDict) -> Conference | None:
    try:
        return field.clean(data.get("conference"))  # type: ignore[no-any-return]
    except ValidationError:
        return None
