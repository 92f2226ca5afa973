"""Gives people rights and takes them away, and hands over what somebody owns before they leave.

Somebody who can set up everything is always left, nobody changes their own rights, and nobody is deleted: the history
names them.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.db import transaction

from invites import auditing, enrolling, securing, tokens
from invites.errors import ChangedMeanwhile, LastAdministrator, OwnRights
from invites.models import AddressBook, BookShare, Conference, DirectoryLink, Invitation, SignUpLink, User
from invites.models.user import Role

RIGHTS = frozenset({"role", "is_active", "may_see_phone_numbers"})
NAME_LENGTH = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Belongings:
    """How much somebody owns; ``waiting`` are the lists that are to be sent at a set time in their name."""

    conferences: int
    books: int
    waiting: int

    @property
    def can_be_handed_over(self) -> bool:
        """Whether there is anything that somebody else could take over."""
        return bool(self.conferences or self.books)


def belongings(user: User) -> Belongings:
    """What ``user`` owns at present."""
    return Belongings(
        conferences=Conference.objects.owned_by(user).count(),
        books=AddressBook.objects.owned_by(user).count(),
        waiting=Invitation.objects.waiting_in_the_name_of(user).count(),
    )


@transaction.atomic
def change(
    *, user: User, fields: Collection[str], by: User, known: Mapping[str, object] | None = None
) -> None:
    """Stores these ``fields`` of ``user`` as they are set, and lets everything else as the database has it.

    Whoever gets another role has to sign in again; whoever administers no longer has made sign-up links in vain.
    Raises OwnRights where somebody changes what they may do themselves, LastAdministrator where nobody would be left,
    ChangedMeanwhile where something is not as it was when ``by`` knew it, and IntegrityError where the name is taken.
    """
    if user.pk == by.pk and RIGHTS & {*fields}:
        raise OwnRights
    User.objects.lock_administrators()
    before = User.objects.all().for_change().get(pk=user.pk)
    if any(getattr(before, name) != value for name, value in (known or {}).items()):
        raise ChangedMeanwhile
    administers = user.role == Role.ADMINISTRATOR and user.is_active
    if not administers and User.objects.is_last_administrator(user.pk):
        raise LastAdministrator
    user.save(update_fields=fields)
    if not administers:
        for link in SignUpLink.objects.open().made_by(user):
            enrolling.revoke_link(link)
    if before.role != user.role or not user.is_active:
        securing.end_sessions(user)
    if not user.is_active:
        tokens.revoke_all(user)


def bar(*, user: User, by: User) -> None:
    """Lets ``user`` sign in no more, and ends what they are signed in with, tokens for programs included, which stay
    revoked if they may come back. Raises as `change` does.
    """
    user.is_active = False
    change(user=user, fields=["is_active"], by=by)


def readmit(*, user: User, by: User) -> None:
    """Lets ``user`` sign in again. Raises as `change` does."""
    user.is_active = True
    change(user=user, fields=["is_active"], by=by)


@transaction.atomic
def give_password(*, user: User, password: str) -> None:
    """Gives ``user`` another password; whatever the old one has opened is over, tokens for programs included."""
    user.set_password(password)
    user.save(update_fields=["password"])
    sign_out(user)


@transaction.atomic
def sign_out(user: User) -> None:
    """Ends all that opens something in the name of ``user``: sessions and tokens for programs. Safe to repeat."""
    securing.end_sessions(user)
    tokens.revoke_all(user)


@transaction.atomic
def hand_over(*, owner: User, to: User, conferences: bool, books: bool) -> Belongings:
    """Makes ``to`` the owner of the conferences and of the address books of ``owner``, and says of how many.

    What waits to be sent in the name of ``owner`` stays so: calling people is for somebody to decide anew.
    """
    return Belongings(
        conferences=_hand_over_conferences(owner, to) if conferences else 0,
        books=_hand_over_books(owner, to) if books else 0,
        waiting=0,
    )


def _hand_over_conferences(owner: User, to: User) -> int:
    for shared in to.co_organized_conferences.owned_by(owner):
        # Their owner shares them with everybody else.
        shared.co_organizers.remove(to)
    held = list(Conference.objects.owned_by(owner).for_change())
    Conference.objects.among([conference.pk for conference in held]).give_to(to)
    auditing.note_update_of_many(held, {"owner": (owner.pk, to.pk)})
    return len(held)


def _hand_over_books(owner: User, to: User) -> int:
    held = list(AddressBook.objects.owned_by(owner).for_change())
    taken = {(book.app_id, book.name.lower()) for book in AddressBook.objects.owned_by(to)}
    for book in held:
        book.owner, book.name = to, _free_name(book, owner, taken)
        taken.add((book.app_id, book.name.lower()))
        book.save(update_fields=["owner", "name", "updated_at"])
        BookShare.objects.of_book(book).of_user(to).delete()
        for link in DirectoryLink.objects.of_book(book).for_change():
            # A book follows the directory in the name of somebody who may change it.
            link.linked_by = to
            link.save(update_fields=["linked_by"])
    return len(held)


def _free_name(book: AddressBook, owner: User, taken: Collection[tuple[int, str]]) -> str:
    """What ``book`` is called with its new owner, who may have one of that name: then whose it was stands behind."""
    name, number = book.name, 1
    while (book.app_id, name.lower()) in taken:
        number += 1
        behind = f" ({owner.username})" if number == 2 else f" ({owner.username} {number - 1})"  # noqa: PLR2004
        name = f"{book.name[: NAME_LENGTH - len(behind)]}{behind}"
    return name
