"""The conference operations, as the API contract tells them. Each takes a request and returns the payload of a 200.

An operation says no by raising `RefusedError`. Knows nothing of HTTP, of tokens or of faults.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from invites.dingtalk.sandbox.answers import RefusedError
from invites.dingtalk.sandbox.events import Channel, Person
from invites.dingtalk.sandbox.invitees import is_known_union_id, required_text, sequence, text, union_ids
from invites.dingtalk.sandbox.life import AttendStatus
from invites.dingtalk.sandbox.routes import CONFERENCE_ID, Operation
from invites.dingtalk.sandbox.state import PRESENT, Conference, MemberView, State, nick_of
from invites.dingtalk.sandbox.traffic import Request

LONGEST_ACCEPTED_TITLE: Final = 256
TITLE_LENGTH: Final = 50
DEFAULT_PAGE: Final = 128
REJECT_TEXTS: Final = {True: "正在忙，稍后再说 Busy now, later please", False: "无人接听 No answer"}
MEDIA_OFF, MEDIA_ON = 1, 2
LOCK_ACTIONS: Final = {"lock": True, "unlock": False}

type Payload = dict[str, object]


class ConferenceOperations:
    """The operations on conferences, over one state."""

    def __init__(self, *, state: State, batch_limit: int | None) -> None:
        self._state, self._batch_limit = state, batch_limit
        self.table: Mapping[Operation, Callable[[Request, Sequence[Person]], Payload]] = {
            Operation.CREATE: self._create,
            Operation.CLOSE: self._close,
            Operation.INFO: self._info,
            Operation.MEMBERS: self._members,
            Operation.INVITE: self._invite,
            Operation.REMOVE: self._remove,
            Operation.LOCK: self._lock,
            Operation.BATCH_INFO: self._batch_info,
            Operation.BY_ROOM_CODE: self._by_room_code,
            Operation.ONGOING: self._ongoing,
            Operation.ORGANISATION: self._organisation,
        }

    def _invite(self, request: Request, people: Sequence[Person]) -> Payload:
        conference_id = request.resolved.path[CONFERENCE_ID]
        if not conference_id.strip():
            raise RefusedError("paramsError", "error:conferenceId is missing")
        if not people:
            raise RefusedError("paramsError", "error:nobody to invite")
        if self._batch_limit is not None and len(people) > self._batch_limit:
            raise RefusedError("paramsError", f"error:more than {self._batch_limit} people in one call")
        _refuse_unknown([operator] if (operator := text(request.fields, "unionId")) else [])
        self._running(conference_id)
        _refuse_unknown(person.value for person in people if person.channel is Channel.UNION_ID)
        if not self._state.ring(conference_id, people):
            raise RefusedError("confClosed")
        return {"success": True}

    def _create(self, request: Request, people: Sequence[Person]) -> Payload:
        creator = required_text(request.fields, "userId")
        title = required_text(request.fields, "confTitle")
        if len(title) > LONGEST_ACCEPTED_TITLE or not title.strip():
            raise RefusedError("paramsTitleError", f"the title has {len(title)} characters")
        for union_id in (creator, *(person.value for person in people)):
            if not is_known_union_id(union_id):
                raise RefusedError("paramsError", "error:wrong unionId")
        conference = self._state.create(title=title[:TITLE_LENGTH], creator=creator, people=people)
        return {
            "conferenceId": conference.conference_id,
            "conferencePassword": conference.room_code[-6:],
            "hostPassword": conference.room_code[:6],
            "externalLinkUrl": _link(conference),
            "phoneNumbers": ["+442079460000"],
            "roomCode": conference.room_code,
        }

    def _close(self, request: Request, _: Sequence[Person]) -> Payload:
        operator = required_text(request.resolved.query, "unionId")
        conference = self._running(request.resolved.path[CONFERENCE_ID])
        if operator != conference.creator:
            # Only the host of a meeting may close it.
            raise RefusedError("noPermission", "only the host may close the conference")
        self._state.close(conference.conference_id)
        return {"code": 200, "cause": "success"}

    def _remove(self, request: Request, _: Sequence[Person]) -> Payload:
        conference = self._running(request.resolved.path[CONFERENCE_ID])
        users = [user for user in sequence(request.fields, "userList") if isinstance(user, dict)]
        if not users:
            raise RefusedError("paramsError", "error:userList is missing")
        self._state.remove(conference.conference_id, [required_text(user, "unionId") for user in users])
        return {"success": True}

    def _lock(self, request: Request, _: Sequence[Person]) -> Payload:
        conference = self._running(request.resolved.path[CONFERENCE_ID])
        action = required_text(request.fields, "action")
        if action not in LOCK_ACTIONS:
            raise RefusedError("paramsError", "error:action is neither lock nor unlock")
        self._state.lock(conference.conference_id, locked=LOCK_ACTIONS[action])
        return {"success": True}

    def _info(self, request: Request, _: Sequence[Person]) -> Payload:
        conference = self._found(request.resolved.path[CONFERENCE_ID])
        members = self._state.members(conference.conference_id)
        in_meeting = [member for member in members if member.standing.status is AttendStatus.IN_MEETING]
        counts = {
            "activeNum": len(in_meeting),
            "attendNum": sum(member.attended for member in members),
            "invitedNum": len(members),
        }
        return {"confInfo": _facts(conference) | counts}

    def _members(self, request: Request, _: Sequence[Person]) -> Payload:
        conference = self._found(request.resolved.path[CONFERENCE_ID])
        members = self._state.members(conference.conference_id)
        page, paging = _page(request, [_member_model(member) for member in members])
        paging.pop("hasMore")
        return {"memberModels": page, **paging}

    def _batch_info(self, request: Request, _: Sequence[Person]) -> Payload:
        conferences = [
            self._state.get(conference_id) for conference_id in union_ids(request.fields, "conferenceIdList")
        ]
        running = [conference for conference in conferences if conference is not None and conference.running]
        return {"infos": [self._batch_entry(conference) for conference in running]}

    def _batch_entry(self, conference: Conference) -> Payload:
        return {
            "conferenceId": conference.conference_id,
            "title": conference.title,
            "startTime": _milliseconds(conference.started_at),
            "status": conference.status,
            "mediaStatus": 0,
            "userList": [_batch_user(member) for member in self._state.members(conference.conference_id)],
        }

    def _by_room_code(self, request: Request, _: Sequence[Person]) -> Payload:
        room_code = request.resolved.path["roomCode"]
        found = [_facts(each) for each in self._state.conferences() if each.room_code == room_code]
        page, paging = _page(request, found)
        return {"conferenceList": page, **paging}

    def _organisation(self, request: Request, _: Sequence[Person]) -> Payload:
        left_out = {"confDuration", "externalLinkUrl", "scheduleConferenceId"}
        running = [
            {name: value for name, value in _facts(each).items() if name not in left_out}
            for each in self._state.conferences()
            if each.running
        ]
        page, paging = _page(request, running)
        return {"onGoingConfList": page, **paging}

    def _ongoing(self, request: Request, _: Sequence[Person]) -> Payload:
        union_id = required_text(request.resolved.query, "unionId")
        _refuse_unknown([union_id])
        models: dict[str, Payload] = {}
        conference_ids = []
        for conference in self._state.conferences():
            members = self._state.members(conference.conference_id)
            own = next((member for member in members if member.union_id == union_id), None)
            if own is not None:
                models[conference.conference_id] = _member_model(own) | {"deviceType": "phone"}
            taking_part = own is not None and own.standing.status in PRESENT
            if conference.running and (taking_part or conference.creator == union_id):
                conference_ids.append(conference.conference_id)
        ongoing = {key: model for key, model in models.items() if key in conference_ids}
        return {"onGoingConfIdList": conference_ids, "memberModelMap": ongoing}

    def _found(self, conference_id: str) -> Conference:
        if not conference_id.strip():
            raise RefusedError("missingRoomId")
        if (conference := self._state.get(conference_id)) is None:
            raise RefusedError("roomNotFound")
        return conference

    def _running(self, conference_id: str) -> Conference:
        conference = self._state.get(conference_id)
        if conference is None:
            raise RefusedError("resourceClose")
        if not conference.running:
            raise RefusedError("confClosed")
        return conference


def _refuse_unknown(candidates: Iterable[str]) -> None:
    """DingTalk does not say who it is that it cannot identify, and so neither does this."""
    if not all(is_known_union_id(union_id) for union_id in candidates):
        raise RefusedError("unknownUserError")


def _page(request: Request, rows: Sequence[Payload]) -> tuple[list[Payload], Payload]:
    """One page of rows, and what the answer says about the rest. `nextToken` is absent on the last page."""
    query = request.resolved.query
    start, size = _number(query, "nextToken", 0), _number(query, "maxResults", DEFAULT_PAGE)
    end = start + (size or DEFAULT_PAGE)
    paging: Payload = {"totalCount": len(rows), "hasMore": end < len(rows)}
    if end < len(rows):
        paging["nextToken"] = str(end)
    return list(rows[start:end]), paging


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    given = query.get(name, "")
    if not given:
        return default
    if not (given.isascii() and given.isdigit()) or len(given) > len("999999999"):
        raise RefusedError("paramError", f"{name} is no number")
    return int(given)


def _milliseconds(moment: float) -> int:
    return round(moment * 1000)


def _link(conference: Conference) -> str:
    return f"https://meeting.sandbox.example/{conference.room_code}"


def _facts(conference: Conference) -> Payload:
    facts: Payload = {
        "bizType": "instant",
        "conferenceId": conference.conference_id,
        "creatorId": conference.creator,
        "creatorNick": nick_of(conference.creator),
        "externalLinkUrl": _link(conference),
        "roomCode": conference.room_code,
        "startTime": _milliseconds(conference.started_at),
        "status": conference.status,
        "title": conference.title,
    }
    if conference.ended_at is not None:
        # Both are answered for ended conferences only.
        facts["endTime"] = _milliseconds(conference.ended_at)
        facts["confDuration"] = _milliseconds(conference.ended_at - conference.started_at)
    return facts


def _member_model(member: MemberView) -> Payload:
    """A row of the member list: it has the nick, the unionId if DingTalk knows one, and never a phone number."""
    model: Payload = {
        "attendStatus": int(member.standing.status),
        "conferenceId": member.conference_id,
        "userNick": member.person.nick,
        "host": member.host,
        "coHost": False,
        "outerOrgMember": member.union_id is None,
        "pstnJoin": member.person.channel is Channel.PHONE,
    }
    if member.union_id is not None:
        model["unionId"] = member.union_id
    if member.standing.joined_at is not None:
        model["joinTime"] = _milliseconds(member.standing.joined_at)
        model["duration"] = _milliseconds(member.seconds_in_meeting)
    if member.standing.left_at is not None:
        model["leaveTime"] = _milliseconds(member.standing.left_at)
    return model


def _batch_user(member: MemberView) -> Payload:
    in_meeting = member.standing.status is AttendStatus.IN_MEETING
    user: Payload = {
        "nick": member.person.nick,
        "attendStatus": int(member.standing.status),
        "cameraStatus": MEDIA_OFF if in_meeting else 0,
        "micStatus": MEDIA_ON if in_meeting else 0,
    }
    if member.union_id is not None:
        user["userId"] = member.union_id
    if member.standing.status is AttendStatus.FAILED:
        user["rejectDescription"] = REJECT_TEXTS[member.standing.declined]
    return user
