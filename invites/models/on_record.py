"""What is on record is stored together with the entry that says so, or not at all."""

from typing import Any

from django.db import models, transaction

REASON_LENGTH = 200
"""So long may be the reason for what is done to the history for good."""


class OnRecord(models.Model):
    """The base of models whose changes `invites.auditing` puts on record.

    Entries are written before and after the row itself. One transaction holds them, so that neither can be there
    without the other, though the process dies between the two or the row turns out to be refused.
    """

    class Meta:
        abstract = True

    def save_base(self, *args: Any, **kwargs: Any) -> None:
        """As Django's, in one transaction with what its signals write."""
        with transaction.atomic(savepoint=False):
            super().save_base(*args, **kwargs)
