"""Reads what DingTalk sends by itself: the envelope of an event, and what it says (section 7 of the API contract).

Pure: must not know how an event came, and raises UnreadableEvent for anything that it does not understand.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from invites.dingtalk.judging import clean
from invites.dingtalk.types import AttendStatus, ConferenceStatus, Member

MEETING_CHANGED: Final = "meeting_status_change"
MEMBERS_CHANGED: Final = "meeting_member_status_change"
TICKET_ISSUED: Final = "suite_ticket"
CHECK_URL: Final = "check_url"
"""What DingTalk sends when somebody enters the address of a callback: it wants to see the usual answer."""

# DingTalk's ids are much shorter. What is no id of that kind is told apart by a hash of all that came.
_LIKE_AN_ID = re.compile(r"[\x21-\x7e]{1,120}")
# A meeting holds 500 people.
_MOST_MEMBERS = 2000
# Later than the year 2200 nothing happens, and what a database counts in 64 bits is no larger.
_LAST_MILLISECOND = 7_258_118_400_000
_LARGEST_NUMBER = 2**63 - 1
_LONGEST_NAME = 256
_SCENES: Final = {"conference_created": ConferenceStatus.STARTED, "conference_closed": ConferenceStatus.ENDED}
_SCENES_OF_MEMBERS: Final = {"user_join": AttendStatus.JOINED, "user_leave": AttendStatus.LEFT}

type Fields = Mapping[str, Any]


class UnreadableEvent(ValueError):  # noqa: N818 - named for what it is
    """What came is no event, or one of another shape. Its text repeats nothing of the content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """An event as it came, not yet understood. ``born_at`` is None where it does not say when it happened."""

    event_id: str
    event_type: str
    born_at: datetime | None = None
    corp_id: str = ""
    data: Fields = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeetingChanged:
    """A meeting has begun or ended. ``sequence`` orders what is said of one meeting."""

    conference_id: str
    status: ConferenceStatus
    title: str = ""
    sequence: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MembersChanged:
    """Some members of a meeting do something else than before."""

    conference_id: str
    members: tuple[Member, ...]
    sequence: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketIssued:
    """A third-party app has a new suite ticket. ``suite_key`` is empty where it is not told whose."""

    ticket: str = field(repr=False)
    suite_key: str = ""


@dataclass(frozen=True, slots=True)
class OtherEvent:
    """An event of a kind that this product has no use for."""


type Event = MeetingChanged | MembersChanged | TicketIssued | OtherEvent


def envelope_of_frame(frame: object) -> Envelope:
    """The envelope in a frame of the Stream connection, whose headers name it and whose data is JSON in a text.

    Raises UnreadableEvent.
    """
    fields = _object(frame, "the frame")
    headers = _object(fields.get("headers"), "headers")
    data = fields.get("data")
    return Envelope(
        event_id=_id_of(headers.get("eventId"), fields),
        event_type=_name(headers, "eventType", "topic"),
        born_at=_moment(headers, "eventBornTime"),
        corp_id=_name(headers, "eventCorpId"),
        data=_inner(data),
    )


def envelope_of_callback(text: str) -> Envelope:
    """The envelope in the decrypted body of a callback, where its fields stand beside those of the event or around
    them, and are written with small or capital letters. Raises UnreadableEvent.
    """
    fields = _object(_json(text), "the body")
    inner = fields.get("data", fields.get("Data"))
    return Envelope(
        event_id=_id_of(fields.get("eventId", fields.get("EventId")), fields),
        event_type=_name(fields, "eventType", "EventType"),
        born_at=_moment(fields, "eventBornTime", "EventBornTime", "TimeStamp"),
        corp_id=_name(fields, "eventCorpId", "corpId", "CorpId"),
        data=fields if inner is None else _inner(inner),
    )


def event_of(envelope: Envelope) -> Event:
    """What an event says. Raises UnreadableEvent for one of a kind that we know and of another shape."""
    match envelope.event_type:
        case kind if kind == MEETING_CHANGED:
            return _meeting(envelope.data)
        case kind if kind == MEMBERS_CHANGED:
            return _members(envelope.data)
        case kind if kind == TICKET_ISSUED:
            ticket = _text(envelope.data, "suiteTicket", "SuiteTicket")
            if not ticket or not ticket.isprintable() or len(ticket) > _LONGEST_NAME:
                raise UnreadableEvent("no suite ticket")
            return TicketIssued(ticket=ticket, suite_key=_text(envelope.data, "suiteKey", "SuiteKey"))
    return OtherEvent()


