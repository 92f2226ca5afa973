"""What is typed, pasted, ticked and pressed in the composer. Forms check and clean; `invites.composing` acts."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy, pgettext_lazy

from invites import permissions
from invites.characters import tidy
from invites.errors import DemoPersonRefused
from invites.forms.contact import start_of
from invites.guarding import refuse_demo_person
from invites.models import AddressBook, App, Contact, ContactGroup, User
from invites.models.contact import NICK_LENGTH, UNION_ID_LENGTH, validate_nick, validate_union_id
from invites.signing_in import identities

# A pasted list beyond these is a mistake rather than a meeting.
MOST_LINES = 20_000
MOST_CHARACTERS = 1_000_000
LARGEST_KEY = 2**63 - 1
_AS_IT_IS = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}


class SeenDraftForm(forms.Form):
    """Which draft, in which revision, the page showed on which something was pressed; neither if it showed none.

    ``hidden_after`` and ``hidden_to`` are the positions between which it showed nobody. A form beside the bar says how
    the page was ``…_at_first``, which counts where no script tells more.
    """

    draft = forms.IntegerField(required=False, min_value=1, max_value=LARGEST_KEY)
    revision = forms.IntegerField(required=False, min_value=0, max_value=LARGEST_KEY)
    draft_at_first = forms.IntegerField(required=False, min_value=1, max_value=LARGEST_KEY)
    revision_at_first = forms.IntegerField(required=False, min_value=0, max_value=LARGEST_KEY)
    hidden_after = forms.IntegerField(required=False, min_value=0, max_value=LARGEST_KEY)
    hidden_to = forms.IntegerField(required=False, min_value=0, max_value=LARGEST_KEY)

    def seen(self, name: str) -> int | None:
        """The number in the field ``name``, or None where there is none of use."""
        self.is_valid()
        value: int | None = self.cleaned_data.get(name)
        at_first: int | None = self.cleaned_data.get(f"{name}_at_first")
        return at_first if value is None else value


class AddPeopleForm(forms.Form):
    """One field that takes everything: a name to search for, a line, or thousands of lines."""

    text = forms.CharField(
        label=_("Add people"),
        error_messages={"required": _("Type a name, or paste names with unionIds or phone numbers.")},
        widget=forms.Textarea({"placeholder": _("A name, a number, or a whole list")}),
    )

    def clean_text(self) -> str:
        """The text as it is, unless it is far too much."""
        text: str = self.cleaned_data["text"]
        lines = text.count("\n") + 1
        if lines > MOST_LINES or len(text) > MOST_CHARACTERS:
            raise ValidationError(
                ngettext_lazy(
                    "This is too much at once: at most %(most)s lines, and this is %(lines)s.",
                    "This is too much at once: at most %(most)s lines, and these are %(lines)s.",
                    lines,
                )
                % {"most": MOST_LINES, "lines": lines},
                code="too_much",
            )
        if not tidy(text):
            raise ValidationError(self.fields["text"].error_messages["required"], code="required")
        return text


class PickForm(forms.Form):
    """Contacts that were ticked, or a whole group or book; only such as ``user`` may invite through ``app``."""

    contact = forms.ModelMultipleChoiceField(Contact.objects.none(), required=False)
    group = forms.ModelChoiceField(ContactGroup.objects.none(), required=False)
    book = forms.ModelChoiceField(AddressBook.objects.none(), required=False)

    def __init__(self, *args: Any, user: User, app: App, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: dict[str, Any] = {
            "contact": permissions.contacts(user, app=app),
            "group": permissions.contact_groups(user, app=app),
            "book": permissions.readable_books(user).of_app(app),
        }
        for name, queryset in choices.items():
            self.fields[name].queryset = queryset  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Something has to be picked."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and not any(cleaned.get(name) for name in self.fields):
            raise ValidationError(_("Tick at least one person."), code="required")
        if self.errors:
            raise ValidationError(
                _("This is not in your address books any more. Nobody was added."), code="gone"
            )
        return cleaned


class NickForm(forms.Form):
    """Another name for somebody on the list."""

    nick = forms.CharField(
        label=pgettext_lazy("person", "Name"),
        max_length=NICK_LENGTH,
        error_messages={
            "required": _("Enter a name."),
            "max_length": _("A name has at most 100 characters."),
        },
        widget=forms.TextInput({"dir": "auto", "autocomplete": "off", "autofocus": True}),
    )

    def clean_nick(self) -> str:
        """The name without invisible characters."""
        nick = tidy(self.cleaned_data["nick"])
        validate_nick(nick)
        return nick


class LineForm(forms.Form):
    """A line that could not be used, corrected."""

    text = forms.CharField(
        label=_("Line"),
        max_length=500,
        error_messages={"required": _("Correct the line, or remove it.")},
        widget=forms.TextInput({"dir": "auto", **_AS_IT_IS}),
    )


class OperatorForm(forms.Form):
    """The unionId under which somebody invites."""

    union_id = forms.CharField(
        label=_("Your unionId"),
        max_length=UNION_ID_LENGTH,
        required=False,
        help_text=_("Calls show your name then. Without it they show no inviter."),
        widget=forms.TextInput({"class": "font-monospace", **_AS_IT_IS}),
    )

    def __init__(self, *args: Any, app: App, user: User | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.app, self.user = app, user

    def clean_union_id(self) -> str:
        """A unionId that this app could know, or nothing; the same as ever of whom DingTalk itself has told it."""
        union_id: str = self.cleaned_data["union_id"]
        if self.user and union_id != self.user.union_id and identities.has_identity(self.user):
            raise ValidationError(
                _("DingTalk tells your unionId whenever you sign in: it cannot be another one."), code="told"
            )
        if not union_id:
            return ""
        validate_union_id(union_id)
        try:
            refuse_demo_person(app=self.app, values=[union_id])
        except DemoPersonRefused as refusal:
            raise ValidationError(refusal.message, code="demo_person") from refusal
        return union_id


class PickFilterForm(forms.Form):
    """What the panel of address books shows. It comes with links, so what is unusable in it counts as absent."""

    q = forms.CharField(
        label=_("Search address books"),
        max_length=100,
        required=False,
        widget=forms.TextInput({"type": "search", "autocomplete": "off", "id": "picker_q"}),
    )
    after = forms.CharField(max_length=150, required=False, strip=False)

    @property
    def start(self) -> int:
        """How many of those whom a search finds were shown before."""
        return start_of(self.found("after"))

    def found(self, name: str) -> str:
        """The text of the field ``name``; "" where it is of no use."""
        self.is_valid()
        return str(self.cleaned_data.get(name, ""))
