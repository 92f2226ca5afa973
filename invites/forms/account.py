"""What people change about themselves."""

from typing import Any, ClassVar

from django.conf import settings
from django.forms import EmailInput, TextInput
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from invites.forms.keeping import KeepingForm
from invites.forms.user import check_address_is_free
from invites.models import User
from invites.models.contact import validate_union_id
from invites.signing_in import identities


class AccountForm(KeepingForm[User]):
    """One's own name, unionId and mail; the role is an administrator's to change.

    A name is one field, since its parts stand in another order in Chinese. A family name that an administrator has
    entered beside it is kept. Where no mail is sent, nothing is asked about it.
    """

    class Meta:
        model = User
        fields = ("first_name", "union_id", "email", "weekly_digest")
        labels: ClassVar = {
            "first_name": pgettext_lazy("person", "Name"),
            "union_id": _("My unionId"),
            "email": _("Mail address"),
            "weekly_digest": _("Weekly digest by mail"),
        }
        help_texts: ClassVar = {
            "union_id": _(
                "The id by which DingTalk knows you. It is the operator of your invitations: without it the call "
                "shows no inviter's name, and you cannot create conferences. An administrator of your DingTalk "
                "organisation can look it up."
            ),
            "weekly_digest": _(
                "Every Monday morning, in the language of this page: what the week before was like, as far as you may "
                "see it."
            ),
        }
        widgets: ClassVar = {
            "first_name": TextInput(attrs={"autocomplete": "name"}),
            "union_id": TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
            "email": EmailInput(attrs={"autocomplete": "email"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if identities.has_identity(self.instance):
            # DingTalk tells it at each sign-in: nobody can be another operator by typing.
            del self.fields["union_id"]
        if not settings.MAIL_IS_SET_UP:
            del self.fields["email"], self.fields["weekly_digest"]

    @property
    def opens_another_way_in(self) -> bool:
        """Whether the link to a new password would go elsewhere from now on. The form is valid."""
        return "email" in self.changed_data

    def clean_email(self) -> str:
        """An address that nobody else has, since people sign in with it."""
        email: str = self.cleaned_data["email"]
        if "email" in self.changed_data:
            check_address_is_free(email, besides=self.instance)
        return email

    def clean_union_id(self) -> str:
        """Empty, or something that can be a unionId."""
        union_id: str = self.cleaned_data["union_id"]
        if union_id:
            validate_union_id(union_id)
        return union_id

    def clean(self) -> dict[str, Any]:
        """A digest needs somewhere to go."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("weekly_digest") and not cleaned.get("email") and "email" not in self.errors:
            self.add_error("email", _("The weekly digest needs an address to go to."))
        return cleaned

    def save(self, commit: bool = True) -> User:
        """Writes these fields alone, so that a role that is changed at the same moment stays changed."""
        self.instance.language = get_language() or ""
        if commit:
            self.instance.save(update_fields=[*self.fields, "language"])
        return self.instance
