"""What stands in a row of an export: its columns, from where they come, and what kind of cell each is.

Keys are those of JSON Lines: words of DingTalk's API where it has one, and for good. Headings are for people.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final, cast

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django_stubs_ext import StrOrPromise

from invites import auditing
from invites.models.attempt import AttemptState, Channels
from invites.models.audit_entry import Happened
from invites.models.history_export import ExportRows
from invites.models.invitee import InviteeState


class Kind(Enum):
    """How a value becomes a cell."""

    NUMBER = "number"
    TEXT = "text"
    # Of DingTalk's own words, in which numbers of people may stand.
    MESSAGE = "message"
    DAY = "day"
    MOMENT = "moment"
    # One of ``words``.
    WORD = "word"
    # A unionId, or an E.164 number; "" for whoever is reached by the other.
    UNION_ID = "union_id"
    PHONE_NUMBER = "phone_number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column. ``path`` leads to its value from an attempt or, ``of_person``, from the person's part in it; what is
    told of a change has none.
    """

    key: str
    heading: StrOrPromise
    path: str = ""
    kind: Kind = Kind.TEXT
    width: int = 16
    of_person: bool = False
    words: tuple[tuple[str, StrOrPromise], ...] = ()


# The first: a file is continued after the attempt of its last row.
_ATTEMPT: Final = Column(key="attempt", heading=_("Attempt"), path="pk", kind=Kind.NUMBER, width=10)
_STARTED: Final = Column(
    key="startedAt", heading=_("Started at"), path="started_at", kind=Kind.MOMENT, width=30
)
_PERSON: Final = (
    Column(
        key="nick", heading=pgettext_lazy("person", "Name"), path="person__nick", of_person=True, width=24
    ),
    Column(
        key="unionId", heading="unionId", path="person__value", kind=Kind.UNION_ID, of_person=True, width=30
    ),
    Column(
        key="phoneNumber",
        heading=_("Phone number"),
        path="person__value",
        kind=Kind.PHONE_NUMBER,
        of_person=True,
        width=20,
    ),
    Column(key="person", heading=_("Person"), path="person_id", kind=Kind.NUMBER, of_person=True, width=10),
)
_CALL: Final = (
    Column(
        key="outcome", heading=_("Outcome"), path="state", kind=Kind.WORD, words=tuple(AttemptState.choices)
    ),
    Column(
        key="peopleState",
        heading=_("State of the people"),
        path="people_state",
        kind=Kind.WORD,
        words=tuple(InviteeState.choices),
    ),
    Column(key="code", heading=_("Error code"), path="error_code", width=24),
    Column(key="message", heading=_("Message"), path="error_message", kind=Kind.MESSAGE, width=40),
    Column(key="httpStatus", heading=_("HTTP status"), path="http_status", kind=Kind.NUMBER),
    Column(key="durationMs", heading=_("Duration in ms"), path="duration_ms", kind=Kind.NUMBER),
    Column(key="people", heading=_("People"), path="people", kind=Kind.NUMBER, width=10),
    Column(
        key="channels", heading=_("Channels"), path="channels", kind=Kind.WORD, words=tuple(Channels.choices)
    ),
    Column(key="try", heading=_("Try"), path="number", kind=Kind.NUMBER, width=10),
    Column(key="invitation", heading=_("Invitation"), path="invitation_id", kind=Kind.NUMBER, width=10),
    Column(key="conferenceId", heading="conferenceId", path="conference__conference_id", width=30),
    Column(key="confTitle", heading=_("Conference"), path="conference__title", width=30),
    Column(key="organizer", heading=_("Organizer"), path="organizer__username"),
    Column(key="app", heading=_("DingTalk app"), path="app__name"),
    Column(key="requestId", heading="requestId", path="request_id", width=38),
    Column(key="traceId", heading=_("Request in our logs"), path="trace_id", width=38),
    Column(key="sealedWith", heading=_("Sealed with the day"), path="day", kind=Kind.DAY),
)

_HAPPENED: Final = tuple((each.name.lower(), each.label) for each in Happened)
_KINDS: Final = tuple(
    (str(model._meta.model_name), cast("StrOrPromise", model._meta.verbose_name))  # noqa: SLF001 - Django's way
    for model in auditing.KINDS
)
_CHANGE: Final = (
    Column(key="change", heading=_("Change"), kind=Kind.NUMBER, width=10),
    Column(key="changedAt", heading=_("Changed at"), kind=Kind.MOMENT, width=30),
    Column(key="by", heading=_("By whom")),
    Column(key="happened", heading=_("Happened"), kind=Kind.WORD, words=_HAPPENED),
    Column(key="what", heading=_("What"), kind=Kind.WORD, words=_KINDS, width=20),
    Column(key="key", heading=_("Number"), kind=Kind.NUMBER, width=10),
    Column(key="name", heading=pgettext_lazy("of a thing", "Name"), width=30),
    Column(key="told", heading=_("In words"), width=60),
    Column(key="differences", heading=_("Before and after"), width=60),
    Column(key="traceId", heading=_("Request in our logs"), width=38),
    Column(key="sealedWith", heading=_("Sealed with the day"), kind=Kind.DAY),
)

COLUMNS: Final = {
    ExportRows.CHANGES: _CHANGE,
    ExportRows.CALLS: (_ATTEMPT, _STARTED, *_CALL),
    ExportRows.PEOPLE: (_ATTEMPT, _STARTED, *_PERSON, *_CALL),
}
