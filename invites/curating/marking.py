"""Marks contacts "do not invite", with a reason and perhaps a last day, and takes such marks away.

What a mark does is `invites.sparing`.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from django.db import transaction
from django.utils import timezone

from invites import journal
from invites.curating.picking import as_they_are, keys_of, nick_of, pieces
from invites.models import AddressBook, BookChange, Contact, User
from invites.models.book_change import ChangeKind
from invites.models.contact import ContactQuerySet

type _Mark = dict[str, date | datetime | int | str | None]


@transaction.atomic
def mark_contacts(
    *, book: AddressBook, contacts: ContactQuerySet, reason: str, until: date | None, user: User
) -> BookChange | None:
    """Marks those of ``contacts`` that are of ``book`` and not marked so already, ``until`` the end of a day or for
    good.
    """
    AddressBook.objects.lock(book)
    keys = keys_of(contacts.of_book(book).not_marked_as(reason=reason, until=until))
    mark: _Mark = {
        "do_not_invite_since": timezone.now(),
        "do_not_invite_until": until,
        "do_not_invite_reason": reason,
        "do_not_invite_by_id": user.pk,
    }
    return _write(book, keys, mark, kind=ChangeKind.MARKED, user=user, detail={"reason": reason})


@transaction.atomic
def unmark_contacts(*, book: AddressBook, contacts: ContactQuerySet, user: User) -> BookChange | None:
    """Takes the mark away from those of ``contacts`` that are of ``book`` and have one, be it over or not."""
    AddressBook.objects.lock(book)
    keys = keys_of(contacts.of_book(book).ever_marked())
    mark: _Mark = {
        "do_not_invite_since": None,
        "do_not_invite_until": None,
        "do_not_invite_reason": "",
        "do_not_invite_by_id": None,
    }
    return _write(book, keys, mark, kind=ChangeKind.UNMARKED, user=user, detail={})


def _write(
    book: AddressBook,
    keys: Sequence[int],
    mark: _Mark,
    *,
    kind: ChangeKind,
    user: User,
    detail: dict[str, object],
) -> BookChange | None:
    if not keys:
        return None
    change = journal.note(
        book=book,
        user=user,
        kind=kind,
        people=len(keys),
        detail=nick_of(keys) | detail,
        touched=_marking(keys, mark),
        can_be_undone=True,
    )
    for piece in pieces(keys):
        Contact.objects.among(piece).put_mark(mark)
    return change


def _marking(keys: Sequence[int], mark: _Mark) -> Iterator[journal.Touched]:
    """The contacts with these keys as they are, and as they will be with the ``mark``."""
    for touched in as_they_are(keys):
        yield journal.Touched(key=touched.key, before=touched.before, after=(touched.before or {}) | mark)
