"""One attempt with all that is known of it."""

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from dashboard.fragments import page_or_fragment
from invites import permissions
from invites.explaining import explain
from invites.models import Attempt
from invites.models.invitee import InviteeState
from invites.recounting import recount
from invites.retelling import retell


@require_safe
def attempt_detail(request: HttpRequest, pk: int) -> TemplateResponse:
    """What was sent, what came back, what it means; while it is under way the fragment asks for itself."""
    attempts = permissions.attempts(request.user)
    attempt = get_object_or_404(attempts.for_detail(), pk=pk)
    waiting = attempt.people_state == InviteeState.PENDING
    explained = None
    if attempt.error_code:
        explained = explain(attempt.error_code, still_waiting=waiting, alone=attempt.people == 1)
    context = {
        "attempt": attempt,
        "people": attempt.people_sent.all(),
        "country": attempt.invitation.conference.app.country,
        "told": retell(attempt, show_phone_numbers=permissions.may_see_phone_numbers(request.user)),
        "explained": explained,
        "time_line": recount(attempt),
        "again": _again(request, attempt),
    }
    return page_or_fragment(request, "invites/attempt_detail.html", context, fragments={"attempt"})


def _again(request: HttpRequest, attempt: Attempt) -> str:
    """Which people of the attempt can be invited again now: "failed", "unknown", or "" for nobody."""
    invitation = attempt.invitation
    over = invitation.finished_at is not None and not invitation.conference.has_ended
    # What became of people who were still waiting then is told, and offered, by a later attempt.
    if attempt.people_state == InviteeState.PENDING:
        return ""
    if not over or not permissions.may_organize(request.user):
        return ""
    states = {sending.invitee.state for sending in attempt.people_sent.all()}
    if states & {InviteeState.FAILED, InviteeState.SKIPPED}:
        return "failed"
    return "unknown" if InviteeState.UNKNOWN in states else ""
