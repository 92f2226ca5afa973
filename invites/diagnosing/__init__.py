"""Tests an app: whether DingTalk lets it do everything that the product needs, without ringing or making anything.

Step by step, so that somebody who waits sees how far it is; what was found is kept for everybody who looks later. Calls
are counted as all others are.
"""

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from invites.connecting import client_asking_anew, client_to_test, settings_marks
from invites.counting import count_call
from invites.diagnosing.findings import (
    CLOCK_WRONG,
    CREDENTIALS_UNREADABLE,
    Finding,
    ends_test,
    finding_of,
    kept,
)
from invites.dingtalk import CHINESE_HOST, INTERNATIONAL_HOST, DingTalkClient
from invites.dingtalk.calls import GET_CORP_TOKEN, GET_TOKEN, INVITE_USERS
from invites.dingtalk.errors import DingTalkError
from invites.dingtalk.probing import CALLS, charged_calls
from invites.errors import AppUnavailable
from invites.models import App, AppCheck, User
from invites.models.app import WITH_SECRET, AppKind

__all__ = [
    "Finding",
    "OtherEdition",
    "begin",
    "charged_calls",
    "findings_of",
    "go_on",
    "is_outdated",
    "is_over",
    "knows_app_elsewhere",
    "operations_of",
    "other_edition",
    "to_the_end",
]

CLOCK: Final = "clock"
"""The step that compares the clocks of both sides."""

type Line = dict[str, Any]

_STEP_SECONDS = 8.0
_PATIENCE = 25.0
# DingTalk itself allows more; tokens and signatures of other services do not.
_CLOCK_MAY_DIFFER = timedelta(minutes=1)
# The edition that does not know an app's credentials may have a sister that does.
OTHER_HOST: Final[dict[str, str]] = {INTERNATIONAL_HOST: CHINESE_HOST, CHINESE_HOST: INTERNATIONAL_HOST}


def operations_of(app: App) -> list[str]:
    """The steps of a test of ``app``, in their order."""
    return [*_token_operations(app), *CALLS, CLOCK]


def begin(app: App, *, user: User) -> AppCheck:
    """Forgets what an earlier test has shown, and begins with the first step."""
    fresh = {"checked_at": timezone.now(), "checked_by": user, "lines": []}
    AppCheck.objects.update_or_create(app=app, defaults=fresh)
    return go_on(app, done=0)


def go_on(app: App, *, done: int) -> AppCheck:
    """Takes the next step, if ``done`` are done; otherwise somebody else, or an earlier press, has taken it."""
    check = AppCheck.objects.get(app=app)
    if len(check.lines) != done or is_over(app, check):
        return check
    marks = settings_marks(app)
    lines = [line | {"of": marks} for line in _next_lines(app, check.lines, operations_of(app)[done:])]
    with transaction.atomic():
        check = AppCheck.objects.select_for_update().get(app=app)
        if len(check.lines) == done:
            check.lines = [*check.lines, *lines]
            check.save(update_fields=["lines"])
    return check


def to_the_end(app: App, *, user: User) -> AppCheck:
    """All steps at once, as long as somebody may wait for a page; the rest can be gone on with."""
    until = time.monotonic() + _PATIENCE
    check = begin(app, user=user)
    while not is_over(app, check) and time.monotonic() < until:
        check = go_on(app, done=len(check.lines))
    return check


def is_outdated(app: App, check: AppCheck) -> bool:
    """Whether ``app`` is called elsewhere or as somebody else by now than in some step of the test."""
    present = settings_marks(app)[0]
    return any(present not in line["of"] for line in check.lines if "of" in line)


def is_over(app: App, check: AppCheck) -> bool:
    """Whether every step has been taken, or none can be any more that would belong to the others."""
    return len(check.lines) >= len(operations_of(app)) or is_outdated(app, check)


def findings_of(app: App, check: AppCheck) -> list[Finding]:
    """What each step has shown, in words."""
    return [finding_of(line, app=app) for line in check.lines]


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherEdition:
    """What the other edition of DingTalk says of an app's credentials."""

    host: str
    knows_it: bool
    finding: Finding


def other_edition(app: App) -> str:
    """The host of the other edition, "" for an app that is on neither or has no credentials to be known by."""
    return OTHER_HOST.get(app.base_url or INTERNATIONAL_HOST, "") if app.kind in WITH_SECRET else ""


def knows_app_elsewhere(app: App) -> OtherEdition:
    """Asks the other edition for a token with the app's credentials. Raises AppUnavailable where there is none."""
    host = other_edition(app)
    if not host:
        raise AppUnavailable
    [operation] = _token_operations(app)
    with client_asking_anew(app, base_url=host) as client:
        line = _asked_for_token(client, operation)
    return OtherEdition(host=host, knows_it=not line["code"], finding=finding_of(line, app=app))


def _token_operations(app: App) -> list[str]:
    """How the app gets its token; a fixed one is only shown to be any good by the first call."""
    described = settings.DINGTALK
    if app.kind == AppKind.THIRD_PARTY:
        return [GET_CORP_TOKEN]
    is_fixed = app.kind == AppKind.ENVIRONMENT and described is not None and described.access_token
    return [] if is_fixed or app.kind == AppKind.FIXED_TOKEN else [GET_TOKEN]


def _next_lines(app: App, lines: list[Line], operations: list[str]) -> list[Line]:
    """What the first of ``operations`` shows. Where it shows that no other can work either, those are passed over."""
    first, *others = operations
    try:
        line = _clock_line(lines) if first == CLOCK else _asked(app, first)
    except AppUnavailable as unavailable:
        line = kept(first, None) | {"code": CREDENTIALS_UNREADABLE, "message": str(unavailable)}
    if not ends_test(line):
        return [line]
    return [line, *({"operation": each, "code": "", "message": "", "passed_over": True} for each in others)]


def _asked(app: App, operation: str) -> Line:
    """What stands in the way of ``operation``, if anything does. Raises AppUnavailable."""
    if operation in {GET_TOKEN, GET_CORP_TOKEN}:
        with client_asking_anew(app) as client:
            return _asked_for_token(client, operation)
    if operation == INVITE_USERS:
        # Others are counted by the client; this one is, with real people, by whoever records the attempt.
        count_call(app.pk, operation)
    client, error = client_to_test(app), None
    try:
        client.probes.make(operation, deadline=time.monotonic() + _STEP_SECONDS)
    except DingTalkError as failure:
        error = failure
    return kept(operation, error, clock_offset=client.clock_offset)


def _asked_for_token(client: DingTalkClient, operation: str) -> Line:
    error = None
    try:
        client.get_token(deadline=time.monotonic() + _STEP_SECONDS)
    except DingTalkError as failure:
        error = failure
    return kept(operation, error, clock_offset=client.clock_offset)


def _clock_line(lines: list[Line]) -> Line:
    """What the clock of the other side was, when it answered last."""
    told = [line["seconds"] for line in lines if "seconds" in line]
    line = kept(CLOCK, None)
    if told and abs(told[-1]) > _CLOCK_MAY_DIFFER.total_seconds():
        line |= {"code": CLOCK_WRONG, "seconds": told[-1]}
    return line
