"""The conferences and who was called into them: thread-safe, rebuilt from events, written before it changes.

Every change is an event that goes to the journal first and is applied second, live and after a restart alike. Knows
nothing of HTTP.
"""

import secrets
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from invites.dingtalk.sandbox.events import Channel, Event, EventKind, Person
from invites.dingtalk.sandbox.life import Attendance, AttendStatus, attendance
from invites.dingtalk.sandbox.people import (
    DEMO_CONFERENCES,
    DemoConference,
    demo_person,
    demo_person_by_phone,
)

MINUTE: Final = 60.0
FIRST_RUNG_AFTER_SECONDS: Final = 1.0
STATUS_ENDED: Final = 1
STATUS_STARTED: Final = 2
RINGING: Final = frozenset({AttendStatus.INITIALISED, AttendStatus.CALLING})
PRESENT: Final = RINGING | {AttendStatus.IN_MEETING}


@dataclass(slots=True, kw_only=True)
class Member:
    """One person who was called into a conference, and the last call."""

    person: Person
    rung_at: float
    calls: int = 1
    attended_before: bool = False
    removed_at: float | None = None
    kept_out: bool = False

    def standing(self, *, now: float, ended_at: float | None, pace: float) -> Attendance:
        """Where the person stands at `now`; the end of the conference or a removal freezes it, a lock keeps out."""
        until = min(moment for moment in (now, ended_at, self.removed_at) if moment is not None)
        last = attendance(self.person.value, rung_at=self.rung_at, call=self.calls, now=until, pace=pace)
        if self.removed_at is not None:
            left_at = self.removed_at if last.joined_at is not None else None
            return Attendance(status=AttendStatus.REMOVED, joined_at=last.joined_at, left_at=left_at)
        if self.kept_out:
            return Attendance(status=AttendStatus.FAILED)
        if ended_at is None or last.status not in PRESENT:
            return last
        if last.joined_at is None:
            return Attendance(status=AttendStatus.FAILED)
        return Attendance(status=AttendStatus.LEFT, joined_at=last.joined_at, left_at=ended_at)

    @property
    def union_id(self) -> str | None:
        """The unionId by which a member list names the person: a phone number known to the company has one too."""
        if self.person.channel is Channel.UNION_ID:
            return self.person.value
        known = demo_person_by_phone(self.person.value)
        return known.union_id if known and known.union_id else None


@dataclass(slots=True, kw_only=True)
class Conference:
    """One conference. Times are in seconds since 1970."""

    conference_id: str
    title: str
    room_code: str
    creator: str
    started_at: float
    ended_at: float | None = None
    locked: bool = False
    members: dict[tuple[Channel, str], Member] = field(default_factory=dict)

    @property
    def running(self) -> bool:
        """Whether people can still be called into it."""
        return self.ended_at is None

    @property
    def status(self) -> int:
        """The status of the information operations."""
        return STATUS_STARTED if self.running else STATUS_ENDED


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberView:
    """One row of a member list, taken at one moment."""

    conference_id: str
    person: Person
    union_id: str | None
    host: bool
    standing: Attendance
    seconds_in_meeting: float
    attended: bool


