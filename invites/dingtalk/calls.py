"""The requests of each operation as plain values: method, path, query and body. Pure; must not send anything.

What stands here is what is sent, so a page that shows a past call can build it again from the same facts.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal
from urllib.parse import quote, urlencode

import phonenumbers

from invites.dingtalk.types import Invitee, PhoneInvitee

CONFERENCES = "/v1.0/conference/videoConferences"

GET_TOKEN = "GetAccessToken"  # noqa: S105 - the name of an operation
GET_CORP_TOKEN = "GetCorpAccessToken"  # noqa: S105 - likewise
INVITE_USERS = "InviteUsers"
CREATE_CONFERENCE = "CreateVideoConference"
CLOSE_CONFERENCE = "CloseVideoConference"
LOCK_CONFERENCE = "LockConference"
QUERY_ONGOING = "QueryUserOnGoingConference"
QUERY_BY_ROOM_CODE = "QueryConferenceInfoByRoomCode"
QUERY_CONFERENCE_INFO = "QueryConferenceInfo"
QUERY_CONFERENCE_MEMBERS = "QueryConferenceMembers"
GET_USER = "GetUser"
GET_USER_TOKEN = "GetUserToken"  # noqa: S105 - the name of an operation
SEARCH_USER = "SearchUser"
BATCH_GET_USER = "BatchGetUser"
SEARCH_DEPARTMENT = "SearchDepartment"
LIST_USER_GROUPS = "ListUserGroups"
LIST_USER_GROUP_MEMBERS = "ListUserGroupMembers"
# Of the older interface, which has no other names for its operations than their paths.
LIST_DEPARTMENTS = "topapi/v2/department/listsub"
GET_DEPARTMENT = "topapi/v2/department/get"
LIST_PEOPLE = "topapi/v2/user/list"
# Calls for tokens, sign-in and contacts are not taken from an organisation's monthly quota.
EXEMPT = frozenset(
    {
        GET_TOKEN,
        GET_CORP_TOKEN,
        GET_USER_TOKEN,
        GET_USER,
        SEARCH_USER,
        BATCH_GET_USER,
        SEARCH_DEPARTMENT,
    }
    | {LIST_USER_GROUPS, LIST_USER_GROUP_MEMBERS, LIST_DEPARTMENTS, GET_DEPARTMENT, LIST_PEOPLE}
)

# Most servers refuse a request line of more than 8 kB, without a code.
LONGEST_TARGET = 8000

type Json = dict[str, Any]
type LockAction = Literal["lock", "unlock"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request. `operation` is the API's name for it, `path` is encoded and begins with a slash.

    `body` is None where none is sent. Query and body are not printed: they hold people and secrets. One that
    `is_old_style` goes to the host of the older interface, with its token in the query.
    Raises ValueError if the request line would be longer than servers take.
    """

    operation: str
    method: str
    path: str
    query: Mapping[str, str] = field(default=MappingProxyType({}), repr=False)
    body: Json | None = field(default=None, repr=False)
    is_old_style: bool = False

    def __post_init__(self) -> None:
        if len(self.target) > LONGEST_TARGET:
            raise ValueError("an id in the request is far too long")

    @property
    def target(self) -> str:
        """Path and query as they stand in the request line."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path

    def content(self) -> bytes | None:
        """The body's bytes: compact JSON in UTF-8 in which nothing but JSON's own characters is escaped."""
        if self.body is None:
            return None
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()


def invite_request(
    *,
    conference_id: str,
    union_id: str | None,
    invitees: Sequence[Invitee],
    phone_invitees: Sequence[PhoneInvitee],
    default_country: str,
) -> Call:
    """The request that rings people into a running conference. `union_id` is the operator's.

    Raises ValueError where a request would be wrong by construction: nobody to invite, an empty name or
    id, a number that is not E.164, a conference id that is no path segment.
    """
    if not invitees and not phone_invitees:
        raise ValueError("there is nobody to invite")
    body: Json = {}
    if invitees:
        body["inviteeList"] = [_invitee(invitee) for invitee in invitees]
    if phone_invitees:
        body["phoneInviteeList"] = [_phone_invitee(invitee, default_country) for invitee in phone_invitees]
    if union_id:
        body["unionId"] = needed(union_id, "unionId of the operator")
    path = invite_path(conference_id)
    return Call(operation=INVITE_USERS, method="POST", path=path, body=body)


def invite_path(conference_id: str) -> str:
    """Where people are invited into a conference. Raises ValueError for an id that is no path segment."""
    return f"{CONFERENCES}/{path_segment(conference_id)}/users/invite"


def create_request(
    *, user_id: str, conf_title: str, invite_user_ids: Sequence[str] = (), invite_caller: bool | None = None
) -> Call:
    """The request that starts a conference. In spite of their names, all the ids are unionIds.

    `invite_caller` None leaves DingTalk's default, which is to call the creator too.
    """
    body: Json = {"confTitle": needed(conf_title, "title")}
    if invite_caller is not None:
        body["inviteCaller"] = invite_caller
    if invite_user_ids:
        body["inviteUserIds"] = [needed(union_id, "unionId") for union_id in invite_user_ids]
    body["userId"] = needed(user_id, "unionId of the creator")
    return Call(operation=CREATE_CONFERENCE, method="POST", path=CONFERENCES, body=body)


def close_request(*, conference_id: str, union_id: str) -> Call:
    """The request that ends a conference for all, in the name of `union_id`."""
    query = {"unionId": needed(union_id, "unionId")}
    return Call(
        operation=CLOSE_CONFERENCE,
        method="DELETE",
        path=f"{CONFERENCES}/{path_segment(conference_id)}",
        query=query,
    )


def lock_request(*, conference_id: str, action: LockAction) -> Call:
    """The request that lets nobody else into a conference, or lets people in again."""
    return Call(
        operation=LOCK_CONFERENCE,
        method="POST",
        path=f"{CONFERENCES}/{path_segment(conference_id)}/lock",
        body={"action": action},
    )


def info_request(*, conference_id: str) -> Call:
    """The request for the facts of one conference."""
    return Call(
        operation=QUERY_CONFERENCE_INFO, method="GET", path=f"{CONFERENCES}/{path_segment(conference_id)}"
    )


def members_request(
    *, conference_id: str, max_results: int | None = None, next_token: str | None = None
) -> Call:
    """The request for one page of members; DingTalk's own page size is 128."""
    query: dict[str, str] = {}
    if max_results is not None:
        query["maxResults"] = str(max_results)
    if next_token:
        query["nextToken"] = next_token
    return Call(
        operation=QUERY_CONFERENCE_MEMBERS,
        method="GET",
        path=f"{CONFERENCES}/{path_segment(conference_id)}/members",
        query=query,
    )


