"""Sends a draft: freezes it once and for all, cuts it into batches, and rings for a worker.

Must not call DingTalk: `invites.delivering` does, in a worker or on the command line.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta
from functools import partial
from itertools import batched

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from invites import bell, clock, sparing, tasks, tracing
from invites.errors import (
    AlreadySent,
    AppUnavailable,
    ConferenceEnded,
    ConferenceLocked,
    DemoPersonRefused,
    DraftChanged,
    EverybodyMarked,
    NobodyToInvite,
    PutAside,
)
from invites.explaining import DO_NOT_INVITE
from invites.guarding import refuse_demo_person
from invites.models import App, Batch, Invitation, Invitee, Person, User
from invites.models.invitation import InvitationState

SENDERS_AT_ONCE = 32
"""So many senders work on one invitation at most, if there are as many: more would only wait for DingTalk's limits."""

_SIGNED = ("state", "sent_by", "sent_at", "day", "trace_id", "ring_again_at", "operator_union_id")


def send(*, invitation: Invitation, revision: int, user: User) -> Invitation:
    """Sends the draft ``invitation`` in the name of ``user`` and returns it, frozen.

    ``revision`` is that of the list which the person saw. Raises AlreadySent, DraftChanged, and what `send_locked`
    raises, each with nothing changed. Of several simultaneous calls exactly one sends.
    """
    with transaction.atomic():
        draft = lock_draft(invitation, revision=revision)
        send_locked(invitation=draft, user=user)
    return draft


def lock_draft(invitation: Invitation, *, revision: int) -> Invitation:
    """The draft ``invitation`` as it is now, locked until the transaction ends.

    Raises AlreadySent or PutAside where it is no draft any more, DraftChanged where it is another list than that of
    ``revision``.
    """
    draft = Invitation.objects.for_change().get(pk=invitation.pk)
    if draft.is_put_aside:
        raise PutAside
    if not draft.is_draft:
        raise AlreadySent
    if draft.revision != revision:
        raise DraftChanged
    return draft


def send_locked(*, invitation: Invitation, user: User) -> None:
    """Sends an unsent ``invitation``, which the caller has locked, in the name of ``user``.

    Raises NobodyToInvite, ConferenceEnded, ConferenceLocked, AppUnavailable or DemoPersonRefused, each with nothing
    changed.
    """
    check_can_be_sent(invitation)
    freeze(invitation=invitation, user=user)
    ring(invitation.pk)


def invite_again(*, invitation: Invitation, states: Collection[str], user: User) -> Invitation:
    """Invites the people of a sent invitation who are in one of ``states`` once more, as a new invitation.

    It is in the name of ``user``, who need not be the one that sent the first.
    Whoever stands on an earlier repetition of it is left alone, so that a second press rings nobody again: then
    AlreadySent is raised. Raises also NobodyToInvite, ConferenceEnded, ConferenceLocked or AppUnavailable.
    """
    with transaction.atomic():
        # It may be under way: its senders, who only refer to it, need not wait.
        locked = Invitation.objects.select_for_update(no_key=True, of=("self",))
        original = locked.with_app().get(pk=invitation.pk)
        check_can_be_sent(original)
        people = list(original.invitees.with_states(states).not_erased().in_order())
        if not people:
            raise NobodyToInvite
        again = set(Invitee.objects.on(original.repeated_by.all()).values_list("channel", "value"))
        people = [person for person in people if (person.channel, person.value) not in again]
        if not people:
            raise AlreadySent(_("These people have been invited again already."))
        return repeat(original=original, people=people, user=user)


def repeat(
    *, original: Invitation, people: Sequence[Invitee], user: User | None, rings_left: int | None = None
) -> Invitation:
    """Sends ``people`` of a sent invitation once more, as a new one that says what it repeats, and returns it.

    Whom somebody had put on the original in spite of a mark "do not invite" is called again in spite of it.
    ``rings_left`` belongs to a ring that comes by itself and says how many may follow; that one keeps the operator of
    the original. The caller holds the transaction, and has checked the conference and chosen the people.
    """
    repetition = Invitation(conference=original.conference, repeats=original)
    if rings_left is not None:
        repetition.is_automatic = True
        repetition.operator_union_id = original.operator_union_id
        repetition.rings_left = rings_left
        repetition.ring_again_minutes = original.ring_again_minutes
    sign(repetition, user=user)
    repetition.save()
    Invitee.objects.bulk_create(
        Invitee(
            invitation=repetition,
            position=position,
            channel=person.channel,
            value=person.value,
            nick=person.nick,
            nick_filled_in=person.nick_filled_in,
            contact_id=person.contact_id,
            overridden_by_id=person.overridden_by_id,
            overridden_reason=person.overridden_reason,
        )
        for position, person in enumerate(people)
    )
    cut(repetition)
    ring(repetition.pk)
    return repetition


