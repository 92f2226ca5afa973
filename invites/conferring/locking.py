"""Locks a conference, so that nobody else gets in, and unlocks it.

DingTalk does not tell whether a conference is locked: what is stored is what was done from here.
"""

from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from invites import auditing
from invites.conferring.following import note_end
from invites.connecting import client_for
from invites.delivering.stopping import leave_out_everybody
from invites.dingtalk import ConferenceOver, DingTalkError
from invites.dingtalk.calls import LockAction
from invites.explaining import CONFERENCE_LOCKED
from invites.models import Conference
from invites.refusing import refusal_of

_MAY_BE_DONE = _("It may have been done all the same. Doing it once more does no harm.")


def lock(*, conference: Conference) -> Conference:
    """Lets nobody else into ``conference``: whoever is still to be called is left out. Returns it as it then is.

    Raises DingTalkRefused or AppUnavailable, with nothing changed.
    """
    if _ask(conference, "lock"):
        _note_lock(conference, timezone.now())
        leave_out_everybody(conference, because=CONFERENCE_LOCKED)
    conference.refresh_from_db()
    return conference


def unlock(*, conference: Conference) -> Conference:
    """Lets people into ``conference`` again and returns it as it then is. Whoever was left out stays so.

    Raises DingTalkRefused or AppUnavailable, with nothing changed.
    """
    if _ask(conference, "unlock"):
        _note_lock(conference, None)
    conference.refresh_from_db()
    return conference


def _note_lock(conference: Conference, locked_at: datetime | None) -> None:
    with transaction.atomic():
        auditing.note_update(conference, {"locked_at": (conference.locked_at, locked_at)})
        Conference.objects.note_lock(conference.pk, locked_at=locked_at)


def _ask(conference: Conference, action: LockAction) -> bool:
    """Whether DingTalk did it; False where the conference turns out to have ended, which is on record then."""
    try:
        client_for(conference.app).lock_conference(conference_id=conference.conference_id, action=action)
    except ConferenceOver as over:
        note_end(conference, because=over.code)
        return False
    except DingTalkError as error:
        raise refusal_of(error, if_unsure=_MAY_BE_DONE) from error
    return True
