"""Tells in a sentence what stands on record, and who did it. Changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise

from invites import auditing
from invites.models import AuditEntry, BookChange
from invites.views.book_change_told import sentence_of
from invites.views.change_on_record_fields import Difference, differences_of

_CREATE, _UPDATE, _DELETE = AuditEntry.Action.CREATE, AuditEntry.Action.UPDATE, AuditEntry.Action.DELETE

# Each takes %(who)s and %(name)s, and those about contacts %(book)s.
_SENTENCES: dict[tuple[str, int], StrOrPromise] = {
    ("app", _CREATE): gettext_lazy("%(who)s added the DingTalk app “%(name)s”."),
    ("app", _UPDATE): gettext_lazy("%(who)s changed the DingTalk app “%(name)s”."),
    ("app", _DELETE): gettext_lazy("%(who)s deleted the DingTalk app “%(name)s”."),
    ("user", _CREATE): gettext_lazy("%(who)s added the user “%(name)s”."),
    ("user", _UPDATE): gettext_lazy("%(who)s changed the user “%(name)s”."),
    ("user", _DELETE): gettext_lazy("%(who)s deleted the user “%(name)s”."),
    ("signinpolicy", _CREATE): gettext_lazy("%(who)s decided how people sign in."),
    ("signinpolicy", _UPDATE): gettext_lazy("%(who)s changed how people sign in."),
    ("signuplink", _CREATE): gettext_lazy("%(who)s made a sign-up link: %(name)s."),
    ("signuplink", _UPDATE): gettext_lazy("A sign-up link was used or withdrawn by %(who)s: %(name)s."),
    ("conference", _CREATE): gettext_lazy("%(who)s added the conference “%(name)s”."),
    ("conference", _UPDATE): gettext_lazy("%(who)s changed the conference “%(name)s”."),
    ("conference", _DELETE): gettext_lazy("%(who)s deleted the conference “%(name)s”."),
    ("addressbook", _CREATE): gettext_lazy("%(who)s added the address book “%(name)s”."),
    ("addressbook", _UPDATE): gettext_lazy("%(who)s changed the address book “%(name)s”."),
    ("addressbook", _DELETE): gettext_lazy("%(who)s deleted the address book “%(name)s”."),
    ("bookshare", _CREATE): gettext_lazy("%(who)s shared an address book by name: “%(name)s”."),
    ("bookshare", _UPDATE): gettext_lazy(
        "%(who)s changed how an address book is shared by name: “%(name)s”."
    ),
    ("bookshare", _DELETE): gettext_lazy("%(who)s no longer shares an address book by name: “%(name)s”."),
    ("directorylink", _CREATE): gettext_lazy(
        "%(who)s let an address book follow “%(name)s” in the directory."
    ),
    ("directorylink", _UPDATE): gettext_lazy(
        "%(who)s changed how an address book follows “%(name)s” in the directory."
    ),
    ("directorylink", _DELETE): gettext_lazy(
        "%(who)s let an address book no longer follow “%(name)s” in the directory."
    ),
    ("contact", _CREATE): gettext_lazy("%(who)s added “%(name)s” to the address book “%(book)s”."),
    ("contact", _UPDATE): gettext_lazy("%(who)s changed “%(name)s” in the address book “%(book)s”."),
    ("contact", _DELETE): gettext_lazy("%(who)s deleted “%(name)s” from the address book “%(book)s”."),
    ("historyexport", _CREATE): gettext_lazy("%(who)s ordered a file of the history: %(name)s."),
    ("sealedday", _UPDATE): gettext_lazy(
        "%(who)s removed the day %(name)s from the history, under its retention."
    ),
    ("erasure", _CREATE): gettext_lazy("%(who)s had a person erased from the history: number %(name)s."),
}
_ACCESS: dict[str, StrOrPromise] = {
    auditing.DISCLOSED: gettext_lazy("%(who)s took away as a file what is held of a person: %(name)s."),
    auditing.OTHERS_DISCLOSED: gettext_lazy(
        "%(who)s took away as a file what is held of a person who was never called."
    ),
    auditing.SIGNED_IN: gettext_lazy("%(name)s signed in."),
    auditing.SIGNED_OUT: gettext_lazy("%(name)s signed out."),
    auditing.SIGN_IN_FAILED: gettext_lazy("Somebody could not sign in as %(name)s: the password was wrong."),
    auditing.SIGN_INS_FAILED: gettext_lazy(
        "Further tries to sign in as %(name)s with a wrong password, from one address within an hour: %(tries)s."
    ),
    auditing.SECOND_STEP_FAILED: gettext_lazy(
        "Somebody with the password of %(name)s could not sign in: the second factor was wrong."
    ),
    auditing.SESSIONS_ENDED: gettext_lazy("%(who)s ended sessions of %(name)s: %(count)s."),
    auditing.FACTOR_ADDED: gettext_lazy("%(who)s set up a second factor for %(name)s: %(factor)s."),
    auditing.FACTOR_REMOVED: gettext_lazy("%(who)s removed a second factor of %(name)s: %(factor)s."),
    auditing.FACTORS_RESET: gettext_lazy("%(who)s removed all second factors of %(name)s."),
    auditing.CODES_MADE: gettext_lazy("%(who)s made new recovery codes for %(name)s."),
}
_FACTORS: dict[str, StrOrPromise] = {
    "totp": gettext_lazy("authenticator app"),
    "webauthn": gettext_lazy("passkey"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An entry in words, and what was different."""

    entry: AuditEntry
    sentence: str
    differences: list[Difference]

    @property
    def is_new(self) -> bool:
        """Whether there was nothing before it."""
        return bool(self.entry.action == AuditEntry.Action.CREATE)

    @property
    def is_gone(self) -> bool:
        """Whether there is nothing after it."""
        return bool(self.entry.action == AuditEntry.Action.DELETE)


def tell(entries: Sequence[AuditEntry], *, show_phone_numbers: bool) -> list[Told]:
    """``entries`` in words. What it costs depends on how many kinds of things they are about, not on their number."""
    differences = differences_of(entries, show_phone_numbers=show_phone_numbers)
    return [
        Told(entry=entry, sentence=_sentence(entry), differences=differences[entry.pk]) for entry in entries
    ]


def _sentence(entry: AuditEntry) -> str:
    detail: dict[str, Any] = entry.additional_data or {}
    words = {
        "who": who(entry),
        "name": entry.object_repr or _("(erased)"),
        "book": detail.get("book_name", ""),
        "count": detail.get("sessions", ""),
        "tries": detail.get("tries", ""),
        "factor": _FACTORS.get(detail.get("factor", ""), ""),
    }
    if entry.action == AuditEntry.Action.ACCESS:
        return str(_ACCESS.get(detail.get("what", ""), _("%(name)s: something was looked at."))) % words
    if "kind" in detail:
        return _about_book(detail, words)
    sentence = _SENTENCES.get((entry.content_type.model, entry.action))
    return str(sentence or _("%(who)s changed “%(name)s”.")) % words


def who(entry: AuditEntry) -> str:
    """Who did it, in words."""
    return entry.actor.display_name if entry.actor else _("The system")


def _about_book(detail: dict[str, Any], words: dict[str, str]) -> str:
    """What was done to the people or groups of a book, in the words that its own list of changes has for it."""
    change = BookChange(kind=detail["kind"], people=detail.get("people", 0), detail=detail.get("detail", {}))
    sentence = _("%(who)s, in the address book “%(name)s”: %(what)s")
    if detail.get("undone"):
        sentence = _("%(who)s, in the address book “%(name)s”, undid this: %(what)s")
    return sentence % (words | {"what": sentence_of(change)})
