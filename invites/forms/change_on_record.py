"""The filters of the changes on record."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from invites import auditing
from invites.forms.history_filter import HistoryFilterForm, OneOfMany
from invites.forms.period import PeriodForm
from invites.inspecting import NOBODY, Wanted
from invites.models import User
from invites.models.audit_entry import Happened

_MORE = ("since", "until", "action", "request")
_LARGEST_KEY = 2**63 - 1
# So many people are offered; an address may name any other.
_OFFERED = 200


class ChangeFilterForm(HistoryFilterForm):
    """Narrows the changes on record; every field may be left empty. It is sent by GET."""

    FILTERS: ClassVar = (*PeriodForm.FIELDS, "organizer", "kind", "key", "action", "person", "request")

    person = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=100,
        widget=forms.TextInput(
            {
                "type": "search",
                "placeholder": _("What was changed: a person, a book, a conference …"),
                "autocomplete": "off",
                "data-shortcut": "/",
            }
        ),
    )
    organizer = OneOfMany(
        label=_("By whom"),
        queryset=User.objects.all(),
        empty_label=_("Anybody"),
        nobody=(NOBODY, _("The system")),
    )
    kind = forms.ChoiceField(label=_("What"), required=False)
    action = forms.TypedChoiceField(
        label=_("Happened"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", _("Anything")), *Happened.choices],
    )
    request = forms.CharField(
        label=_("Request id"),
        required=False,
        max_length=255,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false", "class": "font-monospace"}),
    )
    key = forms.IntegerField(required=False, min_value=1, max_value=_LARGEST_KEY, widget=forms.HiddenInput)
    before = forms.IntegerField(required=False, min_value=0, max_value=_LARGEST_KEY, widget=forms.HiddenInput)
    after = forms.IntegerField(required=False, min_value=0, max_value=_LARGEST_KEY, widget=forms.HiddenInput)

    def __init__(self, data: Any) -> None:
        super().__init__(data, auto_id="filter_%s")
        kinds = [(model._meta.model_name, _capitalised(model)) for model in auditing.KINDS]  # noqa: SLF001
        self.fields["kind"].choices = [("", _("Everything")), *kinds]  # type: ignore[attr-defined]

    def clean_key(self) -> int | None:
        """The key of one thing, which means nothing without its kind."""
        key: int | None = self.cleaned_data["key"]
        if key is not None and not self.data.get("kind"):
            raise ValidationError(_("Choose what it is."), code="kind")
        return key

    def by_whom(self) -> forms.BoundField:
        """The field of who did it, with those to choose from, who are asked for. The form has been validated."""
        self.many("organizer").offer(User.objects.by_name()[:_OFFERED], self.cleaned_data.get("organizer"))
        return self["organizer"]

    @property
    def more_fields(self) -> list[forms.BoundField]:
        """Those that do not stand in the first line."""
        return [self[name] for name in _MORE]

    @property
    def more_are_set(self) -> bool:
        """Whether any of these is set."""
        return any(self.data.get(name, "").strip() for name in _MORE)

    @property
    def wanted(self) -> Wanted:
        """What is looked for. The form is valid."""
        values = self.cleaned_data
        since, until = self.stretch
        return Wanted(
            since=since,
            until=until,
            actor=self.key_of("organizer"),
            kind=values["kind"],
            key=values["key"],
            action=values["action"],
            name=values["person"],
            request=values["request"],
        )


def _capitalised(model: type[Any]) -> str:
    name = str(model._meta.verbose_name)  # noqa: SLF001 - Django's documented way to a model's name
    return name[:1].upper() + name[1:]
