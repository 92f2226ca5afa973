"""The pages for somebody whom DingTalk did not bring in: what happened, and whose move it is."""

import logging
from http import HTTPStatus
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from invites.dingtalk import (
    DingTalkError,
    NotAuthorised,
    NotSent,
    OutcomeUnknown,
    Refused,
    StaleToken,
    Throttled,
    codes,
)
from invites.errors import InviteError

logger = logging.getLogger(__name__)

_AGAIN = _("Try again in a minute. If it stays like this, sign in with a password or tell an administrator.")
_TELL = _("Tell an administrator what stands below. Until it is mended, sign in with a password.")
# Children before their parents.
_WORDS: Final[tuple[tuple[type[DingTalkError], StrOrPromise, StrOrPromise], ...]] = (
    (Throttled, _("Too many calls are being made to DingTalk at present."), _AGAIN),
    (StaleToken, _("DingTalk did not tell who you are."), _AGAIN),
    (
        NotAuthorised,
        _("DingTalk refused to tell who you are. The app may lack the permission Contact.User.Read."),
        _TELL,
    ),
    (Refused, _("DingTalk refused this sign-in, perhaps because it took too long."), _AGAIN),
    (NotSent, _("DingTalk could not be reached."), _AGAIN),
    (OutcomeUnknown, _("DingTalk did not answer, or not in a way that could be understood."), _AGAIN),
)


def no_way_in(
    request: HttpRequest, refusal: InviteError, *, status: HTTPStatus = HTTPStatus.FORBIDDEN
) -> HttpResponse:
    """Somebody does not get in here, whoever they are to DingTalk."""
    context = {"message": refusal, "here": reverse("account_login")}
    return render(request, "account/signup_closed.html", context, status=status)


def not_agreed(request: HttpRequest) -> HttpResponse:
    """Somebody has said on DingTalk's page that they do not want to."""
    what = _("You did not agree on DingTalk's page, so DingTalk did not tell who you are.")
    return _page(request, what, _("You can try again, or sign in with a password."), HTTPStatus.FORBIDDEN)


def out_of_date(request: HttpRequest) -> HttpResponse:
    """Somebody has come back to a sign-in that this browser did not begin, or began long ago."""
    what = _("This sign-in is too old, or was begun in another browser.")
    return _page(request, what, _("Nothing is lost: begin again."), HTTPStatus.BAD_REQUEST)


def not_told(request: HttpRequest, error: DingTalkError | None) -> HttpResponse:
    """DingTalk has not told who somebody is."""
    code = error.code if error else ""
    logger.warning("Nobody was signed in through DingTalk: %s", code or "no code")
    what: StrOrPromise = _("DingTalk did not tell who you are.")
    advice: StrOrPromise = _AGAIN
    if code in codes.WRONG_SECRET:
        what, advice = _("DingTalk does not take the credentials of the app for signing in."), _TELL
    elif error is not None:
        what, advice = next((words, move) for kind, words, move in _WORDS if isinstance(error, kind))
    details = {"code": code, "dingtalk_request_id": error.request_id if error else ""}
    return _page(request, what, advice, HTTPStatus.BAD_GATEWAY, **details)


def _page(
    request: HttpRequest, what: StrOrPromise, advice: StrOrPromise, status: HTTPStatus, **details: str
) -> HttpResponse:
    # The address that was asked for holds a code, and does not work a second time: from here it goes on elsewhere.
    context = {"what": what, "advice": advice, "here": reverse("account_login"), **details}
    return render(request, "socialaccount/authentication_error.html", context, status=status)
