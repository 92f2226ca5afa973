"""What the filters of both lists of the history, of calls and of changes, have in common."""

from collections.abc import Iterable
from typing import Any, ClassVar, cast
from urllib.parse import urlencode

from django import forms
from django.db.models import Model
from django_stubs_ext import StrOrPromise

from invites.forms.period import PeriodForm


class OneOfMany(forms.ModelChoiceField[Any]):
    """One of many rows, of which only some are offered. An address may name any other that may be seen.

    ``nobody`` is a key that stands for no row, and what that is called; it is cleaned to the key.
    """

    def __init__(self, *, nobody: tuple[int, StrOrPromise] | None = None, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)
        self.nobody = nobody

    def clean(self, value: Any) -> Any:
        """The row, the key of nobody, or None. Raises ValidationError for anything else."""
        if self.nobody and value == str(self.nobody[0]):
            return self.nobody[0]
        return super().clean(value)

    def offer(self, rows: Iterable[Model], chosen: Model | int | None) -> None:
        """Offers nobody, ``rows`` and whatever is ``chosen``, as it was cleaned."""
        offered = list(rows)
        if isinstance(chosen, Model) and chosen not in offered:
            offered.append(chosen)
        nobody = [self.nobody] if self.nobody else []
        widget = cast("forms.Select", self.widget)
        widget.choices = [("", self.empty_label), *nobody, *((row.pk, str(row)) for row in offered)]


class HistoryFilterForm(PeriodForm):
    """Filters that an address carries, by the names in ``FILTERS``; those in ``SHARED`` mean the same in both lists."""

    FILTERS: ClassVar[tuple[str, ...]]
    SHARED: ClassVar = (*PeriodForm.FIELDS, "organizer", "person", "request")

    @property
    def is_narrowing(self) -> bool:
        """Whether any filter is set. The form has been validated."""
        return any(self.cleaned_data.get(name) not in {None, ""} for name in self.FILTERS)

    def query(self, *, without: str = "", **values: Any) -> str:
        """The query of an address with these filters except ``without``, and with other ``values`` in their place."""
        return _query({name: self.said(name) for name in self.FILTERS if name != without} | values)

    @property
    def shared_query(self) -> str:
        """The query with those filters that the other list has, too."""
        return _query({name: self.said(name) for name in self.SHARED})

    def many(self, name: str) -> OneOfMany:
        """The field ``name``, which is one of many rows."""
        return cast("OneOfMany", self.fields[name])

    def key_of(self, name: str) -> int | None:
        """The key of what was chosen in such a field, None for nothing. The form is valid."""
        chosen: Model | int | None = self.cleaned_data[name]
        return int(chosen.pk) if isinstance(chosen, Model) else chosen


def _query(values: dict[str, Any]) -> str:
    return urlencode({name: value for name, value in values.items() if value not in {None, ""}})
