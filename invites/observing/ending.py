"""Notes that a conference is over, whoever has said so."""

import logging
from datetime import datetime

from invites import delivering
from invites.models import Conference, Observation
from invites.models.conference import ConferenceStatus

logger = logging.getLogger(__name__)


def note_end(conference: Conference, *, asked_at: datetime, because: str) -> bool:
    """Notes that a conference is over; returns whether nothing later is known of it."""
    Observation.objects.of(conference.pk).update(next_read_at=None, leased_until=None, problem="")
    if not Conference.objects.note(conference.pk, asked_at=asked_at, status=ConferenceStatus.ENDED):
        return False
    logger.info("Conference %s is over (%s)", conference.pk, because)
    return True


def end(conference: Conference, *, asked_at: datetime, because: str) -> None:
    """Notes that a conference is over, and leaves out everybody who was still to be called into it."""
    if note_end(conference, asked_at=asked_at, because=because):
        delivering.leave_out_everybody(conference, because=because)
