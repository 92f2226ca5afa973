"""Invites a list of people in one go, as a program asks for it: whatever stands in the composer is not touched.

Who they are is found out as in the composer, and workers call them as after a press. Must not call DingTalk.
"""

from collections.abc import Iterable

from invites import composing, sending
from invites.composing import Person
from invites.guarding import refuse_demo_person
from invites.models import Conference, Invitation, Invitee, User
from invites.models.invitation import InvitationSource


def invite(
    *, conference: Conference, people: Iterable[Person], user: User, operator_union_id: str = ""
) -> Invitation:
    """Sends one invitation of ``people``, each once, in the name of ``user``; returns it, ready to be delivered.

    Without ``operator_union_id`` calls show ``user`` as the inviter, where that is known. The caller holds the
    transaction. Raises NobodyToInvite, EverybodyMarked, ConferenceEnded, ConferenceLocked, AppUnavailable or
    DemoPersonRefused, each with nothing to be kept.
    """
    invitation = Invitation(
        conference=conference, source=InvitationSource.API, operator_union_id=operator_union_id
    )
    sending.check_can_be_sent(invitation)
    refuse_demo_person(app=conference.app, values=[operator_union_id])
    sending.sign(invitation, user=user)
    invitation.save()
    Invitee.objects.bulk_create(composing.fold(invitation, people))
    sending.cut(invitation)
    sending.ring(invitation.pk)
    return invitation
