"""Sends a draft: freezes it once and for all, cuts it into batches, and rings for a worker.

Must not call DingTalk: `invites.delivering` does, in a worker or on the command line.
"""

from collections.abc import Collection, Sequence
from functools import partial

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from invites import bell, tasks
from invites.errors import (
    AlreadySent,
    AppUnavailable,
    ConferenceEnded,
    DemoPersonRefused,
    DraftChanged,
    NobodyToInvite,
)
from invites.guarding import refuse_demo_person
from invites.models import App, Batch, Invitation, Invitee, User
from invites.models.invitation import InvitationState


def send(*, invitation: Invitation, revision: int, user: User) -> Invitation:
    """Sends the draft ``invitation`` in the name of ``user`` and returns it, frozen.

    ``revision`` is that of the list which the person saw. Raises AlreadySent, DraftChanged, NobodyToInvite,
    ConferenceEnded, AppUnavailable or DemoPersonRefused, each with nothing changed. Of several simultaneous calls
    exactly one sends.
    """
    with transaction.atomic():
        drafts = Invitation.objects.select_for_update(of=("self",)).select_related("conference__app")
        draft = drafts.get(pk=invitation.pk)
        if not draft.is_draft:
            raise AlreadySent
        if draft.revision != revision:
            raise DraftChanged
        _check_can_be_sent(draft)
        invitees = list(draft.invitees.in_order())
        freeze(invitation=draft, invitees=invitees, user=user)
        ring(draft.pk)
    return draft


def invite_again(*, invitation: Invitation, states: Collection[str], user: User) -> Invitation:
    """Invites the people of a sent invitation who are in one of ``states`` once more, as a new invitation.

    It is in the name of ``user``, who need not be the one that sent the first.
    Whoever stands on an earlier repetition of it is left alone, so that a second press rings nobody again: then
    AlreadySent is raised. Raises also NobodyToInvite, ConferenceEnded or AppUnavailable.
    """
    with transaction.atomic():
        # It may be under way: its senders, who only refer to it, need not wait.
        locked = Invitation.objects.select_for_update(no_key=True, of=("self",))
        original = locked.select_related("conference__app").get(pk=invitation.pk)
        _check_can_be_sent(original)
        people = list(original.invitees.with_states(states).in_order())
        if not people:
            raise NobodyToInvite
        again = set(Invitee.objects.on(original.repeated_by.all()).values_list("channel", "value"))
        people = [person for person in people if (person.channel, person.value) not in again]
        if not people:
            raise AlreadySent(_("These people have been invited again already."))
        repetition = Invitation.objects.create(
            conference=original.conference,
            repeats=original,
            state=InvitationState.SENDING,
            sent_at=timezone.now(),
        )
        copies = Invitee.objects.bulk_create(
            Invitee(
                invitation=repetition,
                position=position,
                channel=person.channel,
                value=person.value,
                nick=person.nick,
                nick_filled_in=person.nick_filled_in,
                contact_id=person.contact_id,
            )
            for position, person in enumerate(people)
        )
        freeze(invitation=repetition, invitees=copies, user=user)
        ring(repetition.pk)
    return repetition


def freeze(*, invitation: Invitation, invitees: Sequence[Invitee], user: User | None) -> None:
    """Makes an invitation final: who, when, in whose name, in which batches.

    ``invitees`` are all of its people, in their order. The caller holds the transaction. Raises NobodyToInvite or
    DemoPersonRefused.
    """
    if not invitees:
        raise NobodyToInvite
    app = invitation.conference.app
    refuse_demo_person(app=app, values=[person.value for person in invitees])
    size = app.batch_size
    invitation.state = InvitationState.SENDING
    invitation.sent_by = user
    invitation.sent_at = timezone.now()
    if user is not None and not invitation.operator_union_id:
        invitation.operator_union_id = _operator(user, app=app)
    invitation.save(update_fields=["state", "sent_by", "sent_at", "operator_union_id"])
    starts = range(0, len(invitees), size)
    not_before = max(filter(None, (app.rests_until, invitation.sent_at)))
    batches = Batch.objects.bulk_create(
        Batch(
            invitation=invitation,
            number=number,
            people=len(invitees[start : start + size]),
            not_before=not_before,
        )
        for number, start in enumerate(starts, start=1)
    )
    for batch, start in zip(batches, starts, strict=True):
        for person in invitees[start : start + size]:
            person.batch = batch
    Invitee.objects.bulk_update(invitees, ["batch"], batch_size=500)


def ring(invitation_id: int) -> None:
    """Asks for a worker as soon as the transaction is committed."""
    Invitation.objects.filter(pk=invitation_id).update(rung_at=timezone.now())
    transaction.on_commit(partial(_enqueue, invitation_id))


def _enqueue(invitation_id: int) -> None:
    tasks.deliver_invitation.enqueue(invitation_id)
    bell.ring()


def _operator(user: User, *, app: App) -> str:
    """The unionId that calls show as the inviter: that of whoever sends, where this app can know it."""
    try:
        refuse_demo_person(app=app, values=[user.union_id])
    except DemoPersonRefused:
        return ""
    return user.union_id


def _check_can_be_sent(invitation: Invitation) -> None:
    if invitation.conference.has_ended:
        raise ConferenceEnded
    if not App.objects.usable().filter(pk=invitation.conference.app_id).exists():
        raise AppUnavailable
