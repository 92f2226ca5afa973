"""The filters of the history."""

from typing import Any, NamedTuple, cast
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import QueryDict
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from invites import permissions
from invites.explaining import CATALOGUE, explain
from invites.forms.period import PeriodForm
from invites.models import App, Attempt, Conference, User
from invites.models.attempt import AttemptState
from invites.models.invitee import Channel
from invites.models.timeline import Page
from invites.permissions import Viewer
from invites.searching import NOBODY, Criteria, find

# So many conferences and people are offered; an address may name any other.
_OFFERED = 100
# In the first line, and below it.
_FIRST = ("q", "outcome", "period")
_MORE = (
    *("person", "conference", "organizer", "app", "channel"),
    *("code", "text", "request", "since", "until"),
)
_FILTERS = (*_FIRST, *_MORE)
# These mean the same in the list of changes.
_SHARED = (*PeriodForm.FIELDS, "organizer", "person", "request")
_LARGEST_KEY = 2**63 - 1


class Chip(NamedTuple):
    """A filter that is set: what it is called, what it says, and the query of the address without it."""

    name: str
    label: str
    value: str
    query_without: str


class _AnyOfMany(forms.ModelChoiceField[Any]):
    """One of many rows, of which only some are offered. An address may name any other that may be seen."""

    def offer(self, rows: list[Model], chosen: Any, *also: tuple[Any, Any]) -> None:
        """Offers ``rows`` and whatever is ``chosen``, after those that are no rows."""
        try:
            row = self.clean(chosen)
        except ValidationError:
            row = None
        offered = rows if not isinstance(row, Model) or row in rows else [*rows, row]
        widget = cast("forms.Select", self.widget)
        widget.choices = [("", self.empty_label), *also, *((row.pk, str(row)) for row in offered)]


class _OrganizerField(_AnyOfMany):
    """Somebody who signs in here, or nobody: cleaned to NOBODY for what the command line has sent."""

    def clean(self, value: Any) -> Any:
        """The user, NOBODY, or None. Raises ValidationError for anything else."""
        return NOBODY if value == str(NOBODY) else super().clean(value)


def _typed(placeholder: Any, **attrs: str) -> forms.TextInput:
    return forms.TextInput(
        {"placeholder": placeholder, "autocomplete": "off", "spellcheck": "false", **attrs}
    )


