"""Links by which people make their own accounts, as administrators give them out."""

from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from invites import enrolling
from invites.models import SignUpLink, User
from invites.models.user import Role

_DAYS = (1, 7, 30)


class SignUpLinkForm(forms.Form):
    """Whom a link is for, what they will be, and how long it can be used.

    ``nobody_may_sign_up``: no link opens anything at present, so none is sent to anybody.
    """

    role = forms.ChoiceField(
        label=_("Role"),
        choices=Role.choices,
        initial=Role.ORGANIZER,
        widget=forms.RadioSelect,
        help_text=_(
            "Whoever holds the link becomes this. Give a link for an administrator to nobody by mail."
        ),
    )
    may_see_phone_numbers = forms.BooleanField(
        label=_("May see phone numbers"),
        required=False,
        help_text=_("For auditors: everybody else sees the numbers of their own people anyway."),
    )
    email = forms.EmailField(
        label=_("Mail address"),
        required=False,
        widget=forms.EmailInput({"autocomplete": "off"}),
    )
    days = forms.TypedChoiceField(
        label=_("Valid for"),
        coerce=int,
        initial=7,
        choices=[(days, ngettext_lazy("%(n)s day", "%(n)s days", days) % {"n": days}) for days in _DAYS],
    )

    def __init__(self, *args: Any, sends_mail: bool, nobody_may_sign_up: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.would_be_in_vain = sends_mail and nobody_may_sign_up
        self.fields["email"].help_text = (
            _("The link is sent there. Leave it empty to hand the link over yourself.")
            if sends_mail
            else _(
                "So that the list says for whom it is. No mail is set up here: hand the link over yourself."
            )
        )

    def clean_email(self) -> str:
        """An address to which a link may be sent: not one that opens nothing."""
        email: str = self.cleaned_data["email"]
        if email and self.would_be_in_vain:
            raise ValidationError(
                _(
                    "Nobody may sign up at present, so whoever gets this link could do nothing with it. Let people "
                    "sign up with a link first, or leave this empty and hand the link over yourself."
                ),
                code="nobody_may_sign_up",
            )
        return email

    def make(self, by: User) -> tuple[SignUpLink, str]:
        """The new link and its token. The form is valid."""
        return enrolling.make_link(
            by=by,
            role=Role(self.cleaned_data["role"]),
            may_see_phone_numbers=self.cleaned_data["may_see_phone_numbers"],
            email=self.cleaned_data["email"],
            valid_for=timedelta(days=self.cleaned_data["days"]),
        )
