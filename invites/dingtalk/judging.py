"""Reads an answer of DingTalk and says what it means. Pure: must not send, wait or repeat anything.

The code in an answer is judged before its status, since DingTalk gives the same code under several
statuses and reports some failures under 200.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from invites.dingtalk import codes
from invites.dingtalk.errors import (
    AddressShutOut,
    Broken,
    DingTalkError,
    NotSent,
    OutcomeUnknown,
    Refused,
    StaleToken,
    Throttled,
    UnreadableAnswer,
    WrongParameters,
)
from invites.dingtalk.transport import AnswerTooLarge, HostNotAllowed
from invites.dingtalk.types import EXCERPT

_LONGEST_MESSAGE = 500
_LONGEST_FAILURE = 300
_LONGEST_NAME = 200
# Old answers put the true code beside this one.
_SEE_SUB_CODE = "88"
_NOT_A_FAILURE = frozenset({"", "0", "200", "ok", "success"})
# Control characters and the marks that turn the direction of writing: neither belongs in a message.
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """An answer, read but not yet judged. `payload` is None where the body is no JSON object.

    `code` is empty where the answer names no failure; `body` is the whole text, free of secrets; `sent_at` is what the
    other side's clock said.
    """

    http_status: int
    payload: Mapping[str, Any] | None = field(repr=False)
    body: str = field(repr=False)
    code: str
    message: str
    request_id: str
    required_scopes: tuple[str, ...]
    retry_after: float | None
    sent_at: datetime | None = None

    @property
    def excerpt(self) -> str:
        """What is kept of the body."""
        return self.body[:EXCERPT]


def judge(reading: Reading) -> Mapping[str, Any]:
    """The JSON object of an answer that does not say no.

    Raises Refused (with its children) for an answer that says no, OutcomeUnknown for one that says nothing.
    An object without `success` comes back as it is: only the operation knows whether that is an answer.
    """
    status = reading.http_status
    if httpx.codes.is_success(status):
        return _judge_success(reading)
    if _is_shut_out(reading):
        raise error(
            AddressShutOut,
            reading,
            code=codes.ADDRESS_SHUT_OUT,
            message="DingTalk answers this address no longer: too many calls. Calls rest for five minutes.",
        )
    if httpx.codes.is_client_error(status):
        raise _client_error(reading)
    if httpx.codes.is_server_error(status):
        raise _server_error(reading)
    if httpx.codes.is_redirect(status):
        raise error(
            OutcomeUnknown, reading, code=codes.REDIRECTED, message="The answer was a redirect, not followed."
        )
    raise _unknown_by_status(reading)


def read(response: httpx.Response, *, secrets: Iterable[str] = ()) -> Reading:
    """Reads a whole response. Except in `payload`, no text of the result contains any of `secrets`."""
    body = response.content.decode(errors="replace")
    payload = _json_object(body)
    fields = payload or {}
    scrubbed = Scrubber(secrets)
    scopes = tuple(scrubbed(scope) for scope in _required_scopes(fields))
    return Reading(
        http_status=response.status_code,
        payload=payload,
        body=scrubbed(body),
        code=scrubbed(_code(fields)),
        message=scrubbed(_message(fields, scopes)),
        request_id=scrubbed(_text(fields, "RequestId", "requestid", "requestId", "request_id")),
        required_scopes=scopes,
        retry_after=_retry_after(response.headers.get("retry-after")),
        sent_at=_moment(response.headers.get("date", "")),
    )


def error(
    consequence: type[DingTalkError], reading: Reading, *, code: str | None = None, message: str | None = None
) -> DingTalkError:
    """The error of class `consequence` for an answer, with the answer's own code and message by default."""
    code = codes.from_dingtalk(reading.code) if code is None else code
    known = codes.OWN.get(code) or codes.facts_of(code)
    timing: dict[str, Any] = {}
    if issubclass(consequence, Throttled):
        timing = {"retry_after": reading.retry_after, "rest": (known and known.rest) or codes.PER_SECOND}
    return consequence(
        message=reading.message if message is None else message,
        code=code,
        request_id=reading.request_id,
        http_status=reading.http_status,
        body=reading.excerpt,
        required_scopes=reading.required_scopes,
        **timing,
    )


def unreadable(reading: Reading, *, because: str = "") -> DingTalkError:
    """The error for an answer under 2xx that is none of the operation's."""
    message = "The answer was not one of this operation's"
    return error(
        UnreadableAnswer,
        reading,
        code=codes.UNREADABLE_ANSWER,
        message=f"{message} ({because})." if because else f"{message}.",
    )


def lost(failure: httpx.RequestError, *, late: bool, scrubbed: "Scrubber") -> DingTalkError:
    """What an exchange without a readable answer means. Whatever is not known not to have left, has left.

    ``late`` says that the time for the whole call is over, whatever the library says of its own time-outs.
    """
    kind: type[DingTalkError] = OutcomeUnknown
    code = codes.CONNECTION_LOST
    match failure:
        case httpx.ConnectTimeout():
            kind, code = NotSent, codes.CONNECT_TIMEOUT
        case httpx.PoolTimeout():
            kind, code = NotSent, codes.NO_FREE_CONNECTION
        case HostNotAllowed():
            kind, code = NotSent, codes.HOST_NOT_ALLOWED
        case httpx.ConnectError():
            kind, code = NotSent, codes.NOT_CONNECTED
        case httpx.TimeoutException():
            code = codes.DEADLINE if late else codes.READ_TIMEOUT
        case AnswerTooLarge():
            kind, code = UnreadableAnswer, codes.ANSWER_TOO_LARGE
        case httpx.DecodingError():
            kind, code = UnreadableAnswer, codes.UNREADABLE_ANSWER
    text = scrubbed(f"{type(failure).__name__}: {failure}")
    return kind(message=clean(text, limit=_LONGEST_FAILURE), code=code)


