"""Forms about people of a book who may be one and the same."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from invites.curating import Double
from invites.models import AddressBook, Contact
from invites.models.contact import NICK_LENGTH, UNION_ID_LENGTH

FEWEST = 2


class DoublesForm(forms.Form):
    """Which doubles are listed, and where the list goes on. It comes with links, so what is unusable in it counts as
    absent.
    """

    after = forms.CharField(max_length=2 * NICK_LENGTH, required=False, strip=False)
    likely = forms.BooleanField(required=False)

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        self.full_clean()

    @property
    def cursor(self) -> str:
        """The name behind which the list goes on; "" for the beginning."""
        return str(self.cleaned_data.get("after", ""))

    @property
    def only_likely(self) -> bool:
        """Whether those alone are listed whom nothing tells apart."""
        return bool(self.cleaned_data.get("likely"))

    def query(self) -> str:
        """What is listed as it stands in an address, with the question mark; "" for all from the beginning."""
        place = {"likely": "on" if self.only_likely else "", "after": self.cursor}
        query = urlencode({name: value for name, value in place.items() if value})
        return f"?{query}" if query else ""


class MergeForm(forms.Form):
    """Which people are one and the same, and where they have several unionIds or numbers, which of these stays.

    ``name`` is that of the people who were shown, ticked or not.
    """

    name = forms.CharField(max_length=NICK_LENGTH, required=False, strip=False)
    contact = forms.ModelMultipleChoiceField(Contact.objects.none(), label=_("People"), required=False)
    union_id = forms.CharField(label="unionId", max_length=UNION_ID_LENGTH, required=False)
    phone_number = forms.CharField(label=_("Phone number"), max_length=20, required=False)

    def __init__(self, data: QueryDict, *, book: AddressBook) -> None:
        super().__init__(data)
        self.posted = data
        people = Contact.objects.of_book(book).with_groups().order_by("pk")
        self.fields["contact"].queryset = people  # type: ignore[attr-defined]

    @property
    def ticked(self) -> list[str]:
        """The keys of those who were ticked, as they were posted."""
        return self.posted.getlist("contact")

    def clean_contact(self) -> Double:
        """The people, at least two."""
        people = list(self.cleaned_data["contact"])
        if len(people) < FEWEST:
            raise ValidationError(_("Tick at least two people who are the same."), code="too_few")
        return Double(people=people)

    def clean(self) -> dict[str, Any]:
        """What stays of several unionIds and numbers must be said; of one it is that one."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        chosen: Double | None = cleaned.get("contact")
        if chosen is None:
            return cleaned
        values = {"union_id": chosen.union_ids, "phone_number": chosen.phone_numbers}
        questions = {
            "union_id": _("Choose the unionId that stays."),
            "phone_number": _("Choose the phone number that stays."),
        }
        for name, offered in values.items():
            if len(offered) <= 1:
                cleaned[name] = offered[0] if offered else ""
            elif cleaned.get(name) not in offered:
                self.add_error(name, questions[name])
        return cleaned
