"""Tells how an attempt came about and what followed, as a time line. Must not change anything.

changes of the list ─▶ sent ─▶ tries of the batch, of the whole before it and of its halves ─▶ the conference's report
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from operator import attrgetter

from invites.models import Attempt, Batch, DraftEdit, Invitation, Invitee, User
from invites.models.batch import BatchState

# So many of the last changes of a list are told, and so many of its repetitions: there may have been thousands.
EDITS_TOLD = 20
REPETITIONS_TOLD = 10
# A shorter time between two tries is no pause, only how long it took to get round to it.
_PAUSE = timedelta(seconds=1)


class StepKind(StrEnum):
    """What happened."""

    EDITED = "edited"
    SENT = "sent"
    TRIED = "tried"
    RESUMED = "resumed"
    CANCELLED = "cancelled"
    REPORTED = "reported"
    REPEATED = "repeated"


class Kin(StrEnum):
    """Of which batch a try was, as seen from the attempt that the time line is about."""

    SAME = "same"
    WHOLE = "whole"
    HALF = "half"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happened ``at`` a time; which of the other fields are set depends on its ``kind``.

    ``attempt`` is a try, ``kin`` says of which batch, and ``paused`` how many seconds it came after the one before.
    ``attendance`` says of how many people the conference reported what.
    """

    at: datetime
    kind: StepKind
    by: User | None = None
    edit: DraftEdit | None = None
    attempt: Attempt | None = None
    kin: Kin = Kin.SAME
    paused: int = 0
    attendance: Mapping[str, int] = field(default_factory=dict)
    repetition: Invitation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLine:
    """What happened, in the order in which it did; ``begins_earlier`` where older changes of the list are left out.

    ``goes_on_at`` is when the batch is tried again by itself, where it waits for that.
    """

    steps: Sequence[Step]
    begins_earlier: bool
    goes_on_at: datetime | None


def recount(attempt: Attempt) -> TimeLine:
    """The time line of ``attempt``, which has its batch, its invitation and its people with their members at hand."""
    invitation = attempt.invitation
    edits = DraftEdit.objects.filter(invitation=invitation).last_few(EDITS_TOLD + 1)
    steps = [Step(at=edit.at, kind=StepKind.EDITED, by=edit.by, edit=edit) for edit in edits[-EDITS_TOLD:]]
    steps += _of_invitation(invitation)
    steps += _tries(attempt)
    steps += _report([sending.invitee for sending in attempt.people_sent.all()])
    waits = attempt.batch.state == BatchState.WAITING and invitation.is_under_way
    return TimeLine(
        # Stable, so that what happened in one moment stays in the order in which it must have happened.
        steps=sorted(steps, key=attrgetter("at")),
        begins_earlier=len(edits) > EDITS_TOLD,
        goes_on_at=attempt.batch.not_before if waits else None,
    )


def _of_invitation(invitation: Invitation) -> Iterator[Step]:
    if invitation.sent_at is not None:
        yield Step(at=invitation.sent_at, kind=StepKind.SENT, by=invitation.sent_by)
    if invitation.resumed_at is not None:
        yield Step(at=invitation.resumed_at, kind=StepKind.RESUMED)
    if invitation.cancelled_at is not None:
        yield Step(at=invitation.cancelled_at, kind=StepKind.CANCELLED, by=invitation.cancelled_by)
    for repetition in invitation.repeated_by.sent().with_sender()[:REPETITIONS_TOLD]:
        if repetition.sent_at is not None:
            yield Step(
                at=repetition.sent_at,
                kind=StepKind.REPEATED,
                by=repetition.sent_by,
                repetition=repetition,
            )


def _tries(attempt: Attempt) -> Iterator[Step]:
    before: dict[int, Attempt] = {}
    for each in Attempt.objects.around(attempt.batch):
        last = before.get(each.batch_id)
        pause = each.started_at - last.finished_at if last and last.finished_at else timedelta()
        yield Step(
            at=each.started_at,
            kind=StepKind.TRIED,
            attempt=each,
            kin=_kin(each, attempt.batch),
            paused=round(pause.total_seconds()) if pause >= _PAUSE else 0,
        )
        before[each.batch_id] = each


def _kin(attempt: Attempt, batch: Batch) -> Kin:
    if attempt.batch_id == batch.pk:
        return Kin.SAME
    return Kin.WHOLE if attempt.batch_id == batch.half_of_id else Kin.HALF


def _report(people: Sequence[Invitee]) -> Iterator[Step]:
    members = [person.member for person in people if person.member is not None]
    if members:
        yield Step(
            at=max(member.read_at for member in members),
            kind=StepKind.REPORTED,
            attendance=dict(Counter(member.attendance for member in members)),
        )
