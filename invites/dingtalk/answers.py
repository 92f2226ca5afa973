"""Turns the JSON of a successful answer into values. Pure; raises WrongShapeError where it is of another shape.

Absent and null are the same and lenient; a value of the wrong type is never guessed at.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from invites.dingtalk import judging
from invites.dingtalk.judging import Reading
from invites.dingtalk.types import (
    AccessToken,
    AttendStatus,
    ConferenceInfo,
    ConferenceStatus,
    ContactUser,
    CreatedConference,
    Member,
    MembersPage,
    SignedInPerson,
)

# DingTalk's tokens live two hours. One that claimed to live for years would never be replaced.
_LONGEST_LIFE = timedelta(days=1)
# Of people; those that are known have some thirty characters.
_LONGEST_ID = 128

type Fields = Mapping[str, Any]


class WrongShapeError(ValueError):
    """Part of an answer is missing or of the wrong type."""


def parsed[Value](reading: Reading, parse: Callable[[Fields], Value]) -> Value:
    """The value of an answer that does not say no. Raises UnreadableAnswer if it is not the operation's."""
    try:
        return parse(reading.payload or {})
    except WrongShapeError as shape:
        error = judging.unreadable(reading, because=str(shape))
    raise error


def succeeded(fields: Fields) -> None:
    """The answer of an operation that says `success: true` and nothing else."""
    if fields.get("success") is not True:
        raise WrongShapeError("no success")


def closed(fields: Fields) -> None:
    """The answer to closing: `code` (a number) and `cause`. A code that names a failure came here never."""
    if "code" not in fields and fields.get("success") is not True:
        raise WrongShapeError("no code")


def created_conference(fields: Fields) -> CreatedConference:
    """The answer to creating a conference. Without its id it is worth nothing."""
    conference_id = text_of(fields, "conferenceId")
    if not conference_id:
        raise WrongShapeError("no conferenceId")
    return CreatedConference(
        conference_id=conference_id,
        conference_password=text_of(fields, "conferencePassword"),
        host_password=text_of(fields, "hostPassword"),
        external_link_url=text_of(fields, "externalLinkUrl"),
        phone_numbers=tuple(_texts(fields, "phoneNumbers")),
        room_code=text_of(fields, "roomCode"),
    )


def conference_info(fields: Fields, *, conference_id: str) -> ConferenceInfo:
    """The answer about one conference, which was asked for as `conference_id`."""
    info = fields.get("confInfo")
    if not isinstance(info, dict):
        raise WrongShapeError("no confInfo")
    return _conference(info, conference_id=conference_id)


def conference_list(fields: Fields) -> list[ConferenceInfo]:
    """The conferences behind a meeting number."""
    listed = list_of(fields, "conferenceList", beside=("totalCount", "hasMore", "nextToken"))
    return [_conference(object_of(item)) for item in listed]


def members_page(fields: Fields) -> MembersPage:
    """One page of members."""
    listed = list_of(fields, "memberModels", beside=("totalCount", "nextToken"))
    token = text_of(fields, "nextToken")
    return MembersPage(
        members=tuple(_member(object_of(item)) for item in listed),
        # Nothing and 0 ask for the first page, so neither can lead on from this one.
        next_token=None if token in {"", "0"} else token,
        total_count=number_of(fields, "totalCount"),
    )


def ongoing_ids(fields: Fields) -> list[str]:
    """The ids of one person's running conferences."""
    list_of(fields, "onGoingConfIdList", beside=("memberModelMap",))
    return _texts(fields, "onGoingConfIdList")


def contact_user(fields: Fields) -> ContactUser:
    """The answer about one person. One that names nobody is no answer."""
    union_id = text_of(fields, "unionId")
    if not union_id:
        raise WrongShapeError("no unionId")
    return ContactUser(union_id=union_id, nick=text_of(fields, "nick"))


def signed_in_person(fields: Fields, *, corp_id: str) -> SignedInPerson:
    """The answer about whoever has signed in. Without the id that this app knows them by it is no answer."""
    open_id, union_id = text_of(fields, "openId"), text_of(fields, "unionId")
    if not open_id or not union_id:
        raise WrongShapeError("no openId or no unionId")
    if max(len(open_id), len(union_id)) > _LONGEST_ID:
        raise WrongShapeError("an id that is far too long")
    return SignedInPerson(open_id=open_id, union_id=union_id, nick=text_of(fields, "nick"), corp_id=corp_id)


