"""The form of a group of contacts."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from invites import curating
from invites.forms.keeping import KeepingForm
from invites.models import BookChange, ContactGroup, User
from invites.models.contact import ContactQuerySet, validate_nick


class GroupFilterForm(forms.Form):
    """What the list of a book's groups shows: those whose name contains ``q``, behind ``after``.

    It comes with links, not from typing, so what is unusable in it counts as absent.
    """

    q = forms.CharField(label=_("Search"), max_length=80, required=False)
    after = forms.CharField(max_length=150, required=False, strip=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.full_clean()

    @property
    def text(self) -> str:
        """What is searched for."""
        return str(self.cleaned_data.get("q", ""))

    @property
    def cursor(self) -> str:
        """Where to go on; "" for the beginning."""
        return str(self.cleaned_data.get("after", ""))


class ContactGroupForm(KeepingForm[ContactGroup]):
    """The name of a group, whose ``instance`` carries the book; ``contacts`` join a new one when it is saved.

    Once it is kept, ``change`` is what ``user`` did to the book with it, None where nothing was different.
    """

    fields_of_constraints: ClassVar = {"group_name_once_per_book": "name"}

    class Meta:
        model = ContactGroup
        fields = ("name",)
        error_messages: ClassVar = {"name": {"required": _("Enter a name.")}}
        widgets: ClassVar = {"name": forms.TextInput(attrs={"dir": "auto", "autocomplete": "off"})}

    def __init__(
        self, *args: Any, user: User, contacts: ContactQuerySet | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.contacts = contacts
        self.change: BookChange | None = None
        if not self.is_bound:
            self.fields["name"].widget.attrs["autofocus"] = True

    def clean_name(self) -> str:
        """The name, which has no control characters."""
        name: str = self.cleaned_data["name"]
        validate_nick(name)
        return name

    def save(self, commit: bool = True) -> ContactGroup:
        """Saves the group and its people; ``commit`` is always true."""
        self.change = curating.save_group(group=self.instance, user=self.user, contacts=self.contacts)
        return self.instance
