"""Where a page of sealed days begins, as the address says it."""

from datetime import date

from django import forms


class SealPageForm(forms.Form):
    """The day before which a page begins. What is none is as if it were not there."""

    before = forms.DateField(required=False)

    @property
    def day(self) -> date | None:
        """The day, or None for the newest page."""
        self.is_valid()
        found: date | None = self.cleaned_data.get("before")
        return found
