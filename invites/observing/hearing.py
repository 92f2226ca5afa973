"""Applies what an event says of a conference or of its members, exactly as a reading would; nobody is asked.

The caller holds the transaction in which the event is put on record. What follows in other rows is done when that is
committed, and done anew by others where the process dies before.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import partial

from django.db import transaction
from django.utils import timezone

from invites import delivering
from invites.delivering.stopping import CONFERENCE_CLOSED
from invites.dingtalk.types import ConferenceStatus as RemoteStatus
from invites.dingtalk.types import Member as RemoteMember
from invites.models import Conference, Member, Observation, Turnout
from invites.models.member import Attendance
from invites.observing.ending import note_end
from invites.observing.matching import match
from invites.observing.reading import Reading, by_key
from invites.observing.storing import store

# What happened so long before a reading was asked for was part of it. DingTalk's clock and ours may differ by less.
_CLOCKS_DIFFER = timedelta(seconds=10)


class Heard(Enum):
    """What became of what was heard."""

    APPLIED = auto()
    OUTDATED = auto()


def hear_meeting(
    conference: Conference, status: RemoteStatus, *, sequence: int | None, born_at: datetime | None
) -> Heard:
    """A conference has begun or ended, which says nothing of who is in it. The caller holds the transaction."""
    Observation.objects.lock(conference.pk)
    # Whoever has waited for the lock hears it now, and not before what was applied meanwhile.
    now = timezone.now()
    conference.refresh_from_db(fields=["status_seq"])
    if _is_older(sequence, conference.status_seq):
        return Heard.OUTDATED
    if status is RemoteStatus.ENDED:
        note_end(conference, at=now, because=CONFERENCE_CLOSED)
        transaction.on_commit(partial(delivering.leave_out_everybody, conference, because=CONFERENCE_CLOSED))
    elif status is not RemoteStatus.STARTED or not Conference.objects.note_begun(
        conference.pk, at=min(born_at or now, now)
    ):
        return Heard.OUTDATED
    Conference.objects.note_sequence(conference.pk, sequence)
    return Heard.APPLIED


def hear_members(
    conference: Conference,
    members: Iterable[RemoteMember],
    *,
    sequence: int | None,
    born_at: datetime | None,
) -> Heard:
    """Members of a conference do something else than before. The caller holds the transaction."""
    observation = Observation.objects.lock(conference.pk)
    # Whoever has waited for the lock hears it now, and not before what was applied meanwhile.
    now = timezone.now()
    listed = by_key(conference, members)
    known = Member.objects.of(conference).among(listed).keyed()
    was_read = _was_read_after(observation, born_at)
    newer = {
        key: _filled_in(member, known.get(key), sequence)
        for key, member in listed.items()
        if not was_read and not _is_older(sequence, known[key].status_seq if key in known else None)
    }
    if not newer:
        return Heard.OUTDATED
    # Whoever has the same name as others cannot be told from them: then a reading must say who it was.
    is_clear = not Member.objects.of(conference).namesakes_of(newer.values()).exists()
    # Nor before what another machine has applied, whose clock may be ahead: the numbers of events say what is newer.
    asked_at = max([now, *(member.read_at for member in known.values())])
    store(conference, Reading(members=newer, is_complete=False), known, asked_at=asked_at)
    match(conference)
    Observation.objects.of(conference.pk).update(event_at=now if is_clear else None)
    if any(member.attendance == Attendance.JOINED for member in newer.values()):
        conference.refresh_from_db(fields=["status"])
        if not conference.is_open:
            Conference.objects.note_begun(conference.pk, at=now)
    transaction.on_commit(partial(Turnout.objects.keep, conference.pk))
    return Heard.APPLIED


def _filled_in(member: Member, before: Member | None, sequence: int | None) -> Member:
    """``member`` with what events leave out and is known already."""
    member.status_seq = sequence
    if before is not None:
        member.is_host, member.nick = before.is_host, member.nick or before.nick
        member.by_phone = member.by_phone or before.by_phone
        member.joined_at = member.joined_at or before.joined_at
        if member.attendance != Attendance.JOINED:
            member.left_at = member.left_at or before.left_at
    return member


def _is_older(sequence: int | None, known: int | None) -> bool:
    return sequence is not None and known is not None and sequence <= known


def _was_read_after(observation: Observation, born_at: datetime | None) -> bool:
    read_at = observation.read_at
    return born_at is not None and read_at is not None and born_at < read_at - _CLOCKS_DIFFER