def ongoing_request(*, union_id: str) -> Call:
    """The request for the running conferences of one person."""
    query = {"unionId": needed(union_id, "unionId")}
    return Call(operation=QUERY_ONGOING, method="GET", path="/v1.0/conference/users/lists", query=query)


def room_code_request(*, room_code: str) -> Call:
    """The request for the conferences behind a meeting number (the first page of them)."""
    return Call(
        operation=QUERY_BY_ROOM_CODE,
        method="GET",
        path=f"/v1.0/conference/roomCodes/{path_segment(room_code)}/infos",
    )


def user_request(*, union_id: str) -> Call:
    """The request for one person of the organisation's contacts."""
    return Call(operation=GET_USER, method="GET", path=f"/v1.0/contact/users/{path_segment(union_id)}")


def me_request() -> Call:
    """The request for whoever the token belongs to."""
    return Call(operation=GET_USER, method="GET", path="/v1.0/contact/users/me")


def is_exempt(operation: str) -> bool:
    """Whether calls of `operation`, the API's name for it, cost nothing of the monthly quota."""
    return operation in EXEMPT


def is_path_segment(value: str) -> bool:
    """Whether `path_segment` takes ``value``."""
    return bool(value.strip()) and value not in {".", ".."}


def path_segment(value: str) -> str:
    """`value` as exactly one segment of a path, whatever is in it.

    Raises ValueError for what no encoding can keep from being read as another path: nothing, `.`, `..`.
    """
    if not is_path_segment(value):
        raise ValueError("an id that goes into a path must not be empty, '.' or '..'")
    return quote(value, safe="")


def phone_fields(*, phone_number: str, default_country: str) -> dict[str, str]:
    """An E.164 number as the API wants it.

    Numbers of the default country (two letters) go as national digits, as the reference of the operation
    shows. Others go as national digits with the calling code in `statusCode`: that field stands in the
    vendor's library and in its Chinese sample only, and could not be tried against the live service.
    """
    home = calling_code(default_country)
    try:
        number = phonenumbers.parse(phone_number)
    except phonenumbers.NumberParseException:
        raise ValueError("a phone number must be in E.164") from None
    if phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) != phone_number:
        raise ValueError("a phone number must be in E.164")
    # Keeps a zero that belongs to the number, as in Italy.
    fields = {"phoneNumber": phonenumbers.national_significant_number(number)}
    if number.country_code != home:
        fields["statusCode"] = str(number.country_code)
    return fields


def calling_code(country: str) -> int:
    """The calling code of a country (two capital letters). Raises ValueError if it is none."""
    code = phonenumbers.country_code_for_region(country)
    if not code:
        raise ValueError(f"{country!r} is not a country")
    return code


def _invitee(invitee: Invitee) -> dict[str, str]:
    return {"unionId": needed(invitee.union_id, "unionId"), "nick": needed(invitee.nick, "nick")}


def _phone_invitee(invitee: PhoneInvitee, default_country: str) -> dict[str, str]:
    fields = phone_fields(phone_number=invitee.phone_number, default_country=default_country)
    number, *country = fields.items()
    return dict([number, ("nick", needed(invitee.nick, "nick")), *country])


def needed(value: str, what: str) -> str:
    """``value``, unless there is nothing in it. Raises ValueError that names ``what`` is missing."""
    if not value.strip():
        raise ValueError(f"the {what} must not be empty")
    # Half of a surrogate pair has no bytes in UTF-8: find out now, not when it is sent.
    value.encode()
    return value
