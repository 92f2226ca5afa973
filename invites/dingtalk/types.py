"""What goes into the calls and what comes out of them: frozen values with the API's own words for names.

Must not know how they are sent or read.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Self

EXCERPT = 2000
"""The longest excerpt of an answer that is kept, in characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitee:
    """Somebody to ring in DingTalk. `nick` is what the call shows and is never empty."""

    union_id: str
    nick: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneInvitee:
    """Somebody to ring by telephone. `phone_number` is in E.164 (`+8613800000000`)."""

    phone_number: str
    nick: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds. `connect` and `read` bound each step, `total` the whole attempt with its token."""

    connect: float = 5.0
    read: float = 10.0
    total: float = 15.0

    def __post_init__(self) -> None:
        if min(self.connect, self.read, self.total) <= 0:
            raise ValueError("time-outs are positive numbers of seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A token that goes into the header as it is. `expires_at` is aware. Never printed."""

    value: str = field(repr=False)
    expires_at: datetime

    def __post_init__(self) -> None:
        # What the HTTP library says about an unfit header value quotes the value: refuse it here, unquoted.
        if not self.value or not all("!" <= character <= "~" for character in self.value):
            raise ValueError("an access token consists of visible ASCII characters without blanks")
        if self.expires_at.tzinfo is None:
            raise ValueError("the expiry of an access token needs a time zone")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactUser:
    """Somebody whom the organisation's contacts know."""

    union_id: str
    nick: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedInPerson:
    """Somebody who has signed in to DingTalk. ``open_id`` is theirs at one app, ``union_id`` at all of its developer;
    ``corp_id`` is the company that they chose, empty where DingTalk did not say.
    """

    open_id: str
    union_id: str
    nick: str
    corp_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """DingTalk said yes. `body` is an excerpt of at most `EXCERPT` characters, free of tokens."""

    http_status: int
    request_id: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedConference:
    """A conference that has just been started. Texts that DingTalk left out are empty."""

    conference_id: str
    conference_password: str = field(default="", repr=False)
    host_password: str = field(default="", repr=False)
    external_link_url: str = ""
    phone_numbers: tuple[str, ...] = ()
    room_code: str = ""


class ConferenceStatus(IntEnum):
    """State of a conference. A number that is not documented reads as UNKNOWN."""

    UNKNOWN = -1
    INITIALISED = 0
    ENDED = 1
    STARTED = 2

    @classmethod
    def _missing_(cls, value: object) -> Self:
        return cls(-1)


class AttendStatus(IntEnum):
    """What a person does about a conference. A number that is not documented reads as UNKNOWN."""

    UNKNOWN = -1
    UNDEFINED = 0
    INITIALISED = 1
    CALLING = 2
    JOINED = 3
    FAILED = 4
    KICKED = 5
    LEFT = 6

    @classmethod
    def _missing_(cls, value: object) -> Self:
        return cls(-1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConferenceInfo:
    """The facts of one conference. Times are aware or None; texts that were left out are empty."""

    conference_id: str
    title: str = ""
    room_code: str = ""
    status: ConferenceStatus = ConferenceStatus.UNKNOWN
    creator_id: str = ""
    creator_nick: str = ""
    start_time: datetime | None = None
    end_time: datetime | None = None
    active_num: int | None = None
    attend_num: int | None = None
    invited_num: int | None = None
    external_link_url: str = ""
    biz_type: str = ""
    schedule_conference_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody who was called into a conference or is in it. Nobody's telephone number is told."""

    union_id: str
    user_nick: str = ""
    attend_status: AttendStatus = AttendStatus.UNKNOWN
    pstn_join: bool = False
    host: bool = False
    co_host: bool = False
    outer_org_member: bool = False
    join_time: datetime | None = None
    leave_time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MembersPage:
    """One page of members. `next_token` is None on the last; `total_count` None if it was not told."""

    members: tuple[Member, ...]
    next_token: str | None = None
    total_count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryPerson:
    """Somebody in the company's directory. Texts that it does not show to the app are empty.

    ``phone_number`` is in E.164; one that is no number is left out.
    """

    user_id: str
    union_id: str = ""
    name: str = ""
    phone_number: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundIds:
    """What a search found: ids inside the company, of people or of departments."""

    ids: tuple[str, ...]
    has_more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryPeople:
    """People by their ids inside the company. ``unauthorised`` are those whom the app may not see, or nobody has."""

    people: tuple[DirectoryPerson, ...]
    unauthorised: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PeoplePage:
    """One page of the people who stand directly in a department. ``next_cursor`` is None on the last."""

    people: tuple[DirectoryPerson, ...]
    next_cursor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Department:
    """A department. The company itself is the one with the id 1, which has no ``parent_id``."""

    department_id: int
    name: str
    parent_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserGroup:
    """A user group of the directory."""

    group_code: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserGroupsPage:
    """One page of user groups. ``next_offset`` is None on the last."""

    groups: tuple[UserGroup, ...]
    next_offset: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMembersPage:
    """One page of the people in a user group, by their ids inside the company. ``next_offset`` is None on the last."""

    user_ids: tuple[str, ...]
    next_offset: int | None = None
