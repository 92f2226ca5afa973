"""The form of the page of changes."""

from django import forms
from django.http import QueryDict

from invites.models.contact import KEY_DIGITS


class ChangesForm(forms.Form):
    """Where a list of changes goes on. It comes with links, so what is unusable in it counts as absent."""

    before = forms.IntegerField(min_value=1, max_value=10**KEY_DIGITS - 1, required=False)

    def __init__(self, data: QueryDict) -> None:
        super().__init__(data)
        self.full_clean()

    @property
    def cursor(self) -> int | None:
        """The key of the change behind which the list goes on; None for the beginning."""
        cursor: int | None = self.cleaned_data.get("before")
        return cursor
