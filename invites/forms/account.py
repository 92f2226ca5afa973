"""What people change about themselves."""

from typing import ClassVar

from django.forms import TextInput
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from invites.forms.keeping import KeepingForm
from invites.models import User
from invites.models.contact import validate_union_id


class AccountForm(KeepingForm[User]):
    """One's own name and unionId; the role is an administrator's to change.

    A name is one field, since its parts stand in another order in Chinese. A family name that an administrator has
    entered beside it is kept.
    """

    class Meta:
        model = User
        fields = ("first_name", "union_id")
        labels: ClassVar = {"first_name": pgettext_lazy("person", "Name"), "union_id": _("My unionId")}
        help_texts: ClassVar = {
            "union_id": _(
                "The id by which DingTalk knows you. It is the operator of your invitations: without it the call "
                "shows no inviter's name, and you cannot create conferences. An administrator of your DingTalk "
                "organisation can look it up."
            )
        }
        widgets: ClassVar = {
            "first_name": TextInput(attrs={"autocomplete": "name"}),
            "union_id": TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        }

    def clean_union_id(self) -> str:
        """Empty, or something that can be a unionId."""
        union_id: str = self.cleaned_data["union_id"]
        if union_id:
            validate_union_id(union_id)
        return union_id

    def save(self, commit: bool = True) -> User:
        """Writes these fields alone, so that a role that is changed at the same moment stays changed."""
        if commit:
            self.instance.save(update_fields=self.Meta.fields)
        return self.instance
