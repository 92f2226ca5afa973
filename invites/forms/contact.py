"""Forms of contacts: one contact, the search over a book's, and a choice of several."""

from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from invites import curating, phone_numbers
from invites.errors import DemoPersonRefused
from invites.forms.keeping import KeepingForm
from invites.guarding import refuse_demo_person
from invites.models import AddressBook, BookChange, Contact, ContactGroup, User
from invites.models.address_book import AddressBookQuerySet
from invites.models.contact import KEY_DIGITS, ContactQuerySet, validate_nick, validate_union_id

_AS_IT_IS = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}


def start_of(cursor: str) -> int:
    """How many of those whom a search finds were shown before; ``cursor`` comes with a link."""
    is_number = cursor.isascii() and cursor.isdecimal() and len(cursor) <= KEY_DIGITS
    return int(cursor) if is_number else 0


class ContactForm(KeepingForm[Contact]):
    """A person of a book, whose ``instance`` carries the book. ``group`` is one that a new contact also joins.

    Once it is kept, ``change`` is what ``user`` did to the book with it, None where nothing was different.
    """

    fields_of_constraints: ClassVar = {
        "contact_is_reachable": "union_id",
        "contact_union_id_once_per_book": "union_id",
        "contact_phone_number_once_per_book": "phone_number",
    }
    # Wider than what is stored: people type blanks, brackets and dashes.
    phone_number = forms.CharField(
        label=_("Phone number"),
        max_length=64,
        required=False,
        widget=forms.TextInput(attrs={"type": "tel", **_AS_IT_IS}),
    )

    class Meta:
        model = Contact
        fields = ("nick", "union_id", "phone_number")
        labels: ClassVar = {"union_id": "unionId"}
        error_messages: ClassVar = {"nick": {"required": _("Enter a name.")}}
        widgets: ClassVar = {
            "nick": forms.TextInput(attrs={"dir": "auto", "autocomplete": "off"}),
            "union_id": forms.TextInput(attrs=_AS_IT_IS),
        }

    def __init__(self, *args: Any, user: User, group: ContactGroup | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.group = group
        self.change: BookChange | None = None
        if not self.is_bound:
            self.fields["nick"].widget.attrs["autofocus"] = True
        if self.instance.phone_number:
            country = self.instance.book.country
            self.initial["phone_number"] = phone_numbers.display(self.instance.phone_number, country=country)

    def clean_nick(self) -> str:
        """The name, which has no control characters."""
        nick: str = self.cleaned_data["nick"]
        validate_nick(nick)
        return nick

    def clean_union_id(self) -> str:
        """The unionId as it is, without blanks inside."""
        union_id: str = self.cleaned_data["union_id"]
        if union_id:
            validate_union_id(union_id)
            self._refuse_demo_person(union_id)
        return union_id

    def clean_phone_number(self) -> str:
        """The number in E.164, read as people in the country of the book write it."""
        text: str = self.cleaned_data["phone_number"]
        if not text:
            return ""
        number = phone_numbers.parse(text, country=self.instance.book.country)
        self._refuse_demo_person(number)
        return number

    def save(self, commit: bool = True) -> Contact:
        """Saves the contact, also into the group; ``commit`` is always true."""
        self.change = curating.save_contact(contact=self.instance, user=self.user, group=self.group)
        return self.instance

    def _refuse_demo_person(self, value: str) -> None:
        try:
            refuse_demo_person(app=self.instance.book.app, values=[value])
        except DemoPersonRefused as refusal:
            raise ValidationError(refusal.message, code="demo_person") from refusal


class ContactFilterForm(forms.Form):
    """What a book's page shows: those matching ``q``, in ``group``, ``not_known`` to DingTalk or ``marked`` "do not
    invite", behind ``after``.

    It comes with links, not from typing, so what is unusable in it counts as absent.
    """

    q = forms.CharField(label=_("Search"), max_length=100, required=False)
    group = forms.ModelChoiceField(ContactGroup.objects.none(), required=False)
    not_known = forms.BooleanField(required=False)
    marked = forms.BooleanField(required=False)
    after = forms.CharField(max_length=150, required=False, strip=False)

    def __init__(self, *args: Any, book: AddressBook, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["group"].queryset = ContactGroup.objects.of_book(book)  # type: ignore[attr-defined]
        self.book = book
        self.full_clean()

    @property
    def text(self) -> str:
        """What is searched for."""
        return str(self.cleaned_data.get("q", ""))

    @property
    def group_chosen(self) -> ContactGroup | None:
        """The group whose members are shown, None for the whole book."""
        group: ContactGroup | None = self.cleaned_data.get("group")
        return group

    @property
    def shows_not_known(self) -> bool:
        """Whether only those are shown whom DingTalk does not know."""
        return bool(self.cleaned_data.get("not_known"))

    @property
    def shows_marked(self) -> bool:
        """Whether only those are shown who are not to be invited."""
        return bool(self.cleaned_data.get("marked"))

    @property
    def cursor(self) -> str:
        """Where to go on; "" for the beginning."""
        return str(self.cleaned_data.get("after", ""))

    @property
    def start(self) -> int:
        """How many of those whom a search finds were shown before."""
        return start_of(self.cursor)

    def query(self) -> str:
        """What is asked for as it stands in an address, with the question mark; "" for the whole book."""
        chosen = {
            "q": self.text,
            "group": self.group_chosen and self.group_chosen.pk,
            "not_known": "on" if self.shows_not_known else "",
            "marked": "on" if self.shows_marked else "",
        }
        query = urlencode({name: value for name, value in chosen.items() if value})
        return f"?{query}" if query else ""

    @property
    def has_kept_size(self) -> bool:
        """Whether the database keeps how many people are asked for: those of the book or of a group of it."""
        return not (self.text or self.shows_not_known or self.shows_marked)

    def kept_size(self) -> int:
        """How many people are in the book, or in the group that is chosen."""
        if self.group_chosen:
            return ContactGroup.objects.count_people(self.group_chosen.pk)
        return AddressBook.objects.count_people(self.book.pk)

    def found(self) -> ContactQuerySet:
        """The contacts of the book that are asked for, from the first one on."""
        return self.narrowed().matching(self.text)

    def narrowed(self) -> ContactQuerySet:
        """The contacts of the book that are asked for, whatever text is searched for."""
        contacts = Contact.objects.of_book(self.book)
        if self.shows_not_known:
            contacts = contacts.not_known()
        if self.shows_marked:
            contacts = contacts.not_to_be_invited()
        return contacts.in_group(self.group_chosen) if self.group_chosen else contacts


class MemberFilterForm(ContactFilterForm):
    """What the page of a group's members shows: its members, or ``everybody`` of the book to choose from."""

    everybody = forms.BooleanField(required=False)

    def __init__(self, *args: Any, members_of: ContactGroup, **kwargs: Any) -> None:
        self.members_of = members_of
        super().__init__(*args, book=members_of.book, **kwargs)

    @property
    def shows_everybody(self) -> bool:
        """Whether people outside the group are shown too."""
        return bool(self.cleaned_data.get("everybody"))

    def narrowed(self) -> ContactQuerySet:
        """The people asked for, whatever text is searched for."""
        contacts = super().narrowed()
        return contacts if self.shows_everybody else contacts.in_group(self.members_of)


class SelectionForm(forms.Form):
    """Contacts ticked in the list of a book, or ``everything`` that the search and the filters of ``query`` find in it,
    and the group that they are to join or leave.

    Somebody who is no longer there, or was never in this book, is passed over without a word.
    """

    everything = forms.BooleanField(required=False)
    group = forms.ModelChoiceField(ContactGroup.objects.none(), required=False)

    def __init__(self, data: QueryDict, *, book: AddressBook, query: QueryDict | None = None) -> None:
        super().__init__(data)
        self.fields["group"].queryset = ContactGroup.objects.of_book(book)  # type: ignore[attr-defined]
        self.book = book
        self.filters = ContactFilterForm(query or QueryDict(), book=book)
        self.has_query = query is not None
        self.full_clean()
        ticked = data.getlist("contact")
        self.pks = [int(pk) for pk in ticked if pk.isascii() and pk.isdecimal() and len(pk) <= KEY_DIGITS]

    @property
    def is_everything(self) -> bool:
        """Whether everybody whom the search finds is meant, ticked or not."""
        return self.has_query and bool(self.cleaned_data.get("everything"))

    @property
    def group_chosen(self) -> ContactGroup | None:
        """The group, None where it is still to be made."""
        group: ContactGroup | None = self.cleaned_data.get("group")
        return group

    def contacts(self) -> ContactQuerySet:
        """The contacts of the book that are meant; nobody where a search can no longer be made as it was."""
        contacts = Contact.objects.of_book(self.book)
        if not self.is_everything:
            return contacts.among(self.pks)
        # A group that is gone would otherwise be passed over, and everybody in the book would be meant.
        return self.filters.found() if self.filters.is_valid() else contacts.none()


class TransferForm(forms.Form):
    """Which other book of the same app people of ``book`` go to."""

    target = forms.ModelChoiceField(
        AddressBook.objects.none(),
        label=_("Address book"),
        empty_label=None,
        error_messages={
            "required": _("Choose an address book."),
            "invalid_choice": _("Choose an address book."),
        },
    )

    def __init__(self, data: QueryDict | None, *, book: AddressBook, books: AddressBookQuerySet) -> None:
        super().__init__(data)
        others = books.of_app(book.app).besides(book).by_name()
        self.fields["target"].queryset = others  # type: ignore[attr-defined]
        self.fields["target"].label_from_instance = _with_owner  # type: ignore[attr-defined]


def _with_owner(book: AddressBook) -> str:
    return f"{book.name} ({book.owner.display_name})"
