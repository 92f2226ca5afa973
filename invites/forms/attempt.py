"""The filters of the history."""

from typing import Any, ClassVar, NamedTuple

from django import forms
from django.http import QueryDict
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from invites import permissions
from invites.explaining import CATALOGUE, explain
from invites.forms.history_filter import HistoryFilterForm, OneOfMany
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
_LARGEST_KEY = 2**63 - 1


class Chip(NamedTuple):
    """A filter that is set: what it is called, what it says, and the query of the address without it."""

    name: str
    label: str
    value: str
    query_without: str


def _typed(placeholder: Any, **attrs: str) -> forms.TextInput:
    return forms.TextInput(
        {"placeholder": placeholder, "autocomplete": "off", "spellcheck": "false", **attrs}
    )


class AttemptFilterForm(HistoryFilterForm):
    """Narrows the attempts that a person may read; every field may be left empty. It is sent by GET."""

    FILTERS: ClassVar = (*_FIRST, *_MORE)

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
    conference = OneOfMany(
        label=_("Conference"), queryset=Conference.objects.none(), empty_label=_("All conferences")
    )
    organizer = OneOfMany(
        label=_("Organizer"),
        queryset=User.objects.none(),
        empty_label=_("Anybody"),
        nobody=(NOBODY, _("Command line")),
    )
    app = OneOfMany(label=_("DingTalk app"), queryset=App.objects.none(), empty_label=_("All apps"))
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
        self.many("conference").queryset = permissions.conferences_in_history(user)
        self.many("organizer").queryset = permissions.organizers_in_history(user)
        self.many("app").queryset = permissions.apps_in_history(user)

    @property
    def codes(self) -> list[str]:
        """The codes to offer while one is typed."""
        return [code for entry in CATALOGUE for code in entry.codes if not code.isdecimal()]

    def more_fields(self) -> list[forms.BoundField]:
        """Those that do not stand in the first line, with what there is to choose from, which is asked for. The form
        has been validated.
        """
        offered = {
            "conference": permissions.conferences_in_history(self.user).newest_first(),
            "organizer": permissions.organizers_in_history(self.user).order_by("-is_active", "username"),
            "app": permissions.apps_in_history(self.user).order_by("name"),
        }
        for name, rows in offered.items():
            self.many(name).offer(rows[:_OFFERED], self.cleaned_data.get(name))
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
            conference=self.key_of("conference"),
            organizer=self.key_of("organizer"),
            app=self.key_of("app"),
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

    @property
    def chips(self) -> list[Chip]:
        """Every filter that is set, in words. The form is valid."""
        names = [name for name in self.FILTERS if self.cleaned_data[name] not in {None, ""}]
        return [
            Chip(name, str(self.fields[name].label), self._in_words(name), self.query(without=name))
            for name in names
        ]

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
