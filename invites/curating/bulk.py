"""Deletes, moves and copies many contacts at once, by statements that carry a thousand each."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from invites import journal
from invites.curating.picking import as_they_are, keys_of, nick_of, pieces
from invites.models import AddressBook, BookChange, Contact, ContactGroup, User
from invites.models.book_change import ChangeKind
from invites.models.contact import ContactQuerySet

_COPIED = (
    "nick",
    "union_id",
    "phone_number",
    "refused_at",
    "refused_code",
    "do_not_invite_since",
    "do_not_invite_until",
    "do_not_invite_reason",
    "do_not_invite_by_id",
)

NAMED = 5
"""Of those who stay behind so many are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """What became of people who were to go into another book: the change, None where nobody went, and who stayed."""

    change: BookChange | None
    fit: "Fit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """The keys of people whom a book can take, and how many it cannot, since it has somebody with their unionId or
    number already; of those, the names of a few.
    """

    keys: Sequence[int]
    stayed: int
    names: list[str]


@transaction.atomic
def delete_contacts(*, book: AddressBook, contacts: ContactQuerySet, user: User) -> BookChange | None:
    """Removes those of ``contacts`` that are of ``book`` from it and from its groups."""
    AddressBook.objects.lock(book)
    going = keys_of(contacts.of_book(book))
    if not going:
        return None
    change = journal.note(
        book=book,
        user=user,
        kind=ChangeKind.DELETED,
        people=len(going),
        detail=nick_of(going),
        touched=as_they_are(going),
        can_be_undone=True,
    )
    for piece in pieces(going):
        Contact.objects.among(piece).delete()
    return change


@transaction.atomic
def move_contacts(
    *, book: AddressBook, contacts: ContactQuerySet, target: AddressBook, user: User
) -> Transfer:
    """Moves those of ``contacts`` that are of ``book`` to ``target``, one of the same app. They leave their groups."""
    AddressBook.objects.lock(book, target)
    fit = who_fits(keys_of(contacts.of_book(book)), into=target)
    going = fit.keys
    if not going:
        return Transfer(change=None, fit=fit)
    arrival = journal.note(
        book=target, user=user, kind=ChangeKind.MOVED_IN, people=len(going), detail=nick_of(going)
    )
    change = journal.note(
        book=book,
        user=user,
        kind=ChangeKind.MOVED_OUT,
        people=len(going),
        detail=nick_of(going) | {"book": target.name, "book_key": target.pk, "arrival": arrival.pk},
        touched=as_they_are(going),
        can_be_undone=True,
    )
    hand_over(going, to=target)
    return Transfer(change=change, fit=fit)


@transaction.atomic
def copy_contacts(
    *, book: AddressBook, contacts: ContactQuerySet, target: AddressBook, user: User
) -> Transfer:
    """Copies those of ``contacts`` that are of ``book`` to ``target``, a book of the same app, without their groups."""
    AddressBook.objects.lock(book, target)
    fit = who_fits(keys_of(contacts.of_book(book)), into=target)
    coming = fit.keys
    if not coming:
        return Transfer(change=None, fit=fit)
    change = journal.note(
        book=target,
        user=user,
        kind=ChangeKind.COPIED_IN,
        people=len(coming),
        detail=nick_of(coming),
        can_be_undone=True,
    )
    for piece in pieces(coming):
        Contact.objects.bulk_create(
            Contact(book=target, added_by=change, **{name: getattr(contact, name) for name in _COPIED})
            for contact in Contact.objects.among(piece)
        )
    return Transfer(change=change, fit=fit)


def hand_over(keys: Sequence[int], *, to: AddressBook) -> None:
    """Lets the contacts with these keys stand in the book ``to``, out of the groups of the one where they were. The
    caller has locked both.
    """
    for piece in pieces(keys):
        ContactGroup.contacts.through.objects.filter(contact__in=list(piece)).delete()
        Contact.objects.among(piece).move_to(to)


def who_fits(keys: Sequence[int], *, into: AddressBook) -> Fit:
    """Who of the contacts with these keys can stand in the book ``into``."""
    fitting, names = array("q"), list[str]()
    for piece in pieces(keys):
        rows = (
            Contact.objects.among(piece).order_by("pk").values_list("pk", "nick", "union_id", "phone_number")
        )
        people = list(rows)
        taken = Contact.objects.of_book(into).values_taken(
            union_ids=[union_id for _pk, _nick, union_id, _number in people if union_id],
            phone_numbers=[number for _pk, _nick, _union_id, number in people if number],
        )
        staying = {pk: nick for pk, nick, *values in people if not taken.keys().isdisjoint(values)}
        fitting.extend(pk for pk, *_rest in people if pk not in staying)
        names += list(staying.values())[: NAMED - len(names)]
    return Fit(keys=fitting, stayed=len(keys) - len(fitting), names=names)
