"""The pages of conferences: the list, one conference, and what may be done to it."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard.fragments import page_or_fragment
from invites import conferring, permissions
from invites.errors import InviteError
from invites.forms.conference import (
    CloseConferenceForm,
    ConferenceFilterForm,
    ConferenceForm,
    CoOrganizerForm,
)
from invites.models import Conference, Invitee
from invites.views.draft_shown import composer_context
from invites.views.invitation import invitations_context

form_view = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
@permissions.allow(permissions.may_organize)
def conference_list(request: HttpRequest) -> TemplateResponse:
    """The conferences that fit the filters in the address, open ones first, a page at a time."""
    form = ConferenceFilterForm(request.GET)
    page = form.page(permissions.conferences(request.user).with_last_invitation())
    here = reverse("invites:conference_list")
    context = {
        "form": form,
        "conferences": page.rows,
        "is_narrowed": form.is_narrowing,
        "next_page": page.after and f"{here}?{form.query(after=page.after)}",
        "first_page": f"{here}?{form.query()}" if request.GET.get("after") else "",
        "shows_apps": permissions.usable_apps(request.user).count() > 1,
    }
    return page_or_fragment(request, "invites/conference_list.html", context, fragments={"conferences"})


@require_safe
@permissions.allow(permissions.may_organize)
def conference_detail(request: HttpRequest, pk: int) -> TemplateResponse:
    """One conference: the composer, the people of the latest invitation, and the invitations before it."""
    conference = _load(request, pk)
    context = {
        "co_organizers": conference.co_organizers.all(),
        **invitations_context(request, conference),
        **composer_context(request, conference),
        "conference": conference,
        "is_usable": permissions.usable_apps(request.user).contains(conference.app),
    }
    return page_or_fragment(request, "invites/conference_detail.html", context)


@form_view
@permissions.allow(permissions.may_organize)
def conference_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Another title for a conference, here only."""
    conference = _load(request, pk)
    title = str(conference)
    form = ConferenceForm(posted(request), instance=conference)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("The title has been changed."))
        return redirect("invites:conference_detail", pk=pk)
    return _form(
        request, "invites/conference_edit.html", {"conference": conference, "form": form, "called": title}
    )


@require_POST
@permissions.allow(permissions.may_organize)
def conference_refresh(request: HttpRequest, pk: int) -> HttpResponse:
    """Reads again what DingTalk says of a conference."""
    conference = conferring.refresh(conference=_load(request, pk))
    if conference.has_ended:
        messages.info(request, _("DingTalk says that this conference has ended."))
    else:
        messages.success(request, _("Read again from DingTalk just now."))
    return redirect("invites:conference_detail", pk=pk)


