"""Notes in the address books whom DingTalk does not know, and that it knows somebody after all.

The mark belongs to a unionId: where a contact has been given another since, nothing is noted.
"""

from django.db import transaction
from django.utils import timezone

from invites.models import Attempt, Contact, Invitation
from invites.models.contact import ContactQuerySet
from invites.models.invitee import InviteeQuerySet


def mark_unknown(people: InviteeQuerySet, *, code: str) -> None:
    """Marks the contacts of ``people``, whom DingTalk does not know and refused with ``code``."""
    _mark(Contact.objects.invited_as_they_are(people), code=code)


def mark_refused_alone(invitation: Invitation, people: InviteeQuerySet, *, code: str) -> None:
    """Marks the contact of somebody who was refused with ``code`` alone in a call.

    Unless the unknown one may be the operator, who stands in the call too: nobody is blamed for somebody else.
    """
    operator = invitation.operator_union_id
    if not operator or Attempt.objects.succeeded_for(operator, app_id=invitation.conference.app_id).exists():
        mark_unknown(people, code=code)


def clear_marks(people: InviteeQuerySet) -> None:
    """Drops the marks from the contacts of ``people``, whom DingTalk has taken."""
    _mark(Contact.objects.not_known().invited_as_they_are(people))


@transaction.atomic
def _mark(contacts: ContactQuerySet, *, code: str = "") -> None:
    # Nobody, almost always: then this is all.
    if keys := contacts.lock():
        Contact.objects.among(keys).mark(code=code, at=timezone.now() if code else None)
