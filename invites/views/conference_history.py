"""The history of one conference: how its invitations came out, and who came when."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from dashboard.fragments import page_or_fragment
from invites import permissions
from invites.forms.page import PageForm
from invites.models import Conference, ConferenceCount, Invitation, Invitee, Member, Turnout

INVITATIONS_SHOWN = 10
PEOPLE_SHOWN = 50
CODES_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationRow:
    """A sent invitation with how many people are in which state."""

    invitation: Invitation
    states: dict[str, int]

    @property
    def people(self) -> int:
        """How many people there are in all."""
        return sum(self.states.values())


@require_safe
def conference_history(request: HttpRequest, pk: int) -> TemplateResponse:
    """Facts, counts, a page of the invitations (``before``) and a page of those who came (``after``)."""
    conferences = permissions.conferences_in_history(request.user).select_related("app", "owner")
    conference = get_object_or_404(conferences, pk=pk)
    page = PageForm(request.GET)
    counts = ConferenceCount.objects.among([pk])
    context = {
        "conference": conference,
        "outcomes": counts.by_outcome(),
        "codes": counts.by_code(CODES_SHOWN),
        "turnout": Turnout.objects.among([pk]).total(),
        "may_open": permissions.conferences(request.user).contains(conference),
    }
    context |= _invitations(conference, page.at("before")) | _people(conference, page.at("after"))
    return page_or_fragment(
        request, "invites/conference_history.html", context, fragments={"invitations", "people"}
    )


def _invitations(conference: Conference, before: int | None) -> dict[str, object]:
    sent = conference.invitations.sent().sent_before(before).with_sender()
    found = list(sent[: INVITATIONS_SHOWN + 1])
    shown = found[:INVITATIONS_SHOWN]
    states = Invitee.objects.all().count_states(invitation.pk for invitation in shown)
    return {
        "invitations": [
            InvitationRow(invitation=invitation, states=states.get(invitation.pk, {})) for invitation in shown
        ],
        "older": shown[-1].pk if len(found) > INVITATIONS_SHOWN else None,
        "before": before,
    }


def _people(conference: Conference, after: int | None) -> dict[str, object]:
    found = list(Member.objects.of(conference).who_came().after(after)[: PEOPLE_SHOWN + 1])
    return {
        "people": found[:PEOPLE_SHOWN],
        "later": found[PEOPLE_SHOWN - 1].pk if len(found) > PEOPLE_SHOWN else None,
        "after": after,
    }
