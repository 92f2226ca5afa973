"""The filters of the changes on record."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from invites.forms.period import PeriodForm
from invites.inspecting import NOBODY, Wanted
from invites.models import (
    AddressBook,
    App,
    AuditEntry,
    BookShare,
    Conference,
    Contact,
    DirectoryLink,
    Erasure,
    HistoryExport,
    SealedDay,
    User,
)

# What entries may be about, in the order in which it is offered.
_KINDS = (
    User,
    App,
    Conference,
    AddressBook,
    BookShare,
    Contact,
    DirectoryLink,
    HistoryExport,
    SealedDay,
    Erasure,
)
_SIGNING_IN = AuditEntry.Action.ACCESS
_ACTIONS = (
    (AuditEntry.Action.CREATE, pgettext_lazy("change on record", "Added")),
    (AuditEntry.Action.UPDATE, pgettext_lazy("change on record", "Changed")),
    (AuditEntry.Action.DELETE, pgettext_lazy("change on record", "Deleted")),
    (_SIGNING_IN, pgettext_lazy("change on record", "Signed in or out")),
)
_FILTERS = (*PeriodForm.FIELDS, "organizer", "kind", "key", "action", "person", "request")
# These mean the same in the list of calls.
_SHARED = (*PeriodForm.FIELDS, "organizer", "person", "request")
_MORE = ("since", "until", "action", "request")
_LARGEST_KEY = 2**63 - 1
# So many people are offered; an address may name any other.
_OFFERED = 200


class ActorField(forms.TypedChoiceField):
    """Who did something: somebody who signs in here, or nobody for what happened by itself. Cleaned to the key."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(coerce=int, empty_value=None, **kwargs)

    def offer(self, chosen: str) -> None:
        """Offers whom there is, and whoever is ``chosen``, by name."""
        people = [(user.pk, str(user)) for user in User.objects.by_name()[:_OFFERED]]
        if chosen.isascii() and chosen.isdecimal() and int(chosen) <= _LARGEST_KEY:
            missing = int(chosen) not in {NOBODY, *(pk for pk, _name in people)}
            named = User.objects.in_bulk([int(chosen)]) if missing else {}
            people += [(pk, str(user)) for pk, user in named.items()]
        self.choices = [("", _("Anybody")), (NOBODY, _("The system")), *people]


class ChangeFilterForm(PeriodForm):
    """Narrows the changes on record; every field may be left empty. It is sent by GET."""

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
    organizer = ActorField(label=_("By whom"), required=False)
    kind = forms.ChoiceField(label=_("What"), required=False)
    action = forms.TypedChoiceField(
        label=_("Happened"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", _("Anything")), *_ACTIONS],
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
        kinds = [(model._meta.model_name, _capitalised(model)) for model in _KINDS]  # noqa: SLF001
        self.fields["kind"].choices = [("", _("Everything")), *kinds]  # type: ignore[attr-defined]
        actor: Any = self.fields["organizer"]
        actor.offer(data.get("organizer", ""))

    def clean_key(self) -> int | None:
        """The key of one thing, which means nothing without its kind."""
        key: int | None = self.cleaned_data["key"]
        if key is not None and not self.data.get("kind"):
            raise ValidationError(_("Choose what it is."), code="kind")
        return key

    @property
    def is_narrowing(self) -> bool:
        """Whether any filter is set. The form has been validated."""
        return any(self.cleaned_data.get(name) not in {None, ""} for name in _FILTERS)

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
            actor=values["organizer"],
            kind=values["kind"],
            key=values["key"],
            action=values["action"],
            name=values["person"],
            request=values["request"],
        )

    def query(self, **position: int) -> str:
        """The query of an address with these filters, and with a position ``before`` or ``after`` an entry."""
        return self._query(_FILTERS, **position)

    @property
    def shared_query(self) -> str:
        """The query with those filters that the list of calls has, too."""
        return self._query(_SHARED)

    def _query(self, names: tuple[str, ...], **position: int) -> str:
        values = {name: self.said(name) for name in names}
        return urlencode({name: value for name, value in values.items() if value} | position)


def _capitalised(model: type[Any]) -> str:
    name = str(model._meta.verbose_name)  # noqa: SLF001 - Django's documented way to a model's name
    return name[:1].upper() + name[1:]
