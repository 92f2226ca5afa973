"""Forms of address books themselves: name, country and sharing, and who else may use one."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from invites import countries, curating
from invites.curating.sharing import CHANGE, USE
from invites.forms.keeping import KeepingForm
from invites.forms.organizer import OrganizerField
from invites.models import AddressBook, User
from invites.models.address_book import Sharing
from invites.models.app import AppQuerySet
from invites.models.contact import validate_nick


class AddressBookForm(KeepingForm[AddressBook]):
    """Name, app, country and sharing of a book.

    The app is asked for only where there is a choice, and never again: the unionIds of a book's contacts are valid
    for its own app alone.
    """

    fields_of_constraints: ClassVar = {"address_book_name_once_per_owner": "name"}
    default_country = forms.ChoiceField(
        label=_("Country or region of its phone numbers"),
        required=False,
        help_text=_(
            "Numbers without a country code are read as numbers of this country and shown without its code."
        ),
    )

    class Meta:
        model = AddressBook
        fields = ("name", "app", "default_country", "sharing")
        error_messages: ClassVar = {"name": {"required": _("Enter a name.")}}
        widgets: ClassVar = {
            "sharing": forms.RadioSelect,
            "name": forms.TextInput(attrs={"autocomplete": "off"}),
        }

    def __init__(self, *args: Any, user: User, apps: AppQuerySet | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        if not self.is_bound:
            self.fields["name"].widget.attrs["autofocus"] = True
        self.fields["sharing"].choices = Sharing.choices  # type: ignore[attr-defined]  # without "---------"
        choice = [] if apps is None else list(apps)
        if len(choice) > 1:
            self.fields["app"].queryset = apps  # type: ignore[attr-defined]
            self.fields["app"].empty_label = None  # type: ignore[attr-defined]
            self._offer_countries(_("Like the app"))
            return
        del self.fields["app"]
        if choice:
            self.instance.app = choice[0]
        country = countries.label(self.instance.app.country)
        self._offer_countries(_("Like the app: %(country)s") % {"country": country})

    def clean_name(self) -> str:
        """The name, which has no control characters."""
        name: str = self.cleaned_data["name"]
        validate_nick(name)
        return name

    def save(self, commit: bool = True) -> AddressBook:
        """Saves the book; ``commit`` is always true."""
        curating.save_book(book=self.instance, user=self.user)
        return self.instance

    def _offer_countries(self, that_of_the_app: StrOrPromise) -> None:
        choices = [("", that_of_the_app), *countries.choices()]
        self.fields["default_country"].choices = choices  # type: ignore[attr-defined]


class BookShareForm(forms.Form):
    """An organizer by name, and what they may do with ``book``."""

    username = OrganizerField()
    may = forms.ChoiceField(
        label=_("They may"),
        choices=((USE, _("use it")), (CHANGE, _("use and change it"))),
        required=False,
        widget=forms.RadioSelect,
        initial=USE,
    )

    def __init__(self, *args: Any, book: AddressBook, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.book = book

    @property
    def person(self) -> User:
        """Who was named, once the form is valid."""
        user: User = self.cleaned_data["username"]
        return user

    @property
    def may_write(self) -> bool:
        """Whether they may change the book too."""
        return bool(self.cleaned_data["may"] == CHANGE)

    def clean_username(self) -> User:
        """The user of this name, who must not be its owner."""
        user: User = self.cleaned_data["username"]
        if user.pk == self.book.owner_id:
            raise ValidationError(_("This book is theirs already."), code="owner")
        return user

    def keep(self, user: User) -> bool:
        """Shares the book in the name of ``user`` and says True; False with the errors in the form otherwise."""
        if self.is_valid():
            curating.share(book=self.book, person=self.person, may_write=self.may_write, user=user)
        return self.is_valid()
