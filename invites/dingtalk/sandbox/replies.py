"""What goes out on the wire: an answer and the manner of its delivery, and how each fault spoils it.

Table `SPOILERS`: one entry a fault. An entry gets the fault's settings and the genuine answer, and says what is sent
instead. Knows neither operations nor sockets.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from email.utils import formatdate
from enum import Enum, auto
from http import HTTPStatus
from typing import Final

from invites.dingtalk.sandbox.answers import (
    DOCUMENTED_CODES,
    QPM_CODE,
    QPS_CODE,
    QUOTA_CODE,
    Answer,
    error_answer,
    html_answer,
    json_answer,
)

CODE_PREFIX: Final = "code:"
DEFAULT_HANG_SECONDS: Final = 30.0
DEFAULT_LATENCY_SECONDS: Final = 1.0
DEFAULT_CLOCK_SECONDS: Final = 600.0
REDIRECT_PATH: Final = "/redirected"


class Manner(Enum):
    """How an answer leaves, or fails to."""

    WHOLE = auto()
    DROPPED = auto()
    RESET = auto()
    CUT_SHORT = auto()
    DRIPPING = auto()
    NOT_HTTP = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer, how it is delivered, and for how long it is held back or (dripping) drawn out, in seconds."""

    answer: Answer
    manner: Manner = Manner.WHOLE
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoiling:
    """The settings of one fault, as far as the answer depends on them; None takes the fault's own default."""

    genuine: Answer
    request_id: str
    status: int | None = None
    message: str | None = None
    seconds: float | None = None
    retry_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoiler:
    """One kind of fault: what it is, whether the call takes effect behind it by default, and what it sends."""

    about: str
    takes_effect: bool
    spoil: Callable[[Spoiling], Reply]


def spoiler(kind: str) -> Spoiler | None:
    """The fault of this name: one of `SPOILERS`, or `code:` and an error code, documented or not."""
    if not kind.startswith(CODE_PREFIX):
        return SPOILERS.get(kind)
    code = kind.removeprefix(CODE_PREFIX)
    return Spoiler(about=f"the error {code}", takes_effect=False, spoil=_with_code(code)) if code else None


def _with_code(code: str, *, status: int | None = None) -> Callable[[Spoiling], Reply]:
    def spoil(spoiling: Spoiling) -> Reply:
        answer = error_answer(
            code,
            request_id=spoiling.request_id,
            message=spoiling.message,
            status=spoiling.status or status,
        )
        if spoiling.retry_after is not None:
            return Reply(answer=replace(answer, headers=(("Retry-After", f"{spoiling.retry_after:g}"),)))
        return Reply(answer=answer)

    return spoil


def _with_page(text: str, *, status: int) -> Callable[[Spoiling], Reply]:
    return lambda spoiling: Reply(answer=html_answer(text, status=spoiling.status or status))


def _with_json(payload: object, *, status: int = HTTPStatus.OK) -> Callable[[Spoiling], Reply]:
    return lambda spoiling: Reply(answer=json_answer(payload, status=spoiling.status or status))


def _with_nothing(status: int) -> Callable[[Spoiling], Reply]:
    return lambda spoiling: Reply(answer=Answer(status=spoiling.status or status))