def _meeting(data: Fields) -> MeetingChanged:
    inner = data.get("openConfModel")
    model = {} if inner is None else _object(inner, "openConfModel")
    scene = _text(data, "changeScene")
    if (status := _SCENES.get(scene)) is None:
        number = _number(model, "status")
        status = ConferenceStatus.UNKNOWN if number is None else ConferenceStatus(number)
    return MeetingChanged(
        conference_id=_conference_id(data, model),
        status=status,
        title=clean(_text(model, "title"), limit=_LONGEST_NAME),
        sequence=_number(data, "statusSeqNum"),
    )


def _members(data: Fields) -> MembersChanged:
    listed = data.get("openMemberModels")
    if not isinstance(listed, list) or not 0 < len(listed) <= _MOST_MEMBERS:
        raise UnreadableEvent("openMemberModels is no list of members")
    models = [_object(each, "a member") for each in listed]
    scene = _SCENES_OF_MEMBERS.get(_text(data, "changeScene"), AttendStatus.UNKNOWN)
    return MembersChanged(
        conference_id=_conference_id(data, models[0]),
        members=tuple(_member(model, scene=scene) for model in models),
        sequence=_number(data, "statusSeqNum"),
    )


def _member(model: Fields, *, scene: AttendStatus) -> Member:
    number = _number(model, "attendStatus")
    by_phone = model.get("pstnJoin")
    return Member(
        # In events the unionId stands in the field that is called userId.
        union_id=_text(model, "unionId", "userId"),
        user_nick=_text(model, "userNick"),
        attend_status=scene if number is None else AttendStatus(number),
        pstn_join=by_phone is True,
        join_time=_moment(model, "joinTime"),
        leave_time=_moment(model, "leaveTime"),
    )


def _conference_id(*places: Fields) -> str:
    for fields in places:
        if found := _text(fields, "conferenceId"):
            return found
    raise UnreadableEvent("no conferenceId")


def _id_of(value: object, fields: Fields) -> str:
    """The id of an event; where there is none, one that the same event has whenever it is sent again."""
    if isinstance(value, str) and _LIKE_AN_ID.fullmatch(value):
        return value
    text = json.dumps(fields, sort_keys=True, default=str)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _inner(data: object) -> Fields:
    return _object(_json(data) if isinstance(data, str) else data, "data")


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise UnreadableEvent("no JSON") from None


def _object(value: object, what: str) -> Fields:
    if not isinstance(value, dict):
        raise UnreadableEvent(f"{what} is no object")
    return value


def _text(fields: Fields, *names: str) -> str:
    """The first of these fields that has a value. Raises UnreadableEvent for what no database could hold."""
    value = next((fields[name] for name in names if fields.get(name) is not None), "")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise UnreadableEvent(f"{names[0]} is no text")
    try:
        text = str(value)
        text.encode()
    except ValueError:
        raise UnreadableEvent(f"{names[0]} is no text") from None
    if "\0" in text:
        raise UnreadableEvent(f"{names[0]} is no text")
    return text


def _name(fields: Fields, *names: str) -> str:
    return clean(_text(fields, *names), limit=64)


def _number(fields: Fields, *names: str) -> int | None:
    """A whole number, which may be written as a text; None where there is none."""
    text = _text(fields, *names)
    if not text:
        return None
    if not re.fullmatch(r"-?[0-9]{1,19}", text) or abs(number := int(text)) > _LARGEST_NUMBER:
        raise UnreadableEvent(f"{names[0]} is no whole number")
    return number


def _moment(fields: Fields, *names: str) -> datetime | None:
    """Milliseconds since 1970; nothing and 0 mean that it has not happened."""
    milliseconds = _number(fields, *names)
    if not milliseconds:
        return None
    if not 0 < milliseconds < _LAST_MILLISECOND:
        raise UnreadableEvent(f"{names[0]} is no time")
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
