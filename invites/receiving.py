"""Takes in what DingTalk tells by itself, each event once, and applies it as if it had been asked for.

Whether it comes over the Stream connection or to the callback is the same from here on. An event is on record, by its
id alone, in the transaction in which it is applied: whoever sends it again, and however often, changes nothing.
"""

import logging
import time
from collections.abc import Collection
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from invites import observing
from invites.connecting import callback_cipher
from invites.dingtalk.callback import SUCCESS, ForgedCallback, Sealed
from invites.dingtalk.events import (
    CHECK_URL,
    Envelope,
    Event,
    MeetingChanged,
    MembersChanged,
    TicketIssued,
    UnreadableEvent,
    envelope_of_callback,
    envelope_of_frame,
    event_of,
)
from invites.errors import AppUnavailable
from invites.models import App, Conference, ReceivedEvent
from invites.models.app import AppKind
from invites.models.received_event import KEPT, EventOutcome, EventWay
from invites.observing import Heard

# DingTalk's clock may be ahead of ours by so much.
_AHEAD = timedelta(minutes=10)
# A callback was signed not longer ago than that, nor further ahead.
_SIGNED_WITHIN_SECONDS = 300
_LONGEST_TIMESTAMP = 16

logger = logging.getLogger(__name__)


class CallbackRefused(Exception):  # noqa: N818 - named for what happened
    """A callback that is forged, garbled or old, or that nobody has asked for. Its sender is not told which."""


def receive(app: App, envelope: Envelope, *, way: EventWay) -> EventOutcome | None:
    """Applies an event of ``app``, unless it has come before; returns what became of it, then or now.

    None for one that is refused for its time: too old for its id to be remembered still, or not yet born.
    """
    now = timezone.now()
    if envelope.born_at is not None and not -_AHEAD <= now - envelope.born_at <= KEPT:
        logger.info("An event for DingTalk app %s is refused: it was born %s", app.pk, envelope.born_at)
        return None
    if (before := ReceivedEvent.objects.outcome_of(app, envelope.event_id)) is not None:
        return before
    try:
        with transaction.atomic():
            received = ReceivedEvent.objects.create(
                app=app,
                event_id=envelope.event_id,
                event_type=envelope.event_type,
                way=way,
                outcome=EventOutcome.APPLIED,
                born_at=envelope.born_at,
            )
            outcome = _apply(app, envelope)
            if outcome != EventOutcome.APPLIED:
                ReceivedEvent.objects.filter(pk=received.pk).update(outcome=outcome)
    except IntegrityError:
        # Another process has it in this very moment.
        if (before := ReceivedEvent.objects.outcome_of(app, envelope.event_id)) is None:
            raise
        return before
    App.objects.note_event(app.pk)
    return outcome


def receive_frame(apps: Collection[int], frame: object) -> None:
    """Applies what a Stream connection has brought to each of the apps, given by their keys, that it is for.

    What is no event is dropped: DingTalk would only send the same again.
    """
    try:
        envelope = envelope_of_frame(frame)
    except UnreadableEvent as error:
        logger.warning("Something came over a Stream connection that is no event: %s", error)
        return
    for app in App.objects.usable().filter(pk__in=apps):
        receive(app, envelope, way=EventWay.STREAM)


def receive_callback(app: App, sealed: Sealed) -> dict[str, str]:
    """Applies what was posted to the callback of ``app``, and returns the answer that DingTalk wants.

    One that comes again within the time for which its signature is good is answered as it was. Raises CallbackRefused.
    """
    if not _is_recent(sealed.timestamp):
        raise CallbackRefused("old")
    try:
        cipher = callback_cipher(app)
        envelope = envelope_of_callback(cipher.open(sealed))
    except (AppUnavailable, ForgedCallback, UnreadableEvent) as error:
        logger.info("A callback for DingTalk app %s is refused: %s", app.pk, error)
        raise CallbackRefused from error
    if envelope.event_type != CHECK_URL:
        receive(app, envelope, way=EventWay.CALLBACK)
    return cipher.seal(SUCCESS, timestamp=str(round(time.time() * 1000))).as_answer()


def forget_old() -> None:
    """Forgets events that are refused by their age alone."""
    ReceivedEvent.objects.outdated().delete()


def _is_recent(timestamp: str) -> bool:
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= _LONGEST_TIMESTAMP):
        return False
    return abs(time.time() - int(timestamp) / 1000) <= _SIGNED_WITHIN_SECONDS


def _apply(app: App, envelope: Envelope) -> EventOutcome:
    if app.auth_corp_id and envelope.corp_id not in {"", app.auth_corp_id}:
        # Another company has authorised the same app.
        return EventOutcome.NOT_OURS
    try:
        event = event_of(envelope)
    except UnreadableEvent as error:
        logger.warning("An event for DingTalk app %s was not understood: %s", app.pk, error)
        return EventOutcome.UNREADABLE
    if isinstance(event, TicketIssued):
        return _take_ticket(app, event, envelope)
    return _tell(app, event, envelope)


def _take_ticket(app: App, event: TicketIssued, envelope: Envelope) -> EventOutcome:
    if app.kind != AppKind.THIRD_PARTY or event.suite_key not in {"", app.client_id}:
        return EventOutcome.NOT_OURS
    born_at = envelope.born_at or timezone.now()
    is_news = App.objects.note_ticket(app.pk, event.ticket, born_at=born_at)
    return EventOutcome.APPLIED if is_news else EventOutcome.OUTDATED


def _tell(app: App, event: Event, envelope: Envelope) -> EventOutcome:
    if not isinstance(event, MeetingChanged | MembersChanged):
        return EventOutcome.NOT_OURS
    conference = Conference.objects.of_app(app, conference_ids=[event.conference_id]).first()
    if conference is None:
        return EventOutcome.NOT_OURS
    if isinstance(event, MeetingChanged):
        heard = observing.hear_meeting(
            conference, event.status, sequence=event.sequence, born_at=envelope.born_at
        )
    else:
        heard = observing.hear_members(
            conference, event.members, sequence=event.sequence, born_at=envelope.born_at
        )
    return EventOutcome.APPLIED if heard is Heard.APPLIED else EventOutcome.OUTDATED
