"""What people type about conferences. Forms check and clean; they ask DingTalk nothing."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise

from invites.forms.organizer import OrganizerField
from invites.models import Conference, User
from invites.models.conference import TITLE_LENGTH, ConferenceQuerySet, ConferenceStatus
from invites.models.contact import UNION_ID_LENGTH, validate_union_id

PAGE_SIZE = 30
# A place in the list: the last conference that was shown, and in which half of the list it stood.
_PLACE = re.compile(r"^(open|ended)\.[1-9][0-9]{0,17}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConferencePage:
    """Some conferences, and the place ``after`` them where the next page begins; "" on the last one."""

    rows: list[Conference]
    after: str


def validate_title(value: str) -> None:
    """Raises ValidationError for a title that would break the line on which it stands."""
    if any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in value):
        raise ValidationError(
            gettext_lazy("A title has no line breaks and no control characters."), code="invalid"
        )


def title_field(
    *, required: bool = True, help_text: StrOrPromise = "", autofocus: bool = False
) -> forms.CharField:
    """A title of at most 50 characters, since DingTalk cuts longer ones."""
    return forms.CharField(
        label=gettext_lazy("Title"),
        required=required,
        max_length=TITLE_LENGTH,
        validators=[validate_title],
        help_text=help_text,
        error_messages={
            "required": gettext_lazy("Enter a title."),
            "max_length": gettext_lazy(
                "A title has at most %(limit_value)d characters; this one has %(show_value)d."
            ),
        },
        widget=forms.TextInput({"autocomplete": "off", "dir": "auto", "autofocus": autofocus}),
    )


def union_id_field(*, help_text: StrOrPromise) -> forms.CharField:
    """Somebody's unionId."""
    return forms.CharField(
        label=gettext_lazy("Your unionId"),
        max_length=UNION_ID_LENGTH,
        validators=[validate_union_id],
        help_text=help_text,
        error_messages={"required": gettext_lazy("Enter your unionId.")},
        widget=forms.TextInput(
            {
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
                "class": "font-monospace",
            }
        ),
    )


class ConferenceFilterForm(forms.Form):
    """Narrows the list of conferences, and says where in it a page begins. It is sent by GET."""

    q = forms.CharField(
        label=gettext_lazy("Search"),
        required=False,
        max_length=100,
        widget=forms.TextInput(
            {
                "type": "search",
                "placeholder": gettext_lazy("Title, meeting number or id"),
                "autocomplete": "off",
                "data-shortcut": "/",
            }
        ),
    )
    state = forms.ChoiceField(
        label=gettext_lazy("State"),
        required=False,
        choices=[("", gettext_lazy("All states")), *ConferenceStatus.choices],
    )
    after = forms.RegexField(_PLACE, required=False, widget=forms.HiddenInput)

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data, auto_id="filter_%s")

    @property
    def is_narrowing(self) -> bool:
        """Whether anything is looked for. The form has been validated."""
        return any(self.cleaned_data.get(name) for name in ("q", "state"))

    def page(self, conferences: ConferenceQuerySet, *, size: int = PAGE_SIZE) -> ConferencePage:
        """Those of ``conferences`` that fit, in the order of lists, from the place on.

        Values that are of no use are ignored.
        """
        self.is_valid()
        wanted = self.cleaned_data
        rows = conferences.for_list().matching(wanted.get("q", ""))
        if wanted.get("state"):
            rows = rows.with_status(wanted["state"])
        if wanted.get("after"):
            kind, _dot, pk = wanted["after"].partition(".")
            rows = rows.after(has_ended=kind == "ended", pk=int(pk))
        page = list(rows[: size + 1])
        last = page[size - 1] if len(page) > size else None
        return ConferencePage(rows=page[:size], after=_place_of(last) if last else "")

    def query(self, *, after: str = "") -> str:
        """The query of an address with what is looked for, and a place to begin at."""
        values = {name: self.cleaned_data.get(name, "") for name in ("q", "state")} | {"after": after}
        return urlencode({name: value for name, value in values.items() if value})


def _place_of(conference: Conference) -> str:
    return f"{'ended' if conference.has_ended else 'open'}.{conference.pk}"


class ConferenceForm(forms.ModelForm):  # type: ignore[type-arg]  # Django's takes a type argument in its stubs only
    """What may be changed of a conference here: how it is called."""

    title = title_field(
        help_text=gettext_lazy("Shown here and in the history. The meeting in DingTalk keeps its own title.")
    )

    class Meta:
        model = Conference
        fields = ("title",)


class CloseConferenceForm(forms.Form):
    """In whose name a meeting is ended."""

    union_id = union_id_field(help_text=gettext_lazy("DingTalk lets only the host end a meeting."))

    def __init__(self, *args: Any, conference: Conference, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["union_id"].label = gettext_lazy("The host’s unionId")
        self.fields["union_id"].initial = conference.creator_union_id or user.union_id


class CoOrganizerForm(forms.Form):
    """Another organizer, by the name with which they sign in; cleaned to the user."""

    username = OrganizerField(
        help_text=gettext_lazy(
            "They will see this conference, its people and its invitations, and can invite into it."
        ),
    )

    def __init__(self, *args: Any, conference: Conference, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conference = conference

    @property
    def co_organizer(self) -> User:
        """Who was named, once the form is valid."""
        user: User = self.cleaned_data["username"]
        return user

    def clean_username(self) -> User:
        """The user of this name, who must not be part of it yet."""
        user: User = self.cleaned_data["username"]
        if user.pk == self.conference.owner_id:
            raise ValidationError(_("This conference is theirs already."), code="owner")
        if self.conference.co_organizers.contains(user):
            raise ValidationError(
                _("%(name)s is a co-organizer already."), code="already", params={"name": user.display_name}
            )
        return user
