"""Holds an invitation that is under way, lets it go on, or calls it off.

What has left stays on record: these verbs only decide about people who are still waiting. Must not touch a call that
is under way; it ends by itself, and `invites.delivering` records what came of it.
"""

import logging

from django.db import transaction
from django.utils import timezone

from invites.delivering import CANCELLED, close_finished, leave_out_waiting
from invites.errors import InvitationOver
from invites.models import Invitation, User
from invites.models.invitation import InvitationState
from invites.sending import check_can_be_sent, ring

logger = logging.getLogger(__name__)


def pause(*, invitation: Invitation, user: User) -> Invitation:
    """Holds ``invitation`` in the name of ``user`` and returns it: no further call begins until it is resumed.

    Nothing happens where it is paused already. Raises InvitationOver where nobody is going to be called any more.
    """
    with transaction.atomic():
        locked = _lock(invitation)
        if locked.state == InvitationState.SENDING:
            locked.state = InvitationState.PAUSED
            locked.save(update_fields=["state"])
            logger.info("Invitation %s: paused by user %s", locked.pk, user.pk)
    # The last call may have ended just before.
    close_finished(locked.pk)
    locked.refresh_from_db()
    return locked


def resume(*, invitation: Invitation, user: User) -> Invitation:
    """Lets a paused ``invitation`` go on in the name of ``user``, rings for a worker and returns it.

    Nothing happens where it is under way. Raises InvitationOver, ConferenceEnded, ConferenceLocked or AppUnavailable,
    each with nothing changed.
    """
    with transaction.atomic():
        locked = _lock(invitation)
        if locked.state == InvitationState.PAUSED:
            check_can_be_sent(locked)
            locked.state = InvitationState.SENDING
            locked.resumed_at = timezone.now()
            locked.save(update_fields=["state", "resumed_at"])
            ring(locked.pk)
            logger.info("Invitation %s: resumed by user %s", locked.pk, user.pk)
    return locked


def cancel(*, invitation: Invitation, user: User) -> Invitation:
    """Calls ``invitation`` off in the name of ``user`` and returns it: everybody who is still waiting is left out.

    Raises InvitationOver where that has been done, or where everybody has been called.
    """
    with transaction.atomic():
        locked = _lock(invitation)
        # Not paused any more, so that a worker leaves out whom a call under way puts back after this.
        locked.state = InvitationState.SENDING
        locked.cancelled_at = timezone.now()
        locked.cancelled_by = user
        locked.save(update_fields=["state", "cancelled_at", "cancelled_by"])
        logger.info("Invitation %s: cancelled by user %s", locked.pk, user.pk)
    # No call begins from here on. Should this process die now, whoever is asked to send the rest leaves it out.
    leave_out_waiting(locked.pk, because=CANCELLED)
    locked.refresh_from_db()
    return locked


def _lock(invitation: Invitation) -> Invitation:
    """``invitation`` as it is now, locked until the transaction ends. Raises InvitationOver.

    Senders, who only refer to it when they begin a call, need not wait.
    """
    locked = Invitation.objects.select_for_update(no_key=True, of=("self",)).with_app()
    current = locked.get(pk=invitation.pk)
    if not current.is_under_way or current.cancelled_at is not None:
        raise InvitationOver
    return current
