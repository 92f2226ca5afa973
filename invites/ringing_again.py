"""Rings again those who have not joined: when somebody presses, or by itself where an organizer wanted that.

Whom to ring is read from what the conference last reported of its members. By itself nobody is rung who ever
declined, left or was removed, of whom it is not known whether they joined, or in quiet hours; a press may ring more.
Must not call DingTalk: each ring is a new invitation, which `invites.sending` sends like any other.
"""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import Max, TextChoices
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from invites import permissions, watching
from invites.delivering import TOO_LATE_AFTER
from invites.errors import AlreadySent, InviteError, NobodyToInvite
from invites.models import Conference, Invitation, Invitee, Observation, User
from invites.models.invitee import InviteeQuerySet, InviteeState
from invites.sending import check_can_be_sent, repeat

CALL_LASTS = timedelta(minutes=1)
"""Whoever was called less than that ago may still be reaching for the phone."""

FRESH = timedelta(seconds=20)
"""By itself nobody is rung on older news than that."""

ASK_EVERY = timedelta(seconds=5)
MOST_WAITS = 6
"""So often a ring is put off for want of fresh news; then it is left out."""

LOOK_EVERY = timedelta(seconds=30)
_MAY_STILL_JOIN = (InviteeState.PENDING, InviteeState.SENDING, InviteeState.INVITED)

logger = logging.getLogger(__name__)


class Whom(TextChoices):
    """Whom a press rings."""

    NOT_JOINED = "not_joined", _("Those who have not joined")
    NOT_KNOWN = "not_known", _("Those of whom it is not known whether they joined")


def ring_again(*, invitation: Invitation, whom: Whom, seen: int, user: User) -> Invitation:
    """Rings people of a sent ``invitation`` who are not in the meeting, in the name of ``user``, as a new invitation.

    ``seen`` is the newest repetition of it (0 for none) that the person saw: of several presses on the same page one
    rings. Raises AlreadySent, NobodyToInvite, ConferenceEnded, ConferenceLocked or AppUnavailable, each with nothing
    changed.
    """
    with transaction.atomic():
        original = Invitation.objects.for_ringing().get(pk=invitation.pk)
        check_can_be_sent(original)
        if newest_repetition(original) > seen:
            raise AlreadySent(
                _("People have been called again since this page was loaded. Look at it again, then ring.")
            )
        absent = _absent(original.invitees.all(), original.conference)
        people = _one_each(absent.certainly(absent=whom == Whom.NOT_JOINED).in_order())
        if not people:
            raise NobodyToInvite(
                _("Nobody is left to ring: everybody has joined, has left or was called a moment ago.")
            )
        return repeat(original=original, people=people, user=user)


def newest_repetition(invitation: Invitation) -> int:
    """The key of the newest invitation that repeats this one, 0 where none does."""
    newest: int | None = invitation.repeated_by.aggregate(newest=Max("pk"))["newest"]
    return newest or 0


def count_absent(invitation: Invitation) -> tuple[int, int]:
    """How many `ring_again` would ring now: those who have not joined, and those of whom that is not known."""
    return _absent(invitation.invitees.all(), invitation.conference).count_absent()


def next_ring(invitation: Invitation) -> Invitation | None:
    """The invitation that holds the time of the next ring by itself, be it this one, the first or the last ring."""
    if invitation.ring_again_at is not None:
        return invitation
    # It has had its last ring, or a ring follows it that holds the time now.
    if not invitation.ring_again_minutes or invitation.is_under_way:
        return None
    return Invitation.objects.same_ringing(invitation).filter(ring_again_at__isnull=False).first()


def stop_ringing(*, invitation: Invitation) -> bool:
    """Nobody of ``invitation`` is rung again by itself any more; False where nobody would have been."""
    with transaction.atomic():
        # A ring that is being made at this moment moves the time to another row.
        locked = Invitation.objects.for_ringing().get(pk=invitation.pk)
        timed = Invitation.objects.same_ringing(locked).filter(ring_again_at__isnull=False)
        return bool(timed.update(ring_again_at=None, rings_left=0))


def ring_due() -> int:
    """Makes every ring whose time has come, puts it off or gives it up; returns how many were made.

    Every worker does this every few seconds. Of several at the same time one has a ring, and the others go on.
    """
    rung = 0
    for pk in list(Invitation.objects.ringing_again_by(timezone.now()).values_list("pk", flat=True)):
        with transaction.atomic():
            due = Invitation.objects.for_ringing(if_free=True).ringing_again_by(timezone.now())
            if (timed := due.filter(pk=pk).first()) is not None:
                rung += _ring_by_itself(timed, now=timezone.now())
    return rung


