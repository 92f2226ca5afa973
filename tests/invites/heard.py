"""Events as DingTalk sends them, and what they are applied through."""

import time
from datetime import UTC, datetime
from itertools import count
from typing import Any

from invites import receiving
from invites.dingtalk.events import MEETING_CHANGED, MEMBERS_CHANGED, Envelope
from invites.models import App, Conference
from invites.models.received_event import EventOutcome, EventWay

_numbers = count(1)


def member(union_id: str = "", status: int = 3, *, nick: str = "Somebody", **facts: object) -> dict[str, Any]:
    """One of ``openMemberModels``."""
    return {"userId": union_id, "userNick": nick, "attendStatus": status, **facts}


def envelope(kind: str, data: dict[str, Any], *, born: float = 0.0, event_id: str = "") -> Envelope:
    """An event that was born ``born`` seconds from now."""
    return Envelope(
        event_id=event_id or f"event-{next(_numbers)}",
        event_type=kind,
        born_at=datetime.fromtimestamp(time.time() + born, tz=UTC),
        data=data,
    )


def members_changed(
    conference: Conference, *members: dict[str, Any], sequence: int | None = None, **how: Any
) -> Envelope:
    """Some members of ``conference`` do something else."""
    data = {
        "changeScene": "user_join",
        "statusSeqNum": sequence,
        "conferenceId": conference.conference_id,
        "openMemberModels": list(members),
    }
    return envelope(MEMBERS_CHANGED, data, **how)


def meeting_changed(
    conference: Conference, scene: str, *, sequence: int | None = None, **how: Any
) -> Envelope:
    """``conference`` has begun or ended."""
    data = {
        "changeScene": scene,
        "statusSeqNum": sequence,
        "openConfModel": {"conferenceId": conference.conference_id},
    }
    return envelope(MEETING_CHANGED, data, **how)


def hear(app: App, event: Envelope) -> EventOutcome | None:
    """What becomes of an event that comes over the Stream connection."""
    return receiving.receive(app, event, way=EventWay.STREAM)