def person_token(fields: Fields, *, asked_at: datetime) -> tuple[AccessToken, str]:
    """The token of somebody who has signed in, and the company that they chose."""
    return access_token(fields, asked_at=asked_at), text_of(fields, "corpId")


def access_token(fields: Fields, *, asked_at: datetime) -> AccessToken:
    """The token of a token answer, which lives `expireIn` seconds from when it was asked for at the latest."""
    lifetime = number_of(fields, "expireIn")
    if lifetime is None or lifetime <= 0:
        raise WrongShapeError("expireIn is no lifetime")
    expires_at = asked_at + min(timedelta(seconds=min(lifetime, 10**9)), _LONGEST_LIFE)
    try:
        return AccessToken(value=text_of(fields, "accessToken"), expires_at=expires_at)
    except ValueError:
        raise WrongShapeError("accessToken is no token") from None


def _conference(info: Fields, *, conference_id: str = "") -> ConferenceInfo:
    status = number_of(info, "status")
    identity = text_of(info, "conferenceId") or conference_id
    if not identity:
        raise WrongShapeError("no conferenceId")
    return ConferenceInfo(
        conference_id=identity,
        title=text_of(info, "title"),
        room_code=text_of(info, "roomCode"),
        status=ConferenceStatus.UNKNOWN if status is None else ConferenceStatus(status),
        creator_id=text_of(info, "creatorId"),
        creator_nick=text_of(info, "creatorNick"),
        start_time=_time(info, "startTime"),
        end_time=_time(info, "endTime"),
        active_num=number_of(info, "activeNum"),
        attend_num=number_of(info, "attendNum"),
        invited_num=number_of(info, "invitedNum"),
        external_link_url=text_of(info, "externalLinkUrl"),
        biz_type=text_of(info, "bizType"),
        schedule_conference_id=text_of(info, "scheduleConferenceId"),
    )


def _member(fields: Fields) -> Member:
    status = number_of(fields, "attendStatus")
    return Member(
        # Older versions of the API put the unionId into `userId`.
        union_id=text_of(fields, "unionId") or text_of(fields, "userId"),
        user_nick=text_of(fields, "userNick"),
        attend_status=AttendStatus.UNKNOWN if status is None else AttendStatus(status),
        pstn_join=flag_of(fields, "pstnJoin"),
        host=flag_of(fields, "host"),
        co_host=flag_of(fields, "coHost"),
        outer_org_member=flag_of(fields, "outerOrgMember"),
        join_time=_time(fields, "joinTime"),
        leave_time=_time(fields, "leaveTime"),
    )


def list_of(fields: Fields, key: str, *, beside: tuple[str, ...]) -> list[Any]:
    """A list. An empty one may be absent, but only where other fields show what the answer is."""
    value = fields.get(key)
    if value is None and (key in fields or any(other in fields for other in beside)):
        return []
    if not isinstance(value, list):
        raise WrongShapeError(f"{key} is no list")
    return value


def object_of(value: Any) -> Fields:
    if not isinstance(value, dict):
        raise WrongShapeError("a list holds something other than objects")
    return value


def text_of(fields: Fields, key: str) -> str:
    """A text; a whole number where DingTalk is loose about ids that consist of digits."""
    value = fields.get(key)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise WrongShapeError(f"{key} is no text")
    return str(value)


def _texts(fields: Fields, key: str) -> list[str]:
    value = fields.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise WrongShapeError(f"{key} is no list of texts")
    return list(value)


def number_of(fields: Fields, key: str) -> int | None:
    value = fields.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise WrongShapeError(f"{key} is no whole number")
    return value


def flag_of(fields: Fields, key: str) -> bool:
    value = fields.get(key)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise WrongShapeError(f"{key} is neither true nor false")
    return value


def _time(fields: Fields, key: str) -> datetime | None:
    """Milliseconds since 1970; nothing and 0 mean that it has not happened."""
    milliseconds = number_of(fields, key)
    if not milliseconds:
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
    except (OverflowError, OSError, ValueError):
        raise WrongShapeError(f"{key} is no time") from None
