"""Where a page of a long list begins, as the address says it, and what is on it."""

from django import forms
from django.db.models import Model, QuerySet


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


def page_of[M: Model](rows: QuerySet[M], *, size: int) -> tuple[list[M], int | None]:
    """The first ``size`` of ``rows``, and the key behind which the next page begins, None where nothing follows."""
    found = list(rows[: size + 1])
    return found[:size], found[size - 1].pk if len(found) > size else None
