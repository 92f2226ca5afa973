"""Reads who of a conference's members is being called, has joined, declined or left, and finds the invitees among them.

Must not decide whether anybody wants to know: `invites.watching` does. Nothing here runs inside a transaction while the
network is asked.
"""

import logging
import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from invites import delivering
from invites.connecting import client_for
from invites.delivering.stopping import CONFERENCE_CLOSED
from invites.dingtalk import AddressShutOut, ConferenceOver, DingTalkClient, DingTalkError
from invites.dingtalk.types import ConferenceStatus as RemoteStatus
from invites.errors import AppUnavailable
from invites.models import App, Conference, Member, Observation, Turnout
from invites.models.member import Attendance
from invites.observing import pausing
from invites.observing.ending import end
from invites.observing.hearing import Heard, hear_meeting, hear_members
from invites.observing.matching import match
from invites.observing.reading import (
    NotOurTurn,
    PageSizeRefused,
    Reading,
    read_everybody,
    take_turn_for_info,
)
from invites.observing.storing import store

__all__ = ["Heard", "hear_meeting", "hear_members", "read"]

# What the members operation says of a conference that is over, beside the codes of `ConferenceOver`.
_NO_SUCH_MEETING = "roomNotFound"
# A conference that stays without anybody in it is asked about at its second calm reading and then at every fourth.
_FIRST_ASKED = 1
_ASKED_EVERY = 4
# The longest that a throttle may keep us away, whatever DingTalk says.
_LONGEST_REST = 3600.0

logger = logging.getLogger(__name__)


def read(conference_id: int) -> datetime | None:
    """Makes the reading that was asked for, and returns when the next one is due.

    Returns None, and calls nobody, where somebody else makes it, nobody looks any more, or the conference is over.
    """
    until = timezone.now() + timedelta(seconds=settings.OBSERVE_LEASE_SECONDS)
    if not Observation.objects.take_up(conference_id, watched_after=pausing.forgotten_before(), until=until):
        return None
    try:
        observation = Observation.objects.of(conference_id).for_reading().get()
        if observation.conference.has_ended:
            return None
        client = client_for(observation.conference.app)
    except AppUnavailable:
        pause = settings.OBSERVE_REFUSED_SECONDS
        return _put_off(conference_id, until=until, pause=pause, problem=delivering.APP_UNAVAILABLE)
    return _read(observation, client, until=until)


def _read(observation: Observation, client: DingTalkClient, *, until: datetime) -> datetime | None:
    conference, asked_at = observation.conference, timezone.now()
    deadline = time.monotonic() + settings.CALL_SECONDS
    try:
        reading = _read_everybody(observation, client, deadline=deadline)
        is_over = _is_over(observation, reading, client, deadline=deadline)
    except NotOurTurn as later:
        return _put_off(conference.pk, until=until, pause=later.wait, problem=observation.problem)
    except DingTalkError as error:
        return _failed(observation, error, asked_at=asked_at, until=until)
    next_read_at = _write_down(observation, reading, asked_at=asked_at, until=until)
    if is_over:
        end(conference, asked_at=asked_at, because=CONFERENCE_CLOSED)
        return None
    return next_read_at


def _read_everybody(observation: Observation, client: DingTalkClient, *, deadline: float) -> Reading:
    """In as few calls as DingTalk allows: they are taken from the quota."""
    conference = observation.conference
    if not observation.asks_for_default_pages:
        try:
            return read_everybody(client, conference, deadline=deadline)
        except PageSizeRefused:
            Observation.objects.of(conference.pk).update(asks_for_default_pages=True)
    return read_everybody(client, conference, deadline=deadline, page_size=None)


def _write_down(
    observation: Observation, reading: Reading, *, asked_at: datetime, until: datetime
) -> datetime | None:
    """Stores a reading with all that follows from it, unless it took so long that it is somebody else's by now."""
    conference = observation.conference
    with transaction.atomic():
        if not Observation.objects.hold(conference.pk, until=until):
            logger.warning("The reading of conference %s took too long and is dropped", conference.pk)
            return None
        known = Member.objects.of(conference).keyed()
        changed = store(conference, reading, known, asked_at=asked_at)
        match(conference)
        if changed and observation.event_at is not None:
            Observation.objects.trust_no_events(conference.pk, asked_at=asked_at)
        has_news = changed or observation.has_news
        calm = 0 if has_news else pausing.calmer(observation.calm)
        next_read_at = timezone.now() + pausing.pause(calm)
        Observation.objects.of(conference.pk).update(
            read_at=asked_at, next_read_at=next_read_at, leased_until=None, calm=calm, problem=""
        )
    if has_news:
        # By itself, so that nobody who sends waits for the counts while a reading is written down.
        Turnout.objects.keep(conference.pk)
    if reading.has(Attendance.JOINED) and not conference.is_open:
        Conference.objects.note_begun(conference.pk, at=asked_at)
    return next_read_at


def _is_over(observation: Observation, reading: Reading, client: DingTalkClient, *, deadline: float) -> bool:
    """Whether a conference with nobody in it has ended: DingTalk goes on to answer who was in it."""
    if reading.has(Attendance.JOINED, Attendance.CALLING) or observation.calm % _ASKED_EVERY != _FIRST_ASKED:
        return False
    conference = observation.conference
    if not take_turn_for_info(conference.app):
        return False
    try:
        info = client.query_conference_info(conference_id=conference.conference_id, deadline=deadline)
    except ConferenceOver:
        return True
    except DingTalkError as error:
        # The reading is good all the same, and the question will come again.
        logger.info("Conference %s could not be asked about: %s", conference.pk, error.code)
        return False
    return info.status is RemoteStatus.ENDED


def _failed(
    observation: Observation, error: DingTalkError, *, asked_at: datetime, until: datetime
) -> datetime | None:
    """Notes why a reading failed, and when it is worth another try."""
    conference = observation.conference
    logger.info(
        "Conference %s was not read: %s (request %s)", conference.pk, error.code, error.request_id or "-"
    )
    if isinstance(error, ConferenceOver) or error.code == _NO_SUCH_MEETING:
        end(conference, asked_at=asked_at, because=error.code)
        return None
    rest = min(pausing.rest(error), _LONGEST_REST)
    if rest:
        _spare(conference.app, error, rest=rest)
    calm = pausing.calmer(observation.calm)
    pause = max(rest, pausing.pause(calm).total_seconds())
    return _put_off(conference.pk, until=until, pause=pause, problem=error.code, calm=calm)


def _spare(app: App, error: DingTalkError, *, rest: float) -> None:
    """Has the other conferences of an app left alone as well, since DingTalk would say the same of them."""
    until = timezone.now() + timedelta(seconds=rest)
    with transaction.atomic():
        Observation.objects.put_all_off(
            app, watched_after=pausing.forgotten_before(), until=until, problem=error.code[:128]
        )
    if isinstance(error, AddressShutOut):
        App.objects.let_rest(app.pk, until=until)


def _put_off(
    conference_id: int, *, until: datetime, pause: float, problem: str, calm: int | None = None
) -> datetime:
    """Gives the lease back without a reading."""
    next_read_at = timezone.now() + timedelta(seconds=pause)
    Observation.objects.of(conference_id).put_off(
        leased_until=until, next_read_at=next_read_at, problem=problem[:128], calm=calm
    )
    return next_read_at
