"""What the tests of ringing again share: people who were called, and a moment at which they are looked at."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.db import connection

from invites.errors import InviteError
from invites.models import Invitation, Invitee, Observation, User
from invites.models.invitee import InviteeState
from invites.models.member import Attendance
from invites.ringing_again import Whom, ring_again
from tests.factories import (
    AttemptFactory,
    BatchFactory,
    ConferenceFactory,
    InviteeFactory,
    MemberFactory,
    SentInvitationFactory,
)

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
AGES_AGO = NOW - timedelta(minutes=5)
JUST_NOW = NOW - timedelta(seconds=30)


def sent_ages_ago(user: User) -> Invitation:
    """An invitation of ``user`` into a conference whose members have just been read."""
    sent: Invitation = SentInvitationFactory(
        conference=ConferenceFactory(owner=user),
        sent_at=AGES_AGO,
        finished_at=AGES_AGO,
        operator_union_id="operator-of-the-first",
    )
    Observation.objects.create(conference=sent.conference, read_at=NOW - timedelta(seconds=5))
    return sent


def called(
    invitation: Invitation,
    attendance: Attendance | None = None,
    *,
    at: datetime = AGES_AGO,
    seen: datetime = AGES_AGO,
    probably: bool = False,
    let_be_since: datetime | None = None,
    joined_at: datetime | None = None,
    **person: object,
) -> Invitee:
    """Somebody whom DingTalk took at ``at``, and who was ``seen`` to do what ``attendance`` says from then on."""
    batch = BatchFactory(invitation=invitation, number=invitation.batches.count() + 1)
    attempt = AttemptFactory(invitation=invitation, batch=batch, started_at=at)
    member = None
    if attendance is not None:
        member = MemberFactory(
            conference=invitation.conference,
            attendance=attendance,
            changed_at=seen,
            let_be_since=let_be_since,
            joined_at=joined_at,
        )
    made: Invitee = InviteeFactory(
        invitation=invitation,
        **{"state": InviteeState.INVITED, "batch": batch, "last_attempt": attempt, "member": member}
        | {"member_is_probable": probably}
        | person,
    )
    return made


def press(invitation: Invitation, user: User, whom: Whom = Whom.NOT_JOINED, seen: int = 0) -> Invitation:
    return ring_again(invitation=invitation, whom=whom, seen=seen, user=user)


def rung(ring: Invitation) -> set[str]:
    return set(ring.invitees.values_list("value", flat=True))


def all_at_once(act: Callable[[], object], times: int = 6) -> list[object]:
    """What ``act`` returns, or the class of its refusal, in so many threads at the same time."""
    results: list[object] = []
    start = threading.Barrier(times)

    def run() -> None:
        start.wait()
        try:
            results.append(act())
        except InviteError as error:
            results.append(type(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
