"""The form of a group of contacts."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from invites import curating
from invites.forms.keeping import KeepingForm
from invites.models import Contact, ContactGroup
from invites.models.contact import validate_nick


class ContactGroupForm(KeepingForm[ContactGroup]):
    """The name of a group, whose ``instance`` carries the book; ``contacts`` join it when it is saved."""

    fields_of_constraints: ClassVar = {"group_name_once_per_book": "name"}

    class Meta:
        model = ContactGroup
        fields = ("name",)
        error_messages: ClassVar = {"name": {"required": _("Enter a name.")}}
        widgets: ClassVar = {"name": forms.TextInput(attrs={"dir": "auto", "autocomplete": "off"})}

    def __init__(self, *args: Any, contacts: Iterable[Contact] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.contacts = contacts
        if not self.is_bound:
            self.fields["name"].widget.attrs["autofocus"] = True

    def clean_name(self) -> str:
        """The name, which has no control characters."""
        name: str = self.cleaned_data["name"]
        validate_nick(name)
        return name

    def save(self, commit: bool = True) -> ContactGroup:
        """Saves the group and its people; ``commit`` is always true."""
        curating.save_group(group=self.instance, contacts=self.contacts)
        return self.instance
