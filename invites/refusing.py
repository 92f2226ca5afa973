"""Words for what DingTalk refused, from what is kept of a failure: its code, its message, and whether it is unsure.

Must not need the exception itself, so that a failure on record reads as it did when it happened.
"""

from collections.abc import Mapping
from typing import Final

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from invites.dingtalk import codes, errors
from invites.dingtalk.errors import DingTalkError
from invites.errors import DingTalkRefused
from invites.explaining import PROCESS_DIED, explain

type Words = tuple[StrOrPromise, StrOrPromise]

AGAIN_SOON = _("Try again in a minute.")
_UNSURE = _("DingTalk was asked, but did not answer in a way that says yes or no.")
_BY_CLASS: Final[tuple[tuple[type[DingTalkError], Words], ...]] = (
    (
        errors.UnknownPerson,
        (
            _("DingTalk does not know this unionId."),
            _(
                "Check it: it must be your own, and come from this DingTalk app or another of the same developer."
            ),
        ),
    ),
    (
        errors.ConferenceOver,
        (
            _(
                "DingTalk says that this conference is over, or does not belong to the organisation of the app."
            ),
            _("Check that it is the right one and still runs."),
        ),
    ),
    (
        errors.AddressShutOut,
        (
            _("DingTalk does not answer this server for five minutes, after too many calls."),
            _("Try again in five minutes."),
        ),
    ),
    (
        errors.Throttled,
        (_("DingTalk gets too many calls at the moment and turned this one away."), AGAIN_SOON),
    ),
    (
        errors.NotSent,
        (_("DingTalk could not be reached, so nothing was asked and nothing has changed."), AGAIN_SOON),
    ),
)
# Where the list of codes speaks of people who were to be called, these operations need other words.
_BY_CODE: Final[Mapping[str, Words]] = {
    code: words
    for codes_alike, words in (
        (
            ("roomNotFound", "missingRoomId"),
            (
                _("DingTalk finds no conference under this number or id."),
                _(
                    "Check it for typing mistakes, and that the meeting belongs to the organisation of the app."
                ),
            ),
        ),
        (
            ("paramsError", "paramError"),
            (
                _(
                    "DingTalk could not use what was sent, most often because a unionId or the conferenceId is wrong."
                ),
                _("Read DingTalk’s own message, check both, then try again."),
            ),
        ),
        (
            ("noPermission", "permissionError"),
            (
                _("DingTalk does not allow this to the person in whose name we asked."),
                _("Check the unionId: most things may only be done by the host of the meeting."),
            ),
        ),
    )
    for code in codes_alike
}
# The list of codes speaks of invitations; what the directory needs is another permission.
_OF_DIRECTORY: Final[Mapping[str, Words]] = {
    PROCESS_DIED: (
        _("The process that read the directory ended before it was done."),
        _("Read the directory once more."),
    ),
} | dict.fromkeys(
    (
        "Forbidden.AccessDenied.AccessTokenPermissionDenied",
        "permissions.error",
        "apiPermissionDenied",
        "60011",
    ),
    (
        _("The app may not read the company directory."),
        _(
            "An administrator grants the app the permissions for contacts that DingTalk’s message names, in DingTalk’s "
            "developer console."
        ),
    ),
)
_PLAIN_NO: Final[Words] = (
    _("DingTalk refused."),
    _("Read DingTalk’s own message; an administrator can pass it on to DingTalk’s support."),
)


def refused(
    *, code: str, message: str, request_id: str, is_unsure: bool, if_unsure: StrOrPromise
) -> DingTalkRefused:
    """The refusal to show for a failure with these facts.

    ``is_unsure`` says that DingTalk may have done what was asked; ``if_unsure`` is what helps then.
    """
    what, action = (_UNSURE, if_unsure) if is_unsure else _words(code)
    return DingTalkRefused(
        what=what,
        action=action,
        code=code,
        remote_message=message,
        request_id=request_id,
        is_unsure=is_unsure,
    )


def refusal_of(error: DingTalkError, *, if_unsure: StrOrPromise = AGAIN_SOON) -> DingTalkRefused:
    """The refusal to show for ``error``. Whatever was only read can simply be asked for again."""
    return refused(
        code=error.code,
        message=error.message,
        request_id=error.request_id,
        is_unsure=error.may_have_rung,
        if_unsure=if_unsure,
    )


def directory_refusal(error: DingTalkError) -> DingTalkRefused:
    """The refusal to show where the company directory was asked."""
    refusal = refusal_of(error)
    if error.code in _OF_DIRECTORY:
        refusal.what, refusal.action = _OF_DIRECTORY[error.code]
    return refusal


def remembered(code: str) -> DingTalkRefused:
    """The refusal to show for a ``code`` of the directory of which nothing else is on record."""
    facts = codes.OWN.get(code) or codes.facts_of(code)
    is_unsure = facts.consequence.may_have_rung if facts else codes.is_own(code)
    refusal = refused(code=code, message="", request_id="", is_unsure=is_unsure, if_unsure=AGAIN_SOON)
    if code in _OF_DIRECTORY:
        refusal.what, refusal.action = _OF_DIRECTORY[code]
    return refusal


def _words(code: str) -> Words:
    if code in _BY_CODE:
        return _BY_CODE[code]
    facts = codes.OWN.get(code) or codes.facts_of(code)
    for kind, words in _BY_CLASS:
        if facts is not None and issubclass(facts.consequence, kind):
            return words
    explanation = explain(code)
    return (explanation.what, explanation.action) if explanation.known else _PLAIN_NO
