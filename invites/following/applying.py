"""Stores what was read by itself, for a link that says so. Everything else waits for somebody to look at it."""

from django.db import transaction
from django.utils import timezone

from invites import absorbing
from invites.models import Contact, ContactImport, DirectoryLink
from invites.models.contact_import import ImportState

MOST_LEAVERS = 0.5
"""If a larger part of a book than this is gone at once, something is wrong with the directory rather than with them."""

FEWEST_LEAVERS = 5


def apply(import_id: int) -> None:
    """Stores a reading that nobody ordered where its book's link applies by itself; drops one that changes nothing.

    Nothing happens where somebody ordered it, or where too many would be marked as having left: they look at it.
    """
    with transaction.atomic():
        ready = ContactImport.objects.for_change().filter(pk=import_id, state=ImportState.READY).first()
        if ready is None or ready.created_by_id is not None:
            return
        if not ready.people:
            ready.discard()
            return
        link = DirectoryLink.objects.filter(book=ready.book_id).first()
        if link is None or not link.applies_by_itself or _is_suspicious(ready):
            return
        now = timezone.now()
        ready.state, ready.heard_at = ImportState.STORING, now
        ready.save(update_fields=["state", "heard_at"])
    absorbing.store(import_id, heard_at=now)


def _is_suspicious(ready: ContactImport) -> bool:
    if ready.left < FEWEST_LEAVERS:
        return False
    there = Contact.objects.of_book(ready.book).of_directory().count()
    return ready.left > there * MOST_LEAVERS
