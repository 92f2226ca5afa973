"""Whose data somebody looks for, and what they say before somebody is erased."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from invites import disclosing, phone_numbers
from invites.chronicling import Way
from invites.disclosing import Somebody
from invites.models.contact import is_one_line
from invites.models.invitee import Channel
from invites.models.on_record import REASON_LENGTH


class WhoForm(forms.Form):
    """A name, a unionId or a phone number. It is sent by GET."""

    who = forms.CharField(
        label=_("Name, unionId or phone number"),
        max_length=128,
        required=False,
        widget=forms.TextInput({"type": "search", "dir": "auto", "autocomplete": "off"}),
    )

    def found(self) -> list[Somebody]:
        """Whom it finds; nobody for nothing, or for something that is wrong."""
        if not self.is_valid():
            return []
        return disclosing.find(self.cleaned_data["who"], country=settings.DINGTALK_DEFAULT_COUNTRY)


class EraseForm(forms.Form):
    """In which of their ways somebody is to be erased, all of them at first, and why."""

    ways = forms.MultipleChoiceField(
        label=_("Reached as"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": _("Choose at least one."),
            "invalid_choice": _(
                "How this person is reached has changed meanwhile. Look at the choice again."
            ),
        },
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=REASON_LENGTH,
        help_text=_("It stays on record: write nothing here that tells who it was."),
        error_messages={
            "required": _("Say why, for those who wonder later."),
            "max_length": _("A reason has at most 200 characters."),
        },
        widget=forms.TextInput({"dir": "auto", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, somebody: Somebody, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.somebody = somebody
        # By what it is and not by its place, since books may change between the question and the press.
        self._ways = {f"{way.channel}:{way.value}": way for way in somebody.ways}
        field = self.fields["ways"]
        field.choices = [(key, _shown(way)) for key, way in self._ways.items()]  # type: ignore[attr-defined]
        field.initial = list(self._ways)

    def clean_reason(self) -> str:
        """The reason, which neither has control characters nor says who it is."""
        reason: str = self.cleaned_data["reason"]
        if not is_one_line(reason):
            raise ValidationError(_("A reason has no line breaks and no control characters."), code="invalid")
        if any(text in reason for text in self.somebody.tells):
            raise ValidationError(
                _("This names the person who is to be erased. It would stay on record."), code="names"
            )
        return reason

    @property
    def chosen(self) -> list[Way]:
        """The ways that were chosen. The form is valid."""
        return [self._ways[key] for key in self.cleaned_data["ways"]]


def _shown(way: Way) -> str:
    if way.channel == Channel.PHONE:
        return phone_numbers.display(way.value, country=settings.DINGTALK_DEFAULT_COUNTRY)
    return way.value
