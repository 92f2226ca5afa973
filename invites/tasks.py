"""What a worker runs through Django's Tasks interface. Each task only calls a verb.

A task is a bell, not a record: what is still to be sent stands in our own tables, and a bell that is lost is rung
again by `invites.recovering`. A bell that rings twice does no harm, since batches are claimed.
"""

from datetime import date, datetime, timedelta

from django.db import transaction
from django.tasks import Task, task
from django.utils import timezone

from invites import absorbing, bell, delivering, erasing, following, observing, reporting, sealing
from invites.models import Invitation, SealedDay
from invites.signing_in import resetting

TURN_SECONDS = 1.0
"""After so long a sender lets others have the worker: somebody's meeting may wait behind a very long list."""

# Below the first bell of every invitation and every reading, which have none: the engine sorts by priority first, and
# of the same priority it takes what was put off until some time before what was not.
_BEHIND_OTHERS = -1
LISTS = "lists"
"""The queue of what may take minutes. A worker has a thread of its own for it, so that nobody's phone waits for a list
to be read, however many lists there are.
"""

# Where an engine has one worker for both.
_BEHIND_INVITATIONS = -2


@task()
def deliver_invitation(invitation_id: int) -> None:
    """Sends what is due of an invitation, and rings again for the rest and for what will be due later."""
    turn = timezone.now() + timedelta(seconds=TURN_SECONDS)
    next_due = delivering.deliver(invitation_id=invitation_id, policy=delivering.WORKER, until=turn)
    if next_due is not None:
        next_due = max(next_due, timezone.now())
        Invitation.objects.note_ring(invitation_id, at=next_due)
        ring_behind_others(invitation_id, at=next_due)


def ring_behind_others(invitation_id: int, *, at: datetime) -> None:
    """Rings for one more sender of an invitation, to be heard at ``at``, when nobody is needed more urgently."""
    deliver_invitation.using(run_after=at, priority=_BEHIND_OTHERS).enqueue(invitation_id)


@task()
def observe_conference(conference_id: int) -> None:
    """Reads who is in a conference, where somebody still wants to know."""
    observing.read(conference_id)


@task(queue_name=LISTS, priority=_BEHIND_INVITATIONS)
def read_import(import_id: int, rung_at: str) -> None:
    """Reads a file of contacts and compares it with its book; ``rung_at``, in ISO form, tells this bell from others."""
    absorbing.read(import_id, heard_at=datetime.fromisoformat(rung_at))


@task(queue_name=LISTS, priority=_BEHIND_INVITATIONS)
def read_directory(import_id: int, rung_at: str) -> None:
    """Reads the part of the directory that a book follows, and applies what was read where that is wished."""
    following.read(import_id, heard_at=datetime.fromisoformat(rung_at))
    following.apply(import_id)


@task(queue_name=LISTS, priority=_BEHIND_INVITATIONS)
def store_import(import_id: int, rung_at: str) -> None:
    """Stores what was confirmed of an import; ``rung_at`` as above."""
    absorbing.store(import_id, heard_at=datetime.fromisoformat(rung_at))


@task(queue_name=LISTS, priority=_BEHIND_INVITATIONS)
def send_weekly_mail(mail_id: int) -> None:
    """Sends one person's weekly digest."""
    reporting.send(mail_id)


@task(queue_name=LISTS, priority=_BEHIND_INVITATIONS)
def tell_head(day: str) -> None:
    """Lets the head of the chain leave the house; ``day``, in ISO form, is the one that was sealed last."""
    sealing.tell(SealedDay.objects.get(pk=date.fromisoformat(day)))


@task(queue_name=LISTS)
def send_password_link(user_id: int, language: str) -> None:
    """Sends somebody the link to a new password."""
    resetting.send_link(user_id, language=language)


def ring_for_password_link(user_id: int, *, language: str) -> None:
    """Has the link to a new password sent. Nobody waits for the mail server meanwhile, whose time could be measured."""
    with transaction.atomic():
        send_password_link.enqueue(user_id, language)
        bell.ring()


@task(queue_name=LISTS, priority=_BEHIND_INVITATIONS)
def erase_person(erasure_id: int) -> None:
    """Erases whom an erasure on record is about."""
    erasing.carry_out(erasure_id)


def ring_for_import(act: Task[[int, str], None], *, import_id: int, at: datetime) -> None:
    """Has an import read or stored by ``act`` once the transaction is committed; ``at`` tells this bell from others."""

    def ring() -> None:
        with transaction.atomic():
            act.enqueue(import_id, at.isoformat())
            bell.ring()

    transaction.on_commit(ring)
