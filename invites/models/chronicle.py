"""Queries for the history of one person and of one conference, along indexes and a page at a time."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple, Self

from django.db import models
from django.db.models import Count

from invites.models.conference import ConferenceQuerySet

if TYPE_CHECKING:
    from invites.models.person import Person


class Place(NamedTuple):
    """The key of an invitee, and that of the conference into which they were invited."""

    invitee: int
    conference: int


class ChronicleQuerySet[M: models.Model](models.QuerySet[M]):
    """Queries over invitees as they stand in the history."""

    def on_record(self) -> Self:
        """Those on invitations that were sent."""
        return self.filter(person__isnull=False)

    def into(self, conferences: ConferenceQuerySet) -> Self:
        """Those invited into any of ``conferences``."""
        return self.filter(invitation__conference__in=conferences)

    def reached_by(self, channel: str, value: str) -> Self:
        """Those with this unionId or number."""
        return self.filter(channel=channel, value=value)

    def called_as(self, person: "Person") -> Self:
        """Those who were ``person`` in a call."""
        return self.filter(pk__in=person.sendings.values("invitee"))

    def newest(self, *, before: int | None, limit: int) -> list[Place]:
        """The newest ``limit`` of these, or of those older than the one with the key ``before``."""
        found = self if before is None else self.filter(pk__lt=before)
        places = found.order_by("-pk").values_list("pk", "invitation__conference")
        return [Place(*place) for place in places[:limit]]

    def for_chronicle(self) -> Self:
        """With the invitation of each, what its conference reported, and all calls that they were part of."""
        people = self.select_related(
            "invitation__conference__app", "invitation__sent_by", "member", "overridden_by"
        )
        return people.prefetch_related("sendings__attempt")

    def count_states(self, invitations: Iterable[int]) -> dict[int, dict[str, int]]:
        """How many people there are in each state that occurs, by the key of the invitation."""
        counts: dict[int, dict[str, int]] = {}
        rows = self.filter(invitation__in=list(invitations)).order_by().values_list("invitation", "state")
        for invitation, state, n in rows.annotate(n=Count("pk")):
            counts.setdefault(invitation, {})[state] = n
        return counts
