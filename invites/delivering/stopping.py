"""Leaves out whoever is still waiting to be called into a conference, because nobody else gets in any more.

Calls under way are left to end by themselves. Whatever is sent later is refused by `invites.sending`.
"""

from invites.delivering.recording import leave_out_waiting
from invites.explaining import CONFERENCE_LOCKED
from invites.models import Conference, Invitation

CONFERENCE_CLOSED = "confClosed"
"""DingTalk's own code for a conference that has ended, given to whoever was still waiting when we learned of it."""


def leave_out_everybody(conference: Conference, *, because: str) -> None:
    """Skips everybody on any invitation into ``conference`` who is still to be called, with the code of the reason."""
    for invitation_id in conference.invitations.under_way().values_list("pk", flat=True):
        leave_out_waiting(invitation_id, because=because)


def leave_out_the_late() -> None:
    """Skips everybody who was sent into a conference in the moment in which it was locked or found to have ended."""
    for invitation in Invitation.objects.into_closed_conferences().with_conference():
        conference = invitation.conference
        leave_out_waiting(
            invitation.pk, because=CONFERENCE_CLOSED if conference.has_ended else CONFERENCE_LOCKED
        )
