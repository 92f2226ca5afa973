"""Forms of imports: the file or text to take in, and what its columns hold."""

import io
from typing import Any, BinaryIO, cast

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django_stubs_ext import StrOrPromise

from invites import countries, importing
from invites.files import MOST_BYTES, Field, Unreadable, explain
from invites.models import AddressBook, ContactImport, User
from invites.models.contact_import import ImportSource, ImportState, RowOutcome

LONGEST_TEXT = 2_000_000
"""Bytes of a pasted text."""

FIELD_LABELS: dict[Field, StrOrPromise] = {
    Field.NICK: pgettext_lazy("person", "Name"),
    Field.UNION_ID: "unionId",
    Field.PHONE_NUMBER: _("Phone number"),
    Field.GROUPS: _("Groups"),
    Field.DO_NOT_INVITE: _("Do not invite: reason"),
    Field.DO_NOT_INVITE_UNTIL: _("Do not invite: until"),
}


class ImportForm(forms.Form):
    """A file, or a pasted text, with people for ``book``; ``is_too_large`` says that the file was not even kept."""

    file = forms.FileField(
        label=_("File"),
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(
            attrs={"accept": ".csv,.txt,.tsv,.xlsx,.vcf,text/csv,text/vcard", "data-most-bytes": MOST_BYTES}
        ),
    )
    text = forms.CharField(
        label=_("Or paste the list"),
        required=False,
        strip=False,
        widget=forms.Textarea(
            attrs={
                "rows": 6,
                "spellcheck": "false",
                "autocomplete": "off",
                "dir": "auto",
                "data-most-bytes": LONGEST_TEXT,
            }
        ),
    )
    country = forms.ChoiceField(
        choices=countries.choices,
        label=_("Country of the phone numbers"),
        help_text=_("For numbers without a country code. Numbers with one are read as they are."),
    )

    def __init__(self, data: Any, files: Any, *, book: AddressBook, is_too_large: bool = False) -> None:
        super().__init__(data, files, initial={"country": book.country})
        self.book = book
        self.is_too_large = is_too_large

    def clean(self) -> dict[str, Any]:
        """One of the two, and not both."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        text, file = cleaned.get("text", ""), cleaned.get("file")
        if self.is_too_large:
            self.add_error("file", explain("too_large", {"megabytes": MOST_BYTES // 1024**2}))
        elif file and text.strip():
            self.add_error("text", _("Choose a file or paste a text, not both."))
        elif len(text.encode()) > LONGEST_TEXT:
            self.add_error("text", _("This text is too long. Save it as a file and choose that."))
        elif not file and not text.strip() and "file" not in self.errors:
            self.add_error("file", _("Choose a file, or paste a list below."))
        return cleaned

    def begin(self, *, user: User) -> ContactImport | None:
        """Begins the import; None with the errors in the form where there is nothing that can be read."""
        if not self.is_valid():
            return None
        uploaded: UploadedFile[bytes] | None = self.cleaned_data["file"]
        text = self.cleaned_data["text"].encode(errors="replace")
        try:
            return importing.begin(
                book=self.book,
                user=user,
                source=ImportSource.FILE if uploaded else ImportSource.PASTE,
                file=cast("BinaryIO", uploaded.file) if uploaded else io.BytesIO(text),
                name=str(uploaded.name) if uploaded else "",
                country=self.cleaned_data["country"],
            )
        except Unreadable as error:
            self.add_error("file" if uploaded else "text", str(error))
            return None


class ColumnsForm(forms.Form):
    """What each column of an import holds, with a field ``column_0``, ``column_1``, … for each."""

    def __init__(self, *args: Any, contact_import: ContactImport, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", _("Not taken over")), *FIELD_LABELS.items()]
        for place, chosen in enumerate(contact_import.columns):
            label = _("Column %(number)s") % {"number": place + 1}
            self.fields[f"column_{place}"] = forms.ChoiceField(
                choices=choices, required=False, label=label, initial=chosen
            )

    def clean(self) -> dict[str, Any]:
        """Everybody must be reachable, and a column of each kind is enough, but for groups."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        met: set[str] = set()
        for name, field in list(cleaned.items()):
            if field and field in met and field != Field.GROUPS:
                self.add_error(name, _("Another column holds this already."))
            met.add(field)
        if met.isdisjoint({Field.UNION_ID, Field.PHONE_NUMBER}):
            self.add_error(None, _("Say which column holds the phone number or the unionId."))
        return cleaned

    def columns(self) -> list[str]:
        """The field of each column, "" for none."""
        return [str(self.cleaned_data[name]) for name in self.fields]


class RowFilterForm(forms.Form):
    """Which rows of an import are shown, and behind which one. What is unusable in it counts as absent."""

    show = forms.ChoiceField(choices=RowOutcome.choices, required=False)
    after = forms.IntegerField(required=False, min_value=0, max_value=2**31 - 1)

    def __init__(self, data: Any, *, contact_import: ContactImport) -> None:
        super().__init__(data)
        self.contact_import = contact_import
        self.full_clean()

    @property
    def outcome(self) -> str:
        """The outcome of the rows that are shown; without a choice the first that there is, and of an import that is
        over those refused, who alone are kept.
        """
        if self.contact_import.state != ImportState.READY:
            return RowOutcome.REFUSE
        counts = self.contact_import.counts
        there = [outcome for outcome, rows in counts.items() if rows]
        return str(self.cleaned_data.get("show") or next(iter(there), RowOutcome.ADD))

    @property
    def after_number(self) -> int:
        """The number of the last row that was shown before; 0 for the beginning."""
        return self.cleaned_data.get("after") or 0
