"""Notices what changes in the conferences and announces it as events to whoever listens, as DingTalk does.

Nothing is noticed before somebody begins to listen. What people do is worked out from the time, so a thread looks at it
ten times a second. Events may be held back, and let go in another order or several times. Knows nothing of HTTP.
"""

import json
import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from invites.dingtalk.sandbox.events import Channel
from invites.dingtalk.sandbox.life import AttendStatus
from invites.dingtalk.sandbox.people import SANDBOX_CORP_ID, SANDBOX_SUITE_KEY
from invites.dingtalk.sandbox.state import Conference, MemberView, State

LOOK_EVERY_SECONDS: Final = 0.1
REMEMBERED: Final = 1000
MEETING_CHANGED: Final = "meeting_status_change"
MEMBERS_CHANGED: Final = "meeting_member_status_change"
TICKET_ISSUED: Final = "suite_ticket"
# Of these the vendor's pages name the first alone; what the others are called is a guess.
SCENES: Final = {
    AttendStatus.IN_MEETING: "user_join",
    AttendStatus.CALLING: "user_call",
    AttendStatus.FAILED: "user_reject",
    AttendStatus.REMOVED: "user_kick",
    AttendStatus.LEFT: "user_leave",
}

type Standing = Mapping[tuple[Channel, str], AttendStatus]


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """One event. `born_at` is in seconds since 1970; `only_for` names the app that alone hears of it, if any."""

    kind: str
    born_at: float
    data: Mapping[str, object] = field(repr=False)
    only_for: str = ""
    event_id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def as_frame(self) -> dict[str, object]:
        """In the form of the Stream connection."""
        headers = {
            "eventId": self.event_id,
            "eventBornTime": str(round(self.born_at * 1000)),
            "eventType": self.kind,
            "eventCorpId": SANDBOX_CORP_ID,
            "messageId": self.event_id,
            "topic": "*",
            "contentType": "application/json",
            "time": str(round(self.born_at * 1000)),
        }
        data = json.dumps(self.data, ensure_ascii=False)
        return {"specVersion": "1.0", "type": "EVENT", "headers": headers, "data": data}

    def as_callback(self) -> dict[str, object]:
        """In the form of a callback's body."""
        return {
            "eventId": self.event_id,
            "eventBornTime": round(self.born_at * 1000),
            "eventType": self.kind,
            "corpId": SANDBOX_CORP_ID,
            "data": self.data,
        }


class Listener(Protocol):
    """Where announcements go."""

    def deliver(self, announcement: Announcement) -> None:
        """Takes one; must not fail for a receiver that is not there."""

    def remind(self) -> None:
        """Called every now and then: sends again what nobody has confirmed."""


