"""Reading what DingTalk sends by itself: what it says, and that nothing at all makes it fail otherwise."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invites.dingtalk.events import (
    MEETING_CHANGED,
    MEMBERS_CHANGED,
    TICKET_ISSUED,
    Envelope,
    MeetingChanged,
    MembersChanged,
    OtherEvent,
    TicketIssued,
    UnreadableEvent,
    envelope_of_callback,
    envelope_of_frame,
    event_of,
)
from invites.dingtalk.types import AttendStatus, ConferenceStatus
from tests.dingtalk.odd_events import DATA, JSON

JOINED = {
    "changeScene": "user_join",
    "statusSeqNum": 17,
    "conferenceId": "c0ffee",
    "openMemberModels": [
        {
            "userId": "union-1",
            "userNick": "张三",
            "attendStatus": 3,
            "joinTime": 1_700_000_000_000,
            "pstnJoin": True,
        }
    ],
}
HEADERS = {"eventId": "e-1", "eventBornTime": "1700000000123", "eventCorpId": "ding1"}


def frame(kind: str, data: object) -> dict[str, Any]:
    """A frame of the Stream connection."""
    return {"type": "EVENT", "headers": HEADERS | {"eventType": kind}, "data": json.dumps(data)}


class TestWhatIsSaid:
    def test_members_are_told_with_their_union_ids_and_times(self) -> None:
        envelope = envelope_of_frame(frame(MEMBERS_CHANGED, JOINED))
        assert (envelope.event_id, envelope.corp_id) == ("e-1", "ding1")
        assert envelope.born_at == datetime.fromtimestamp(1_700_000_000.123, tz=UTC)
        event = event_of(envelope)
        assert isinstance(event, MembersChanged)
        (member,) = event.members
        assert (event.conference_id, event.sequence) == ("c0ffee", 17)
        assert (member.union_id, member.user_nick, member.pstn_join) == ("union-1", "张三", True)
        assert member.attend_status is AttendStatus.JOINED
        assert member.join_time == datetime.fromtimestamp(1_700_000_000, tz=UTC)

    @pytest.mark.parametrize(
        ("scene", "status"),
        [("conference_created", ConferenceStatus.STARTED), ("conference_closed", ConferenceStatus.ENDED)],
    )
    def test_meeting_begins_and_ends(self, scene: str, status: ConferenceStatus) -> None:
        data = {"changeScene": scene, "openConfModel": {"conferenceId": "c0ffee", "title": "Planning"}}
        event = event_of(envelope_of_frame(frame(MEETING_CHANGED, data)))
        assert event == MeetingChanged(conference_id="c0ffee", status=status, title="Planning")

    def test_scene_that_nobody_knows_is_told_by_the_status_beside_it(self) -> None:
        data = {"changeScene": "new", "openConfModel": {"conferenceId": "c", "status": 1}}
        event = event_of(Envelope(event_id="e", event_type=MEETING_CHANGED, data=data))
        assert isinstance(event, MeetingChanged)
        assert event.status is ConferenceStatus.ENDED

    def test_ticket_is_told_and_never_shown(self) -> None:
        data = {"suiteTicket": "secret-ticket", "suiteKey": "suite"}
        event = event_of(envelope_of_frame(frame(TICKET_ISSUED, data)))
        assert event == TicketIssued(ticket="secret-ticket", suite_key="suite")
        assert "secret-ticket" not in repr(event) + repr(envelope_of_frame(frame(TICKET_ISSUED, data)))

    def test_other_kinds_are_of_no_use(self) -> None:
        assert event_of(envelope_of_frame(frame("user_add_org", {}))) == OtherEvent()

    @pytest.mark.parametrize("capital", [False, True])
    def test_callback_says_the_same_with_its_fields_around_or_beside(self, capital: bool) -> None:
        outer: dict[str, object] = (
            {"EventType": MEMBERS_CHANGED, "CorpId": "ding1", **JOINED}
            if capital
            else {"eventType": MEMBERS_CHANGED, "eventId": "e-1", "corpId": "ding1", "data": JOINED}
        )
        envelope = envelope_of_callback(json.dumps(outer))
        assert envelope.corp_id == "ding1"
        assert isinstance(event_of(envelope), MembersChanged)

    def test_event_without_an_id_has_the_same_one_whenever_it_comes(self) -> None:
        texts = (json.dumps({"EventType": "x", "n": n}) for n in (1, 1, 2))
        first, again, other = (envelope_of_callback(text).event_id for text in texts)
        assert first == again != other


class TestWhatIsNoEvent:
    @pytest.mark.parametrize(
        "change",
        [
            {"openMemberModels": None},
            {"openMemberModels": []},
            {"openMemberModels": ["x"]},
            {"conferenceId": None},
            {"conferenceId": "a\0b"},
            {"conferenceId": "\ud800"},
            {"statusSeqNum": "many"},
            {"statusSeqNum": 2**80},
            {"openMemberModels": [{"joinTime": 10**17}]},
            {"openMemberModels": [{"userNick": ["x"]}]},
        ],
    )
    def test_other_shapes_are_named(self, change: dict[str, object]) -> None:
        with pytest.raises(UnreadableEvent):
            event_of(Envelope(event_id="e", event_type=MEMBERS_CHANGED, data=JOINED | change))

    @given(JSON)
    def test_no_frame_raises_anything_else(self, found: object) -> None:
        for each in (found, {"headers": found}, {"headers": HEADERS, "data": found}):
            try:
                event_of(envelope_of_frame(each))
            except UnreadableEvent:
                continue

    @given(st.sampled_from([MEETING_CHANGED, MEMBERS_CHANGED, TICKET_ISSUED]), DATA)
    def test_no_data_raises_anything_else(self, kind: str, data: dict[str, Any]) -> None:
        try:
            event_of(Envelope(event_id="e", event_type=kind, data=data))
        except UnreadableEvent:
            return

    @given(st.text() | JSON.map(json.dumps))
    def test_no_callback_raises_anything_else(self, text: str) -> None:
        try:
            event_of(envelope_of_callback(text))
        except UnreadableEvent:
            return

    def test_nested_without_end_is_no_event(self) -> None:
        with pytest.raises(UnreadableEvent):
            envelope_of_callback("[" * 200_000)
