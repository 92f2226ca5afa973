"""The field in which another organizer is named."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from invites import permissions
from invites.models import User


class OrganizerField(forms.CharField):
    """Another organizer, by the name with which they sign in; cleaned to the user."""

    def __init__(self, **kwargs: Any) -> None:
        attributes = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        super().__init__(
            label=_("Name for signing in"),
            error_messages={"required": _("Enter the name with which they sign in.")},
            widget=forms.TextInput(attributes),
            **kwargs,
        )

    def clean(self, value: Any) -> User:
        """The user of this name, who must be able to organize."""
        try:
            user = User.objects.get_by_natural_key(super().clean(value))
        except User.DoesNotExist as error:
            raise ValidationError(_("Nobody signs in with this name."), code="unknown") from error
        if not user.is_active or not permissions.may_organize(user):
            raise ValidationError(
                _("%(name)s is not an organizer and cannot invite anybody."),
                code="role",
                params={"name": user.display_name},
            )
        return user