def _cut_json(spoiling: Spoiling) -> Reply:
    body = spoiling.genuine.body
    return Reply(answer=Answer(status=spoiling.status or HTTPStatus.OK, body=body[: len(body) // 2]))


def _redirect(spoiling: Spoiling) -> Reply:
    answer = Answer(status=spoiling.status or HTTPStatus.FOUND, headers=(("Location", REDIRECT_PATH),))
    return Reply(answer=answer)


def _at_another_time(spoiling: Spoiling) -> Reply:
    seconds = DEFAULT_CLOCK_SECONDS if spoiling.seconds is None else spoiling.seconds
    date = ("Date", formatdate(time.time() + seconds, usegmt=True))
    return Reply(answer=replace(spoiling.genuine, headers=(*spoiling.genuine.headers, date)))


def _success_false_with_code(spoiling: Spoiling) -> Reply:
    code, message = "paramsError", spoiling.message or "error:nobody was called"
    payload = {"success": False, "code": code, "message": message, "requestid": spoiling.request_id}
    return Reply(answer=json_answer(payload, status=spoiling.status or HTTPStatus.OK, code=code))


def _in_manner(manner: Manner, *, seconds: float = 0.0) -> Callable[[Spoiling], Reply]:
    def spoil(spoiling: Spoiling) -> Reply:
        held = seconds if spoiling.seconds is None else spoiling.seconds
        return Reply(answer=spoiling.genuine, manner=manner, seconds=held)

    return spoil


def _fault(spoil: Callable[[Spoiling], Reply], about: str, *, takes_effect: bool) -> Spoiler:
    return Spoiler(about=about, takes_effect=takes_effect, spoil=spoil)


_GATEWAY_PAGE: Final = "<html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"
_SHUT_OUT_PAGE: Final = '<html><body><p>Your request was blocked.</p><p>{"punish":"deny"}</p></body></html>'
_SHUT_OUT: Final = {"status": 1111, "punish": "deny", "wait": 300}

SPOILERS: Final[Mapping[str, Spoiler]] = {
    "throttled": _fault(
        _with_code(QPS_CODE, status=HTTPStatus.TOO_MANY_REQUESTS),
        "429, too many calls a second; retry_after adds the header",
        takes_effect=False,
    ),
    "throttled_per_minute": _fault(_with_code(QPM_CODE), "403, too many calls a minute", takes_effect=False),
    "quota": _fault(_with_code(QUOTA_CODE), "403, the month's calls are used up", takes_effect=False),
    "shut_out_html": _fault(
        _with_page(_SHUT_OUT_PAGE, status=HTTPStatus.FORBIDDEN),
        "403, a page with the word punish: the address is shut out",
        takes_effect=False,
    ),
    "shut_out_json": _fault(
        _with_json(_SHUT_OUT, status=HTTPStatus.FORBIDDEN),
        "403, JSON with the field punish",
        takes_effect=False,
    ),
    "bare_401": _fault(_with_nothing(HTTPStatus.UNAUTHORIZED), "401 with an empty body", takes_effect=False),
    "no_code": _fault(
        _with_json({"message": "no"}, status=HTTPStatus.BAD_REQUEST),
        "400, JSON without a code",
        takes_effect=False,
    ),
    "redirect": _fault(_redirect, "302 to /redirected; status 307 also", takes_effect=False),
    "success_false": _fault(_with_json({"success": False}), '200 {"success":false}', takes_effect=False),
    "success_false_code": _fault(
        _success_false_with_code, "200, success false with a code and a message", takes_effect=False
    ),
    "errcode": _fault(
        _with_json({"errcode": 40014, "errmsg": "invalid access_token"}),
        "200 in the old form, with errcode",
        takes_effect=False,
    ),
    "html": _fault(
        _with_page(_GATEWAY_PAGE.format("Welcome"), status=HTTPStatus.OK), "200, a page", takes_effect=True
    ),
    "html_502": _fault(
        _with_page(_GATEWAY_PAGE.format("502 Bad Gateway"), status=HTTPStatus.BAD_GATEWAY),
        "502, a gateway's page",
        takes_effect=True,
    ),
    "html_503": _fault(
        _with_page(_GATEWAY_PAGE.format("503 Service Unavailable"), status=HTTPStatus.SERVICE_UNAVAILABLE),
        "503, a gateway's page",
        takes_effect=True,
    ),
    "html_504": _fault(
        _with_page(_GATEWAY_PAGE.format("504 Gateway Time-out"), status=HTTPStatus.GATEWAY_TIMEOUT),
        "504, a gateway's page",
        takes_effect=True,
    ),
    "cut_json": _fault(_cut_json, "200, half of the JSON with a matching length", takes_effect=True),
    "empty_object": _fault(_with_json({}), "200 {}", takes_effect=True),
    "empty_body": _fault(_with_nothing(HTTPStatus.OK), "200 without a body", takes_effect=True),
    "no_content": _fault(_with_nothing(HTTPStatus.NO_CONTENT), "204", takes_effect=True),
    "wrong_type": _fault(_with_json({"success": "true"}), '200 {"success":"true"}', takes_effect=True),
    "json_array": _fault(_with_json([1, 2]), "200 [1,2]", takes_effect=True),
    "json_null": _fault(_with_json(None), "200 null", takes_effect=True),
    "wrong_clock": _fault(
        _at_another_time,
        "the genuine answer, with a Date `seconds` (600) ahead",
        takes_effect=True,
    ),
    "hang": _fault(
        _in_manner(Manner.WHOLE, seconds=DEFAULT_HANG_SECONDS),
        "silence for `seconds` (30), then the genuine answer",
        takes_effect=True,
    ),
    "latency": _fault(
        _in_manner(Manner.WHOLE, seconds=DEFAULT_LATENCY_SECONDS),
        "the genuine answer, `seconds` (1) later",
        takes_effect=True,
    ),
    "drip": _fault(
        _in_manner(Manner.DRIPPING, seconds=DEFAULT_HANG_SECONDS),
        "the genuine answer in small pieces, drawn out over `seconds` (30)",
        takes_effect=True,
    ),
    "drop": _fault(
        _in_manner(Manner.DROPPED), "the connection is closed without an answer", takes_effect=True
    ),
    "reset": _fault(_in_manner(Manner.RESET), "the connection is reset without an answer", takes_effect=True),
    "drop_mid_body": _fault(
        _in_manner(Manner.CUT_SHORT), "the connection is closed after half of the body", takes_effect=True
    ),
    "not_http": _fault(_in_manner(Manner.NOT_HTTP), "something that is not HTTP", takes_effect=True),
}
KNOWN_CODES: Final = tuple(DOCUMENTED_CODES)
