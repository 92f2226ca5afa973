"""Notes that somebody looks at who is in a conference, and has its members read again when that is due.

Must not call DingTalk: `invites.observing` does, in a worker. However many people look, one reading is asked for.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from invites import bell, tasks
from invites.models import App, Conference, Observation
from invites.models.observation import EVENTS_TAKE

# Looking is written down at most so often.
_NOTED_EVERY = timedelta(seconds=3)


def watch(conference: Conference) -> None:
    """Somebody looks at who is in ``conference``: to be called whenever a page shows it, and each time it asks anew.

    Nothing is read of a conference that has ended, nor through an app that cannot be used or has to rest.
    """
    _watch(conference, is_due=_is_due)


def read_soon(conference: Conference) -> None:
    """As `watch`, but for something that needs to know now: whatever was read a moment ago is read again.

    ``observation.read_at`` of the conference tells when that has come. It does not while DingTalk refuses to answer.
    """
    _watch(conference, is_due=_may_be_read)


def _watch(conference: Conference, *, is_due: Callable[[Observation, datetime], bool]) -> None:
    if conference.has_ended:
        return
    now = timezone.now()
    seen = _seen(conference)
    if is_due(seen, now):
        until = now + timedelta(seconds=settings.OBSERVE_LEASE_SECONDS)
        if _can_be_asked(conference) and Observation.objects.lease(seen, at=now, until=until):
            transaction.on_commit(partial(_enqueue, conference.pk))
    elif seen.watched_at is None or seen.watched_at < now - _NOTED_EVERY:
        Observation.objects.note_watched(conference.pk, at=now, last_before=now - _NOTED_EVERY)


def _seen(conference: Conference) -> Observation:
    row = Observation.objects.of(conference.pk).with_news()
    if (seen := row.first()) is None:
        Observation.objects.begin(conference.pk)
        seen = row.get()
    # The page that is looked at has it at hand already, and its app, too.
    seen.conference = conference
    return seen


def _is_due(seen: Observation, now: datetime) -> bool:
    """Whether the pause is over, or cut short by an answer to an invitation.

    Where events tell who is in the conference it is read once, and then seldom, in case that one was lost; also where
    none tells what became of people whom DingTalk said it would call.
    """
    if _is_leased(seen, now):
        return False
    if seen.is_told_by_events and seen.read_at is not None:
        seldom = timedelta(seconds=settings.OBSERVE_DESPITE_EVENTS_SECONDS)
        is_wanted = seen.read_at <= now - seldom or (seen.has_news and seen.is_quiet_since(now - EVENTS_TAKE))
        return is_wanted and (seen.next_read_at is None or seen.next_read_at <= now)
    if seen.next_read_at is None or seen.next_read_at <= now:
        return True
    return seen.has_news and _may_be_read(seen, now)


def _may_be_read(seen: Observation, now: datetime) -> bool:
    """Whether DingTalk may be asked although the pause is not over."""
    if _is_leased(seen, now):
        return False
    if seen.next_read_at is None or seen.next_read_at <= now:
        return True
    shortest = timedelta(seconds=settings.OBSERVE_SHORTEST_SECONDS)
    return not seen.problem and seen.read_at is not None and seen.read_at <= now - shortest


def _is_leased(seen: Observation, now: datetime) -> bool:
    return seen.leased_until is not None and seen.leased_until > now


def _can_be_asked(conference: Conference) -> bool:
    return App.objects.usable().not_resting().filter(pk=conference.app_id).exists()


def _enqueue(conference_id: int) -> None:
    tasks.observe_conference.enqueue(conference_id)
    bell.ring()
