"""Where a page of a long list begins, as the address says it."""

from django import forms


class PageForm(forms.Form):
    """The keys of the rows before or after which a page begins. What is none is as if it were not there."""

    before = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    # After 0 stands the oldest.
    after = forms.IntegerField(required=False, min_value=0, max_value=2**63 - 1)

    def at(self, field: str) -> int | None:
        """The key in ``field``, or None."""
        self.is_valid()
        found: int | None = self.cleaned_data.get(field)
        return found
