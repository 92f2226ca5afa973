"""Saves one contact, new or changed."""

from django.db import transaction

from invites import journal
from invites.errors import ContactGone
from invites.models import AddressBook, BookChange, Contact, ContactGroup, User
from invites.models.book_change import ChangeKind

_EDITED = ("nick", "union_id", "phone_number", "refused_at", "refused_code")


@transaction.atomic
def save_contact(*, contact: Contact, user: User, group: ContactGroup | None = None) -> BookChange | None:
    """Saves a new or changed contact, and puts it into ``group`` of the same book where one is named.

    What DingTalk said about a unionId goes with it. Raises IntegrityError where the book has somebody else with this
    unionId or phone number, and ContactGone where somebody has deleted or moved the contact meanwhile.
    """
    AddressBook.objects.lock(contact.book)
    before = _as_stored(contact) if contact.pk else None
    if before is None:
        contact.save()
    else:
        if contact.is_not_known and before["union_id"] != contact.union_id:
            contact.forget_mark()
        contact.save(update_fields=[*_EDITED, "updated_at"])
    if group is not None:
        group.contacts.add(contact)
    after = journal.snapshot(contact)
    if before is not None:
        # The rest was not saved: somebody may have marked this person since they were loaded.
        after = before | {name: after[name] for name in (*_EDITED, "groups")}
    if before == after:
        return None
    return journal.note(
        book=contact.book,
        user=user,
        kind=ChangeKind.EDITED if before else ChangeKind.ADDED,
        people=1,
        detail={"nick": contact.nick},
        touched=[journal.Touched(key=contact.pk, before=before, after=after)],
        can_be_undone=True,
    )


def _as_stored(contact: Contact) -> journal.Snapshot:
    stored = Contact.objects.of_book(contact.book).among([contact.pk]).first()
    if stored is None:
        raise ContactGone
    return journal.snapshot(stored)
