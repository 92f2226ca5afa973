"""The form of a mark "do not invite"."""

from datetime import date

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from invites import clock
from invites.models.contact import REASON_LENGTH, is_one_line


class DoNotInviteForm(forms.Form):
    """Why somebody is not to be invited, and until when; for good where no day is chosen."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=REASON_LENGTH,
        help_text=_("Shown to whoever wants to invite these people."),
        error_messages={
            "required": _("Say why, for those who wonder later."),
            "max_length": _("A reason has at most 200 characters."),
        },
        widget=forms.TextInput({"dir": "auto", "autocomplete": "off", "autofocus": True}),
    )
    until = forms.DateField(
        label=_("Until the end of"),
        required=False,
        input_formats=["%Y-%m-%d"],
        help_text=_("Leave it empty if this has no end."),
        error_messages={"invalid": _("Enter a day, like 2026-12-31.")},
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
    )

    def clean_reason(self) -> str:
        """The reason, which has no control characters."""
        reason: str = self.cleaned_data["reason"]
        if not is_one_line(reason):
            raise ValidationError(_("A reason has no line breaks and no control characters."), code="invalid")
        return reason

    def clean_until(self) -> date | None:
        """The last day, which is not over."""
        until: date | None = self.cleaned_data["until"]
        if until is not None and until < clock.today():
            raise ValidationError(_("This day is over. Choose today or a later day."), code="over")
        return until
