"""Puts right what a dead process left behind. Every worker does this at its start and every few seconds.

It works from our own tables alone, whatever the Tasks backend does with its rows.
"""

import logging
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from invites import delivering, ringing_again, scheduling, sending
from invites.models import Invitation

logger = logging.getLogger(__name__)


def recover() -> None:
    """Closes dead attempts as unknown, then rings for every invitation with people due that nobody is calling."""
    if closed := delivering.close_dead_attempts():
        logger.warning("Closed %s attempts as unknown: their process had ended", closed)
    delivering.leave_out_the_late()
    delivering.give_up_overdue()
    delivering.close_finished()
    # A bell that nobody has answered for so long is taken for lost.
    unheard = timezone.now() - timedelta(seconds=settings.UNHEARD_SECONDS)
    for invitation in Invitation.objects.unheard(rung_before=unheard):
        logger.warning("Invitation %s has people waiting and no worker; ringing again", invitation.pk)
        with transaction.atomic():
            sending.ring(invitation.pk)
    # The bell for a set time may be lost, too.
    scheduling.send_due()
    ringing_again.ring_due()
