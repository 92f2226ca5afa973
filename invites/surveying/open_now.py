"""The conferences that somebody may want to go on with: those that are running, with how many have come."""

from dataclasses import dataclass
from datetime import datetime

from invites.models import Conference
from invites.models.conference import ConferenceKeys, PeopleCount

SHOWN = 8
PEOPLE_COUNTED_UP_TO = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenConference:
    """A conference, its people, and when its members were last read (None where they never were)."""

    conference: Conference
    people: PeopleCount
    read_at: datetime | None


def conferences_now(conferences: ConferenceKeys | None) -> list[OpenConference]:
    """Of these conferences, given by their keys, those that are not over, the open ones first; of all of them (None)
    those that are open. At most ``SHOWN``. DingTalk is not asked: that is left to the page of each.
    """
    every = Conference.objects
    found = every.open() if conferences is None else every.among(conferences).not_over()
    rows = list(found.with_reading()[:SHOWN])
    people = Conference.objects.count_people([row.pk for row in rows], limit=PEOPLE_COUNTED_UP_TO)
    return [OpenConference(conference=row, people=people[row.pk], read_at=row.read_at) for row in rows]
