"""Forgets what is needed to undo changes that are too old for it. That they were made stays on record."""

from datetime import timedelta

from django.utils import timezone

from invites.models import BookChange, ChangedContact
from invites.models.book_change import UNDOABLE_FOR

PIECE = 5000
"""Contacts forgotten in one round."""

# Nothing is forgotten under the hands of somebody who undoes it at the last moment.
_MARGIN = timedelta(days=1)


def forget_old() -> None:
    """Drops the snapshots of the oldest change that has some, where it is too old; at most PIECE at a time."""
    change = ChangedContact.objects.oldest_change()
    if change is None or change.at > timezone.now() - UNDOABLE_FOR - _MARGIN:
        return
    BookChange.objects.with_key(change.pk).forbid_undo()
    rows = ChangedContact.objects.of(change).by_key()
    ChangedContact.objects.of(change).among(rows[:PIECE].keys()).delete()
