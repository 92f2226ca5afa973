"""Notes that a conference is over, whoever has said so."""

import logging
from datetime import datetime

from invites import delivering
from invites.models import Conference, Observation
from invites.models.conference import ConferenceStatus

logger = logging.getLogger(__name__)


def note_end(conference: Conference, *, at: datetime, because: str) -> None:
    """Notes that a conference is over, as an event says, which is no answer that a later one could be better than."""
    _read_no_more(conference)
    Conference.objects.note_ended(conference.pk, at=at)
    _log(conference, because)


def end(conference: Conference, *, asked_at: datetime, because: str) -> None:
    """Notes that a conference is over, as DingTalk said when asked then, and leaves out everybody who was still to be
    called into it; not where a later answer is on record.
    """
    _read_no_more(conference)
    if Conference.objects.note(conference.pk, asked_at=asked_at, status=ConferenceStatus.ENDED):
        _log(conference, because)
        delivering.leave_out_everybody(conference, because=because)


def _read_no_more(conference: Conference) -> None:
    Observation.objects.of(conference.pk).update(next_read_at=None, leased_until=None, problem="")


def _log(conference: Conference, because: str) -> None:
    logger.info("Conference %s is over (%s)", conference.pk, because)
