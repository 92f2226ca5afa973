"""Sends an invitation at a set time, and puts it aside until then. Must not decide how anything is sent.

draft ──schedule, put_aside──▶ scheduled ──take_back──▶ draft;  draft | scheduled ──send_due, send_now──▶ sending

The time stands in our own table, and every worker looks for it every few seconds. The task here only rings at the very
moment; it lies beside the verb that it calls, since `invites.tasks` holds what sending rings for.
"""

import logging
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from types import MappingProxyType

from django.db import IntegrityError, transaction
from django.tasks import task
from django.utils import timezone

from invites import composing, permissions, sending
from invites.delivering import TOO_LATE_AFTER
from invites.errors import (
    AlreadySent,
    AppUnavailable,
    ComposerInUse,
    ConferenceEnded,
    ConferenceLocked,
    DemoPersonRefused,
    DraftChanged,
    EverybodyMarked,
    InviteError,
    NobodyToInvite,
)
from invites.models import DraftEdit, Invitation, User
from invites.models.draft_edit import EditKind
from invites.models.invitation import InvitationState, ScheduleProblem

_PROBLEMS: Mapping[type[InviteError], ScheduleProblem] = MappingProxyType(
    {
        ConferenceEnded: ScheduleProblem.CONFERENCE_ENDED,
        ConferenceLocked: ScheduleProblem.CONFERENCE_LOCKED,
        AppUnavailable: ScheduleProblem.APP_UNAVAILABLE,
        NobodyToInvite: ScheduleProblem.NOBODY_TO_INVITE,
        EverybodyMarked: ScheduleProblem.EVERYBODY_MARKED,
        DemoPersonRefused: ScheduleProblem.DEMO_PERSON,
    }
)

logger = logging.getLogger(__name__)


def schedule(*, invitation: Invitation, revision: int, at: datetime, user: User) -> Invitation:
    """Puts a draft aside, to be sent at ``at`` in the name of ``user``, and returns it.

    ``revision`` is that of the list which the person saw. Raises AlreadySent, PutAside, DraftChanged, NobodyToInvite or
    ConferenceEnded, each with nothing changed.
    """
    with transaction.atomic():
        draft = sending.lock_draft(invitation, revision=revision)
        if draft.conference.has_ended:
            raise ConferenceEnded
        if not draft.invitees.exists():
            raise NobodyToInvite
        draft.state = InvitationState.SCHEDULED
        draft.scheduled_for = at
        draft.scheduled_by = user
        draft.schedule_problem = ""
        _save(draft, EditKind.SCHEDULED, by=user)
        transaction.on_commit(partial(send_scheduled.using(run_after=at).enqueue))
    return draft


def put_aside(*, invitation: Invitation, revision: int, user: User) -> Invitation:
    """Puts a draft aside that carries a time already, which stays as it is. Raises what `schedule` raises."""
    with transaction.atomic():
        draft = sending.lock_draft(invitation, revision=revision)
        if draft.scheduled_for is None:
            raise DraftChanged
        draft.state = InvitationState.SCHEDULED
        _save(draft, EditKind.PUT_ASIDE, by=user)
    return draft


def unschedule(*, invitation: Invitation, revision: int, user: User) -> Invitation:
    """Takes the time away from a draft, and what is said about one that has passed. Raises what `schedule` raises."""
    with transaction.atomic():
        draft = sending.lock_draft(invitation, revision=revision)
        draft.scheduled_for = draft.scheduled_by = None
        draft.schedule_problem = ""
        _save(draft, EditKind.UNSCHEDULED, by=user)
    return draft


def take_back(*, invitation: Invitation, user: User) -> Invitation:
    """Brings what was put aside back into the composer, where it keeps its time, and returns it.

    Raises ComposerInUse where another list stands there, and AlreadySent or DraftChanged where it is not put aside any
    more.
    """
    with transaction.atomic():
        scheduled = _lock_put_aside(invitation)
        standing = Invitation.objects.drafts().for_change().filter(conference=scheduled.conference).first()
        if standing is not None:
            if standing.invitees.exists() or standing.draft_lines.exists():
                raise ComposerInUse
            standing.delete()
        scheduled.state = InvitationState.DRAFT
        try:
            with transaction.atomic():
                _save(scheduled, EditKind.TAKEN_BACK, by=user)
        except IntegrityError as error:
            # Somebody has just begun a list.
            raise ComposerInUse from error
    return scheduled


def send_now(*, invitation: Invitation, revision: int, user: User) -> Invitation:
    """Sends what was put aside without waiting for its time, in the name of ``user``.

    Raises AlreadySent, DraftChanged, and what `sending.send_locked` raises.
    """
    with transaction.atomic():
        scheduled = _lock_put_aside(invitation, revision=revision)
        sending.send_locked(invitation=scheduled, user=user)
        composing.carry_lines_over(sent=scheduled)
    return scheduled


def discard(*, invitation: Invitation) -> None:
    """Throws away what was put aside, with its people. Raises AlreadySent or DraftChanged where it is not any more."""
    with transaction.atomic():
        scheduled = _lock_put_aside(invitation)
        scheduled.invitees.all().delete()
        scheduled.delete()


def send_due() -> int:
    """Sends every invitation whose time has come, each once and in the name of whoever set the time; returns how many.

    One that cannot be sent loses its time and says why instead. Any number of processes may do this at once.
    """
    due = list(Invitation.objects.due_by(timezone.now()).values_list("pk", flat=True))
    return sum(_send_due(pk) for pk in due)


@task()
def send_scheduled() -> None:
    """The bell for a set time."""
    send_due()


def _send_due(pk: int) -> bool:
    """Sends one invitation, unless another process has it or has had it."""
    with transaction.atomic():
        now = timezone.now()
        due = Invitation.objects.due_by(now).for_change_if_free().filter(pk=pk).first()
        if due is None:
            return False
        problem = _send_or_problem(due, now)
        if problem is None:
            composing.carry_lines_over(sent=due)
            return True
        logger.warning("Invitation %s was not sent at its time: %s", pk, problem.value)
        due.scheduled_for = None
        due.schedule_problem = problem
        _save(due, EditKind.UNSCHEDULED, by=None)
        return False


def _send_or_problem(due: Invitation, now: datetime) -> ScheduleProblem | None:
    user = due.scheduled_by
    if due.scheduled_for is None or now - due.scheduled_for > TOO_LATE_AFTER:
        return ScheduleProblem.TOO_LATE
    if user is None or not permissions.may_still_invite(user, due.conference):
        return ScheduleProblem.NOT_ALLOWED
    try:
        with transaction.atomic():
            sending.send_locked(invitation=due, user=user)
    except tuple(_PROBLEMS) as refusal:
        # As it was before: the refusal may have come in the middle.
        due.refresh_from_db()
        return _PROBLEMS[type(refusal)]
    return None


def _lock_put_aside(invitation: Invitation, *, revision: int | None = None) -> Invitation:
    scheduled = Invitation.objects.for_change().filter(pk=invitation.pk).first()
    if scheduled is None or scheduled.is_draft:
        raise DraftChanged
    if not scheduled.is_put_aside:
        raise AlreadySent
    if revision is not None and scheduled.revision != revision:
        raise DraftChanged
    return scheduled


def _save(invitation: Invitation, kind: EditKind, *, by: User | None) -> None:
    """Stores what this module changes, and that it did. Another ``revision`` tells pages that they are out of date."""
    invitation.revision += 1
    invitation.save(update_fields=["state", "scheduled_for", "scheduled_by", "schedule_problem", "revision"])
    DraftEdit.objects.note(invitation, kind, by=by)
