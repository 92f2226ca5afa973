"""What the address of a page with a sent invitation may say. Nonsense in it is left out of account."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import QueryDict

from invites.models.invitee import InviteeQuerySet, InviteeState
from invites.models.member import Attendance

# More than any position, and what a database's integers can bear.
_LARGEST_POSITION = 2**31 - 1
# A few characters for each part of a page and each of its rows.
_LONGEST_SEEN = 1000
ON_CONFERENCE = "conference"


class PeopleForm(forms.Form):
    """Which people of an invitation are shown: those in one ``state`` or of one ``attendance``, behind a position.

    ``on`` says that they stand on the page of their conference and not on one of their own; ``seen`` is what the page
    shows already (`dashboard.seen`). It is sent by GET, and beside a form that is posted.
    """

    state = forms.ChoiceField(required=False, choices=[("", ""), *InviteeState.choices])
    attendance = forms.ChoiceField(required=False, choices=[("", ""), *Attendance.choices])
    after = forms.IntegerField(required=False, min_value=0, max_value=_LARGEST_POSITION)
    on = forms.ChoiceField(required=False, choices=[("", ""), (ON_CONFERENCE, "")])
    seen = forms.CharField(required=False, max_length=_LONGEST_SEEN)

    def __init__(self, data: QueryDict, *, on: str = "") -> None:
        super().__init__(data)
        self.full_clean()
        if on:
            self.cleaned_data["on"] = on

    def chosen(self, name: str) -> Any:
        """What the address says under ``name``; "" or None where it says nothing that can be used."""
        return self.cleaned_data.get(name)

    @property
    def is_on_conference(self) -> bool:
        """Whether the people stand on the page of their conference."""
        return bool(self.chosen("on") == ON_CONFERENCE)

    @property
    def is_narrowing(self) -> bool:
        """Whether some people are left out because of how they fared."""
        return bool(self.chosen("state") or self.chosen("attendance"))

    def narrow(self, people: InviteeQuerySet) -> InviteeQuerySet:
        """Those of ``people`` that the address asks for."""
        if state := self.chosen("state"):
            people = people.with_state(state)
        if attendance := self.chosen("attendance"):
            people = people.with_attendance(attendance)
        if (after := self.chosen("after")) is not None:
            people = people.after(after)
        return people

    def query(self, **changes: object) -> str:
        """The query of a page that shows the same people but for ``changes``."""
        values = {name: self.chosen(name) for name in ("state", "attendance", "after")} | changes
        return urlencode({name: value for name, value in values.items() if value not in {None, ""}})

    @property
    def query_here(self) -> str:
        """The query of a fragment for the page on which the same people are shown now."""
        return self.query(on=self.chosen("on"))