def freeze(*, invitation: Invitation, user: User | None) -> None:
    """Makes a draft final: who, when, in whose name, in which batches.

    The caller holds the transaction. Raises NobodyToInvite, EverybodyMarked or DemoPersonRefused.
    """
    sign(invitation, user=user)
    invitation.save(update_fields=_SIGNED)
    cut(invitation)


def sign(invitation: Invitation, *, user: User | None) -> None:
    """Writes into ``invitation``, which the caller then saves, who sends it, when and in whose name.

    From then on the database keeps that as it is, so an invitation that was no draft is signed before it is stored.
    """
    invitation.state = InvitationState.SENDING
    invitation.sent_by = user
    invitation.sent_at = timezone.now()
    invitation.day = clock.day_of(invitation.sent_at)
    invitation.trace_id = tracing.current()
    if invitation.rings_left and invitation.ring_again_minutes:
        invitation.ring_again_at = invitation.sent_at + timedelta(minutes=invitation.ring_again_minutes)
    if user is not None and not invitation.operator_union_id:
        invitation.operator_union_id = _operator(user, app=invitation.conference.app)


def cut(invitation: Invitation) -> None:
    """Fixes who is on a signed invitation and cuts them into batches. The caller holds the transaction.

    Every call begins here: a press, a set time, and every ring that comes by itself; so whoever must not be called is
    refused here, and whoever is marked "do not invite" by now is left out. Raises NobodyToInvite, EverybodyMarked or
    DemoPersonRefused.
    """
    values = list(invitation.invitees.values_list("value", flat=True))
    if not values:
        raise NobodyToInvite
    app = invitation.conference.app
    refuse_demo_person(app=app, values=values)
    Person.objects.know_invitees_of(invitation.pk)
    people = len(values) - _leave_out_marked(invitation, user=invitation.sent_by)
    if not people:
        raise EverybodyMarked
    not_before = max(filter(None, (app.rests_until, invitation.sent_at)))
    Batch.objects.cut(invitation.pk, people=people, size=app.people_per_call, not_before=not_before)


def ring(invitation_id: int) -> None:
    """Asks for workers as soon as the transaction is committed: for as many as there is work for, within reason."""
    Invitation.objects.note_ring(invitation_id, at=timezone.now())
    bells = min(Batch.objects.of(invitation_id).waiting().count(), SENDERS_AT_ONCE)
    transaction.on_commit(partial(_enqueue, invitation_id, max(bells, 1)))


def _leave_out_marked(invitation: Invitation, *, user: User | None) -> int:
    """Leaves out whom ``user`` must not invite, and returns how many they are."""
    keys = sparing.to_leave_out(invitation, user=user)
    for some in batched(keys, sparing.CHUNK):
        invitation.invitees.among(some).leave_out(because=DO_NOT_INVITE, at=timezone.now())
    return len(keys)


def _enqueue(invitation_id: int, bells: int) -> None:
    with transaction.atomic():
        # One goes before the turns of long lists, so that nobody waits for these to begin; the others take their place.
        tasks.deliver_invitation.enqueue(invitation_id)
        for _ in range(bells - 1):
            tasks.ring_behind_others(invitation_id, at=timezone.now())
        bell.ring()


def _operator(user: User, *, app: App) -> str:
    """The unionId that calls show as the inviter: that of whoever sends, where this app can know it."""
    try:
        refuse_demo_person(app=app, values=[user.union_id])
    except DemoPersonRefused:
        return ""
    return user.union_id


def check_can_be_sent(invitation: Invitation) -> None:
    """Raises ConferenceEnded, ConferenceLocked or AppUnavailable where nobody of ``invitation`` can be called now."""
    if invitation.conference.has_ended:
        raise ConferenceEnded
    if invitation.conference.locked_at is not None:
        raise ConferenceLocked
    if not App.objects.usable().filter(pk=invitation.conference.app_id).exists():
        raise AppUnavailable
