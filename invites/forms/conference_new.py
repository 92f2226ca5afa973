"""What people type to bring a conference in, in each of the four ways; see `invites.forms.conference` for the rest."""

import re
import uuid
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from invites import permissions
from invites.forms.conference import title_field, union_id_field
from invites.models import App, User
from invites.models.conference import ROOM_CODE_LENGTH, validate_conference_id

CONFERENCE_ID_LENGTH = 128
# What people type between the digits of a meeting number, full-width signs of Chinese keyboards included.
_BETWEEN_DIGITS = re.compile(r"[\s\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff.,·\-‐-―－()（）]")


class ThroughApp(forms.Form):
    """A form that goes through a DingTalk app, and asks for it only where there is more than one.

    `chosen_app` is the app, once the form is valid; `has_app` is False where no app can be used at all.
    """

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.apps = list(permissions.usable_apps(user))
        if len(self.apps) > 1:
            self.fields["app"] = forms.ModelChoiceField(
                permissions.usable_apps(user), label=gettext_lazy("DingTalk app"), empty_label=None
            )
            self.order_fields(["app"])

    @property
    def has_app(self) -> bool:
        """Whether there is any app to go through."""
        return bool(self.apps)

    @property
    def chosen_app(self) -> App:
        """The app that was chosen, or the only one."""
        app: App = self.cleaned_data["app"]
        return app

    def clean(self) -> dict[str, Any]:
        """Fills in the app where there was no choice."""
        cleaned = super().clean() or {}
        if not self.apps:
            raise ValidationError(_("No DingTalk app is set up yet. An administrator must do that first."))
        if len(self.apps) == 1:
            cleaned["app"] = self.apps[0]
        return cleaned


class InOwnName(ThroughApp):
    """A form that goes through an app in somebody's own name; their unionId is filled in once it is known."""

    union_id = union_id_field(
        help_text=gettext_lazy("DingTalk needs to know who you are. It is remembered for the next time.")
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, user=user, **kwargs)
        self.fields["union_id"].initial = user.union_id

    @property
    def hides_union_id(self) -> bool:
        """Whether the unionId is known and undisputed, so that the field can stand folded away."""
        return bool(self.user.union_id) and "union_id" not in self.errors


class CreateConferenceForm(InOwnName):
    """A new meeting. ``key`` tells a second press of the same form from a second meeting."""

    title = title_field(autofocus=True)
    invite_caller = forms.BooleanField(
        label=gettext_lazy("Call me too"),
        required=False,
        initial=True,
        help_text=gettext_lazy("DingTalk rings you as soon as the meeting exists."),
    )
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    field_order = ("app", "title", "union_id", "invite_caller", "key")

    def with_fresh_key(self) -> "CreateConferenceForm":
        """The same form for another press: what was typed, under a new key."""
        return CreateConferenceForm(dict(self.data.items()) | {"key": str(uuid.uuid4())}, user=self.user)


class RunningConferencesForm(InOwnName):
    """Whose running meetings to list."""


class FindConferenceForm(ThroughApp):
    """A meeting number as people write it; cleaned to bare digits."""

    room_code = forms.CharField(
        label=gettext_lazy("Meeting number"),
        help_text=gettext_lazy(
            "The digits that DingTalk shows in the meeting; blanks and dashes do not matter."
        ),
        error_messages={"required": gettext_lazy("Enter the meeting number.")},
        widget=forms.TextInput({"inputmode": "numeric", "autocomplete": "off", "autofocus": True}),
    )

    def clean_room_code(self) -> str:
        """The digits alone."""
        digits = _BETWEEN_DIGITS.sub("", self.cleaned_data["room_code"])
        if not digits.isdecimal() or len(digits) > ROOM_CODE_LENGTH:
            raise ValidationError(_("A meeting number consists of digits only."), code="invalid")
        # Full-width and other digits are digits to people, but not to DingTalk.
        return "".join(str(int(digit)) for digit in digits)


class RegisterConferenceForm(ThroughApp):
    """A conferenceId that somebody has at hand, with a title for it if they like."""

    conference_id = forms.CharField(
        label="conferenceId",
        max_length=CONFERENCE_ID_LENGTH,
        validators=[validate_conference_id],
        error_messages={"required": gettext_lazy("Enter the conferenceId.")},
        widget=forms.TextInput(
            {
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
                "class": "font-monospace",
                "autofocus": True,
            }
        ),
    )
    title = title_field(
        required=False, help_text=gettext_lazy("Leave it empty to take the title that DingTalk knows.")
    )
