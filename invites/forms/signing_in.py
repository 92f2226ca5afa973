"""What people type to sign in, and for a password of their own."""

from typing import Any

from allauth.account.forms import (
    ChangePasswordForm,
    LoginForm,
    ResetPasswordForm,
    ResetPasswordKeyForm,
    SetPasswordForm,
)
from django import forms
from django.utils.translation import gettext_lazy as _

from invites.models import ApiToken, User


def _plain(field: forms.Field, *, label: object, help_text: object = None) -> None:
    """Labels stand above fields here, and not in them, where they would vanish with the first letter."""
    field.label = label  # type: ignore[assignment]  # lazy texts are as good
    field.widget.attrs.pop("placeholder", None)
    if help_text is not None:
        field.help_text = help_text  # type: ignore[assignment]


class SignInForm(LoginForm):
    """Allauth's; a name may be a username or a mail address."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        login = self.fields["login"]
        _plain(login, label=_("Username or mail address"))
        login.widget.attrs |= {"autocomplete": "username", "autocapitalize": "none", "autofocus": True}
        # The way to a new password stands on the page, where mail is sent at all.
        _plain(self.fields["password"], label=_("Password"), help_text="")


class PasswordForm(ChangePasswordForm):
    """Allauth's: the present password and a new one, twice; and for whoever has tokens, what becomes of these."""

    revoke_tokens = forms.BooleanField(
        label=_("Revoke my tokens, too"),
        required=False,
        initial=True,
        help_text=_(
            "The programs that use them stop working until they get new ones. Leave this ticked where somebody else "
            "may know your password: they may have made a token with it."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not ApiToken.objects.of(self.user).valid().exists():
            del self.fields["revoke_tokens"]
        _plain(self.fields["oldpassword"], label=_("Present password"), help_text="")
        _label_new_password(self)


class FirstPasswordForm(SetPasswordForm):
    """Allauth's: a password for somebody who has none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _label_new_password(self)


class ForgottenPasswordForm(ResetPasswordForm):
    """Allauth's: where to send the link."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self.fields["email"], label=_("Mail address"))

    def clean_email(self) -> str:
        """As allauth's, which says the same whether or not there is anybody; but an old address finds nobody."""
        email: str = self.cleaned_data["email"]
        self.users = list(User.objects.all().reached_by(email).who_can_sign_in())
        return email


class ResetPasswordWithLinkForm(ResetPasswordKeyForm):
    """Allauth's: a new password in place of a forgotten one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _label_new_password(self)


def _label_new_password(form: forms.Form) -> None:
    _plain(form.fields["password1"], label=_("New password"))
    _plain(form.fields["password2"], label=_("New password again"))
