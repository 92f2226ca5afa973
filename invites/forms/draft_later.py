"""What the composer asks about later: when a list is sent by itself, and whether people are rung again."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django_stubs_ext import StrOrPromise

from invites import permissions
from invites.models import App, Invitation, User
from invites.models.invitation import MOST_RINGS

# A time further away than this is a slip of the keyboard.
FURTHEST = timedelta(days=366)
SLOT = timedelta(minutes=30)
LEAST_AHEAD = timedelta(minutes=10)
RING_AGAIN_MINUTES = (2, 3, 5, 10)
USUAL_MINUTES = 3


def next_slot() -> datetime:
    """The next full half hour that is some minutes away: what most people mean by later."""
    soonest = timezone.localtime(timezone.now() + LEAST_AHEAD)
    past = timedelta(minutes=soonest.minute % 30, seconds=soonest.second, microseconds=soonest.microsecond)
    return soonest - past + SLOT if past else soonest


class MomentField(forms.DateTimeField):
    """A minute in the viewer's time zone, with words of our own where their clocks skip it or pass it twice."""

    widget = forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    default_error_messages: ClassVar[dict[str, StrOrPromise]] = {
        "required": _("Enter a date and a time."),
        "invalid": _("This is not a date and a time, such as 2026-11-30 15:00."),
        "ambiguous_timezone": _(
            "The clocks are changed then, so this time does not exist or comes twice. Choose another one."
        ),
    }

    def to_python(self, value: Any) -> datetime | None:
        """The aware moment. Raises ValidationError."""
        try:
            return super().to_python(value)
        except ValidationError as error:
            code = getattr(error, "code", "") or "invalid"
            raise ValidationError(self.error_messages[code], code=code) from error


class ScheduleForm(forms.Form):
    """When a list is to be sent by itself."""

    at = MomentField(
        label=_("Call them at"),
        help_text=_(
            "DingTalk calls people only while the meeting runs: if it has ended by then, nobody is called. The list "
            "can be changed until then."
        ),
    )

    def clean_at(self) -> datetime:
        """A moment that is still to come, and not too far away."""
        at: datetime = self.cleaned_data["at"]
        now = timezone.now()
        if at <= now:
            raise ValidationError(_("This time has passed already."), code="past")
        if at > now + FURTHEST:
            raise ValidationError(_("This is more than a year away."), code="too_far")
        return at


class RingAgainForm(forms.Form):
    """Whether those who do not join are rung again by themselves, and how soon."""

    again = forms.BooleanField(label=_("Ring those again who do not join"), required=False)
    minutes = forms.TypedChoiceField(label=_("How often"), coerce=int)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["minutes"].choices = [(n, _how_often(n)) for n in RING_AGAIN_MINUTES]  # type: ignore[attr-defined]

    @property
    def chosen(self) -> int | None:
        """The minutes between two rings; None where nobody is to be rung again. Only of a valid form."""
        return self.cleaned_data["minutes"] if self.cleaned_data["again"] else None


class EarlierInvitationForm(forms.Form):
    """A sent invitation whose people are to be added; only such as ``user`` may repeat through ``app``."""

    invitation = forms.ModelChoiceField(
        Invitation.objects.none(),
        error_messages={
            "required": _("Choose an invitation."),
            "invalid_choice": _("This invitation is not there any more. Nobody was added."),
        },
    )

    def __init__(self, *args: Any, user: User, app: App, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        invitations = permissions.sendable_invitations(user).of_app(app)
        self.fields["invitation"].queryset = invitations  # type: ignore[attr-defined]


def _how_often(minutes: int) -> str:
    return ngettext(
        "up to %(times)s times, every %(n)s minute", "up to %(times)s times, every %(n)s minutes", minutes
    ) % {"times": MOST_RINGS, "n": minutes}
