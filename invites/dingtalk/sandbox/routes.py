"""Which operation a request target means. A path is decoded once, segment by segment, after it was cut at its slashes.

So `a%2Fb` is one conferenceId with a slash in it, `a/b` is two segments, and `..` is not resolved: it is no operation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qsl, unquote

CONTROL_PREFIX: Final = "/_sandbox"
MOST_QUERY_FIELDS: Final = 100


class Operation(StrEnum):
    """The operations that the sandbox plays; the values are the names that faults and the log use."""

    TOKEN = "token"  # noqa: S105 -- the name of an operation
    CORP_TOKEN = "corp_token"  # noqa: S105 -- likewise
    GATEWAY = "gateway"
    AUTHORISE = "authorise"
    USER_TOKEN = "user_token"  # noqa: S105 -- likewise
    ME = "me"
    CREATE = "create"
    CLOSE = "close"
    INFO = "info"
    MEMBERS = "members"
    INVITE = "invite"
    REMOVE = "remove"
    LOCK = "lock"
    BATCH_INFO = "batch_info"
    BY_ROOM_CODE = "by_room_code"
    ONGOING = "ongoing"
    ORGANISATION = "organisation"
    CONTACT_GET = "contact_get"
    CONTACT_SEARCH = "contact_search"
    CONTACT_BATCH = "contact_batch"
    DEPARTMENT_SEARCH = "department_search"
    USER_GROUPS = "user_groups"
    USER_GROUP_MEMBERS = "user_group_members"
    DEPARTMENTS_BELOW = "departments_below"
    DEPARTMENT_GET = "department_get"
    DEPARTMENT_PEOPLE = "department_people"


# Without an access token of an app. What they carry is secret.
ANONYMOUS_OPERATIONS: Final = frozenset(
    {
        Operation.TOKEN,
        Operation.CORP_TOKEN,
        Operation.GATEWAY,
        Operation.AUTHORISE,
        Operation.USER_TOKEN,
    }
)
# Those of the older interface: the token stands in the query, errors have numbers and come under 200.
OLD_OPERATIONS: Final = frozenset(
    {Operation.DEPARTMENTS_BELOW, Operation.DEPARTMENT_GET, Operation.DEPARTMENT_PEOPLE}
)
CONFERENCE_ID: Final = "conferenceId"

_OPERATIONS: Final = (
    ("POST", "/v1.0/oauth2/accessToken", Operation.TOKEN),
    ("POST", "/v1.0/oauth2/corpAccessToken", Operation.CORP_TOKEN),
    ("POST", "/v1.0/gateway/connections/open", Operation.GATEWAY),
    ("GET", "/oauth2/auth", Operation.AUTHORISE),
    ("POST", "/v1.0/oauth2/userAccessToken", Operation.USER_TOKEN),
    # Before the one of anybody, of whom nobody is called `me`.
    ("GET", "/v1.0/contact/users/me", Operation.ME),
    ("POST", "/v1.0/conference/videoConferences", Operation.CREATE),
    ("POST", "/v1.0/conference/videoConferences/query", Operation.BATCH_INFO),
    ("DELETE", "/v1.0/conference/videoConferences/{conferenceId}", Operation.CLOSE),
    ("GET", "/v1.0/conference/videoConferences/{conferenceId}", Operation.INFO),
    ("GET", "/v1.0/conference/videoConferences/{conferenceId}/members", Operation.MEMBERS),
    ("POST", "/v1.0/conference/videoConferences/{conferenceId}/members/kick", Operation.REMOVE),
    ("POST", "/v1.0/conference/videoConferences/{conferenceId}/lock", Operation.LOCK),
    ("POST", "/v1.0/conference/videoConferences/{conferenceId}/users/invite", Operation.INVITE),
    ("GET", "/v1.0/conference/roomCodes/{roomCode}/infos", Operation.BY_ROOM_CODE),
    ("GET", "/v1.0/conference/users/lists", Operation.ONGOING),
    ("GET", "/v1.0/conference/orgConferences", Operation.ORGANISATION),
    ("POST", "/v1.0/contact/users/search", Operation.CONTACT_SEARCH),
    ("GET", "/v1.0/contact/users/batch/get", Operation.CONTACT_BATCH),
    ("GET", "/v1.0/contact/users/{unionId}", Operation.CONTACT_GET),
    ("POST", "/v1.0/contact/departments/search", Operation.DEPARTMENT_SEARCH),
    ("GET", "/v1.0/contact/userGroups/listUserGroups", Operation.USER_GROUPS),
    ("GET", "/v1.0/contact/userGroups/listUserGroupMembers", Operation.USER_GROUP_MEMBERS),
    ("POST", "/topapi/v2/department/listsub", Operation.DEPARTMENTS_BELOW),
    ("POST", "/topapi/v2/department/get", Operation.DEPARTMENT_GET),
    ("POST", "/topapi/v2/user/list", Operation.DEPARTMENT_PEOPLE),
)
_ROUTES: Final = tuple((method, tuple(path.split("/")), operation) for method, path, operation in _OPERATIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A request target taken apart. `operation` is None for a path that means nothing here.

    `path` holds the decoded parameters of the path, `query` the last value of each field.
    """

    operation: Operation | None
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)


def resolve(method: str, target: str) -> Target:
    """Take a request target apart. Raises ValueError for a query of absurd length."""
    path, _, query_text = target.partition("?")
    query = dict(parse_qsl(query_text, keep_blank_values=True, max_num_fields=MOST_QUERY_FIELDS))
    segments = path.split("/")
    for route_method, pattern, operation in _ROUTES:
        if route_method == method and (parameters := _match(pattern, segments)) is not None:
            return Target(operation=operation, path=parameters, query=query)
    return Target(operation=None, query=query)


def _match(pattern: tuple[str, ...], segments: list[str]) -> dict[str, str] | None:
    if len(pattern) != len(segments):
        return None
    parameters = {}
    for expected, segment in zip(pattern, segments, strict=True):
        if expected.startswith("{"):
            parameters[expected.strip("{}")] = unquote(segment, errors="replace")
        elif expected != segment:
            return None
    return parameters