class State:
    """All conferences of the sandbox."""

    def __init__(self, *, clock: Callable[[], float], pace: float, write: Callable[[Event], None]) -> None:
        self._clock, self._pace, self._write = clock, pace, write
        self._lock = threading.RLock()
        self._conferences: dict[str, Conference] = {}

    def restore(self, events: Iterable[Event]) -> None:
        """Apply what a journal holds, without writing it again."""
        with self._lock:
            for event in events:
                self._apply(event)

    def seed(self, conferences: Iterable[DemoConference] = DEMO_CONFERENCES) -> None:
        """Add the demo conferences that are not there yet, with their people and their past."""
        with self._lock:
            for demo in conferences:
                if demo.conference_id not in self._conferences:
                    for event in _history(demo, now=self._clock()):
                        self._record(event)

    def create(
        self, *, title: str, creator: str, people: Iterable[Person], conference_id: str = ""
    ) -> Conference:
        """Start a conference and ring its people."""
        with self._lock:
            event = Event(
                kind=EventKind.CREATED,
                at=self._clock(),
                conference_id=conference_id or secrets.token_hex(12),
                title=title,
                room_code=self._free_room_code(),
                creator=creator,
            )
            self._record(event)
            self.ring(event.conference_id, people)
            return self._conferences[event.conference_id]

    def ring(self, conference_id: str, people: Iterable[Person]) -> bool:
        """Call these people; False, and nobody is called, if the conference is not running."""
        with self._lock:
            conference, called = self._conferences.get(conference_id), tuple(people)
            if conference is None or not conference.running:
                return False
            if called:
                self._record(
                    Event(
                        kind=EventKind.INVITED, at=self._clock(), conference_id=conference_id, people=called
                    )
                )
            return True

    def remove(self, conference_id: str, union_ids: Iterable[str]) -> None:
        """Remove these people from a running conference; who is not in its list is passed over."""
        with self._lock:
            members = self._conferences[conference_id].members
            keys = [(Channel.UNION_ID, union_id) for union_id in union_ids]
            removed = tuple(members[key].person for key in keys if key in members)
            if removed:
                self._record(
                    Event(
                        kind=EventKind.REMOVED, at=self._clock(), conference_id=conference_id, people=removed
                    )
                )

    def lock(self, conference_id: str, *, locked: bool) -> None:
        """Let nobody else into a running conference, or let people in again."""
        with self._lock:
            kind = EventKind.LOCKED if locked else EventKind.UNLOCKED
            self._record(Event(kind=kind, at=self._clock(), conference_id=conference_id))

    def close(self, conference_id: str) -> None:
        """End a running conference."""
        with self._lock:
            self._record(Event(kind=EventKind.CLOSED, at=self._clock(), conference_id=conference_id))

    def get(self, conference_id: str) -> Conference | None:
        """The conference with this id."""
        with self._lock:
            return self._conferences.get(conference_id)

    def conferences(self) -> list[Conference]:
        """All conferences, the latest last."""
        with self._lock:
            return list(self._conferences.values())

    def members(self, conference_id: str) -> list[MemberView]:
        """Who was called into a conference, in the order of their first call; empty for an unknown one."""
        with self._lock:
            conference = self._conferences.get(conference_id)
            if conference is None:
                return []
            return [self._view(conference, member) for member in conference.members.values()]

    def _view(self, conference: Conference, member: Member) -> MemberView:
        now = self._clock()
        standing = member.standing(now=now, ended_at=conference.ended_at, pace=self._pace)
        until = now if standing.left_at is None else standing.left_at
        return MemberView(
            conference_id=conference.conference_id,
            person=member.person,
            union_id=member.union_id,
            host=member.union_id == conference.creator,
            standing=standing,
            seconds_in_meeting=0.0 if standing.joined_at is None else max(0.0, until - standing.joined_at),
            attended=member.attended_before or standing.joined_at is not None,
        )

    def _free_room_code(self) -> str:
        taken = {conference.room_code for conference in self._conferences.values()}
        while (code := str(100_000_000 + secrets.randbelow(800_000_000))) in taken:
            continue
        return code

    def _record(self, event: Event) -> None:
        self._write(event)
        self._apply(event)

    def _apply(self, event: Event) -> None:
        if event.kind is EventKind.CREATED:
            self._conferences[event.conference_id] = Conference(
                conference_id=event.conference_id,
                title=event.title,
                room_code=event.room_code,
                creator=event.creator,
                started_at=event.at,
            )
            return
        conference = self._conferences.get(event.conference_id)
        if conference is None:
            return
        if event.kind is EventKind.CLOSED:
            conference.ended_at = event.at
        elif event.kind in {EventKind.LOCKED, EventKind.UNLOCKED}:
            self._set_lock(conference, locked=event.kind is EventKind.LOCKED, at=event.at)
        for person in event.people:
            if event.kind is EventKind.INVITED:
                self._call(conference, person, at=event.at)
            elif (member := conference.members.get((person.channel, person.value))) is not None:
                member.removed_at = event.at

    def _set_lock(self, conference: Conference, *, locked: bool, at: float) -> None:
        """Whoever still rings when it is locked has come too late."""
        conference.locked = locked
        for member in conference.members.values() if locked else ():
            standing = member.standing(now=at, ended_at=None, pace=self._pace)
            member.kept_out = member.kept_out or standing.status in RINGING

    def _call(self, conference: Conference, person: Person, *, at: float) -> None:
        member = conference.members.get((person.channel, person.value))
        if member is None:
            conference.members[person.channel, person.value] = Member(
                person=person, rung_at=at, kept_out=conference.locked
            )
            return
        last = member.standing(now=at, ended_at=None, pace=self._pace)
        if last.status not in PRESENT:
            member.attended_before = member.attended_before or last.joined_at is not None
            member.person, member.rung_at, member.removed_at = person, at, None
            member.kept_out = conference.locked
            member.calls += 1


def _history(demo: DemoConference, *, now: float) -> Iterable[Event]:
    """The past of a demo conference as events."""
    started_at, conference_id = now - demo.started_minutes_ago * MINUTE, demo.conference_id
    yield Event(
        kind=EventKind.CREATED,
        at=started_at,
        conference_id=conference_id,
        title=demo.title,
        room_code=demo.room_code,
        creator=demo.creator,
    )
    people = _demo_people(demo.people)
    rung_at = started_at + FIRST_RUNG_AFTER_SECONDS
    yield Event(kind=EventKind.INVITED, at=rung_at, conference_id=conference_id, people=people)
    if demo.removed:
        removed = _demo_people(demo.removed)
        yield Event(kind=EventKind.REMOVED, at=rung_at + MINUTE, conference_id=conference_id, people=removed)
    if demo.lasted_minutes is not None:
        ended_at = started_at + demo.lasted_minutes * MINUTE
        yield Event(kind=EventKind.CLOSED, at=ended_at, conference_id=conference_id)


def _demo_people(union_ids: Iterable[str]) -> tuple[Person, ...]:
    return tuple(
        Person(channel=Channel.UNION_ID, value=union_id, nick=nick_of(union_id)) for union_id in union_ids
    )


def nick_of(union_id: str) -> str:
    """The name that the sandbox's company has for this unionId."""
    known = demo_person(union_id)
    return known.nick if known else f"User {union_id[:16]}"
