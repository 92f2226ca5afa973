"""The history of one organizer: their conferences and the calls that they ordered."""

from collections import Counter

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from dashboard.fragments import page_or_fragment
from invites import permissions, searching
from invites.forms.page import PageForm
from invites.models import Attempt, User
from invites.models.attempt import AttemptState
from invites.models.timeline import Way
from invites.searching import Criteria

CONFERENCES_SHOWN = 10
# Of so many of the newest calls is told how they came out: it costs the same for somebody with a million.
LATELY = 1000


@require_safe
def organizer_history(request: HttpRequest, pk: int) -> TemplateResponse:
    """Who it is, their newest conferences, how their last calls came out, and a page of their calls.

    Organizers find those with whom they share a conference, and of them what went into their own conferences.
    """
    organizer = get_object_or_404(permissions.organizers_in_history(request.user), pk=pk)
    page = PageForm(request.GET)
    found = searching.find(
        Criteria(organizer=pk), request.user, before=page.at("before"), after=page.at("after")
    )
    knows_all = permissions.may_read_all_history(request.user) or organizer == request.user
    conferences = permissions.conferences_in_history(request.user).owned_by(organizer)
    context = {
        "organizer": organizer,
        "conferences": conferences.newest_first()[:CONFERENCES_SHOWN],
        "lately": _lately(organizer) if knows_all else {},
        "page": found,
    }
    return page_or_fragment(request, "invites/organizer_history.html", context, fragments={"calls"})


def _lately(organizer: User) -> dict[AttemptState, int]:
    """How many of the newest calls are in which state, for whoever may know of all that ``organizer`` ordered."""
    calls = Attempt.objects.of_organizer(organizer).in_order(Way.OLDER)
    counts = Counter(calls.values_list("state", flat=True)[:LATELY])
    return {state: counts[state] for state in AttemptState if counts[state]}
