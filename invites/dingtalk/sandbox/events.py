"""What changes the sandbox's state: people and events, and their form as lines of a journal.

An event carries all that is needed to apply it again after a restart. No token, secret or password is part of one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Channel(StrEnum):
    """How a person is reached."""

    UNION_ID = "union_id"
    PHONE = "phone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who is called. `value` is the unionId, or the phone number in E.164."""

    channel: Channel
    value: str
    nick: str

    def as_record(self) -> dict[str, str]:
        """The person as written in the journal and the log."""
        return {"channel": self.channel.value, "value": self.value, "nick": self.nick}

    @classmethod
    def from_record(cls, record: Mapping[str, str]) -> Self:
        """The person read back. Raises KeyError or ValueError for a line of another shape."""
        return cls(channel=Channel(record["channel"]), value=record["value"], nick=record["nick"])


class EventKind(StrEnum):
    """What happened to a conference."""

    CREATED = "created"
    INVITED = "invited"
    REMOVED = "removed"
    LOCKED = "locked"
    UNLOCKED = "unlocked"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One change. `title`, `room_code` and `creator` belong to CREATED, `people` to INVITED and REMOVED.

    `at` is in seconds since 1970.
    """

    kind: EventKind
    at: float
    conference_id: str
    title: str = ""
    room_code: str = ""
    creator: str = ""
    people: tuple[Person, ...] = ()

    def as_record(self) -> dict[str, object]:
        """The event as a line of the journal, without the fields that its kind does not use."""
        record: dict[str, object] = {
            "kind": self.kind.value,
            "at": self.at,
            "conferenceId": self.conference_id,
        }
        if self.kind is EventKind.CREATED:
            record |= {"title": self.title, "roomCode": self.room_code, "creator": self.creator}
        if self.people:
            record["people"] = [person.as_record() for person in self.people]
        return record

    @classmethod
    def from_record(cls, record: Mapping[str, object]) -> Self | None:
        """The event that a journal line holds; None for a line that holds none, or is of another shape."""
        try:
            kind, at, people = EventKind(str(record["kind"])), record["at"], record.get("people", [])
            if not isinstance(at, int | float) or not isinstance(people, list):
                return None
            return cls(
                kind=kind,
                at=float(at),
                conference_id=str(record["conferenceId"]),
                title=str(record.get("title", "")),
                room_code=str(record.get("roomCode", "")),
                creator=str(record.get("creator", "")),
                people=tuple(Person.from_record(person) for person in people),
            )
        except (KeyError, TypeError, ValueError):
            return None
