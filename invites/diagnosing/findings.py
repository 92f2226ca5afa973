"""What the step of a test has shown, as it is kept and as it is told: what is missing, whose move it is, and where.

Must not ask anybody.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy
from django_stubs_ext import StrOrPromise

from invites.diagnosing.words import BY_CODE, PERMISSION, WHAT_FOR, Words
from invites.dingtalk import calls, codes
from invites.dingtalk.errors import (
    AddressShutOut,
    Broken,
    DingTalkError,
    NotSent,
    OutcomeUnknown,
    StaleToken,
)
from invites.models import App
from invites.refusing import refused

CLOCK_WRONG: Final = "clockWrong"
CREDENTIALS_UNREADABLE: Final = "appUnavailable"
_TOKEN_OPERATIONS: Final = frozenset({calls.GET_TOKEN, calls.GET_CORP_TOKEN})
_NOT_ON_LIST: Final = frozenset({"Forbidden.AccessDenied.IpNotInWhiteList", "60020"})
_PERMISSION_CODES: Final = frozenset(
    {
        "Forbidden.AccessDenied.AccessTokenPermissionDenied",
        "permissions.error",
        "apiPermissionDenied",
        *("60011", "50002", "50004"),
    }
)
_LONGEST_MESSAGE = 300
_ADDRESS = re.compile(
    r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|(?:[0-9a-fA-F]{0,4}:){3,7}[0-9a-fA-F]{1,4})(?![\w.:])"
)

type Line = Mapping[str, Any]


class State(TextChoices):
    """How a step ended."""

    FINE = "fine", _("Works")
    MISSING = "missing", _("Missing")
    UNSURE = "unsure", _("Not sure")
    PASSED_OVER = "passed_over", _("Not tested")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One step in words: ``what_for`` it is, what happened, what to do; then the code and DingTalk's own words."""

    operation: str
    what_for: StrOrPromise
    state: State
    what: StrOrPromise = ""
    action: StrOrPromise = ""
    code: str = ""
    message: str = ""
    request_id: str = ""

    @property
    def is_of_credentials(self) -> bool:
        """Whether the credentials may belong to the other edition."""
        return self.code in codes.WRONG_SECRET

    @property
    def for_support(self) -> str:
        """All of it in one text, for somebody to paste into a letter."""
        technical = filter(None, [self.operation, self.code, self.message, self.request_id])
        return f"{self.what} {self.action}\n{' · '.join(technical)}"


def kept(
    operation: str, error: DingTalkError | None, *, clock_offset: timedelta | None = None
) -> dict[str, Any]:
    """What is stored of a step: no token, no secret, nothing of an answer but what the error tells."""
    line: dict[str, Any] = {"operation": operation, "code": "", "message": ""}
    if clock_offset is not None:
        line["seconds"] = round(clock_offset.total_seconds())
    if error is not None:
        line |= {
            "code": error.code,
            "message": error.message[:_LONGEST_MESSAGE],
            "request_id": error.request_id,
            "scopes": list(error.required_scopes),
            "is_unsure": isinstance(error, Broken | OutcomeUnknown),
        }
    return line


def ends_test(line: Line) -> bool:
    """Whether no other step can show anything after this one."""
    code = line["code"]
    if not code:
        return False
    is_about_all = codes.stands_for(code, NotSent, AddressShutOut, StaleToken) or code in _NOT_ON_LIST
    return is_about_all or line["operation"] in _TOKEN_OPERATIONS or code == CREDENTIALS_UNREADABLE


def finding_of(line: Line, *, app: App) -> Finding:
    """The words for what is stored of a step."""
    code: str = line["code"]
    what_for = WHAT_FOR.get(line["operation"], line["operation"])
    if line.get("passed_over") or not code:
        state = State.PASSED_OVER if line.get("passed_over") else State.FINE
        return Finding(operation=line["operation"], what_for=what_for, state=state)
    what, action = _words(line, what_for, app=app)
    return Finding(
        operation=line["operation"],
        what_for=what_for,
        state=State.UNSURE if line.get("is_unsure") or not _is_known(code) else State.MISSING,
        what=what,
        action=action,
        code=code,
        message=line["message"],
        request_id=line.get("request_id", ""),
    )