@form_view
@permissions.allow(permissions.may_organize)
def conference_close(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks once, then ends the meeting for everybody in it."""
    conference = _load(request, pk)
    form = CloseConferenceForm(
        posted(request), conference=conference, user=permissions.organizer(request.user)
    )
    context: dict[str, Any] = {
        "conference": conference,
        "form": form,
        "title": _("End “%(title)s”?") % {"title": conference},
        "text": _("The meeting ends for everybody who is in it. This cannot be undone."),
        "label": _("End the meeting"),
        "cancel_url": reverse("invites:conference_detail", args=[pk]),
    }
    if request.method == "POST" and form.is_valid():
        try:
            conferring.close(conference=conference, union_id=form.cleaned_data["union_id"])
        except InviteError as refusal:
            context["refusal"] = refusal
        else:
            messages.success(request, _("The meeting has ended."))
            return redirect("invites:conference_detail", pk=pk)
    return _form(request, "invites/conference_close.html", context)


@form_view
@permissions.allow(permissions.may_organize)
def conference_lock(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks once, naming who would be left out, then lets nobody else into the meeting."""
    conference = _load(request, pk)
    waiting = Invitee.objects.on(conference.invitations.under_way()).pending().count()
    left_out = ngettext(
        "%(count)s person who is still to be called will be left out.",
        "%(count)s people who are still to be called will be left out.",
        waiting,
    ) % {"count": intcomma(waiting)}
    context: dict[str, Any] = {
        "conference": conference,
        "title": _("Lock “%(title)s”?") % {"title": conference},
        "text": _("Nobody else can join until it is unlocked. Whoever is in the meeting stays."),
        "losses": [left_out] if waiting else [],
        "label": _("Lock the meeting"),
        "cancel_url": reverse("invites:conference_detail", args=[pk]),
    }
    if request.method == "POST":
        try:
            conference = conferring.lock(conference=conference)
        except InviteError as refusal:
            status = HTTPStatus.CONFLICT
            return TemplateResponse(
                request, "invites/conference_lock.html", context | {"refusal": refusal}, status=status
            )
        return _lock_changed(request, conference, _("Locked. Nobody else is let in."))
    return TemplateResponse(request, "invites/conference_lock.html", context)


@require_POST
@permissions.allow(permissions.may_organize)
def conference_unlock(request: HttpRequest, pk: int) -> HttpResponse:
    """Lets people into the meeting again."""
    conference = conferring.unlock(conference=_load(request, pk))
    return _lock_changed(request, conference, _("Unlocked. People can be invited again."))


@form_view
@permissions.allow(permissions.may_organize)
def conference_co_organizers(request: HttpRequest, pk: int) -> HttpResponse:
    """Who shares a conference; its owner adds somebody by the name with which they sign in."""
    conference = _load(request, pk, owned=request.method == "POST")
    form = CoOrganizerForm(posted(request), conference=conference)
    if request.method == "POST" and form.is_valid():
        conference.co_organizers.add(form.co_organizer)
        messages.success(
            request, _("%(name)s is a co-organizer now.") % {"name": form.co_organizer.display_name}
        )
        return redirect("invites:conference_co_organizers", pk=pk)
    context = {
        "conference": conference,
        "form": form,
        "co_organizers": conference.co_organizers.order_by("username"),
        "may_share": permissions.owned_conferences(request.user).contains(conference),
    }
    return _form(request, "invites/conference_co_organizers.html", context)


@require_POST
@permissions.allow(permissions.may_organize)
def conference_co_organizer_remove(request: HttpRequest, pk: int, user_pk: int) -> HttpResponse:
    """Takes a conference away from a co-organizer: its owner does, or they themselves."""
    leaves = user_pk == request.user.pk
    conference = _load(request, pk, owned=not leaves)
    co_organizer = get_object_or_404(conference.co_organizers, pk=user_pk)
    conference.co_organizers.remove(co_organizer)
    name = {"name": co_organizer.display_name}
    messages.success(request, _("%(name)s is no longer a co-organizer.") % name)
    if permissions.conferences(request.user).contains(conference):
        return redirect("invites:conference_co_organizers", pk=pk)
    return redirect("invites:conference_list")


def _lock_changed(request: HttpRequest, conference: Conference, said: str) -> HttpResponse:
    if conference.has_ended:
        messages.info(request, _("DingTalk says that this conference has ended."))
    else:
        messages.success(request, said)
    return redirect("invites:conference_detail", pk=conference.pk)


def posted(request: HttpRequest) -> QueryDict | None:
    """What a form is bound to: whatever was posted, were it nothing at all, and nothing for a page that is read."""
    return request.POST if request.method == "POST" else None


def _load(request: HttpRequest, pk: int, *, owned: bool = False) -> Conference:
    """The conference, if the person may see it, or if it is theirs to share. Raises Http404."""
    conferences = permissions.owned_conferences if owned else permissions.conferences
    return get_object_or_404(conferences(request.user).select_related("app", "owner"), pk=pk)


def _form(request: HttpRequest, template: str, context: dict[str, Any]) -> TemplateResponse:
    """A page with a form: 409 where DingTalk refused, 422 where the form is wrong."""
    status = HTTPStatus.UNPROCESSABLE_ENTITY if context["form"].errors else HTTPStatus.OK
    if context.get("refusal"):
        status = HTTPStatus.CONFLICT
    return page_or_fragment(request, template, context, status=status)
