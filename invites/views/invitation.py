"""The pages of a sent invitation: what became of everybody, live until it is finished, and inviting again."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from dashboard.fragments import page_or_fragment
from invites import permissions, sending
from invites.models import Conference, Invitation, User
from invites.models.invitee import InviteeState

# How many people and attempts a page shows before it asks.
PEOPLE_SHOWN = 100
ATTEMPTS_SHOWN = 20
INVITATIONS_SHOWN = 10
# More digits than any position has, and fewer than a database's integers can bear.
LONGEST_POSITION = 10


@require_safe
def invitation_detail(request: HttpRequest, pk: int) -> TemplateResponse:
    """Everybody with what happened, in words; while it is under way the fragment ``people`` asks for itself."""
    invitation = get_object_or_404(permissions.invitations(request.user).with_counts(), pk=pk)
    attempts = list(invitation.attempts.in_order_made()[: ATTEMPTS_SHOWN + 1])
    context = people_context(request, invitation) | {
        "attempts": attempts[:ATTEMPTS_SHOWN],
        "more_attempts": len(attempts) > ATTEMPTS_SHOWN,
    }
    return page_or_fragment(request, "invites/invitation_detail.html", context, fragments={"people", "calls"})


@require_POST
@permissions.allow(permissions.may_organize)
def invitation_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Invites those who failed, or those of whom nothing is known, once more: one press, a new invitation."""
    invitation = get_object_or_404(permissions.sendable_invitations(request.user), pk=pk)
    states = {"failed": [InviteeState.FAILED, InviteeState.SKIPPED], "unknown": [InviteeState.UNKNOWN]}
    chosen = states.get(request.POST.get("who", ""), [])
    if not isinstance(request.user, User):
        raise TypeError("an organizer is signed in")
    again = sending.invite_again(invitation=invitation, states=chosen, user=request.user)
    count = again.invitees.count()
    messages.success(
        request,
        ngettext(
            "%(count)s person is being invited again.", "%(count)s people are being invited again.", count
        )
        % {"count": count},
    )
    return redirect("invites:invitation_detail", pk=again.pk)


def invitations_context(request: HttpRequest, conference: Conference) -> dict[str, Any]:
    """What the page of a conference shows of its sent invitations: the latest one's people, earlier ones in a line."""
    # One more than is shown says whether there are others.
    invitations = conference.latest_invitations(INVITATIONS_SHOWN + 2)
    context: dict[str, Any] = people_context(request, invitations[0]) if invitations else {}
    return context | {
        "latest": invitations[0] if invitations else None,
        "earlier": invitations[1 : INVITATIONS_SHOWN + 1],
        "has_more": len(invitations) > INVITATIONS_SHOWN + 1,
    }


def people_context(request: HttpRequest, invitation: Invitation) -> dict[str, Any]:
    """What `_people.html` needs of an invitation that was read ``with_counts``.

    ``state`` and ``after`` in the address choose one state and a later page.
    """
    state = request.GET.get("state", "")
    people = invitation.invitees.in_order().with_last_attempt()
    if state in InviteeState.values:
        people = people.with_state(state)
    if (after := request.GET.get("after", "")).isdecimal() and len(after) < LONGEST_POSITION:
        people = people.after(int(after))
    page = list(people[: PEOPLE_SHOWN + 1])
    counts = {value: getattr(invitation, f"n_{value}") for value in InviteeState.values}
    over = sum(
        counts[value]
        for value in InviteeState.values
        if value not in {InviteeState.PENDING, InviteeState.SENDING}
    )
    return {
        "invitation": invitation,
        "country": invitation.conference.app.country,
        "people": page[:PEOPLE_SHOWN],
        "next_after": page[PEOPLE_SHOWN - 1].position if len(page) > PEOPLE_SHOWN else None,
        "counts": [(value, count) for value, count in counts.items() if count],
        "over": over,
        "chosen_state": state,
        "again_failed": counts[InviteeState.FAILED] + counts[InviteeState.SKIPPED],
        "again_unknown": counts[InviteeState.UNKNOWN],
        "may_send": permissions.may_organize(request.user),
        "announcement": _announcement(invitation, counts),
    }


def _announcement(invitation: Invitation, counts: dict[str, int]) -> str:
    """One sentence for the live region, once everything is over."""
    if invitation.finished_at is None:
        return ""
    return _("%(invited)s invited, %(failed)s not invited, %(unknown)s unknown.") % {
        "invited": counts[InviteeState.INVITED],
        "failed": counts[InviteeState.FAILED] + counts[InviteeState.SKIPPED],
        "unknown": counts[InviteeState.UNKNOWN],
    }
