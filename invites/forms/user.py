"""Users as administrators set them up."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.utils.translation import gettext_lazy as _

from invites.models import User
from invites.models.contact import validate_union_id
from invites.models.user import Role


class _WithUnionId(forms.Form):
    def clean_union_id(self) -> str:
        """Empty, or something that can be a unionId."""
        union_id: str = self.cleaned_data["union_id"]
        if union_id:
            validate_union_id(union_id)
        return union_id


class NewUserForm(_WithUnionId, AdminUserCreationForm[User]):
    """A new user."""

    class Meta:
        model = User
        fields = ("username", "role", "union_id")


class UserForm(_WithUnionId, UserChangeForm[User]):
    """A user with their role. Somebody who can set up everything is always left."""

    class Meta:
        model = User
        fields = "__all__"

    def clean(self) -> dict[str, Any]:
        """The last administrator stays one and can sign in."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        stays = cleaned.get("role") == Role.ADMINISTRATOR and cleaned.get("is_active")
        if not stays and User.objects.is_last_administrator(self.instance.pk):
            raise forms.ValidationError(
                _("This is the last administrator. Make somebody else one first."), code="last_administrator"
            )
        return cleaned
