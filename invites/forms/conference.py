"""What people type about conferences. Forms check and clean; they ask DingTalk nothing."""

import re
import uuid
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from invites import permissions
from invites.models import App, Conference, User
from invites.models.address_book import UNION_ID_LENGTH, validate_union_id
from invites.models.conference import ROOM_CODE_LENGTH, TITLE_LENGTH, validate_conference_id

CONFERENCE_ID_LENGTH = 128
# What people type between the digits of a meeting number, full-width signs of Chinese keyboards included.
_BETWEEN_DIGITS = re.compile(r"[\s\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff.,·\-‐-―－()（）]")


def title_field(*, required: bool = True, help_text: str = "") -> forms.CharField:
    """A title of at most 50 characters, since DingTalk cuts longer ones."""
    return forms.CharField(
        label=gettext_lazy("Title"),
        required=required,
        max_length=TITLE_LENGTH,
        help_text=help_text,
        error_messages={
            "required": gettext_lazy("Enter a title."),
            "max_length": gettext_lazy(
                "A title has at most %(limit_value)d characters; this one has %(show_value)d."
            ),
        },
        widget=forms.TextInput({"autocomplete": "off", "dir": "auto"}),
    )


def union_id_field(*, help_text: str) -> forms.CharField:
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

    title = title_field()
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
        data = self.data.copy()
        data["key"] = str(uuid.uuid4())
        return CreateConferenceForm(data, user=self.user)


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
        widget=forms.TextInput({"inputmode": "numeric", "autocomplete": "off"}),
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
            }
        ),
    )
    title = title_field(
        required=False, help_text=gettext_lazy("Leave it empty to take the title that DingTalk knows.")
    )


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

    username = forms.CharField(
        label=gettext_lazy("Name for signing in"),
        help_text=gettext_lazy(
            "They will see this conference, its people and its invitations, and can invite into it."
        ),
        error_messages={"required": gettext_lazy("Enter the name with which they sign in.")},
        widget=forms.TextInput({"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
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
        """The user of this name, who must be able to organize and not be part of it yet."""
        name = self.cleaned_data["username"]
        try:
            user = User.objects.get_by_natural_key(name)
        except User.DoesNotExist as error:
            raise ValidationError(_("Nobody signs in with this name."), code="unknown") from error
        if not user.is_active or not permissions.may_organize(user):
            raise ValidationError(
                _("%(name)s is not an organizer and cannot invite anybody."),
                code="role",
                params={"name": user.display_name},
            )
        if user.pk == self.conference.owner_id:
            raise ValidationError(_("This conference is theirs already."), code="owner")
        if self.conference.co_organizers.contains(user):
            raise ValidationError(
                _("%(name)s is a co-organizer already."), code="already", params={"name": user.display_name}
            )
        return user