class Scrubber:
    """Replaces secrets in a text by asterisks, also where they stand in it with JSON's escapes."""

    def __init__(self, secrets: Iterable[str]) -> None:
        patterns = ["".join(map(_raw_or_escaped, secret)) for secret in secrets if secret]
        self._pattern = re.compile("|".join(patterns), re.IGNORECASE) if patterns else None

    def __call__(self, text: str) -> str:
        return self._pattern.sub("***", text) if self._pattern else text


def _raw_or_escaped(character: str) -> str:
    plain = re.escape(character)
    return rf"(?:{plain}|\\{plain}|\\u{ord(character):04x})"


def clean(text: str, *, limit: int) -> str:
    """`text` on one line, without characters that could disguise what it says, and not longer than `limit`."""
    text = _UNFIT.sub(" ", text.encode(errors="replace").decode()).strip()
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _judge_success(reading: Reading) -> Mapping[str, Any]:
    if reading.http_status in {httpx.codes.NO_CONTENT, httpx.codes.RESET_CONTENT}:
        raise _unknown_by_status(reading)
    if reading.payload is None:
        raise unreadable(reading)
    success = reading.payload.get("success")
    if success is False:
        if reading.code:
            raise error(_class_of(reading), reading)
        raise error(
            Refused,
            reading,
            code=codes.NOT_SUCCESSFUL,
            message=reading.message or "DingTalk answered that it did not succeed, without a reason.",
        )
    if reading.code and success is not True:
        raise error(_class_of(reading), reading)
    if reading.code or (success is not None and success is not True):
        # Success and failure in one answer, or a success that is neither true nor false.
        raise unreadable(reading)
    return reading.payload


def _client_error(reading: Reading) -> DingTalkError:
    if reading.code:
        throttled = reading.http_status == httpx.codes.TOO_MANY_REQUESTS and not codes.facts_of(reading.code)
        return error(Throttled if throttled else _class_of(reading), reading)
    consequence: type[DingTalkError] = {
        httpx.codes.UNAUTHORIZED.value: StaleToken,
        httpx.codes.TOO_MANY_REQUESTS.value: Throttled,
        httpx.codes.REQUEST_ENTITY_TOO_LARGE.value: WrongParameters,
    }.get(reading.http_status, Refused)
    return error(consequence, reading, code=codes.http_code(reading.http_status), message=_by_status(reading))


def _server_error(reading: Reading) -> DingTalkError:
    return error(_class_of(reading), reading) if reading.code else _unknown_by_status(reading)


def _class_of(reading: Reading) -> type[DingTalkError]:
    """The class of a code. One that is not documented is a plain no, under 5xx one that may have rung."""
    failed_there = httpx.codes.is_server_error(reading.http_status)
    facts = codes.facts_of(reading.code)
    if facts is None or facts.consequence is Broken:
        return Broken if failed_there else Refused
    return facts.consequence


def _unknown_by_status(reading: Reading) -> DingTalkError:
    code = codes.http_code(reading.http_status)
    return error(OutcomeUnknown, reading, code=code, message=_by_status(reading))


def _by_status(reading: Reading) -> str:
    return reading.message or f"The answer had status {reading.http_status} and no code."


def _is_shut_out(reading: Reading) -> bool:
    """Whether the answer is that of an address that is shut out: it carries the word `punish`.

    A plain page of a gateway or of a web server does not. In an answer with a code of its own only a
    field of that name counts, since the word may stand in a message.
    """
    if reading.payload is not None and "punish" in reading.payload:
        return True
    return not reading.code and "punish" in reading.body


def _json_object(body: str) -> Mapping[str, Any] | None:
    try:
        value = json.loads(body.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _code(fields: Mapping[str, Any]) -> str:
    """The code of the failure that an answer names, or nothing."""
    found = [_text(fields, key) for key in ("Code", "code", "errcode")]
    code = next((text for text in found if text.lower() not in _NOT_A_FAILURE), "")
    if code == _SEE_SUB_CODE:
        return _text(fields, "sub_code", "subcode") or code
    return code


def _message(fields: Mapping[str, Any], scopes: tuple[str, ...]) -> str:
    message = _text(fields, "Message", "message", "sub_msg", "errmsg", "cause", limit=_LONGEST_MESSAGE)
    if scopes:
        message = f"{message} (required: {', '.join(scopes)})".strip()
    return clean(message, limit=_LONGEST_MESSAGE)


def _required_scopes(fields: Mapping[str, Any]) -> tuple[str, ...]:
    detail = fields.get("AccessDeniedDetail", fields.get("accessdenieddetail"))
    scopes = detail.get("requiredScopes") if isinstance(detail, dict) else None
    if not isinstance(scopes, list):
        return ()
    return tuple(clean(scope, limit=_LONGEST_NAME) for scope in scopes if isinstance(scope, str))


def _text(fields: Mapping[str, Any], *keys: str, limit: int = _LONGEST_NAME) -> str:
    """The first of the fields that holds a text or a whole number."""
    for key in keys:
        value = fields.get(key)
        if isinstance(value, str | int) and not isinstance(value, bool):
            text = clean(str(value), limit=limit)
            if text:
                return text
    return ""


def _retry_after(value: str | None) -> float | None:
    """The seconds of a Retry-After header, which holds seconds or a date."""
    if not value:
        return None
    if value.isascii() and value.isdigit():
        return float(value)
    when = _moment(value)
    return None if when is None else max((when - datetime.now(UTC)).total_seconds(), 0.0)


def _moment(value: str) -> datetime | None:
    """The moment that a header of HTTP tells, if it tells one."""
    try:
        when = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)
