"""What the sandbox says: plain answers, and every documented error code with its status and message.

Knows nothing of operations or of faults; those choose from here.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final

JSON_TYPE: Final = "application/json; charset=utf-8"
HTML_TYPE: Final = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP answer: the body as bytes, the error code (if any) for the log."""

    status: int = HTTPStatus.OK
    body: bytes = b""
    content_type: str = JSON_TYPE
    headers: tuple[tuple[str, str], ...] = ()
    code: str | None = None


@dataclass(frozen=True, slots=True)
class DocumentedCode:
    """The status that a code comes with, and a message as it may read."""

    status: int
    message: str


class RefusedError(Exception):
    """The operation says no, with a code; `message` and `status` replace the documented ones."""

    def __init__(self, code: str, message: str | None = None, *, status: int | None = None) -> None:
        super().__init__(code)
        self.code, self.message, self.status = code, message, status


_GATEWAY: Final = "Forbidden.AccessDenied."
PERMISSION_CODES: Final = (
    f"{_GATEWAY}AccessTokenPermissionDenied",
    "permissions.error",
    "apiPermissionDenied",
)
QPS_CODE: Final = f"{_GATEWAY}QpsLimitForAppkeyAndApi"
QPM_CODE: Final = f"{_GATEWAY}QpmLimitForAppkeyAndApi"
QUOTA_CODE: Final = f"{_GATEWAY}ApiCountLimitForOrg"
STALE_TOKEN_CODE: Final = "InvalidAuthentication"  # noqa: S105 -- an error code
NOT_FOUND_CODE: Final = "InvalidAction.NotFound"

DOCUMENTED_CODES: Final[Mapping[str, DocumentedCode]] = {
    "unknownUserError": DocumentedCode(400, "unknown user"),
    "paramsError": DocumentedCode(400, "error:wrong parameter"),
    "systemError": DocumentedCode(500, "systemError:internal"),
    "confClosed": DocumentedCode(400, "the conference has ended"),
    "resourceClose": DocumentedCode(400, "the conference is over or belongs to another organisation"),
    "conference.not.found": DocumentedCode(500, "conference not found"),
    STALE_TOKEN_CODE: DocumentedCode(401, "the access token is unknown or has expired"),
    "invalidAccessToken": DocumentedCode(400, "invalid access token"),
    "accesstoken.expired": DocumentedCode(400, "the access token has expired"),
    PERMISSION_CODES[0]: DocumentedCode(403, "the app lacks a permission for this operation"),
    "permissions.error": DocumentedCode(403, "no permission"),
    "apiPermissionDenied": DocumentedCode(400, "no permission for this operation"),
    f"{_GATEWAY}IpNotInWhiteList": DocumentedCode(403, "the calling address is not on the app's allow list"),
    f"{_GATEWAY}QpsLimitForApi": DocumentedCode(403, "too many calls a second to this operation"),
    QPS_CODE: DocumentedCode(403, "too many calls a second by this app to this operation"),
    QPM_CODE: DocumentedCode(403, "too many calls a minute by this app to this operation"),
    f"{_GATEWAY}QpsLimitForSuitekeyAndOrgAndApi": DocumentedCode(
        403, "too many calls a second in this company"
    ),
    f"{_GATEWAY}QpmLimitForSuitekeyAndOrgAndApi": DocumentedCode(
        403, "too many calls a minute in this company"
    ),
    "qps.exceed.limit": DocumentedCode(400, "too many calls a second"),
    "system.busy": DocumentedCode(400, "the system is busy"),
    "systemBusy": DocumentedCode(400, "the system is busy"),
    QUOTA_CODE: DocumentedCode(403, "the organisation has used up its calls of this month"),
    "orgAccessForbidden": DocumentedCode(400, "the organisation is restricted"),
    "paramsTitleError": DocumentedCode(400, "the title is unfit"),
    "waterLimitError": DocumentedCode(400, "too many people"),
    "permissionError": DocumentedCode(404, "no permission in this group"),
    "missingRoomId": DocumentedCode(400, "the conference id is missing"),
    "paramError": DocumentedCode(400, "wrong parameter"),
    "noPermission": DocumentedCode(403, "no permission for this conference"),
    "roomNotFound": DocumentedCode(404, "no such conference"),
    "invalidClientIdOrSecret": DocumentedCode(400, "wrong client id or client secret"),
    "invalidSuiteKey": DocumentedCode(400, "wrong suite key or suite secret"),
    "invalidSuiteTicket": DocumentedCode(400, "the suite ticket is not the current one"),
    "invalidAuthInfo": DocumentedCode(400, "the company has not authorised this app"),
    "invalidParameter.corporation.invalidAuthorizationCorporationId": DocumentedCode(400, "no such company"),
    NOT_FOUND_CODE: DocumentedCode(404, "no such operation: check the path and the method"),
}
# What the older interface has instead, as far as it is known.
_OLD_NUMBERS: Final = {
    STALE_TOKEN_CODE: "40014",
    QPS_CODE: "90018",
    PERMISSION_CODES[0]: "60011",
    f"{_GATEWAY}IpNotInWhiteList": "60020",
}
_UNDOCUMENTED: Final = DocumentedCode(400, "an error that no page documents")
# DingTalk names the missing permission where it refuses one.
_REQUIRED_SCOPES: Final = {"accessdenieddetail": {"requiredScopes": ["VideoConference.Conference.Write"]}}


def json_answer(payload: object, *, status: int = HTTPStatus.OK, code: str | None = None) -> Answer:
    """An answer in DingTalk's form: compact, UTF-8, Chinese not escaped."""
    # A lone surrogate may have come in with the request; it must not break the way out.
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    return Answer(status=status, body=text.encode("utf-8", "replace"), code=code)


def error_answer(
    code: str, *, request_id: str, message: str | None = None, status: int | None = None
) -> Answer:
    """An error in DingTalk's form; status and message default to the documented ones."""
    documented = DOCUMENTED_CODES.get(code, _UNDOCUMENTED)
    payload: dict[str, object] = {
        "code": code,
        "message": documented.message if message is None else message,
        "requestid": request_id,
    }
    if code in PERMISSION_CODES:
        payload |= _REQUIRED_SCOPES
    return json_answer(payload, status=status or documented.status, code=code)


def in_old_style(answer: Answer, *, request_id: str) -> Answer:
    """An answer as the older interface gives it: its own is part of it under `result`, an error has a number.

    An error without a number of its own has the number 88, with the code beside it.
    """
    payload = json.loads(answer.body)
    if answer.code is None:
        return json_answer({"errcode": 0, "errmsg": "ok", "request_id": request_id, **payload})
    number, message = _OLD_NUMBERS.get(answer.code, answer.code), payload["message"]
    old: dict[str, object] = {"errcode": 88, "errmsg": "ding talk error", "request_id": request_id}
    if number.isdecimal():
        old |= {"errcode": int(number), "errmsg": message}
    else:
        old |= {"sub_code": number, "sub_msg": message}
    status = answer.status if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR else HTTPStatus.OK
    return replace(json_answer(old, status=status, code=answer.code), headers=answer.headers)


def html_answer(text: str, *, status: int = HTTPStatus.OK) -> Answer:
    """A page, as a gateway or a captive portal would send it."""
    return Answer(status=status, body=text.encode(), content_type=HTML_TYPE)