class Announcer:
    """Announces what changes from `begin` on until `end`. Thread-safe."""

    def __init__(self, *, state: State, clock: Callable[[], float], listeners: Iterable[Listener]) -> None:
        self._state, self._clock, self._listeners = state, clock, tuple(listeners)
        self._lock = threading.RLock()
        self._known: dict[str, Standing] | None = None
        self._running: set[str] = set()
        self._sequence = 0
        self._held: list[Announcement] | None = None
        self._sent: deque[Announcement] = deque(maxlen=REMEMBERED)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """From now on what changes is announced. Doing it again changes nothing."""
        with self._lock:
            if self._known is None:
                conferences = self._state.conferences()
                self._known = {
                    each.conference_id: _standing(self._state.members(each.conference_id))
                    for each in conferences
                }
                self._running = {each.conference_id for each in conferences if each.running}
            if self._thread is None:
                self._stopping.clear()
                self._thread = threading.Thread(target=self._watch, name="sandbox-announcer", daemon=True)
                self._thread.start()

    def end(self) -> None:
        """Looks no more; what has changed meanwhile is announced when it begins again."""
        with self._lock:
            thread, self._thread = self._thread, None
        self._stopping.set()
        if thread is not None:
            thread.join()

    def look(self) -> None:
        """Announces what has changed since the last look."""
        with self._lock:
            if self._known is not None:
                for conference in self._state.conferences():
                    self._look_at(conference, self._known)

    def sent(self) -> list[Announcement]:
        """What has been announced, the newest last."""
        with self._lock:
            return list(self._sent)

    def hold(self) -> None:
        """Keeps back what is announced from now on."""
        with self._lock:
            self._held = self._held or []

    def release(self, *, backwards: bool = False, times: int = 1) -> None:
        """Lets go what was kept back, so often each, the last one first if `backwards`."""
        with self._lock:
            held, self._held = self._held or [], None
            for announcement in reversed(held) if backwards else held:
                for _ in range(times):
                    self.deliver(announcement)

    def replay(self, event_id: str = "") -> bool:
        """Sends an event again as it was, the last one if none is named; False where there is none."""
        found = [each for each in self.sent() if event_id in {"", each.event_id}]
        for announcement in found[-1:]:
            self.deliver(announcement)
        return bool(found)

    def announce(self, kind: str, data: Mapping[str, object], *, only_for: str = "") -> Announcement:
        """Announces one event."""
        announcement = Announcement(kind=kind, born_at=self._clock(), data=data, only_for=only_for)
        with self._lock:
            self._sent.append(announcement)
            if self._held is None:
                self.deliver(announcement)
            else:
                self._held.append(announcement)
        return announcement

    def issue_ticket(self, ticket: str) -> Announcement:
        """Tells the third-party app of a new suite ticket."""
        data = {"suiteTicket": ticket, "suiteKey": SANDBOX_SUITE_KEY}
        return self.announce(TICKET_ISSUED, data, only_for=SANDBOX_SUITE_KEY)

    def deliver(self, announcement: Announcement) -> None:
        """Sends one event to all who listen, whatever is held back."""
        for listener in self._listeners:
            listener.deliver(announcement)

    def _watch(self) -> None:
        while not self._stopping.wait(LOOK_EVERY_SECONDS):
            self.look()
            for listener in self._listeners:
                listener.remind()

    def _look_at(self, conference: Conference, known: dict[str, Standing]) -> None:
        key = conference.conference_id
        if key not in known:
            known[key] = {}
            self._running.add(key)
            self._announce_meeting(conference, "conference_created")
        if key not in self._running:
            return
        before, members = known[key], self._state.members(key)
        changed = [view for view in members if before.get(_who(view)) != view.standing.status]
        for status in SCENES:
            if people := [view for view in changed if view.standing.status is status]:
                self._announce_members(key, people, status)
        known[key] = _standing(members)
        if not conference.running:
            self._running.discard(key)
            self._announce_meeting(conference, "conference_closed")

    def _announce_meeting(self, conference: Conference, scene: str) -> None:
        model = {
            "conferenceId": conference.conference_id,
            "title": conference.title,
            "status": conference.status,
            "roomCode": conference.room_code,
            "creatorId": conference.creator,
        }
        data = {"changeScene": scene, "statusSeqNum": self._next(), "openConfModel": model}
        self.announce(MEETING_CHANGED, data)

    def _announce_members(self, conference_id: str, people: list[MemberView], status: AttendStatus) -> None:
        data = {
            "changeScene": SCENES[status],
            "statusSeqNum": self._next(),
            "conferenceId": conference_id,
            "openMemberModels": [dict(_model(view, status)) for view in people],
        }
        self.announce(MEMBERS_CHANGED, data)

    def _next(self) -> int:
        # Goes on after a restart as well, which forgets everything but the time.
        self._sequence = max(self._sequence + 1, round(self._clock() * 1000))
        return self._sequence


def older(announcement: Announcement, *, seconds: float) -> Announcement:
    """The same as if it had been born earlier, under another id."""
    return replace(announcement, born_at=announcement.born_at - seconds, event_id=uuid.uuid4().hex)


def _standing(members: Iterable[MemberView]) -> Standing:
    return {_who(view): view.standing.status for view in members}


def _who(view: MemberView) -> tuple[Channel, str]:
    return view.person.channel, view.person.value


def _model(view: MemberView, status: AttendStatus) -> Iterator[tuple[str, object]]:
    """One of the members of an event: the unionId stands in `userId`, and a number nowhere."""
    if view.union_id is not None:
        yield "userId", view.union_id
    yield "userNick", view.person.nick
    yield "attendStatus", int(status)
    yield "pstnJoin", view.person.channel is Channel.PHONE
    for name, moment in (("joinTime", view.standing.joined_at), ("leaveTime", view.standing.left_at)):
        if moment is not None:
            yield name, round(moment * 1000)
