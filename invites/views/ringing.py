"""Ringing again those who have not joined: what pages show of it, the presses, and stopping what happens by itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from invites import limiting, permissions, ringing_again
from invites.forms.invitation import PeopleForm
from invites.forms.ringing import RingAgainForm
from invites.models import Invitation


@dataclass(frozen=True, slots=True, kw_only=True)
class RingAgain:
    """What `_ring_again.html` shows of an invitation.

    ``not_joined`` and ``not_known`` say how many people a press would ring; ``seen`` is the newest repetition, sent
    along with it. ``at`` is when people are rung by themselves, ``left`` how often. ``repeats`` is the invitation that
    this one rang again by itself.
    """

    not_joined: int = 0
    not_known: int = 0
    seen: int = 0
    at: datetime | None = None
    left: int = 0
    repeats: int | None = None


def ring_again_context(request: HttpRequest, invitation: Invitation) -> dict[str, Any]:
    """What `_ring_again.html` needs of a sent invitation beside ``invitation``, ``may_send`` and ``people_form``."""
    repeats = invitation.repeats_id if invitation.is_automatic else None
    if not permissions.may_organize(request.user):
        return {"ring_again": RingAgain(repeats=repeats)}
    conference = invitation.conference
    if conference.has_ended or conference.locked_at is not None:
        return {"ring_again": RingAgain(repeats=repeats)}
    timed = ringing_again.next_ring(invitation)
    not_joined = not_known = seen = 0
    if invitation.is_over:
        not_joined, not_known = ringing_again.count_absent(invitation)
        seen = ringing_again.newest_repetition(invitation) if not_joined or not_known else 0
    return {
        "ring_again": RingAgain(
            not_joined=not_joined,
            not_known=not_known,
            seen=seen,
            at=timed.ring_again_at if timed else None,
            left=timed.rings_left if timed else 0,
            repeats=repeats,
        )
    }


@require_POST
@permissions.allow(permissions.may_organize)
@limiting.limit(limiting.Kind.SENDING)
def invitation_ring(request: HttpRequest, pk: int) -> HttpResponse:
    """Rings those who have not joined, or those of whom that is not known: one press, a new invitation."""
    invitation = load_sent(request, pk)
    form = RingAgainForm(request.POST)
    if not form.is_valid():
        raise BadRequest
    ring = ringing_again.ring_again(
        invitation=invitation,
        whom=form.whom_to_ring,
        seen=form.newest_seen,
        user=permissions.organizer(request.user),
    )
    count = ring.invitees.count()
    messages.success(
        request,
        ngettext("%(count)s person is being rung again.", "%(count)s people are being rung again.", count)
        % {"count": intcomma(count)},
    )
    return redirect_back(request, ring)


@require_POST
@permissions.allow(permissions.may_organize)
def invitation_stop_ringing(request: HttpRequest, pk: int) -> HttpResponse:
    """Nobody of an invitation is rung again by itself any more."""
    invitation = load_sent(request, pk)
    ringing_again.stop_ringing(invitation=invitation)
    messages.success(request, _("Stopped. Nobody is rung again by itself."))
    return redirect_back(request, invitation)


def load_sent(request: HttpRequest, pk: int) -> Invitation:
    """The sent invitation, if the person may decide about it. Raises Http404."""
    return get_object_or_404(permissions.sendable_invitations(request.user), pk=pk)


def redirect_back(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    """The page of the conference where the press was made there, else that of ``invitation``."""
    if PeopleForm(request.GET).is_on_conference:
        return redirect("invites:conference_detail", pk=invitation.conference_id)
    return redirect("invites:invitation_detail", pk=invitation.pk)
