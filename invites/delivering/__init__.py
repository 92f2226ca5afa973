"""Delivers a sent invitation: batch after batch is claimed, posted to DingTalk and recorded.

Must not decide whether an invitation is sent: `invites.sending` does. Nothing here runs inside a transaction
while the network is asked.
"""

import logging
import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from invites import tracing
from invites.connecting import client_for
from invites.delivering.claiming import Claim, claim_next_batch
from invites.delivering.isolating import find_unknown, give_up_overdue
from invites.delivering.outcomes import (
    COMMAND_LINE,
    PROCESS_DIED,
    WORKER,
    NextStep,
    Outcome,
    RetryPolicy,
    Tried,
    outcome_of_answer,
    outcome_of_error,
    outcome_of_process_death,
)
from invites.delivering.recording import close_finished, leave_out_waiting, record
from invites.delivering.stopping import leave_out_everybody, leave_out_the_late
from invites.dingtalk import DingTalkClient, DingTalkError, Invitee, PhoneInvitee, WrongParameters
from invites.dingtalk.calls import INVITE_USERS
from invites.errors import AppUnavailable
from invites.models import App, Attempt, Invitation
from invites.models.invitation import Due
from invites.models.invitee import Channel
from invites.pacing import LONGEST_PATIENCE, book_turn

__all__ = [
    "CANCELLED",
    "COMMAND_LINE",
    "PROCESS_DIED",
    "WORKER",
    "RetryPolicy",
    "close_dead_attempts",
    "close_finished",
    "deliver",
    "give_up_overdue",
    "leave_out_everybody",
    "leave_out_the_late",
    "leave_out_waiting",
]

APP_UNAVAILABLE = "appUnavailable"
"""Our own code of why people were left out: the app was switched off or lost its credentials."""

TOO_LATE = "tooLate"
"""Our own code of why people were left out: nobody got round to them for so long that a call would surprise them."""

CANCELLED = "cancelled"
"""Our own code of why people were left out: somebody called the invitation off."""

TOO_LATE_AFTER = timedelta(hours=1)
"""Nobody is called later than that after somebody wanted it: not from a list, at a set time, or by a ring by itself."""

_TOKEN_SECONDS = 5.0
# A claim takes about that long; who is later than that by so much has missed a turn.
_CLAIM_SECONDS = 0.02
_MISSED_SECONDS = 0.08
# Longer than that a sender does not wait for its turn; it does something else meanwhile.
_PATIENCE = 2.0
_A_MOMENT = timedelta(seconds=0.2)
_RECORD_AGAIN_SECONDS = 0.5
_RECORD_AGAIN_FOR = timedelta(minutes=5)

logger = logging.getLogger(__name__)


def deliver(*, invitation_id: int, policy: RetryPolicy, until: datetime | None = None) -> datetime | None:
    """Sends what is due of an invitation, batch after batch, until ``until``, and one in any case.

    Returns when to go on, or None where nothing is left for this sender to do. Any number of senders may do this for
    the same invitation at the same time.
    """
    invitation = Invitation.objects.with_app().get(pk=invitation_id)
    with tracing.following(invitation.trace_id, invitation=invitation_id):
        return _deliver(invitation, policy=policy, until=until)


def _deliver(invitation: Invitation, *, policy: RetryPolicy, until: datetime | None) -> datetime | None:
    invitation_id = invitation.pk
    try:
        client = client_for(invitation.conference.app)
    except AppUnavailable:
        # Not where it is paused: the app may be back before somebody resumes it.
        if Invitation.objects.next_due(invitation_id) is not None:
            leave_out_waiting(invitation_id, because=APP_UNAVAILABLE)
        return None
    # Those who waited for one token would all call at the moment at which it comes.
    client.get_token_ready(deadline=time.monotonic() + _TOKEN_SECONDS)
    has_tried = False
    while (due := Invitation.objects.next_due(invitation_id)) is not None:
        now = timezone.now()
        if because := _reason_to_stop(due, now):
            leave_out_waiting(invitation_id, because=because)
            return None
        # However slow the database is, every turn brings an invitation forward.
        if due.at > now or (has_tried and until is not None and now >= until):
            return due.at
        turn = book_turn(invitation.conference.app, INVITE_USERS, patience=_PATIENCE)
        if not turn.is_booked:
            return now + timedelta(seconds=turn.wait)
        has_tried = True
        is_ours = attempt_next(invitation, client, policy=policy, wait=turn.wait)
        if not is_ours and Invitation.objects.next_due(invitation_id):
            # What has changed meanwhile is asked for at the beginning: the app, for one.
            return timezone.now() + _A_MOMENT
    return None


