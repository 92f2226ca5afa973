"""The four ways to bring a conference in: create one, choose a running one, find it by its number, paste its id."""

import uuid
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from dashboard.fragments import page_or_fragment
from invites import conferring, limiting, permissions
from invites.conferring import FoundConference
from invites.errors import CreationUnderWay, InviteError
from invites.forms.conference_new import (
    CreateConferenceForm,
    FindConferenceForm,
    RegisterConferenceForm,
    RunningConferencesForm,
    ThroughApp,
)
from invites.views.conference import form_view, posted

# How often a page that waits for DingTalk looks again, in seconds.
LOOK_AGAIN = 1
# The ways that ask DingTalk answer with what it said alone.
_FRAGMENTS = {"invites/conference_choose.html": ("way",), "invites/conference_find.html": ("way",)}


@form_view
@permissions.allow(permissions.may_organize)
@limiting.limit(limiting.Kind.LOOKING_UP)
def conference_create(request: HttpRequest) -> HttpResponse:
    """A new meeting in DingTalk, one for however many presses of the same form."""
    form = CreateConferenceForm(posted(request), user=permissions.organizer(request.user))
    if not form.is_valid():
        return _way(request, "invites/conference_create.html", form)
    typed = form.cleaned_data
    try:
        conference = conferring.create(
            user=form.user,
            app=form.chosen_app,
            key=typed["key"],
            title=typed["title"],
            union_id=typed["union_id"],
            invite_caller=typed["invite_caller"],
        )
        conferring.refuse_taken(conference, user=form.user)
    except CreationUnderWay:
        return redirect("invites:conference_creating", key=typed["key"])
    except InviteError as refusal:
        return _way(request, "invites/conference_create.html", form.with_fresh_key(), refusal=refusal)
    if typed["invite_caller"]:
        messages.success(request, _("The meeting has been created. DingTalk is calling you into it."))
    else:
        messages.success(request, _("The meeting has been created."))
    return redirect("invites:conference_detail", pk=conference.pk)


@require_safe
@permissions.allow(permissions.may_organize)
def conference_creating(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """What came of a press of *Create*, for somebody who pressed twice; it looks again while DingTalk is silent."""
    creation = get_object_or_404(permissions.creations(request.user), pk=key)
    if creation.conference is not None:
        conferring.refuse_taken(creation.conference, user=permissions.organizer(request.user))
        return redirect("invites:conference_detail", pk=creation.conference.pk)
    context = {"creation": creation, "refusal": conferring.outcome_of(creation)}
    response = page_or_fragment(request, "invites/conference_creating.html", context)
    if creation.is_under_way:
        response["Refresh"] = str(LOOK_AGAIN)
    return response


@form_view
@permissions.allow(permissions.may_organize)
@limiting.limit(limiting.Kind.LOOKING_UP)
def conference_choose(request: HttpRequest) -> HttpResponse:
    """One's running meetings. DingTalk is asked on a press only, since every look is a call of the monthly quota."""
    form = RunningConferencesForm(posted(request), user=permissions.organizer(request.user))
    if not form.is_valid():
        return _way(request, "invites/conference_choose.html", form)
    try:
        found = conferring.running(
            user=form.user, app=form.chosen_app, union_id=form.cleaned_data["union_id"]
        )
    except InviteError as refusal:
        return _way(request, "invites/conference_choose.html", form, refusal=refusal)
    return _way(request, "invites/conference_choose.html", form, found=found)


@form_view
@permissions.allow(permissions.may_organize)
@limiting.limit(limiting.Kind.LOOKING_UP)
def conference_find(request: HttpRequest) -> HttpResponse:
    """The meetings behind a meeting number."""
    form = FindConferenceForm(posted(request), user=permissions.organizer(request.user))
    if not form.is_valid():
        return _way(request, "invites/conference_find.html", form)
    try:
        found = conferring.find(app=form.chosen_app, room_code=form.cleaned_data["room_code"])
    except InviteError as refusal:
        return _way(request, "invites/conference_find.html", form, refusal=refusal)
    return _way(request, "invites/conference_find.html", form, found=found)


@form_view
@permissions.allow(permissions.may_organize)
@limiting.limit(limiting.Kind.LOOKING_UP)
def conference_register(request: HttpRequest) -> HttpResponse:
    """A conference by its id: pasted, or chosen among those that were found."""
    form = RegisterConferenceForm(posted(request), user=permissions.organizer(request.user))
    if not form.is_valid():
        return _way(request, "invites/conference_register.html", form)
    typed = form.cleaned_data
    try:
        registration = conferring.register(
            user=form.user,
            app=form.chosen_app,
            conference_id=typed["conference_id"],
            title=typed["title"],
        )
    except InviteError as refusal:
        return _way(request, "invites/conference_register.html", form, refusal=refusal)
    if registration.refusal is not None:
        messages.warning(
            request,
            _("The conference is registered, but DingTalk told nothing about it. %(why)s")
            % {"why": registration.refusal},
        )
    elif registration.is_new:
        messages.success(request, _("The conference is registered."))
    else:
        messages.info(request, _("This conference was registered already."))
    return redirect("invites:conference_detail", pk=registration.conference.pk)


def _way(
    request: HttpRequest,
    template: str,
    form: ThroughApp,
    *,
    found: list[FoundConference] | None = None,
    refusal: InviteError | None = None,
) -> TemplateResponse:
    """The page of one way: 422 where the form is wrong, 409 with the reason where it was refused."""
    context: dict[str, Any] = {"form": form, "refusal": refusal}
    if found is not None:
        ids = [each.conference_id for each in found]
        known = permissions.conferences(request.user).of_app(form.chosen_app, conference_ids=ids)
        registered = {conference.conference_id: conference for conference in known}
        context["found"] = [(each, registered.get(each.conference_id)) for each in found]
    if refusal is not None:
        status = HTTPStatus.CONFLICT
    else:
        status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return page_or_fragment(request, template, context, fragments=_FRAGMENTS.get(template, ()), status=status)
