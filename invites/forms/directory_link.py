"""What is chosen where a book follows the company directory: the part, and how often it is read."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from invites.characters import tidy
from invites.dingtalk import WHOLE_COMPANY
from invites.models import DirectoryLink
from invites.models.directory_link import DirectoryPart

LARGEST_ID = 2**63 - 1


class BrowseForm(forms.Form):
    """Which part of the directory a page shows. It comes with links, so what is unusable in it counts as absent."""

    q = forms.CharField(
        label=_("Name of a department"),
        max_length=50,
        required=False,
        widget=forms.TextInput({"type": "search", "autocomplete": "off"}),
    )
    department = forms.IntegerField(required=False, min_value=1, max_value=LARGEST_ID)
    groups = forms.BooleanField(required=False)
    offset = forms.IntegerField(required=False, min_value=0, max_value=LARGEST_ID)

    def text(self) -> str:
        """What departments are searched for, "" for nothing."""
        self.is_valid()
        return str(self.cleaned_data.get("q", ""))

    def found(self) -> tuple[int, bool, int]:
        """The department, whether user groups are shown instead, and from which one on."""
        self.is_valid()
        cleaned = self.cleaned_data
        return (
            cleaned.get("department") or WHOLE_COMPANY,
            bool(cleaned.get("groups")),
            cleaned.get("offset") or 0,
        )


class PartForm(forms.Form):
    """The part that was pressed, under the name that its page showed."""

    part = forms.ChoiceField(choices=DirectoryPart.choices)
    remote_id = forms.CharField(max_length=128)
    name = forms.CharField(max_length=400)

    def clean(self) -> dict[str, Any]:
        """A department is known by a number."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        remote_id = cleaned.get("remote_id", "")
        is_number = remote_id.isascii() and remote_id.isdecimal() and len(remote_id) < len(str(LARGEST_ID))
        if cleaned.get("part") == DirectoryPart.DEPARTMENT and not is_number:
            raise ValidationError(_("This is no part of the directory. Choose it once more."), code="invalid")
        cleaned["name"] = tidy(cleaned.get("name", ""))[:200] or remote_id
        return cleaned


class LinkScheduleForm(forms.ModelForm[DirectoryLink]):
    """How often the directory is read by itself, and whether that is applied without asking."""

    every_hours = forms.TypedChoiceField(
        label=_("Read the directory"),
        coerce=int,
        choices=(
            (0, _("Only when somebody presses the button")),
            (24, _("Every day")),
            (168, _("Every week")),
        ),
        widget=forms.RadioSelect,
    )

    class Meta:
        model = DirectoryLink
        fields = ("every_hours", "applies_by_itself")
        labels: ClassVar = {"applies_by_itself": _("Apply what was read by itself without asking")}
        help_texts: ClassVar = {
            "applies_by_itself": _(
                "Otherwise it waits here until somebody has looked at it. Where more than half of the book would be "
                "marked as having left, it waits in any case."
            )
        }
