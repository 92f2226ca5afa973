"""The error codes of the API as data: which class of consequence each has. DingTalk's and our own.

Must not hold explanations for people: those are translated where they are shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from invites.dingtalk.errors import (
    About,
    AddressShutOut,
    Broken,
    ConferenceOver,
    DingTalkError,
    NotAuthorised,
    NotSent,
    OutcomeUnknown,
    QuotaExhausted,
    Refused,
    StaleToken,
    Throttled,
    TokenUnavailable,
    UnknownPerson,
    UnreadableAnswer,
    WrongParameters,
)

PER_SECOND = 1.0
PER_MINUTE = 60.0
SHUT_OUT = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeFacts:
    """What a code means. `rest` is the suggested first pause in seconds, for throttles only."""

    consequence: type[DingTalkError]
    rest: float | None = None

    @property
    def about(self) -> About:
        """Whom the code concerns."""
        return self.consequence.about


_THROTTLED = CodeFacts(consequence=Throttled, rest=PER_SECOND)
_THROTTLED_FOR_A_MINUTE = CodeFacts(consequence=Throttled, rest=PER_MINUTE)
_STALE = CodeFacts(consequence=StaleToken)
_REFUSED = CodeFacts(consequence=Refused)
_WRONG_PARAMETERS = CodeFacts(consequence=WrongParameters)
_OVER = CodeFacts(consequence=ConferenceOver)
_NOT_AUTHORISED = CodeFacts(consequence=NotAuthorised)

# Every code that DingTalk documents for the operations we use. The HTTP status beside a code in its
# documentation is not dependable (the same code appears under several), so only one code looks at it:
# `systemError`, which under 5xx may have called some people and under 4xx has not.
DOCUMENTED: Mapping[str, CodeFacts] = MappingProxyType(
    {
        "unknownUserError": CodeFacts(consequence=UnknownPerson),
        "paramsError": _WRONG_PARAMETERS,
        "systemError": CodeFacts(consequence=Broken),
        "confClosed": _OVER,
        "resourceClose": _OVER,
        "conference.not.found": _OVER,
        "InvalidAuthentication": _STALE,
        "invalidAccessToken": _STALE,
        "accesstoken.expired": _STALE,
        "Forbidden.AccessDenied.AccessTokenPermissionDenied": _NOT_AUTHORISED,
        "permissions.error": _NOT_AUTHORISED,
        "apiPermissionDenied": _NOT_AUTHORISED,
        "Forbidden.AccessDenied.IpNotInWhiteList": _NOT_AUTHORISED,
        "Forbidden.AccessDenied.QpsLimitForApi": _THROTTLED,
        "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi": _THROTTLED,
        "Forbidden.AccessDenied.QpmLimitForAppkeyAndApi": _THROTTLED_FOR_A_MINUTE,
        "Forbidden.AccessDenied.QpsLimitForSuitekeyAndOrgAndApi": _THROTTLED,
        "Forbidden.AccessDenied.QpmLimitForSuitekeyAndOrgAndApi": _THROTTLED_FOR_A_MINUTE,
        "qps.exceed.limit": _THROTTLED,
        "system.busy": _THROTTLED,
        "systemBusy": _THROTTLED,
        "Forbidden.AccessDenied.ApiCountLimitForOrg": CodeFacts(consequence=QuotaExhausted),
        # Creating a conference.
        "orgAccessForbidden": _REFUSED,
        "paramsTitleError": _REFUSED,
        "waterLimitError": _WRONG_PARAMETERS,
        "permissionError": _REFUSED,
        # Asking about a conference or its members.
        "missingRoomId": _REFUSED,
        "paramError": _REFUSED,
        "noPermission": _REFUSED,
        "roomNotFound": _REFUSED,
        # Fetching a token.
        "invalidClientIdOrSecret": _NOT_AUTHORISED,
        "invalidSuiteKey": _NOT_AUTHORISED,
        "invalidSuiteTicket": _NOT_AUTHORISED,
        "invalidAuthInfo": _NOT_AUTHORISED,
        "invalidParameter.corporation.invalidAuthorizationCorporationId": _NOT_AUTHORISED,
    }
)

# What a secret that is not the app's is answered with, or a client id that nobody has.
WRONG_SECRET = frozenset({"invalidClientIdOrSecret", "invalidSuiteKey"})

# The numbers of the older interface, which come as `errcode` and mostly under 200. All of 90001 to 90018
# say that one limit or another has been exceeded and calls are barred for a while.
# Of the directory: no permission, an address that is not allowed, people or departments outside of what the app may
# see; and a department that is not there (common knowledge of the older interface, not tried).
OLD_STYLE: Mapping[str, CodeFacts] = MappingProxyType(
    dict.fromkeys(("33001", "40014", "42001"), _STALE)
    | dict.fromkeys(("60011", "60020", "50002", "50004"), _NOT_AUTHORISED)
    | {"60003": _REFUSED}
    | {str(number): _THROTTLED for number in range(90001, 90019)}
)

# The limits are named after what they count, and the list of names grows: `Qps` counts a second,
# `Qpm` a minute.
_THROTTLE_FAMILIES = (
    ("Forbidden.AccessDenied.Qps", _THROTTLED),
    ("Forbidden.AccessDenied.Qpm", _THROTTLED_FOR_A_MINUTE),
)

NOT_SUCCESSFUL = "notSuccessful"
ADDRESS_SHUT_OUT = "addressShutOut"
NOT_CONNECTED = "notConnected"
HOST_NOT_ALLOWED = "hostNotAllowed"
CONNECT_TIMEOUT = "connectTimeout"
NO_FREE_CONNECTION = "noFreeConnection"
NO_TIME_LEFT = "noTimeLeft"
TOKEN_UNAVAILABLE = "tokenUnavailable"  # noqa: S105 - the name of a failure
READ_TIMEOUT = "readTimeout"
DEADLINE = "deadline"
CONNECTION_LOST = "connectionLost"
UNREADABLE_ANSWER = "unreadableAnswer"
ANSWER_TOO_LARGE = "answerTooLarge"
REDIRECTED = "redirected"

# Codes of our own, where DingTalk gave none. Besides these there is `http_NNN` (see `http_code`) for an
# answer of which only the status could be read: its class depends on the status.
OWN: Mapping[str, CodeFacts] = MappingProxyType(
    {
        # 200 that says `success: false` without a reason.
        NOT_SUCCESSFUL: _REFUSED,
        # The page (or JSON) that an address gets after 10,000 calls in 20 seconds.
        ADDRESS_SHUT_OUT: CodeFacts(consequence=AddressShutOut, rest=SHUT_OUT),
        # Connection refused, name not found, TLS failed.
        NOT_CONNECTED: CodeFacts(consequence=NotSent),
        # The host of the app leads to an address that nobody may connect to from this server.
        HOST_NOT_ALLOWED: CodeFacts(consequence=NotSent),
        # No connection within the time for connecting.
        CONNECT_TIMEOUT: CodeFacts(consequence=NotSent),
        # All connections of this process were busy.
        NO_FREE_CONNECTION: CodeFacts(consequence=NotSent),
        # The time for the whole attempt was used up before the request could leave.
        NO_TIME_LEFT: CodeFacts(consequence=NotSent),
        # No access token in time; nothing was asked of the operation itself.
        TOKEN_UNAVAILABLE: CodeFacts(consequence=TokenUnavailable),
        # Sent, then silence for the time allowed for reading.
        READ_TIMEOUT: CodeFacts(consequence=OutcomeUnknown),
        # Sent, and the time for the whole attempt ended before the answer did.
        DEADLINE: CodeFacts(consequence=OutcomeUnknown),
        # Sent, and the connection broke before the answer was whole.
        CONNECTION_LOST: CodeFacts(consequence=OutcomeUnknown),
        # An answer under 2xx that is not JSON, or JSON of another shape.
        UNREADABLE_ANSWER: CodeFacts(consequence=UnreadableAnswer),
        # An answer far larger than any of the API's.
        ANSWER_TOO_LARGE: CodeFacts(consequence=UnreadableAnswer),
        # A redirect, which is never followed.
        REDIRECTED: CodeFacts(consequence=OutcomeUnknown),
    }
)

_HTTP_PREFIX = "http_"


def http_code(status: int) -> str:
    """Our own code for an answer of which only the status could be read: `http_404`."""
    return f"{_HTTP_PREFIX}{status}"


def is_own(code: str) -> bool:
    """Whether a code is one of ours."""
    return code in OWN or (code.startswith(_HTTP_PREFIX) and code.removeprefix(_HTTP_PREFIX).isdecimal())


def from_dingtalk(code: str) -> str:
    """A code as DingTalk sent it, set apart in the unlikely case that it looks like one of ours."""
    return f"dingtalk.{code}" if is_own(code) else code


def facts_of(code: str) -> CodeFacts | None:
    """What a code of DingTalk's means, or None for one that is not documented."""
    known = DOCUMENTED.get(code) or OLD_STYLE.get(code)
    if known is not None:
        return known
    return next((facts for prefix, facts in _THROTTLE_FAMILIES if code.startswith(prefix)), None)


def stands_for(code: str, *consequences: type[DingTalkError]) -> bool:
    """Whether a code, DingTalk's or one of ours, has any of these consequences. One that nobody knows has none."""
    facts = OWN.get(code) or facts_of(code)
    return facts is not None and issubclass(facts.consequence, consequences)
