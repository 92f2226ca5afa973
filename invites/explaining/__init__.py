"""Says in plain words what an error code means, whose move it is and what to do. Must not guess at unknown codes."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from django_stubs_ext import StrOrPromise

from invites.dingtalk import codes
from invites.explaining.catalogue import (
    APP_UNAVAILABLE,
    CANCELLED,
    CATALOGUE,
    CONFERENCE_LOCKED,
    DIRECTORY_INCOMPLETE,
    DIRECTORY_NOT_ALLOWED,
    DIRECTORY_TOO_LARGE,
    DO_NOT_INVITE,
    PER_MINUTE,
    PER_SECOND,
    PROCESS_DIED,
    TIME_IS_UP,
    TOO_LATE,
    UNKNOWN_CODE,
    UNKNOWN_OPERATOR,
    Entry,
    Mover,
)

__all__ = [
    "APP_UNAVAILABLE",
    "CANCELLED",
    "CATALOGUE",
    "CONFERENCE_LOCKED",
    "DIRECTORY_INCOMPLETE",
    "DIRECTORY_NOT_ALLOWED",
    "DIRECTORY_TOO_LARGE",
    "DO_NOT_INVITE",
    "PROCESS_DIED",
    "TIME_IS_UP",
    "TOO_LATE",
    "UNKNOWN_CODE",
    "UNKNOWN_OPERATOR",
    "Entry",
    "Explanation",
    "Mover",
    "entry_of",
    "explain",
    "find",
]

_BY_CODE: Mapping[str, Entry] = MappingProxyType(
    {code: entry for entry in CATALOGUE if entry is not UNKNOWN_CODE for code in entry.codes}
)
# An answer of which only the status could be read is explained by its hundred.
_HTTP_FAMILIES = {"4": "http_4xx", "5": "http_5xx"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One code explained: `what` happened, whose move it is (`mover`), and the `action`, a sentence each.

    `known` is False for a code that no documentation of DingTalk's names; `anchor` is its place in the list of
    codes.
    """

    code: str
    what: StrOrPromise
    mover: Mover
    action: StrOrPromise
    known: bool
    anchor: str

    @property
    def whose_move(self) -> StrOrPromise:
        """The mover in words."""
        return self.mover.label


def explain(code: str, *, still_waiting: bool = False, alone: bool = False) -> Explanation:
    """What `code` means for the people of the attempt that it ended.

    `still_waiting` says that those people wait for a repetition that happens by itself; without it the explanation
    is for people who are left as they are. `alone` says that the call was for one person.
    """
    entry = entry_of(code)
    goes_on = still_waiting and bool(entry.meanwhile)
    return Explanation(
        code=code,
        what=(alone and entry.alone) or entry.what,
        mover=Mover.NOBODY if goes_on else entry.mover,
        action=entry.meanwhile if goes_on else entry.action,
        known=entry is not UNKNOWN_CODE,
        anchor=code if code in _BY_CODE else entry.codes[0],
    )


def find(text: str) -> list[Entry]:
    """The entries that have ``text`` in a code or in their words; all of them for "".

    A code that we make up from a status (`http_418`) finds the entry of its kind.
    """
    wanted = text.casefold()
    found = [entry for entry in CATALOGUE if wanted in entry.words]
    return found or [entry for entry in (entry_of(text),) if entry is not UNKNOWN_CODE]


def entry_of(code: str) -> Entry:
    """The entry that explains ``code``; UNKNOWN_CODE where nobody knows it."""
    if code in _BY_CODE:
        return _BY_CODE[code]
    if codes.is_own(code):
        return _BY_CODE[_HTTP_FAMILIES.get(code.removeprefix("http_")[:1], "http_other")]
    facts = codes.facts_of(code)
    if facts is not None and facts.rest is not None:
        # A limit with a name that is new: the family says enough.
        return _BY_CODE[PER_MINUTE if facts.rest >= codes.PER_MINUTE else PER_SECOND]
    return UNKNOWN_CODE
