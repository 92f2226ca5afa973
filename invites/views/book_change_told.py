"""Tells in a sentence what was done to a book. Changes nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy, npgettext, pgettext_lazy
from django_stubs_ext import StrOrPromise

from invites import countries, phone_numbers
from invites.curating import sharing
from invites.models import BookChange, ChangedContact
from invites.models.address_book import Sharing
from invites.models.book_change import ChangeKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field of a person before a change and after it; "" for nothing."""

    label: StrOrPromise
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A change in words, and where it was about one person what was different."""

    change: BookChange
    sentence: str
    differences: list[Difference]


# Each takes %(who)s, that is a name or "12 people", and what its kind notes in the detail.
_SENTENCES = {
    ChangeKind.ADDED: ngettext_lazy("%(who)s was added.", "%(who)s were added.", "people"),
    ChangeKind.EDITED: ngettext_lazy("%(who)s was changed.", "%(who)s were changed.", "people"),
    ChangeKind.DELETED: ngettext_lazy("%(who)s was deleted.", "%(who)s were deleted.", "people"),
    ChangeKind.MOVED_OUT: ngettext_lazy(
        "%(who)s was moved to “%(book)s”.", "%(who)s were moved to “%(book)s”.", "people"
    ),
    ChangeKind.MOVED_IN: ngettext_lazy(
        "%(who)s was moved here from another book.", "%(who)s were moved here from another book.", "people"
    ),
    ChangeKind.COPIED_IN: ngettext_lazy(
        "%(who)s was copied here from another book.", "%(who)s were copied here from another book.", "people"
    ),
    ChangeKind.MARKED: ngettext_lazy(
        "%(who)s was marked “do not invite”: %(reason)s",
        "%(who)s were marked “do not invite”: %(reason)s",
        "people",
    ),
    ChangeKind.UNMARKED: ngettext_lazy(
        "%(who)s is no longer marked “do not invite”.",
        "%(who)s are no longer marked “do not invite”.",
        "people",
    ),
    ChangeKind.GROUPED: ngettext_lazy(
        "%(who)s joined the group “%(group)s”.", "%(who)s joined the group “%(group)s”.", "people"
    ),
    ChangeKind.UNGROUPED: ngettext_lazy(
        "%(who)s left the group “%(group)s”.", "%(who)s left the group “%(group)s”.", "people"
    ),
    ChangeKind.GROUP_CREATED: gettext_lazy("The group “%(group)s” was made, with %(who)s in it."),
    ChangeKind.GROUP_RENAMED: gettext_lazy("The group “%(before)s” is now called “%(group)s”."),
    ChangeKind.GROUP_DELETED: gettext_lazy("The group “%(group)s” was deleted, with %(who)s in it."),
    ChangeKind.MERGED: gettext_lazy("“%(nick)s”: %(people)s entries were merged into one."),
    ChangeKind.IMPORTED: gettext_lazy("Imported: %(added)s added, %(changed)s changed. %(file_name)s"),
    ChangeKind.REFRESHED: gettext_lazy(
        "Refreshed from the directory: %(added)s added, %(changed)s changed, %(left)s marked as having left."
    ),
}
_SHARED = {
    sharing.USE: gettext_lazy("%(person)s may use the book."),
    sharing.CHANGE: gettext_lazy("%(person)s may use and change the book."),
    sharing.NOTHING: gettext_lazy("The book is no longer shared with %(person)s by name."),
}
_FIELDS_OF_BOOK: dict[str, tuple[StrOrPromise, Callable[[str], StrOrPromise]]] = {
    "name": (gettext_lazy("Name"), str),
    "sharing": (gettext_lazy("Sharing"), lambda value: Sharing(value).label),
    "default_country": (gettext_lazy("Country or region"), countries.label),
    "directory": (gettext_lazy("Company directory"), str),
}
_FIELDS: dict[str, StrOrPromise] = {
    "nick": pgettext_lazy("person", "Name"),
    "union_id": "unionId",
    "phone_number": gettext_lazy("Phone number"),
}


def tell(changes: Sequence[BookChange]) -> list[Told]:
    """``changes`` in words; one more query for all of them tells what was different."""
    edited = ChangedContact.objects.of_any(c for c in changes if c.kind == ChangeKind.EDITED)
    touched = {row.change_id: row for row in edited}
    return [
        Told(
            change=change,
            sentence=sentence_of(change),
            differences=_differences(change, touched.get(change.pk)),
        )
        for change in changes
    ]


def sentence_of(change: BookChange) -> str:
    """What was done, as the kind of ``change`` and its detail tell it, without who it was."""
    if change.kind == ChangeKind.SHARED:
        return str(_SHARED[change.detail["may"]] % change.detail)
    numbers = {name: intcomma(change.detail.get(name, 0)) for name in ("added", "changed", "left")}
    words = {"reason": "", "book": "", "group": "", "before": "", "nick": "", "file_name": ""}
    sentence = _SENTENCES.get(ChangeKind(change.kind))
    if sentence is None:
        return change.get_kind_display()
    told: str = sentence % (words | change.detail | numbers | {"people": change.people, "who": _who(change)})
    return told.strip()


def _who(change: BookChange) -> str:
    if change.people == 1 and (nick := change.detail.get("nick")):
        return _("“%(name)s”") % {"name": nick}
    people = npgettext("within a sentence", "%(n)s person", "%(n)s people", change.people)
    return people % {"n": intcomma(change.people)}


def _differences(change: BookChange, touched: ChangedContact | None) -> list[Difference]:
    if change.kind == ChangeKind.BOOK_EDITED:
        return _differences_of_book(change)
    if touched is None:
        return []
    return [
        Difference(label=label, before=before, after=after)
        for name, label in _FIELDS.items()
        for before, after in [
            [_shown(change, name, each.get(name, "")) for each in (touched.was, touched.became)]
        ]
        if before != after
    ]


def _differences_of_book(change: BookChange) -> list[Difference]:
    before, after = change.detail["before"], change.detail["after"]
    return [
        Difference(label=label, before=str(shown(before[name])), after=str(shown(after[name])))
        for name, (label, shown) in _FIELDS_OF_BOOK.items()
        if before.get(name) != after.get(name)
    ]


def _shown(change: BookChange, name: str, value: str) -> str:
    if name != "phone_number" or not value:
        return value
    return phone_numbers.display(value, country=change.book.country)
