"""Takes the next batch for one sender: before a byte leaves, its attempt is on record and nobody else has it.

This runs once for every call to DingTalk while people wait, so it speaks SQL where one statement does the work of two,
the same on PostgreSQL and SQLite.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from invites import clock
from invites.models import Attempt, Batch, Invitation, Invitee
from invites.models.attempt import Channels
from invites.models.batch import BatchState
from invites.models.conference import ConferenceStatus
from invites.models.invitation import InvitationState
from invites.models.invitee import InviteeState

_TAKE_BATCH = """
    UPDATE invites_batch
    SET state = %(taken)s, tries = tries + 1, first_tried_at = COALESCE(first_tried_at, %(now)s)
    WHERE id = (
        SELECT id FROM invites_batch
        WHERE invitation_id = %(invitation)s AND state = %(waiting)s AND not_before <= %(now)s
            AND EXISTS (
                SELECT 1 FROM invites_app a
                WHERE a.id = %(app)s AND a.enabled AND (a.rests_until IS NULL OR a.rests_until <= %(now)s)
            )
            AND EXISTS (
                SELECT 1 FROM invites_invitation i JOIN invites_conference c ON c.id = i.conference_id
                WHERE i.id = %(invitation)s AND i.state = %(going)s AND i.cancelled_at IS NULL
                    AND c.locked_at IS NULL AND c.status <> %(ended)s
            )
        ORDER BY number LIMIT 1 {lock}
    )
    RETURNING *, (
        SELECT CASE WHEN min(channel) = max(channel) THEN min(channel) ELSE %(both)s END FROM invites_invitee p
        WHERE p.batch_id = invites_batch.id AND p.state = %(pending)s
    ) AS channels
"""
_TAKE_PEOPLE = """
    UPDATE invites_invitee
    SET state = %(sending)s, last_attempt_id = %(attempt)s, changed_at = %(now)s
    WHERE batch_id = %(batch)s AND state = %(pending)s
    RETURNING id, channel, value, nick, position, contact_id
"""
_NOTE_PEOPLE = """
    INSERT INTO invites_attemptinvitee (attempt_id, invitee_id, person_id, started_at)
    SELECT %(attempt)s, id, person_id, %(now)s FROM invites_invitee
    WHERE batch_id = %(batch)s AND last_attempt_id = %(attempt)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One attempt that is about to be made: its row, and its people in their order."""

    attempt: Attempt
    invitation: Invitation
    invitees: list[Invitee]
    claimed_at: datetime


def claim_next_batch(invitation: Invitation) -> Claim | None:
    """Claims the first due batch of an invitation and writes its attempt as started; None where none may be sent now.

    That is where none is due, and also where the invitation has been paused, the conference locked, or the app rests or
    has been switched off meanwhile. The claim is committed
    on return: a caller inside a transaction is a bug, and ``durable`` says so.
    """
    now = timezone.now()
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        batch = _take_batch(invitation, now)
        if batch is None:
            return None
        attempt = Attempt.objects.create(
            invitation=invitation,
            batch=batch,
            number=batch.tries,
            people=batch.people,
            started_at=now,
            deadline=now + timedelta(seconds=settings.CALL_SECONDS + settings.GRACE_SECONDS),
            conference_id=invitation.conference_id,
            app_id=invitation.conference.app_id,
            organizer_id=invitation.sent_by_id,
            channels=batch.channels,
            day=clock.day_of(now),
            trace_id=invitation.trace_id,
        )
        invitees = _take_people(cursor, attempt)
        cursor.execute(
            _NOTE_PEOPLE,
            {
                "attempt": attempt.pk,
                "batch": batch.pk,
                "now": connection.ops.adapt_datetimefield_value(now),
            },
        )
    return Claim(attempt=attempt, invitation=invitation, invitees=invitees, claimed_at=now)


def _take_batch(invitation: Invitation, now: datetime) -> Batch | None:
    """The batch that is now ours, if there is any."""
    lock = "FOR UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else ""
    taken = Batch.objects.raw(
        _TAKE_BATCH.format(lock=lock),
        {
            "taken": BatchState.TAKEN.value,
            "both": Channels.BOTH.value,
            "pending": InviteeState.PENDING.value,
            "waiting": BatchState.WAITING.value,
            "invitation": invitation.pk,
            "going": InvitationState.SENDING.value,
            "ended": ConferenceStatus.ENDED.value,
            "app": invitation.conference.app_id,
            "now": connection.ops.adapt_datetimefield_value(now),
        },
    )
    return next(iter(taken), None)


def _take_people(cursor: CursorWrapper, attempt: Attempt) -> list[Invitee]:
    cursor.execute(
        _TAKE_PEOPLE,
        {
            "sending": InviteeState.SENDING.value,
            "pending": InviteeState.PENDING.value,
            "now": connection.ops.adapt_datetimefield_value(attempt.started_at),
            "attempt": attempt.pk,
            "batch": attempt.batch_id,
        },
    )
    columns = ("id", "channel", "value", "nick", "position", "contact_id")
    people = [Invitee(**dict(zip(columns, row, strict=True))) for row in cursor.fetchall()]
    return sorted(people, key=lambda person: person.position)
