"""What somebody types to make their account with a sign-up link."""

from typing import Any, ClassVar

from django import forms
from django.contrib.auth.forms import UserCreationForm
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from invites.models import User


class JoinForm(UserCreationForm[User]):
    """Django's, which takes no username that differs from another's in its capitals alone. The role is the link's."""

    class Meta:
        model = User
        fields = ("username", "first_name")
        labels: ClassVar = {"username": _("Username"), "first_name": pgettext_lazy("person", "Name")}
        help_texts: ClassVar = {
            "username": _("What you sign in with: letters, digits and any of . + - _"),
            "first_name": _("How others see you. It can be changed later."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        username, name = self.fields["username"], self.fields["first_name"]
        username.widget.attrs |= {"autocomplete": "username", "autocapitalize": "none", "autofocus": False}
        # It stands first on the page.
        name.widget.attrs |= {"autocomplete": "name", "autofocus": True}
        self.fields["first_name"].required = True
        self.fields["password2"].help_text = ""

    def clean_username(self) -> str:
        """Nothing that looks like a mail address, which somebody else may sign in with."""
        # Django's gives none back where it has found something wrong.
        username: str = super().clean_username() or ""
        if "@" in username:
            raise forms.ValidationError(_("A username has no @ in it."), code="invalid")
        return username
