"""What somebody says about a token that they make for a program of theirs."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from invites import tokens
from invites.forms.keeping import KeepingForm
from invites.models import ApiToken
from invites.models.api_token import Scope
from invites.models.contact import validate_nick

_DAYS = {30: _("30 days"), 90: _("90 days"), 365: _("One year")}


class ApiTokenForm(KeepingForm[ApiToken]):
    """Name, permissions and validity of a token, whose ``instance`` carries its user.

    Once it is kept, ``made`` is the token with the text that is shown now and never again.
    """

    scopes = forms.MultipleChoiceField(
        label=_("What the program may do"),
        choices=Scope.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Never more than you may do yourself."),
        error_messages={"required": _("Choose at least one of the permissions.")},
    )
    days = forms.TypedChoiceField(
        label=_("Valid for"), coerce=int, choices=list(_DAYS.items()), initial=90, widget=forms.RadioSelect
    )

    class Meta:
        model = ApiToken
        fields = ("name", "scopes")
        labels: ClassVar = {"name": pgettext_lazy("token", "Name")}
        error_messages: ClassVar = {"name": {"required": _("Enter a name.")}}
        help_texts: ClassVar = {
            "name": _("Which program is to use it, and on which machine: you tell your tokens apart by it.")
        }
        widgets: ClassVar = {"name": forms.TextInput({"autocomplete": "off"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = tokens.scopes_for(self.instance.user)
        self.fields["scopes"].choices = [(scope.value, scope.label) for scope in offered]  # type: ignore[attr-defined]
        self.made: tokens.Made | None = None

    def clean_name(self) -> str:
        """The name, which no other token has that still opens anything: two presses make one token."""
        name: str = self.cleaned_data["name"]
        validate_nick(name)
        if ApiToken.objects.of(self.instance.user).valid().called(name).exists():
            raise ValidationError(
                _(
                    "You have a token of this name. If you did not keep it, revoke it in the list, then make "
                    "another one."
                ),
                code="taken",
            )
        return name

    def save(self, commit: bool = True) -> ApiToken:
        """Makes the token; ``commit`` is always true."""
        self.made = tokens.make(self.instance, days=self.cleaned_data["days"])
        return self.instance
