"""What people type and hand over to prove who they are: django-allauth's forms, in our words."""

import struct
from collections.abc import Callable
from typing import Any

from allauth.account.forms import ReauthenticateForm as _PasswordAgainForm
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from fido2.webauthn import AuthenticationResponse, RegistrationResponse

from invites.encryption import UndecryptableError

NAME_LENGTH = 60
# What the library raises for something that no browser has made; allauth expects only some of it.
_UNREADABLE = (
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    struct.error,
)


def _code_field(help_text: Any) -> forms.CharField:
    # Six digits of an app, eight of a recovery code; people type blanks in between.
    attrs = {"autocomplete": "one-time-code", "spellcheck": "false", "autofocus": True}
    label = pgettext_lazy("second factor", "Code")
    return forms.CharField(label=label, help_text=help_text, max_length=32, widget=forms.TextInput(attrs))


class CredentialField(forms.JSONField):
    """What a browser has made of a passkey, as JSON; ``read`` takes it apart to see that it is that."""

    def __init__(self, *, read: Callable[[Any], object]) -> None:
        self._read = read
        super().__init__(widget=forms.HiddenInput)

    def clean(self, value: Any) -> Any:
        """The JSON. Raises ValidationError for anything that is no passkey's answer."""
        credential = super().clean(value)
        try:
            self._read(credential)
        except _UNREADABLE as error:
            raise forms.ValidationError(_("This is no passkey."), code="unreadable") from error
        return credential


class AuthenticatorAppForm(ActivateTOTPForm):
    """The first code of an authenticator app, which shows that it has taken the secret."""

    code = _code_field(_("The six digits that the app shows now."))


class _SaysWhenUnreadable(forms.Form):
    def clean_code(self) -> str:
        """As allauth's. Raises ValidationError where no configured key opens what the code is held against."""
        try:
            code: str = super().clean_code()  # type: ignore[misc]
        except UndecryptableError as error:
            raise forms.ValidationError(
                _("Your second factor cannot be read any more. An administrator can reset it."), code="lost"
            ) from error
        return code


class SecondStepForm(_SaysWhenUnreadable, AuthenticateForm):
    """The second factor of a sign-in."""

    code = _code_field(_("From your authenticator app, or one of your recovery codes."))


class CodeAgainForm(_SaysWhenUnreadable, ReauthenticateForm):
    """A code once more, before something that matters."""

    code = _code_field(_("From your authenticator app, or one of your recovery codes."))


class PasswordAgainForm(_PasswordAgainForm):
    """The password once more, before something that matters."""

    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "current-password", "autofocus": True}),
    )


class PasskeyForm(AddWebAuthnForm):
    """A new passkey; ``credential`` is what the browser has made."""

    credential = CredentialField(read=RegistrationResponse.from_dict)
    name = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=NAME_LENGTH,
        help_text=_("So that you know later which one it is, as in “My phone”."),
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    passwordless = forms.BooleanField(
        label=_("Sign in with it alone, without name and password"),
        required=False,
        help_text=_(
            "It then asks for your fingerprint, face or PIN. Some simple security keys cannot do this."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"name": "", "passwordless": True} | (kwargs.get("initial") or {})
        super().__init__(*args, **kwargs)

    def clean_name(self) -> str:
        """What was typed, or a word that stands for it."""
        name: str = self.cleaned_data["name"]
        return name or str(_("Passkey"))


class _WithCredential(forms.Form):
    credential = CredentialField(read=AuthenticationResponse.from_dict)


class PasskeySignInForm(_WithCredential, LoginWebAuthnForm):
    """A passkey in place of name and password."""


class PasskeyStepForm(_WithCredential, AuthenticateWebAuthnForm):
    """A passkey as the second factor of a sign-in."""


class PasskeyAgainForm(_WithCredential, ReauthenticateWebAuthnForm):
    """A passkey once more, before something that matters."""
