"""What is typed and pressed where the composer searches the company directory."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from invites import permissions
from invites.models import AddressBook, App, User

LONGEST_SEARCH = 50
# Nobody turns more pages than that.
LARGEST_OFFSET = 1000


class DirectorySearchForm(forms.Form):
    """A part of a name. It comes with links as well, so what is unusable in it counts as absent."""

    q = forms.CharField(
        label=_("Name of a colleague"),
        max_length=LONGEST_SEARCH,
        required=False,
        widget=forms.TextInput(
            {"type": "search", "autocomplete": "off", "autofocus": True, "id": "directory_q"}
        ),
    )
    offset = forms.IntegerField(required=False, min_value=0, max_value=LARGEST_OFFSET)

    def found(self) -> tuple[str, int]:
        """The text to search for, "" for none, and where its results go on."""
        self.is_valid()
        return str(self.cleaned_data.get("q", "")), self.cleaned_data.get("offset") or 0


class DirectoryAddForm(forms.Form):
    """Somebody who was found, by their id inside the company, and a book that is to have them too."""

    person = forms.CharField(max_length=128)
    book = forms.ModelChoiceField(AddressBook.objects.none(), required=False)

    def __init__(self, *args: Any, user: User, app: App, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        books = permissions.writable_books(user).of_app(app).select_related("app")
        self.fields["book"].queryset = books  # type: ignore[attr-defined]
        self.fields["book"].error_messages["invalid_choice"] = _(
            "This address book is not yours to change any more."
        )
