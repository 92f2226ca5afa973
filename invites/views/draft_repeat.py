"""Inviting the people of an earlier invitation: they are put on the list, and the second press invites them."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.response import TemplateResponse
from django.views.decorators.http import require_POST

from invites import composing, permissions
from invites.errors import ConferenceEnded
from invites.forms.draft_later import EarlierInvitationForm
from invites.models import Conference, Invitation
from invites.views.address_book import asks_for
from invites.views.draft import changed, form_view, load, shown_draft, with_form
from invites.views.draft_shown import page_url, sentences_of
from invites.views.ringing import load_sent

EARLIER_SHOWN = 10


@form_view
@permissions.allow(permissions.may_organize)
def draft_earlier(request: HttpRequest, pk: int) -> HttpResponse:
    """Lists the latest invitations of the same app, those into other conferences too; adds the people of one."""
    conference = load(request, pk)
    if request.method == "POST":
        form = EarlierInvitationForm(
            request.POST, user=permissions.organizer(request.user), app=conference.app
        )
        if form.is_valid():
            earlier: Invitation = form.cleaned_data["invitation"]
            draft = shown_draft(request, conference)
            return changed(request, conference, lambda: _add(request, draft, earlier))
        if asks_for(request, "draft_change"):
            return with_form(request, "", conference, form)
        context = _context(request, conference) | {"form": form}
        return render(request, "invites/draft_earlier.html", context, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    in_place = asks_for(request, "draft_earlier")
    template = "invites/_draft_earlier.html" if in_place else "invites/draft_earlier.html"
    return TemplateResponse(request, template, _context(request, conference))


@require_POST
@permissions.allow(permissions.may_organize)
def invitation_repeat(request: HttpRequest, pk: int) -> HttpResponse:
    """Puts everybody on a sent invitation on the list of its conference, beside whoever is there already."""
    earlier = load_sent(request, pk)
    conference = earlier.conference
    if conference.has_ended:
        raise ConferenceEnded
    change = _add(request, composing.open_draft(conference=conference), earlier)
    messages.info(request, " ".join(sentences_of(change)))
    return redirect(page_url(conference))


def _add(request: HttpRequest, draft: Invitation, earlier: Invitation) -> composing.Change:
    return composing.add_invitation(draft=draft, invitation=earlier, user=permissions.organizer(request.user))


def _context(request: HttpRequest, conference: Conference) -> dict[str, Any]:
    invitations = permissions.sendable_invitations(request.user).of_app(conference.app)
    return {
        "conference": conference,
        "invitations": invitations.newest_with_people(EARLIER_SHOWN),
        "cancel_url": page_url(conference),
    }
