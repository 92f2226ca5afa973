"""Puts right what a dead process left behind. Every worker does this at its start and every few seconds.

It works from our own tables alone, whatever the Tasks backend does with its rows.
"""

import logging
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db import Error, InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from invites import (
    curating,
    deduplicating,
    delivering,
    importing,
    linking,
    reporting,
    ringing_again,
    scheduling,
    sealing,
    sending,
    sessions,
    surveying,
    tasks,
)
from invites.models import CacheRow, Erasure, Invitation
from invites.signing_in import failing

logger = logging.getLogger(__name__)


def recover() -> None:
    """Takes every step of the care, each whatever became of the others. A database that is away ends the round."""
    for step in _STEPS:
        try:
            step()
        except Exception as error:
            if isinstance(error, OperationalError | InterfaceError) and not _database_answers():
                raise
            # A mistake of ours in one of them, or a statement that was too much for the database, must not keep people
            # of the others waiting for ever.
            logger.exception("Something went wrong in looking after what is under way; trying again")


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    return True


def _close_what_is_over() -> None:
    """Closes dead attempts as unknown, and leaves out whom nobody will call."""
    if closed := delivering.close_dead_attempts():
        logger.warning("Closed %s attempts as unknown: their process had ended", closed)
    delivering.leave_out_the_late()
    delivering.give_up_overdue()
    delivering.close_finished()


def _ring_for_what_is_due() -> None:
    """Rings for every invitation with people due that nobody is calling."""
    # A bell that nobody has answered for so long is taken for lost.
    unheard = timezone.now() - timedelta(seconds=settings.UNHEARD_SECONDS)
    for invitation in Invitation.objects.unheard(rung_before=unheard):
        with transaction.atomic():
            if Invitation.objects.take_ring(invitation.pk, rung_before=unheard):
                logger.warning("Invitation %s has people waiting and no worker; ringing again", invitation.pk)
                sending.ring(invitation.pk)


def _ring_for_weekly_mails() -> None:
    """Has the digests sent that are due: by the thread that may wait for a mail server."""
    week = reporting.week_due(timezone.now())
    if week is None:
        return
    with transaction.atomic():
        for mail_id in reporting.take_due(week):
            tasks.send_weekly_mail.enqueue(mail_id)


def _ring_for_erasures() -> None:
    """Has people erased who were to be: their bell is lost, or an invitation that called them is over by now."""
    unheard = timezone.now() - timedelta(seconds=settings.UNHEARD_SECONDS)
    for erasure in Erasure.objects.waiting().ordered_before(unheard).not_held_up():
        tasks.erase_person.enqueue(erasure.pk)


def _seal_what_is_over() -> None:
    """Seals days; their head leaves by the thread that may wait for a mail server."""
    sealing.seal_due(let_leave=lambda day: tasks.tell_head.enqueue(day.day.isoformat()))


def _forget_expired_cache() -> None:
    """Takes away what the cache need not know any more: by itself it would only do so when it is full."""
    CacheRow.objects.expired().delete()


# The bell for a set time may be lost, too, and rings by themselves have none.
_STEPS: tuple[Callable[[], object], ...] = (
    _close_what_is_over,
    _ring_for_what_is_due,
    scheduling.send_due,
    ringing_again.ring_due,
    importing.go_on,
    linking.refresh_due,
    _ring_for_weekly_mails,
    _ring_for_erasures,
    importing.forget_old,
    curating.forget_old,
    deduplicating.forget_old,
    _seal_what_is_over,
    surveying.compact,
    sessions.clear_expired,
    failing.settle,
    _forget_expired_cache,
)
