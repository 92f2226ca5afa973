"""The pages of a sent invitation: what became of everybody, live while that may change; steering it, inviting again."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard.fragments import page_or_fragment
from invites import limiting, permissions, sending, steering, watching
from invites.errors import InvitationOver
from invites.forms.invitation import ON_CONFERENCE, PeopleForm
from invites.models import Conference, Invitation
from invites.models.invitee import InviteeState
from invites.views.address_book import asks_for
from invites.views.people_shown import changes, people_context
from invites.views.ringing import load_sent, redirect_back

INVITATIONS_SHOWN = 10


@require_safe
def invitation_detail(request: HttpRequest, pk: int) -> TemplateResponse:
    """Everybody with what happened, in words, and the calls; while that may change the page asks what is new."""
    invitation = get_object_or_404(permissions.invitations(request.user), pk=pk)
    # Whoever only wants the people again learns of new calls the next time that the page asks.
    context = people_context(request, invitation, with_calls=not asks_for(request, "people"))
    _watch(invitation, context)
    return page_or_fragment(request, "invites/invitation_detail.html", context, fragments={"people"})


@require_safe
def invitation_live(request: HttpRequest, pk: int) -> HttpResponse:
    """What is new to a page that has ``seen`` the invitation: 204 where nothing is, else the parts that changed."""
    invitation = get_object_or_404(permissions.invitations(request.user), pk=pk)
    form = PeopleForm(request.GET)
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect(_page(invitation, form))
    context = people_context(request, invitation, with_calls=not form.is_on_conference)
    _watch(invitation, context)
    new = changes(context)
    if new is None:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    return TemplateResponse(request, "invites/_people_changed.html", context | new)


@require_POST
@permissions.allow(permissions.may_organize)
def invitation_pause(request: HttpRequest, pk: int) -> HttpResponse:
    """Holds an invitation: no further call begins."""
    steering.pause(invitation=load_sent(request, pk), user=permissions.organizer(request.user))
    return _steered(request, pk, _("Paused. Nobody else is called until you resume."))


@require_POST
@permissions.allow(permissions.may_organize)
def invitation_resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Lets a paused invitation go on."""
    steering.resume(invitation=load_sent(request, pk), user=permissions.organizer(request.user))
    return _steered(request, pk, _("Resumed. The others are being called."))


@require_http_methods(["GET", "HEAD", "POST"])
@permissions.allow(permissions.may_organize)
def invitation_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks once, saying how many people will not be called, then calls an invitation off."""
    invitation = load_sent(request, pk)
    back = _page(invitation, PeopleForm(request.GET))
    if request.method == "POST":
        steering.cancel(invitation=invitation, user=permissions.organizer(request.user))
        messages.success(request, _("The invitation has been cancelled. Whoever was waiting is not called."))
        return redirect(back)
    if not invitation.is_under_way or invitation.cancelled_at is not None:
        raise InvitationOver
    waiting = invitation.invitees.pending().count()
    left_out = ngettext(
        "%(count)s person has not been called yet and will be left out. Calls that are under way end by "
        "themselves, and what was sent stays on record.",
        "%(count)s people have not been called yet and will be left out. Calls that are under way end by "
        "themselves, and what was sent stays on record.",
        waiting,
    ) % {"count": intcomma(waiting)}
    nobody = _(
        "Nobody is waiting any more: the last calls are under way, end by themselves and stay on record."
    )
    context = {
        "title": _("Cancel the invitation into “%(title)s”?") % {"title": invitation.conference},
        "text": left_out if waiting else nobody,
        "label": _("Cancel the invitation"),
        "back_label": _("Back"),
        "cancel_url": back,
    }
    return TemplateResponse(request, "confirm.html", context)


@require_POST
@permissions.allow(permissions.may_organize)
@limiting.limit(limiting.Kind.SENDING)
def invitation_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Invites those who failed, or those of whom nothing is known, once more: one press, a new invitation."""
    invitation = load_sent(request, pk)
    states = {"failed": [InviteeState.FAILED, InviteeState.SKIPPED], "unknown": [InviteeState.UNKNOWN]}
    chosen = states.get(request.POST.get("who", ""), [])
    again = sending.invite_again(
        invitation=invitation, states=chosen, user=permissions.organizer(request.user)
    )
    count = again.invitees.count()
    messages.success(
        request,
        ngettext(
            "%(count)s person is being invited again.", "%(count)s people are being invited again.", count
        )
        % {"count": intcomma(count)},
    )
    return redirect_back(request, again)


def invitations_context(request: HttpRequest, conference: Conference) -> dict[str, Any]:
    """What the page of a conference shows of its sent invitations: the latest one's people, earlier ones in a line."""
    # One more than is shown says whether there are others.
    invitations = conference.latest_invitations(INVITATIONS_SHOWN + 2)
    context: dict[str, Any] = {}
    if invitations:
        context = people_context(request, invitations[0], on=ON_CONFERENCE)
        _watch(invitations[0], context)
    return context | {
        "latest": invitations[0] if invitations else None,
        "earlier": invitations[1 : INVITATIONS_SHOWN + 1],
        "has_more": len(invitations) > INVITATIONS_SHOWN + 1,
    }


def _watch(invitation: Invitation, context: dict[str, Any]) -> None:
    """Has it read who is in the meeting, as long as the page that is made asks again."""
    if context["every"]:
        watching.watch(invitation.conference)


def _page(invitation: Invitation, form: PeopleForm) -> str:
    """The page on which the people of ``invitation`` are shown, as ``form`` chooses them."""
    if form.is_on_conference:
        return reverse("invites:conference_detail", args=[invitation.conference_id])
    query = form.query()
    return reverse("invites:invitation_detail", args=[invitation.pk]) + ("?" + query if query else "")


def _steered(request: HttpRequest, pk: int, said: str) -> HttpResponse:
    """The people again, beside the buttons that fit now; without htmx the page on which they stand."""
    invitation = get_object_or_404(permissions.invitations(request.user), pk=pk)
    if not request.htmx:  # type: ignore[attr-defined]
        messages.success(request, said)
        return redirect(_page(invitation, PeopleForm(request.GET)))
    context = people_context(request, invitation) | {"said": said}
    return TemplateResponse(request, "invites/_people.html", context)
