"""A `Criteria` that somebody asks: which sources can answer it, which of them is the best, and who of theirs fits."""

from collections.abc import Collection, Iterable
from functools import cached_property

from django.db.models import Model, QuerySet

from invites import permissions
from invites.finding import by_the_index
from invites.models import Attempt, AttemptInvitee
from invites.models.attempt import AttemptQuerySet
from invites.models.attempt_invitee import AttemptInviteeQuerySet
from invites.models.timeline import Position
from invites.permissions import Viewer
from invites.searching import conditions
from invites.searching.conditions import Asked
from invites.searching.criteria import Criteria

MANY = 2000
"""Of more people, or conferences, the keys are not looked up: whoever is found that often is found along the time."""

SEEN = 1000
"""Of more conferences that somebody may see, the attempts are looked for along the time, where they are not rare."""

SEEN_WIDELY = 2000
"""Of so many they are, where the attempts are rare or at hand."""

NARROWER = {"conference", "request"}
"""Beside these filters nobody has to look along all that somebody may see, nor to look up what that is."""

VISIBLE = "visible"
"""The name of what everybody has to fit who may not read all of the history."""


class Question:
    """What somebody asks of the history. It remembers whom it has looked up, so one is made for each page."""

    def __init__(self, criteria: Criteria, user: Viewer) -> None:
        self.criteria, self.user = criteria, user
        self.asked = Asked(criteria, user)
        self._people: dict[str, list[int] | None] = {}

    @cached_property
    def filters(self) -> frozenset[str]:
        """What attempts have to fit besides the time, to which every source keeps."""
        names = frozenset(self.criteria.filters) - {"since", "until"}
        return names if permissions.may_read_all_history(self.user) else names | {VISIBLE}

    @property
    def attempts(self) -> AttemptQuerySet:
        """All attempts of the time."""
        return Attempt.objects.between(self.criteria.since, self.criteria.until)

    @property
    def sendings(self) -> AttemptInviteeQuerySet:
        """All people of the attempts of the time."""
        return AttemptInvitee.objects.between(self.criteria.since, self.criteria.until)

    @cached_property
    def widely_visible(self) -> Collection[int] | None:
        """The conferences whose attempts may be read; None where they are too many even for attempts that are rare, or
        where something else narrows the question further.
        """
        if self.filters & NARROWER:
            return None
        keys = permissions.newest_conferences(self.user, limit=SEEN_WIDELY + 1)
        return keys if len(keys) <= SEEN_WIDELY else None

    @property
    def visible(self) -> Collection[int] | None:
        """As `widely_visible`, None where they are many."""
        keys = self.widely_visible
        return keys if keys is not None and len(keys) <= SEEN else None

    def people(self, text: str) -> list[int] | None:
        """Whom ``text`` finds; None where they are many."""
        if text not in self._people:
            with by_the_index():
                self._people[text] = _keys(conditions.people(text, self.user))
        return self._people[text]

    @property
    def looked_for(self) -> Collection[int]:
        """The people whom the texts for a person and for anything find, where they are few."""
        texts = filter(None, (self.criteria.person, self.criteria.anything))
        return {key for text in texts for key in self.people(text) or ()}

    @cached_property
    def conferences(self) -> list[int] | None:
        """The conferences that the text for anything finds; None where they are many."""
        return _keys(conditions.conferences_called(self.criteria.anything))

    def fitting(self, positions: Collection[Position], names: frozenset[str]) -> list[Position]:
        """Those of some candidates that fit the filters called ``names``, in their order."""
        if not names or not positions:
            return list(positions)
        keys = set(self.narrowed(positions, names).order_by().values_list("pk", flat=True))
        return [position for position in positions if position.pk in keys]

    def narrowed(self, positions: Iterable[Position], names: frozenset[str]) -> AttemptQuerySet:
        """The attempts at some positions that fit the filters called ``names``."""
        return self.narrow(Attempt.objects.among(position.pk for position in positions), names)

    def narrow(self, rows: AttemptQuerySet, names: frozenset[str]) -> AttemptQuerySet:
        """Those of ``rows`` that fit the filters called ``names``."""
        for name in sorted(names):
            rows = self._narrow(rows, name)
        return rows

    def _narrow(self, rows: AttemptQuerySet, name: str) -> AttemptQuerySet:
        """The candidates that fit one filter. Each is asked, so that what it costs depends on their number alone."""
        if name == VISIBLE:
            # Where the keys are known, no conference need be asked whose it is.
            if self.widely_visible is not None:
                return rows.of_any("conference", self.widely_visible)
            return permissions.attempts_among(rows, self.user)
        if name == "person":
            return rows.filter(conditions.with_people(self._sendings(self.criteria.person), each=True))
        if name == "anything":
            sendings = self._sendings(self.criteria.anything)
            return rows.filter(conditions.anything(self.criteria.anything, sendings, each=True))
        if name == "text":
            return conditions.message_of_each(rows, self.asked)
        return conditions.CONDITIONS[name](rows, self.asked)

    def _sendings(self, text: str) -> AttemptInviteeQuerySet:
        keys = self.people(text)
        found = conditions.people(text, self.user) if keys is None else keys
        return AttemptInvitee.objects.of_any("person", found)


def _keys[M: Model](rows: QuerySet[M]) -> list[int] | None:
    keys = list(rows.order_by().values_list("pk", flat=True)[: MANY + 1])
    return keys if len(keys) <= MANY else None