def _is_known(code: str) -> bool:
    return code in BY_CODE or codes.is_own(code) or codes.facts_of(code) is not None


def _words(line: Line, what_for: StrOrPromise, *, app: App) -> Words:
    code: str = line["code"]
    if code == CLOCK_WRONG:
        return _of_clock(line["seconds"])
    if code == CREDENTIALS_UNREADABLE:
        return (line["message"], _("Look at what is said of the app on this page."))
    if code in _NOT_ON_LIST:
        return _of_address(line["message"])
    if code in _PERMISSION_CODES:
        scopes = ", ".join(line.get("scopes", ())) or what_for
        what, action = PERMISSION
        return (what % {"scopes": scopes}, action % {"scopes": scopes})
    if code in {codes.NOT_CONNECTED, codes.CONNECT_TIMEOUT, codes.TOKEN_UNAVAILABLE}:
        return _of_network(line["message"], app=app)
    return BY_CODE.get(code) or _as_elsewhere(line)


def _as_elsewhere(line: Line) -> Words:
    """The words for what may be refused to anything that an app asks."""
    refusal = refused(
        code=line["code"],
        message=line["message"],
        request_id=line.get("request_id", ""),
        is_unsure=line.get("is_unsure", False),
        if_unsure=_("Test again in a few minutes. If it stays like this, DingTalk’s support can look it up."),
    )
    return (refusal.what, refusal.action)


def _of_clock(seconds: int) -> Words:
    minutes = max(1, round(abs(seconds) / 60))
    behind = ngettext_lazy(
        "The clock of this server is %(n)s minute behind that of the other side.",
        "The clock of this server is %(n)s minutes behind that of the other side.",
        minutes,
    )
    ahead = ngettext_lazy(
        "The clock of this server is %(n)s minute ahead of that of the other side.",
        "The clock of this server is %(n)s minutes ahead of that of the other side.",
        minutes,
    )
    return (
        (behind if seconds > 0 else ahead) % {"n": minutes},
        _("Let the server set its clock by itself (NTP): tokens, times and second factors depend on it."),
    )


def _of_address(message: str) -> Words:
    seen = _ADDRESS.search(message)
    if seen is None:
        return (
            _("DingTalk takes no calls from the address of this server."),
            _(
                "In DingTalk’s developer console, open the app, then its security settings, and add the public address "
                "of this server to the allowed ones."
            ),
        )
    return (
        _("DingTalk takes no calls from %(address)s, the address of this server.") % {"address": seen[0]},
        _(
            "In DingTalk’s developer console, open the app, then its security settings, and add %(address)s to the "
            "allowed addresses."
        )
        % {"address": seen[0]},
    )


_OF_NETWORK: Final[tuple[tuple[re.Pattern[str], Words], ...]] = (
    # Of a token, which could not be asked for.
    (re.compile(codes.HOST_NOT_ALLOWED), BY_CODE[codes.HOST_NOT_ALLOWED]),
    (
        re.compile(r"name|address associated|resolution|nodename", re.IGNORECASE),
        (
            _("The name of the host was not found."),
            _(
                "Check the host of the app for typing mistakes, then whether this server can look up names (DNS)."
            ),
        ),
    ),
    (
        re.compile(r"ssl|certificate|tls", re.IGNORECASE),
        (
            _("No secure connection to the host could be made."),
            _(
                "Check that the clock of this server is right and that no proxy in between replaces certificates; then "
                "whether the host is the right one."
            ),
        ),
    ),
    (
        re.compile(r"refused", re.IGNORECASE),
        (
            _("Nothing listens at the host of the app."),
            _("Check the host and its port. A firewall may refuse connections too."),
        ),
    ),
)


def _of_network(message: str, *, app: App) -> Words:
    if app.is_sandbox:
        return (
            _("The sandbox is not running."),
            _("Start it on the server: python manage.py dingtalk_sandbox. “make run” starts it by itself."),
        )
    for pattern, words in _OF_NETWORK:
        if pattern.search(message):
            return words
    return (
        _("The host of the app does not answer."),
        _(
            "Let this server connect to it over https. No proxy is used, whatever the environment says: a firewall has "
            "to let the server out."
        ),
    )