class AttemptFilterForm(PeriodForm):
    """Narrows the attempts that a person may read; every field may be left empty. It is sent by GET."""

    q = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=100,
        widget=_typed(
            _("Person, conference, organizer, request id …"), type="search", **{"data-shortcut": "/"}
        ),
    )
    person = forms.CharField(
        label=_("Person"),
        required=False,
        max_length=100,
        widget=_typed(_("Name, pinyin, unionId or number")),
    )
    conference = _AnyOfMany(
        label=_("Conference"),
        required=False,
        queryset=Conference.objects.none(),
        empty_label=_("All conferences"),
    )
    organizer = _OrganizerField(
        label=_("Organizer"), required=False, queryset=User.objects.none(), empty_label=_("Anybody")
    )
    app = _AnyOfMany(
        label=_("DingTalk app"), required=False, queryset=App.objects.none(), empty_label=_("All apps")
    )
    outcome = forms.ChoiceField(
        label=_("Outcome"), required=False, choices=[("", _("All outcomes")), *AttemptState.choices]
    )
    code = forms.CharField(
        label=_("Code"),
        required=False,
        max_length=128,
        widget=_typed(_("Any code, or how it begins"), list="codes"),
    )
    channel = forms.ChoiceField(
        label=_("Channel"), required=False, choices=[("", _("All channels")), *Channel.choices]
    )
    text = forms.CharField(
        label=_("DingTalk's message"), required=False, max_length=200, widget=_typed(_("Part of the message"))
    )
    request = forms.CharField(
        label=_("Request id"), required=False, max_length=128, widget=_typed(_("DingTalk's or ours"))
    )
    before = forms.IntegerField(required=False, min_value=1, max_value=_LARGEST_KEY, widget=forms.HiddenInput)
    after = forms.IntegerField(required=False, min_value=0, max_value=_LARGEST_KEY, widget=forms.HiddenInput)

    def __init__(self, *, data: QueryDict, user: Viewer) -> None:
        super().__init__(data, auto_id="filter_%s")
        self.user = user
        self._many("conference").queryset = permissions.conferences_in_history(user)
        self._many("organizer").queryset = permissions.organizers_in_history(user)
        self._many("app").queryset = permissions.apps_in_history(user)

    @property
    def codes(self) -> list[str]:
        """The codes to offer while one is typed."""
        return [code for entry in CATALOGUE for code in entry.codes if not code.isdecimal()]

    @property
    def is_narrowing(self) -> bool:
        """Whether any filter is set. The form has been validated."""
        return any(self.cleaned_data.get(name) not in {None, ""} for name in _FILTERS)

    def more_fields(self) -> list[forms.BoundField]:
        """Those that do not stand in the first line, with what there is to choose from. They are asked for once."""
        conferences, organizers, apps = map(self._many, ("conference", "organizer", "app"))
        newest = permissions.conferences_in_history(self.user).order_by("-pk")[:_OFFERED]
        conferences.offer(list(newest), self.data.get("conference"))
        people = permissions.organizers_in_history(self.user).order_by("-is_active", "username")[:_OFFERED]
        organizers.offer(list(people), self.data.get("organizer"), (NOBODY, _("Command line")))
        rows = permissions.apps_in_history(self.user).order_by("name")[:_OFFERED]
        apps.offer(list(rows), self.data.get("app"))
        return [self[name] for name in _MORE]

    @property
    def more_set(self) -> int:
        """How many of these are set."""
        return len(self.folded)

    @property
    def folded(self) -> list[tuple[str, str]]:
        """Those of these that are set, as they were typed: a folded form sends them along."""
        return [(name, self.data[name]) for name in _MORE if self.data.get(name, "").strip()]

    @property
    def is_unfolded(self) -> bool:
        """Whether these are shown: where somebody asks for them, or what is wrong stands at one. The form has been
        validated.
        """
        return "more" in self.data or any(name in self.errors for name in _MORE)

    @property
    def criteria(self) -> Criteria:
        """What is looked for. The form is valid."""
        wanted = self.cleaned_data
        since, until = self.stretch
        return Criteria(
            since=since,
            until=until,
            conference=_key(wanted["conference"]),
            organizer=_key(wanted["organizer"]),
            app=_key(wanted["app"]),
            outcome=wanted["outcome"],
            code=wanted["code"],
            whole_code=bool(wanted["code"]) and explain(wanted["code"]).known,
            channel=wanted["channel"],
            person=wanted["person"],
            text=wanted["text"],
            request=wanted["request"],
            anything=wanted["q"],
        )

    def page(self) -> Page[Attempt]:
        """The attempts that fit. The form is valid."""
        wanted = self.cleaned_data
        return find(self.criteria, self.user, before=wanted["before"], after=wanted["after"])

    def query(self, *, without: str = "", **values: Any) -> str:
        """The query of an address with these filters except ``without``, and with other ``values`` in their place."""
        filters = {name: self.said(name) for name in _FILTERS if name != without} | values
        return urlencode({name: value for name, value in filters.items() if value not in {None, ""}})

    @property
    def shared_query(self) -> str:
        """The query with those filters that the list of changes has, too."""
        values = {name: self.said(name) for name in _SHARED}
        return urlencode({name: value for name, value in values.items() if value})

    @property
    def chips(self) -> list[Chip]:
        """Every filter that is set, in words. The form is valid."""
        names = [name for name in _FILTERS if self.cleaned_data[name] not in {None, ""}]
        return [
            Chip(name, str(self.fields[name].label), self._in_words(name), self.query(without=name))
            for name in names
        ]

    def _many(self, name: str) -> _AnyOfMany:
        return cast("_AnyOfMany", self.fields[name])

    def _in_words(self, name: str) -> str:
        value = self.cleaned_data[name]
        if name in {"since", "until"}:
            return date_format(localtime(value), "SHORT_DATETIME_FORMAT")
        if name == "organizer" and value == NOBODY:
            return str(_("Command line"))
        field = self.fields[name]
        choices: Any = (
            field.choices if isinstance(field, forms.ChoiceField) and isinstance(value, str) else ()
        )
        return str(dict(choices).get(value, value))


def _key(chosen: Model | int | None) -> int | None:
    return int(chosen.pk) if isinstance(chosen, Model) else chosen
