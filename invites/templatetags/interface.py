"""What every page shows in the same way: icons, states, moments, people's addresses. Tags only print; none queries."""

import json
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from typing import NamedTuple

from django import template
from django.db.models import TextChoices
from django.template import Context
from django.templatetags.static import static
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from invites import phone_numbers
from invites.models.attempt import AttemptState
from invites.models.batch import BatchState
from invites.models.conference import ConferenceStatus
from invites.models.contact_import import ImportState, RowOutcome
from invites.models.history_export import ExportState
from invites.models.invitation import InvitationState
from invites.models.invitee import ERASED, Channel, InviteeState
from invites.models.member import Attendance
from invites.models.sign_up_link import LinkState

register = template.Library()

RECENT = timedelta(hours=24)
JUST_NOW = _("just now")
MINUTES_AGO = _("%(n)s min ago")
HOURS_AGO = _("%(n)s h ago")
IN_MINUTES = _("in %(n)s min")
IN_HOURS = _("in %(n)s h")


class Look(NamedTuple):
    """How a state is shown: its word, a colour of Tabler and the name of an icon."""

    word: StrOrPromise
    colour: str
    icon: str


def _looks(states: dict[TextChoices, tuple[str, str]]) -> dict[str, Look]:
    return {state.value: Look(state.label, colour, icon) for state, (colour, icon) in states.items()}


# What the sender writes about a person. These words stand for a bare value too, so this table is asked first.
INVITEE = _looks(
    {
        InviteeState.PENDING: ("secondary", "clock"),
        InviteeState.SENDING: ("blue", "dots"),
        InviteeState.INVITED: ("azure", "check"),
        InviteeState.FAILED: ("red", "x"),
        InviteeState.UNKNOWN: ("yellow", "question-mark"),
        InviteeState.SKIPPED: ("secondary", "minus"),
    }
)
ATTEMPT = _looks(
    {
        AttemptState.STARTED: ("blue", "dots"),
        AttemptState.SUCCEEDED: ("azure", "check"),
        AttemptState.FAILED: ("red", "x"),
        AttemptState.UNKNOWN: ("yellow", "question-mark"),
    }
)
INVITATION = _looks(
    {
        InvitationState.DRAFT: ("secondary", "pencil"),
        InvitationState.SCHEDULED: ("secondary", "calendar"),
        InvitationState.SENDING: ("blue", "dots"),
        InvitationState.PAUSED: ("yellow", "player-pause"),
        InvitationState.FINISHED: ("secondary", "check"),
        InvitationState.CANCELLED: ("secondary", "x"),
    }
)
BATCH = _looks(
    {
        BatchState.WAITING: ("secondary", "clock"),
        BatchState.TAKEN: ("blue", "dots"),
        BatchState.LOOKING_UP: ("blue", "search"),
    }
)
CONFERENCE = _looks(
    {
        ConferenceStatus.UNKNOWN: ("secondary", "question-mark"),
        ConferenceStatus.NOT_STARTED: ("secondary", "calendar"),
        ConferenceStatus.OPEN: ("green", "video"),
        ConferenceStatus.ENDED: ("secondary", "circle-check"),
    }
)
# What the conference reports about a person.
MEMBER = _looks(
    {
        Attendance.CALLING: ("blue", "phone"),
        Attendance.JOINED: ("green", "user"),
        Attendance.DECLINED: ("orange", "phone-off"),
        Attendance.LEFT: ("secondary", "arrow-bar-right"),
        Attendance.REMOVED: ("secondary", "ban"),
        Attendance.NOT_KNOWN: ("secondary", "question-mark"),
    }
)
IMPORT = _looks(
    {
        ImportState.UPLOADED: ("secondary", "list"),
        ImportState.READING: ("blue", "dots"),
        ImportState.READY: ("yellow", "player-pause"),
        ImportState.STORING: ("blue", "dots"),
        ImportState.DONE: ("green", "check"),
        ImportState.UNDONE: ("secondary", "refresh"),
        ImportState.FAILED: ("red", "x"),
        ImportState.DISCARDED: ("secondary", "trash"),
    }
)
# What becomes of a row of an import.
ROW = _looks(
    {
        RowOutcome.ADD: ("green", "plus"),
        RowOutcome.CHANGE: ("azure", "pencil"),
        RowOutcome.SAME: ("secondary", "check"),
        RowOutcome.LEAVE: ("orange", "door-exit"),
        RowOutcome.REFUSE: ("red", "x"),
    }
)
EXPORT = _looks(
    {
        ExportState.WAITING: ("secondary", "clock"),
        ExportState.STARTED: ("blue", "dots"),
        ExportState.FINISHED: ("green", "check"),
        ExportState.BROKEN_OFF: ("red", "x"),
    }
)
SIGN_UP_LINK = _looks(
    {
        LinkState.OPEN: ("green", "link"),
        LinkState.USED: ("azure", "check"),
        LinkState.REVOKED: ("secondary", "ban"),
        LinkState.OVER: ("secondary", "clock"),
    }
)
LOOKS = {
    "invitee": INVITEE,
    "attempt": ATTEMPT,
    "invitation": INVITATION,
    "batch": BATCH,
    "conference": CONFERENCE,
    "member": MEMBER,
    "import": IMPORT,
    "row": ROW,
    "export": EXPORT,
    "sign_up_link": SIGN_UP_LINK,
}
_KINDS: dict[type, str] = {
    InviteeState: "invitee",
    AttemptState: "attempt",
    InvitationState: "invitation",
    BatchState: "batch",
    ConferenceStatus: "conference",
    Attendance: "member",
    ImportState: "import",
    RowOutcome: "row",
    ExportState: "export",
    LinkState: "sign_up_link",
}


