"""What a program is told where it does not get what it asked for: one shape, whatever the reason.

400  unreadable         the body is no JSON                     409  the domain says no; the code says why
401  unauthorized       no token, or one that is not valid      413  tooLarge
403  forbidden          not with this token, or not this user   415  unsupportedMediaType
     secondFactorMissing  not before the user has set one up
404  notFound           not there, or not for this user         422  invalid, at the fields that are named
405  methodNotAllowed                                           429  tooManyRequests
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Self

from django.core.exceptions import PermissionDenied, RequestDataTooBig, ValidationError
from django.forms import BaseForm
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError
from ninja.errors import ValidationError as SchemaError
from pydantic import Field
from pydantic.alias_generators import to_camel

from invites.api.shape import Out
from invites.errors import DingTalkRefused, InviteError, KeyUsedBefore, RequestUnderWay, TooOften

RETRY_AFTER: Final = 5
"""Seconds after which a program may ask again for what is under way."""

_MOST_FIELDS: Final = 100
_CODES: Final = {
    HTTPStatus.BAD_REQUEST: "unreadable",
    HTTPStatus.UNAUTHORIZED: "unauthorized",
    HTTPStatus.FORBIDDEN: "forbidden",
    HTTPStatus.NOT_FOUND: "notFound",
    HTTPStatus.METHOD_NOT_ALLOWED: "methodNotAllowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "tooLarge",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "unsupportedMediaType",
    HTTPStatus.UNPROCESSABLE_ENTITY: "invalid",
    HTTPStatus.TOO_MANY_REQUESTS: "tooManyRequests",
}


class FieldProblem(Out):
    """What is wrong with one field: its place, with the positions in lists, and what to do about it."""

    field: str = Field(examples=["phoneInviteeList.3.phoneNumber"])
    code: str = Field(examples=["too_short"])
    message: str = Field(examples=["This phone number is too short."])


class RemoteProblem(Out):
    """What DingTalk said. ``isUnsure``: it may have been done all the same."""

    code: str
    message: str
    request_id: str
    is_unsure: bool


class Problem(Out):
    """Why not: a ``code`` for programs, a sentence for people."""

    code: str = Field(examples=["invalid"])
    message: str = Field(examples=["Something in the request cannot be used."])
    fields: list[FieldProblem] = Field(default=[], description="With `invalid`: where, at most 100 of them.")
    dingtalk: RemoteProblem | None = None


class Refusal(Out):
    """The body of every answer that is no success."""

    error: Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """One thing that cannot be used, and where it stands."""

    field: str
    code: str
    message: str


class Unusable(Exception):  # noqa: N818 - says what it is
    """What a program sent cannot be used; ``wrongs`` say where and why."""

    def __init__(self, wrongs: Iterable[Wrong]) -> None:
        self.wrongs = list(wrongs)
        super().__init__()

    @classmethod
    def at(cls, field: str, message: str, *, code: str = "invalid") -> Self:
        """With one thing that is wrong."""
        return cls([Wrong(field=field, code=code, message=message)])

    @classmethod
    def of_form(cls, form: BaseForm) -> Self:
        """With what ``form`` found, at the fields as programs name them."""
        return cls(
            Wrong(
                field="" if name == "__all__" else to_camel(name), code=each.code or "invalid", message=text
            )
            for name, errors in form.errors.as_data().items()
            for each in errors
            for text in each.messages
        )


def wrongs_of(field: str, error: ValidationError) -> list[Wrong]:
    """What ``error``, which is about one value, says of ``field``."""
    return [Wrong(field=field, code=error.code or "invalid", message=text) for text in error.messages]


def answer(
    status: HTTPStatus, message: str, *, code: str = "", headers: Mapping[str, str] | None = None, **more: Any
) -> HttpResponse:
    """The answer with ``status``; ``more`` are fields of `Problem`."""
    problem = Problem(code=code or _CODES[status], message=message, **more)
    body = Refusal(error=problem).model_dump(by_alias=True)
    return JsonResponse(body, status=status, headers=headers)


def not_allowed(response: HttpResponse) -> HttpResponse:
    """The answer to a method that an address does not know, with the ones that it does."""
    message = _("This address does not take this method.")
    return answer(HTTPStatus.METHOD_NOT_ALLOWED, message, headers={"Allow": response["Allow"]})


def register(api: NinjaAPI) -> None:
    """Lets ``api`` answer in this shape whatever refuses a request. A bug stays one: 500, logged as everywhere."""
    handlers: dict[type[Exception], Any] = {
        AuthenticationError: _unauthorized,
        HttpError: _unreadable,
        SchemaError: _mistyped,
        Unusable: _unusable,
        InviteError: _refused,
        PermissionDenied: _forbidden,
        Http404: _missing,
        RequestDataTooBig: _too_large,
        # The library would show a traceback where DEBUG is on.
        Exception: _bug,
    }
    for error, handler in handlers.items():
        api.add_exception_handler(error, handler)


def _unauthorized(_request: HttpRequest, _error: Exception) -> HttpResponse:
    message = _("Send a valid token: Authorization: Bearer ci_…")
    return answer(HTTPStatus.UNAUTHORIZED, message, headers={"WWW-Authenticate": "Bearer"})


def _unreadable(_request: HttpRequest, _error: Exception) -> HttpResponse:
    return answer(HTTPStatus.BAD_REQUEST, _("The body cannot be read: it has to be JSON."))


def _mistyped(_request: HttpRequest, error: SchemaError) -> HttpResponse:
    wrongs = [
        Wrong(
            # What comes first says whether it stood in the path, the query or the body, and how the view calls that.
            field=".".join(str(part) for part in (each["loc"][2:] or each["loc"][1:])),
            code=each["type"],
            message=each["msg"],
        )
        for each in error.errors[:_MOST_FIELDS]
    ]
    return _invalid(wrongs)


def _unusable(_request: HttpRequest, error: Unusable) -> HttpResponse:
    return _invalid(error.wrongs[:_MOST_FIELDS])


def _invalid(wrongs: Iterable[Wrong]) -> HttpResponse:
    fields = [FieldProblem(field=each.field, code=each.code, message=each.message) for each in wrongs]
    message = _("Something in the request cannot be used.")
    return answer(HTTPStatus.UNPROCESSABLE_ENTITY, message, fields=fields)


def _refused(_request: HttpRequest, error: InviteError) -> HttpResponse:
    code = type(error).__name__
    code = code[0].lower() + code[1:]
    if isinstance(error, KeyUsedBefore):
        return _invalid([Wrong(field="Idempotency-Key", code=code, message=str(error))])
    if isinstance(error, TooOften):
        code = _CODES[error.status]
    seconds = error.seconds if isinstance(error, TooOften) else RETRY_AFTER
    is_for_now = isinstance(error, TooOften | RequestUnderWay)
    remote = None
    if isinstance(error, DingTalkRefused):
        remote = RemoteProblem(
            code=error.code,
            message=error.remote_message,
            request_id=error.request_id,
            is_unsure=error.is_unsure,
        )
    again = {"Retry-After": str(seconds)} if is_for_now else None
    return answer(error.status, str(error), code=code, headers=again, dingtalk=remote)


def _forbidden(_request: HttpRequest, error: PermissionDenied) -> HttpResponse:
    return answer(HTTPStatus.FORBIDDEN, str(error) or _("You may not do this."))


def _missing(_request: HttpRequest, _error: Exception) -> HttpResponse:
    return answer(HTTPStatus.NOT_FOUND, _("There is no such thing, or you may not see it."))


def _too_large(_request: HttpRequest, _error: Exception) -> HttpResponse:
    return answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _("This is too much at once."))


def _bug(_request: HttpRequest, error: Exception) -> HttpResponse:
    raise error
