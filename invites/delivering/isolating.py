"""Finds out whom in a refused batch DingTalk does not know, by asking its directory: that costs none of the quota.

Where the directory does not tell, the batch is halved, which costs calls. Nothing here runs inside a transaction while
the network is asked.
"""

import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from invites.connecting import client_for
from invites.delivering.marking import mark_unknown
from invites.delivering.recording import close_finished, leave_out_waiting
from invites.delivering.splitting import halve, split
from invites.dingtalk import (
    Broken,
    DingTalkError,
    Refused,
    StaleToken,
    Throttled,
    UnknownPerson,
    UnreadableAnswer,
)
from invites.dingtalk.calls import GET_USER, is_path_segment
from invites.errors import AppUnavailable
from invites.explaining import UNKNOWN_OPERATOR
from invites.models import App, Batch, Invitation
from invites.models.batch import BatchState
from invites.models.invitee import InviteeState
from invites.pacing import take_turn

_SHARE_FOR_ASKING = 2 / 3
ASKED_AT_ONCE = 4
"""So many people the directory is asked about at the same time."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Answers:
    """The unionIds that the directory knows, and those that it said it does not know."""

    known: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self.known) + len(self.unknown)

    @property
    def culprits(self) -> set[str]:
        """Who is unknown; nobody where the directory knew nobody at all, since it may not see these people."""
        return self.unknown if self.known else set()


def find_unknown(batch_id: int) -> None:
    """Asks who in a batch is unknown; these are not invited, and the others wait in a batch of their own.

    Where the operator is unknown, everybody who still waits is left out. Where nobody is found, the batch is halved.
    Nothing happens where the batch has been given up meanwhile.
    """
    batch = Batch.objects.looking_up().with_app().filter(pk=batch_id).first()
    if batch is None:
        return
    people = batch.invitees.pending().in_dingtalk().in_order().values_list("value", flat=True)
    union_ids = filter(None, (batch.invitation.operator_union_id, *people))
    _conclude(batch, _ask(batch.invitation.conference.app, list(dict.fromkeys(union_ids))))


def give_up_overdue() -> int:
    """Halves the batches of which nobody has found out in time who is unknown; returns how many there were."""
    overdue = list(Batch.objects.looking_up().overdue())
    for batch in overdue:
        _conclude(batch, _Answers())
    return len(overdue)


def _ask(app: App, union_ids: list[str]) -> _Answers:
    """What the directory says about ``union_ids``, each asked once, as far as it says anything in time."""
    answers = _Answers()
    # That ends before anybody gives the batch up.
    asking = settings.LOOK_UP_SECONDS * _SHARE_FOR_ASKING
    if not app.may_look_up or len(union_ids) > asking * app.calls_per_second:
        return answers
    try:
        client = client_for(app)
    except AppUnavailable:
        return answers
    until = time.monotonic() + asking
    # What cannot stand in a path, nobody can be asked about.
    askable = [union_id for union_id in union_ids if is_path_segment(union_id)]
    asked = _in_turn(app, askable, until)
    for union_id, answer in client.get_users(union_ids=asked, deadline=until, at_once=ASKED_AT_ONCE):
        match answer:
            case UnknownPerson():
                answers.unknown.add(union_id)
            case DingTalkError() as error:
                logger.info("App %s: the directory does not tell who is unknown: %s", app.pk, error.code)
                if _is_for_good(error):
                    App.objects.note_lookup_refused(app.pk)
                break
            case _:
                answers.known.add(union_id)
    return answers


def _in_turn(app: App, union_ids: Iterable[str], until: float) -> Iterator[str]:
    """``union_ids`` one by one, as fast as the app may ask, while there is time."""
    for union_id in union_ids:
        left = until - time.monotonic()
        if left <= 0 or take_turn(app, GET_USER, patience=left):
            return
        yield union_id


def _is_for_good(error: DingTalkError) -> bool:
    """Whether to expect the same the next time: it was a no that is not about the person, or no answer of the API's."""
    return isinstance(error, Refused | UnreadableAnswer) and not isinstance(
        error, Throttled | Broken | StaleToken
    )


def _conclude(batch: Batch, answers: _Answers) -> None:
    """Writes down what ``answers`` mean for a batch, unless somebody else has done so."""
    with transaction.atomic():
        # First, as everywhere where many batches may change at once.
        App.objects.lock_that_of(batch.invitation_id)
        if not Batch.objects.looking_up().filter(pk=batch.pk).lock():
            return
        if answers:
            Invitation.objects.note_lookups(batch.invitation_id, len(answers))
        if batch.invitation.operator_union_id in answers.culprits:
            leave_out_waiting(batch.invitation_id, because=UNKNOWN_OPERATOR)
        else:
            # The parts take over what is written here.
            batch.state, batch.not_before = BatchState.TAKEN, timezone.now()
            batch.was_looked_up = bool(answers)
            batch.save(update_fields=["state", "not_before", "was_looked_up"])
            _go_on(batch, answers.culprits)
    close_finished(batch.invitation_id)


def _go_on(batch: Batch, culprits: set[str]) -> None:
    waiting = batch.invitees.pending()
    if unknown := list(waiting.in_dingtalk().filter(value__in=culprits).values_list("pk", flat=True)):
        others = list(waiting.in_order().exclude(pk__in=unknown).values_list("pk", flat=True))
        people = batch.invitees.among(unknown)
        people.update(state=InviteeState.FAILED, changed_at=timezone.now())
        mark_unknown(people, code=batch.attempts.latest("number").error_code)
        split(batch, [others])
        logger.info("Batch %s: %s people are unknown, %s go on", batch.pk, len(unknown), len(others))
    else:
        halve(batch)
