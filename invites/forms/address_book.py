"""Forms of address books themselves."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from invites.forms.keeping import KeepingForm
from invites.models import AddressBook
from invites.models.address_book import Sharing
from invites.models.app import AppQuerySet
from invites.models.contact import validate_nick


class AddressBookForm(KeepingForm[AddressBook]):
    """Name, app and sharing of a book.

    The app is asked for only where there is a choice, and never again: the unionIds of a book's contacts are valid
    for its own app alone.
    """

    fields_of_constraints: ClassVar = {"address_book_name_once_per_owner": "name"}

    class Meta:
        model = AddressBook
        fields = ("name", "app", "sharing")
        error_messages: ClassVar = {"name": {"required": _("Enter a name.")}}
        widgets: ClassVar = {
            "sharing": forms.RadioSelect,
            "name": forms.TextInput(attrs={"autocomplete": "off"}),
        }

    def __init__(self, *args: Any, apps: AppQuerySet | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.is_bound:
            self.fields["name"].widget.attrs["autofocus"] = True
        self.fields["sharing"].choices = Sharing.choices  # type: ignore[attr-defined]  # without "---------"
        choice = [] if apps is None else list(apps)
        if len(choice) > 1:
            self.fields["app"].queryset = apps  # type: ignore[attr-defined]
            self.fields["app"].empty_label = None  # type: ignore[attr-defined]
            return
        del self.fields["app"]
        if choice:
            self.instance.app = choice[0]

    def clean_name(self) -> str:
        """The name, which has no control characters."""
        name: str = self.cleaned_data["name"]
        validate_nick(name)
        return name
