"""Makes one of several people of a book who are the same."""

from collections.abc import Sequence
from datetime import date

from django.db import transaction

from invites import journal
from invites.errors import ContactGone
from invites.models import AddressBook, BookChange, Contact, DraftLine, Invitation, Invitee, User
from invites.models.book_change import ChangeKind
from invites.models.contact import ContactQuerySet

_SAID_OF_A_UNION_ID = ("refused_at", "refused_code", "in_directory_since", "left_directory_at")
_MARK = ("do_not_invite_since", "do_not_invite_until", "do_not_invite_reason", "do_not_invite_by")


@transaction.atomic
def merge_contacts(
    *, book: AddressBook, contacts: ContactQuerySet, union_id: str, phone_number: str, user: User
) -> BookChange:
    """Makes one of those of ``contacts`` that are of ``book``: the oldest, who is from now on reached as is said here.

    They are in all the groups that any was in, and not to be invited if any was not. Invitations that name one of the
    others name the one that stays, but for those that name that one already; a list that is not sent yet names them
    once, so that nobody is called twice. Raises ContactGone where somebody else has merged or deleted them meanwhile.
    """
    AddressBook.objects.lock(book)
    people = list(contacts.of_book(book).with_groups().order_by("pk"))
    values = {value for contact in people for value in (contact.union_id, contact.phone_number, "")}
    if len(people) < 2 or not {union_id, phone_number} <= values:  # noqa: PLR2004
        raise ContactGone
    before = {contact.pk: journal.snapshot(contact) for contact in people}
    kept, *others = people
    _take_over(kept, people, union_id=union_id)
    kept.union_id, kept.phone_number = union_id, phone_number
    _let_stand_once(people, kept)
    for other in others:
        Invitee.objects.hand_over(other, kept)
        DraftLine.objects.hand_over(other, kept)
    Contact.objects.among(other.pk for other in others).delete()
    kept.save()
    kept.groups.add(*(group for other in others for group in other.groups.all()))
    return journal.note(
        book=book,
        user=user,
        kind=ChangeKind.MERGED,
        people=len(people),
        detail={"nick": kept.nick},
        touched=_touched(kept, before),
        can_be_undone=True,
    )


def _take_over(kept: Contact, people: Sequence[Contact], *, union_id: str) -> None:
    """Gives ``kept`` what was known of the unionId that stays, and of all marks the one that holds longest."""
    source = next((contact for contact in people if contact.union_id == union_id), kept)
    for name in _SAID_OF_A_UNION_ID:
        setattr(kept, name, getattr(source, name))
    marked = [contact for contact in people if contact.is_not_to_be_invited]
    longest = max(marked, key=lambda contact: contact.do_not_invite_until or date.max, default=kept)
    for name in _MARK:
        setattr(kept, name, getattr(longest, name))


def _let_stand_once(people: Sequence[Contact], kept: Contact) -> None:
    """Takes all but one of ``people`` off every unsent list; the one stays who is reached as ``kept`` is by now."""
    for draft in Invitation.objects.unsent_with(Invitee.objects.added_from(people)).for_change():
        standing = sorted(
            draft.invitees.added_from(people).in_order(),
            key=lambda invitee: (invitee.value != kept.union_id, invitee.value != kept.phone_number),
        )
        if doubles := standing[1:]:
            draft.invitees.among(invitee.pk for invitee in doubles).delete()
            draft.revision += 1
            draft.save(update_fields=["revision"])


def _touched(kept: Contact, before: dict[int, journal.Snapshot]) -> list[journal.Touched]:
    after = journal.snapshot(Contact.objects.with_groups().get(pk=kept.pk))
    return [
        journal.Touched(key=key, before=was, after=after if key == kept.pk else None)
        for key, was in before.items()
    ]
