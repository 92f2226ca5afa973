"""Asks DingTalk for all the members of a conference, page after page, and puts them into our words. Stores nothing."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from invites import pacing
from invites.dingtalk import AttendStatus, DingTalkClient, Refused, UnreadableAnswer, codes
from invites.dingtalk.calls import QUERY_CONFERENCE_INFO, QUERY_CONFERENCE_MEMBERS
from invites.dingtalk.judging import clean
from invites.dingtalk.types import Member as RemoteMember
from invites.models import App, Conference, Member
from invites.models.contact import UNION_ID_LENGTH
from invites.models.member import NICK_LENGTH, Attendance, key_of

# More pages than this are a list that never ends.
MOST_PAGES = 100
# A meeting holds 500 people; DingTalk's own page holds 128 of them, and no maximum is stated.
PAGE_SIZE = 500
_WRONG_PARAMETERS = frozenset({"paramError", "paramsError"})
# So long a worker waits for the turn of a page; nobody waits for being asked about a conference.
_PATIENCE = 2.0

_ATTENDANCE: Final = {
    AttendStatus.CALLING: Attendance.CALLING,
    AttendStatus.JOINED: Attendance.JOINED,
    AttendStatus.FAILED: Attendance.DECLINED,
    AttendStatus.KICKED: Attendance.REMOVED,
    AttendStatus.LEFT: Attendance.LEFT,
}
# Of somebody who is listed more than once, with several devices, what counts is the first of these.
_FIRST: Final = (
    Attendance.JOINED,
    Attendance.CALLING,
    Attendance.REMOVED,
    Attendance.DECLINED,
    Attendance.LEFT,
    Attendance.NOT_KNOWN,
)


class PageSizeRefused(Exception):  # noqa: N818 - named for what happened
    """DingTalk may not like the number of members that it was asked for at once."""


class NotOurTurn(Exception):  # noqa: N818 - named for what happened
    """The calls of the app are booked out; ``wait`` says for how many seconds."""

    def __init__(self, wait: float) -> None:
        super().__init__(wait)
        self.wait = wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Everybody on the list by their key, not saved; ``is_complete`` unless DingTalk says that there are more."""

    members: dict[str, Member]
    is_complete: bool

    def has(self, *attendances: Attendance) -> bool:
        """Whether anybody is in one of these."""
        return any(member.attendance in attendances for member in self.members.values())


def read_everybody(
    client: DingTalkClient, conference: Conference, *, deadline: float, page_size: int | None = PAGE_SIZE
) -> Reading:
    """All members of ``conference``, by a ``deadline`` on the clock of `time.monotonic`.

    ``page_size`` is the most that one call should bring, None for as many as DingTalk likes. Raises NotOurTurn,
    DingTalkError, or PageSizeRefused where DingTalk does not take that number.
    """
    listed: list[RemoteMember] = []
    seen: set[str | None] = {None}
    token: str | None = None
    total: int | None = None
    while True:
        _take_turn(conference.app, deadline=deadline)
        try:
            page = client.query_conference_members(
                conference_id=conference.conference_id,
                max_results=page_size,
                next_token=token,
                deadline=deadline,
            )
        except Refused as refusal:
            if page_size is not None and refusal.code in _WRONG_PARAMETERS:
                raise PageSizeRefused from refusal
            raise
        listed += page.members
        total = page.total_count if total is None else total
        token = page.next_token
        if token is None:
            return Reading(
                members=by_key(conference, listed), is_complete=total is None or len(listed) >= total
            )
        if token in seen or len(seen) >= MOST_PAGES:
            raise UnreadableAnswer(
                message="The list of members leads in a circle.", code=codes.UNREADABLE_ANSWER
            )
        seen.add(token)


def take_turn_for_info(app: App) -> bool:
    """Whether there is room at this moment to ask about a conference."""
    return not pacing.take_turn(app, QUERY_CONFERENCE_INFO, patience=0.0)


def _take_turn(app: App, *, deadline: float) -> None:
    patience = max(0.0, min(_PATIENCE, deadline - time.monotonic()))
    if wait := pacing.take_turn(app, QUERY_CONFERENCE_MEMBERS, patience=patience):
        raise NotOurTurn(wait)


def by_key(conference: Conference, listed: Iterable[RemoteMember]) -> dict[str, Member]:
    """Members in our words, not saved. Of somebody who is listed more than once one device counts."""
    members: dict[str, Member] = {}
    for member in _members(conference, listed):
        other = members.get(member.key)
        if other is None or _rank(member) < _rank(other):
            members[member.key] = member
    return members


def _members(conference: Conference, listed: Iterable[RemoteMember]) -> Iterator[Member]:
    namesakes: Counter[str] = Counter()
    for remote in listed:
        union_id = clean(remote.union_id, limit=UNION_ID_LENGTH)
        nick = clean(remote.user_nick, limit=NICK_LENGTH)
        if not union_id:
            namesakes[nick] += 1
        yield Member(
            conference=conference,
            # Whoever has no unionId is told apart from namesakes by the order in which they stand on the list.
            key=key_of(union_id) if union_id else f"name:{namesakes[nick]}:{nick}",
            union_id=union_id,
            nick=nick,
            attendance=_ATTENDANCE.get(remote.attend_status, Attendance.NOT_KNOWN),
            by_phone=remote.pstn_join,
            is_host=remote.host,
            joined_at=remote.join_time,
            left_at=remote.leave_time,
        )


def _rank(member: Member) -> int:
    return _FIRST.index(Attendance(member.attendance))
