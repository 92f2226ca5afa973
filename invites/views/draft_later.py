"""What the composer does about later: a list that is sent at a set time, and people who are rung again by themselves.

What was put aside stands as a row of its own on the conference's page until then.
"""

from http import HTTPStatus

from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from invites import composing, limiting, permissions, scheduling
from invites.forms.draft import SeenDraftForm
from invites.forms.draft_later import RingAgainForm, ScheduleForm
from invites.models import Conference, Invitation
from invites.templatetags.schedule import clock
from invites.views.address_book import asks_for
from invites.views.draft import acted, changed, form_view, load, shown_draft, with_form
from invites.views.draft_shown import LATER, later_context, page_url, question_context


@require_POST
@permissions.allow(permissions.may_organize)
@limiting.limit(limiting.Kind.SENDING)
def draft_schedule(request: HttpRequest, pk: int) -> HttpResponse:
    """Puts the list aside, to be sent by itself at a set time."""
    conference = load(request, pk)
    draft = shown_draft(request, conference)
    revision = SeenDraftForm(request.POST).seen("revision") or 0
    form = ScheduleForm(request.POST, auto_id=LATER)
    if form.is_valid():
        return acted(request, conference, lambda: _schedule(request, draft, revision, form))
    context = later_context(conference, draft, schedule_form=form) | {
        "form": form,
        "revision": revision,
        "title": _("Send at a set time"),
        "cancel_url": page_url(conference),
    }
    in_place = asks_for(request, "draft_change")
    template = "invites/_draft_later_wrong.html" if in_place else "invites/draft_schedule.html"
    return render(request, template, context, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@require_POST
@permissions.allow(permissions.may_organize)
def draft_put_aside(request: HttpRequest, pk: int) -> HttpResponse:
    """Puts a list aside that carries a time already."""
    conference = load(request, pk)
    draft = shown_draft(request, conference)
    revision = SeenDraftForm(request.POST).seen("revision") or 0

    def act() -> str:
        scheduling.put_aside(invitation=draft, revision=revision, user=permissions.organizer(request.user))
        return _("The list was put aside until its time.")

    return acted(request, conference, act)


@require_POST
@permissions.allow(permissions.may_organize)
def draft_unschedule(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes the time away from the list, or what is said about one that has passed."""
    conference = load(request, pk)
    draft = shown_draft(request, conference)
    revision = SeenDraftForm(request.POST).seen("revision") or 0

    def act() -> str:
        scheduling.unschedule(invitation=draft, revision=revision, user=permissions.organizer(request.user))
        return _("The list is not sent by itself.")

    return acted(request, conference, act)


@require_POST
@permissions.allow(permissions.may_organize)
def draft_ring_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Sets whether those who do not join are rung again by themselves."""
    conference = load(request, pk)
    form = RingAgainForm(request.POST)
    if not form.is_valid():
        return with_form(request, "invites/draft_form.html", conference, form, title=_("Ring again"))
    draft = shown_draft(request, conference)
    user = permissions.organizer(request.user)
    return changed(
        request, conference, lambda: composing.ring_again(draft=draft, minutes=form.chosen, user=user)
    )


@require_POST
@permissions.allow(permissions.may_organize)
def scheduled_change(request: HttpRequest, pk: int, invitation_pk: int) -> HttpResponse:
    """Brings what was put aside back into the composer."""
    conference = load(request, pk)
    scheduled = _load(conference, invitation_pk)

    def act() -> str:
        scheduling.take_back(invitation=scheduled, user=permissions.organizer(request.user))
        return (
            _("The list is back here. It keeps its time.")
            if scheduled.scheduled_for
            else _("The list is back here.")
        )

    return acted(request, conference, act)


@require_POST
@permissions.allow(permissions.may_organize)
@limiting.limit(limiting.Kind.SENDING)
def scheduled_send(request: HttpRequest, pk: int, invitation_pk: int) -> HttpResponse:
    """Sends what was put aside without waiting; asks once where Invite would."""
    conference = load(request, pk)
    scheduled = _load(conference, invitation_pk)
    if scheduled.is_put_aside and "confirmed" not in request.POST:
        context = question_context(conference, scheduled)
        if context["asks_first"]:
            return TemplateResponse(request, "invites/draft_send.html", context)
    revision = SeenDraftForm(request.POST).seen("revision") or 0
    scheduling.send_now(invitation=scheduled, revision=revision, user=permissions.organizer(request.user))
    return redirect(page_url(conference))


@form_view
@permissions.allow(permissions.may_organize)
def scheduled_remove(request: HttpRequest, pk: int, invitation_pk: int) -> HttpResponse:
    """Asks once, then throws away what was put aside."""
    conference = load(request, pk)
    scheduled = _load(conference, invitation_pk)
    if request.method == "POST":
        scheduling.discard(invitation=scheduled)
        return redirect(page_url(conference))
    people = scheduled.invitees.count()
    losses = ngettext("a list with %(n)s person", "a list with %(n)s people", people) % {
        "n": intcomma(people)
    }
    context = {
        "title": _("Remove this invitation?"),
        "text": _("It will not be sent."),
        "losses": [losses],
        "label": _("Remove"),
        "cancel_url": page_url(conference),
    }
    return render(request, "confirm.html", context)


def _schedule(request: HttpRequest, draft: Invitation, revision: int, form: ScheduleForm) -> str:
    at = form.cleaned_data["at"]
    scheduling.schedule(invitation=draft, revision=revision, at=at, user=permissions.organizer(request.user))
    people = draft.invitees.count()
    sentence = ngettext(
        "%(n)s person will be called at %(at)s.", "%(n)s people will be called at %(at)s.", people
    )
    return sentence % {"n": intcomma(people), "at": clock(at)}


def _load(conference: Conference, pk: int) -> Invitation:
    """An invitation of ``conference``, be it put aside, sent or in the composer by now. Raises Http404."""
    return get_object_or_404(conference.invitations.all(), pk=pk)