def _ring_by_itself(timed: Invitation, *, now: datetime) -> bool:
    """Whether the ring was made for which it is time on ``timed``, which is locked."""
    first = Invitation.objects.with_sender().with_app().get(pk=timed.first_of_ringing_id)
    candidates = Invitee.objects.on_or_repeating(first.pk).who_may_be_rung_unasked()
    if not _may_go_on(first, timed, now=now):
        _stop(timed)
    elif until := _not_before(timed, now=now):
        _put_off(timed, until=until)
    elif not Observation.objects.filter(conference=timed.conference_id, read_at__gte=now - FRESH).exists():
        _wait_for_news(timed, now=now)
    elif people := _one_each(_absent(candidates, timed.conference).certainly(absent=True).in_order()):
        return _ring(first, timed, people=people)
    elif candidates.with_states(_MAY_STILL_JOIN).exists():
        _pass_over(timed, now=now)
    else:
        _stop(timed)
    return False


def _may_go_on(first: Invitation, timed: Invitation, *, now: datetime) -> bool:
    """Whether anybody can be called into the conference, and whoever asked for it may still do so and in time."""
    try:
        check_can_be_sent(timed)
    except InviteError:
        return False
    if first.cancelled_at is not None or timed.cancelled_at is not None:
        return False
    begun = timed.set_going_at or timed.created_at
    latest = begun + timedelta(minutes=timed.ring_again_minutes) + TOO_LATE_AFTER
    if (timed.conference.app.end_of_quiet_hours(now) or now) > latest:
        return False
    return first.sent_by is not None and permissions.may_still_invite(first.sent_by, timed.conference)


def _not_before(timed: Invitation, *, now: datetime) -> datetime | None:
    """When to look again where it is too early: not all of the last calls have been made, or the hours are quiet."""
    if timed.is_under_way:
        return now + LOOK_EVERY
    return timed.conference.app.end_of_quiet_hours(now)


def _ring(first: Invitation, timed: Invitation, *, people: list[Invitee]) -> bool:
    rings_left = timed.rings_left - 1
    _stop(timed)
    try:
        with transaction.atomic():
            ring = repeat(original=first, people=people, user=first.sent_by, rings_left=rings_left)
    except InviteError as refusal:
        logger.info("Invitation %s is not rung again: %s", first.pk, type(refusal).__name__)
        return False
    logger.info("Invitation %s is rung again by itself as %s", first.pk, ring.pk)
    return True


def _wait_for_news(timed: Invitation, *, now: datetime) -> None:
    if timed.ring_again_waits >= MOST_WAITS:
        _pass_over(timed, now=now)
        return
    transaction.on_commit(partial(watching.read_soon, timed.conference))
    timed.ring_again_waits += 1
    _put_off(timed, until=now + ASK_EVERY)


def _pass_over(timed: Invitation, *, now: datetime) -> None:
    """Leaves this ring out; the next one comes at its time."""
    timed.rings_left -= 1
    timed.ring_again_waits = 0
    if timed.rings_left:
        _put_off(timed, until=now + timedelta(minutes=timed.ring_again_minutes))
    else:
        _stop(timed)


def _put_off(timed: Invitation, *, until: datetime) -> None:
    timed.ring_again_at = until
    timed.save(update_fields=["ring_again_at", "ring_again_waits", "rings_left"])


def _stop(timed: Invitation) -> None:
    """There is one time for all rings of an invitation, and this takes it away."""
    timed.ring_again_at, timed.rings_left, timed.ring_again_waits = None, 0, 0
    timed.save(update_fields=["ring_again_at", "ring_again_waits", "rings_left"])


def _absent(people: InviteeQuerySet, conference: Conference) -> InviteeQuerySet:
    """Those of ``people`` who are not in ``conference`` and whom nobody has called in the last minute."""
    called_before = timezone.now() - CALL_LASTS
    calling = conference.invitations.calling_since(called_before).values_list("pk", flat=True)
    return people.absent(called_before=called_before, calling=list(calling))


def _one_each(people: Iterable[Invitee]) -> list[Invitee]:
    """``people`` without those who are there already, under the same number or unionId, contact or member."""
    seen: set[object] = set()
    chosen = []
    for person in people:
        identities = {(person.channel, person.value), ("contact", person.contact_id)}
        if not person.member_is_probable:
            identities.add(("member", person.member_id))
        identities = {(kind, value) for kind, value in identities if value is not None}
        if not seen & identities:
            chosen.append(person)
        seen |= identities
    return chosen