def look_of(value: str, *, of: str = "") -> Look:
    """How ``value`` is shown; ``of`` (a key of LOOKS) decides where two kinds of thing share a word.

    Raises KeyError for a state that nobody has given a look.
    """
    kind = of or _KINDS.get(type(value), "")
    if kind:
        return LOOKS[kind][value]
    return next(looks[value] for looks in LOOKS.values() if value in looks)


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """The icon ``name`` of `static/icons.txt`; hidden from screen readers unless it has a ``label`` of its own."""
    if not label:
        return _silent_icon(name)
    return format_html(
        '<svg class="icon" role="img" aria-label="{}"><use href="{}"/></svg>', label, _icon_address(name)
    )


@register.simple_tag
def state(value: str, of: str = "") -> SafeString:
    """A badge for a state: colour, icon and word.

    A stored value is a plain word, and a few words belong to two kinds of thing ("failed", "unknown", "sending").
    Bare, they are those of an invitee; ``{% state attempt.state of="attempt" %}`` says whose they are. ``of`` is one
    of invitee, attempt, invitation, batch, conference, member, import, row, export, sign_up_link.
    """
    return _badge(value, of, get_language())


def _icon_address(name: str) -> str:
    return f"{static('vendor/tabler-icons/sprite.svg')}#{name}"


# A page has a hundred icons and badges, of few kinds.
@cache
def _silent_icon(name: str) -> SafeString:
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}"/></svg>', _icon_address(name))


# Also by type: words alone do not say whose state they are.
@lru_cache(maxsize=1000, typed=True)
def _badge(value: str, of: str, _language: str | None) -> SafeString:
    look = look_of(value, of=of)
    badge = '<span class="badge bg-{}-lt" data-state="{}">{} {}</span>'
    return format_html(badge, look.colour, value, icon(look.icon), look.word)


def _relative(moment: datetime, now: datetime) -> str:
    seconds = int((now - moment).total_seconds())
    if abs(seconds) < 60:  # noqa: PLR2004
        return str(JUST_NOW)
    minutes, hours = abs(seconds) // 60, abs(seconds) // 3600
    words = (HOURS_AGO if hours else MINUTES_AGO) if seconds > 0 else (IN_HOURS if hours else IN_MINUTES)
    return str(words) % {"n": hours or minutes}


@register.simple_tag
def when(moment: datetime | None) -> SafeString | str:
    """``moment`` in the viewer's zone: relative within a day, with the exact time on hover and focus; "" for None."""
    if moment is None:
        return ""
    local, now = timezone.localtime(moment), timezone.now()
    exact = f"{_to_the_second(local)} {local.tzname()}"
    if abs(now - moment) >= RECENT:
        shown = formats.date_format(local, "DATETIME_FORMAT")
        return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exact, shown)
    return format_html(
        '<time datetime="{}" title="{}" tabindex="0" data-relative>{}</time>',
        moment.isoformat(),
        exact,
        _relative(moment, now),
    )


@register.simple_tag
def exactly(moment: datetime) -> SafeString:
    """``moment`` in the viewer's zone to the second, however recent: in a time line seconds tell what followed what."""
    local = timezone.localtime(moment)
    exact = _to_the_second(local)
    return format_html(
        '<time datetime="{}" title="{} {}">{}</time>', moment.isoformat(), exact, local.tzname(), exact
    )


def _to_the_second(local: datetime) -> str:
    return f"{_day(local.date(), get_language())} {local:%H:%M:%S}"


# Lists of the history name few days, and each a hundred times.
@lru_cache(maxsize=1000)
def _day(day: date, _language: str | None) -> str:
    return formats.date_format(day)


@register.filter
def phone(value: str, country: str) -> str:
    """A stored phone number as people in ``country`` write it."""
    return phone_numbers.display(value, country=country)


@register.simple_tag(takes_context=True)
def reach(context: Context, value: str, channel: str, country: str) -> SafeString:
    """How a person is reached: their unionId, or their phone number as far as the viewer may see it."""
    if value.startswith(ERASED):
        return format_html("<em>{}</em>", _("erased"))
    if channel != Channel.PHONE:
        return format_html('<span class="font-monospace text-break">{}</span>', value)
    allowed = context.get("may_see_phone_numbers", False)
    shown = phone_numbers.display(value, country=country) if allowed else phone_numbers.mask(value)
    return format_html('<span class="text-nowrap" dir="ltr">{}</span>', shown)


@register.simple_tag
def copy_button(text: str, label: StrOrPromise = "") -> SafeString:
    """A button that copies ``text``. It needs the script, and is not there without it."""
    return format_html(
        '<button type="button" class="btn btn-icon btn-sm btn-ghost-secondary js-only" data-copy="{}" title="{}">'
        '{}<span class="visually-hidden">{}</span></button>',
        text,
        label or _("Copy"),
        icon("copy"),
        label or _("Copy"),
    )


@register.simple_tag
def script_words() -> SafeString:
    """The sentences that `static/js/app.js` says, as an attribute of the body."""
    words = {
        "copied": _("Copied."),
        "now": JUST_NOW,
        "minutes": MINUTES_AGO,
        "hours": HOURS_AGO,
        "inMinutes": IN_MINUTES,
        "inHours": IN_HOURS,
        "network": _("The server cannot be reached. Check your connection and try again."),
        "timeout": _("The server did not answer in time. Reload the page to see whether it was done."),
        "refused": _(
            "This was refused: the page is out of date, or you may not do this. Reload it and try again."
        ),
        "missing": _("This is not there any more. Reload the page."),
        "broken": _("Something went wrong on the server. Reload the page to see whether it was done."),
    }
    return format_html('data-words="{}"', json.dumps({key: str(word) for key, word in words.items()}))