def attempt_next(
    invitation: Invitation, client: DingTalkClient, *, policy: RetryPolicy, wait: float = 0.0
) -> bool:
    """Claims, posts and records one batch; returns whether there was one.

    ``invitation`` comes with its conference and app. Nothing leaves for ``wait`` seconds: the claim is made at the end
    of them, so that the call leaves when its turn comes and not somewhat later.
    """
    turn = time.monotonic() + wait
    if wait > _CLAIM_SECONDS:
        time.sleep(wait - _CLAIM_SECONDS)
    claim = claim_next_batch(invitation)
    if claim is None:
        return False
    with tracing.noting(attempt=claim.attempt.pk):
        try:
            _wait_for(turn, invitation.conference.app)
            outcome = _post(client, claim, policy=policy)
        except BaseException:
            # Interrupted, or a mistake of ours: whether something has left is not known, and nobody else will say so.
            record(claim.attempt, outcome_of_process_death())
            raise
        _write_down(claim, outcome)
        if outcome.next_step is NextStep.LOOK_UP:
            find_unknown(claim.attempt.batch_id)
    return True


def _wait_for(turn: float, app: App) -> None:
    """Waits for a ``turn`` on the clock of `time.monotonic`; for another one where that has been missed.

    Otherwise all those who were held up together would call together.
    """
    early = turn - time.monotonic()
    if early < -_MISSED_SECONDS:
        try:
            # Always within that: nobody books further ahead than senders are patient.
            early = book_turn(app, INVITE_USERS, patience=LONGEST_PATIENCE).wait
        except (OperationalError, InterfaceError):
            # The claim stands, and nothing has left: the call is made, and written down when the database is back.
            connection.close()
    if early > 0:
        time.sleep(early)


def close_dead_attempts() -> int:
    """Closes as unknown every attempt whose process must have died; returns how many there were."""
    closed = 0
    for attempt in Attempt.objects.overdue().with_app().in_order_made():
        closed += record(attempt, outcome_of_process_death())
    return closed


def _reason_to_stop(due: Due, now: datetime) -> str:
    """The code of why nobody else of an invitation is called; "" where there is none."""
    if due.is_cancelled:
        # Those of the last call who would have been called once more.
        return CANCELLED
    # Asked before each call: a machine may have slept since the last.
    is_too_late = due.set_going_at is not None and now - due.set_going_at > TOO_LATE_AFTER
    return TOO_LATE if is_too_late else ""


def _post(client: DingTalkClient, claim: Claim, *, policy: RetryPolicy) -> Outcome:
    """One call to DingTalk, and what it means."""
    # A clock that is set back must not make a call longer.
    left = settings.CALL_SECONDS - max(0.0, (timezone.now() - claim.claimed_at).total_seconds())
    people = [person for person in claim.invitees if person.channel == Channel.UNION_ID]
    phones = [person for person in claim.invitees if person.channel == Channel.PHONE]
    if claim.attempt.batch.token_was_stale:
        # Perhaps in another process, which has put it out of use for all; this one may still remember it.
        client.look_for_new_token()
    try:
        answer = client.invite_users(
            conference_id=claim.invitation.conference.conference_id,
            union_id=claim.invitation.operator_union_id or None,
            invitees=[Invitee(union_id=person.value, nick=person.nick) for person in people],
            phone_invitees=[PhoneInvitee(phone_number=person.value, nick=person.nick) for person in phones],
            deadline=time.monotonic() + left,
        )
    except DingTalkError as error:
        logger.info("Attempt %s: %s (request %s)", claim.attempt.pk, error.code, error.request_id or "-")
        return outcome_of_error(error, tried=_tried(claim, error), policy=policy)
    logger.info(
        "Attempt %s: %s invited (request %s)", claim.attempt.pk, len(claim.invitees), answer.request_id or "-"
    )
    return outcome_of_answer(answer)


def _write_down(claim: Claim, outcome: Outcome) -> None:
    """Records ``outcome``; where the database is away, again and again until it is back.

    When it is back late, recovery may have given the attempt up: then that stands.
    """
    attempt = claim.attempt
    are_from_books = any(person.contact_id for person in claim.invitees)
    while True:
        try:
            record(attempt, outcome, are_from_books=are_from_books)
        except (OperationalError, InterfaceError):
            if timezone.now() >= attempt.deadline + _RECORD_AGAIN_FOR or connection.in_atomic_block:
                raise
            logger.warning("Attempt %s: the database did not take the outcome; trying again", attempt.pk)
            connection.close()
            time.sleep(_RECORD_AGAIN_SECONDS)
        else:
            return


def _tried(claim: Claim, error: DingTalkError) -> Tried:
    is_wrong = isinstance(error, WrongParameters)
    batch, app = claim.attempt.batch, claim.invitation.conference.app
    people = (person.channel == Channel.UNION_ID for person in claim.invitees)
    return Tried(
        people=len(claim.invitees),
        tries=batch.tries,
        elapsed=(timezone.now() - (batch.first_tried_at or claim.claimed_at)).total_seconds(),
        token_was_stale=batch.token_was_stale,
        may_look_up=app.may_look_up and not batch.was_looked_up and any(people),
        may_halve=app.halve_refused_batches,
        is_part=batch.half_of_id is not None,
        largest_taken=Attempt.objects.largest_taken_of(claim.invitation) if is_wrong else 0,
        times_refused=(
            Attempt.objects.times_refused(claim.invitation, code=error.code, people=len(claim.invitees))
            if is_wrong
            else 0
        ),
    )
