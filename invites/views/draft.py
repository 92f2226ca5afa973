"""The composer: every change of a draft is a small post that answers with what changed, or leads back to the page.

Without script each of these is an ordinary form of the conference's page.
"""

from collections.abc import Callable
from http import HTTPStatus

from django.contrib import messages
from django.contrib.humanize.templatetags.humanize import intcomma
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from invites import composing, limiting, permissions, sending
from invites.composing import Change
from invites.conferring.operator import remember
from invites.errors import AlreadySent, DraftChanged, NobodyToInvite
from invites.forms.draft import AddPeopleForm, LineForm, NickForm, OperatorForm, SeenDraftForm
from invites.models import Conference, DraftLine, Invitation, Invitee
from invites.views.address_book import asks_for
from invites.views.draft_shown import (
    MOST_ROWS_OF_A_CHANGE,
    ROWS_SHOWN,
    bar_context,
    change_context,
    composer_context,
    list_context,
    page_url,
    question_context,
)
from invites.views.invitation import invitations_context

__all__ = ["composer_context"]

# Up to this many people are taken off the list without a question: they can be put back at once.
CLEARED_WITHOUT_ASKING = 10

form_view = require_http_methods(["GET", "HEAD", "POST"])


@form_view
@permissions.allow(permissions.may_organize)
def draft_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Adds whoever the text names. As a page it is the same field, with room for a long list."""
    conference = load(request, pk)
    form = AddPeopleForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        text: str = form.cleaned_data["text"]
        return changed(
            request,
            conference,
            lambda: composing.add_text(
                draft=shown_draft(request, conference), text=text, user=permissions.organizer(request.user)
            ),
        )
    return with_form(request, "invites/draft_add.html", conference, form)


@require_POST
@permissions.allow(permissions.may_organize)
def draft_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes one person off the list."""
    conference = load(request, pk)
    invitee = load_invitee(conference, request.POST.get("invitee", ""))
    user = permissions.organizer(request.user)
    return changed(request, conference, lambda: composing.remove(invitee=invitee, user=user))


@require_POST
@permissions.allow(permissions.may_organize)
def draft_clear(request: HttpRequest, pk: int) -> HttpResponse:
    """Empties the list; asks first where that is more than a moment's work to undo."""
    conference = load(request, pk)
    draft = shown_draft(request, conference)
    people = draft.invitees.count()
    if people > CLEARED_WITHOUT_ASKING and "confirmed" not in request.POST:
        context = {
            "conference": conference,
            "title": ngettext(
                "Take %(n)s person off the list?", "Take all %(n)s people off the list?", people
            )
            % {"n": intcomma(people)},
            "text": _("The lines that need a look go, too.")
            if draft.draft_lines.to_correct().exists()
            else "",
            "label": _("Clear the list"),
            "cancel_url": page_url(conference),
        }
        if asks_for(request, "draft_change"):
            return TemplateResponse(request, "invites/_draft_clear.html", context)
        return render(request, "invites/draft_clear.html", context)
    user = permissions.organizer(request.user)
    return changed(request, conference, lambda: composing.clear(draft=draft, user=user), whole=True)


@form_view
@permissions.allow(permissions.may_organize)
def draft_invitee(request: HttpRequest, pk: int, invitee_pk: int) -> HttpResponse:
    """Another name for somebody on the list, in their row or on a page of its own."""
    conference = load(request, pk)
    user = permissions.organizer(request.user)
    invitee = load_invitee(conference, str(invitee_pk))
    data = request.POST if request.method == "POST" else None
    form = NickForm(data, initial={"nick": invitee.nick}, auto_id=f"invitee-{invitee_pk}-%s")
    if request.method == "POST" and form.is_valid():
        nick: str = form.cleaned_data["nick"]
        return changed(request, conference, lambda: composing.rename(invitee=invitee, nick=nick, user=user))
    context = {"conference": conference, "person": invitee, "form": form, "cancel_url": page_url(conference)}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    if asks_for(request, f"invitee-{invitee_pk}"):
        cancelled = "cancelled" in request.GET
        if cancelled:
            composing.find_marks([invitee], user=user, app=conference.app)
        template = "invites/_draft_person.html" if cancelled else "invites/_draft_person_form.html"
        context |= {"takes_focus": cancelled, "country": conference.app.country}
        return TemplateResponse(request, template, context)
    if asks_for(request, "draft_change"):
        return TemplateResponse(request, "invites/_draft_person_wrong.html", context, status=status)
    return render(
        request, "invites/draft_form.html", context | {"title": _("Change the name")}, status=status
    )


@require_POST
@permissions.allow(permissions.may_organize)
def draft_line(request: HttpRequest, pk: int, line_pk: int) -> HttpResponse:
    """A line that could not be used, corrected: it joins the list, or stays with the reason that it has now."""
    conference = load(request, pk)
    line = load_line(conference, str(line_pk))
    form = LineForm(request.POST)
    if not form.is_valid():
        return with_form(request, "invites/draft_form.html", conference, form, title=_("Correct a line"))
    text: str = form.cleaned_data["text"]
    return changed(
        request,
        conference,
        lambda: composing.correct_line(line=line, text=text, user=permissions.organizer(request.user)),
    )


@require_POST
@permissions.allow(permissions.may_organize)
def draft_line_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Throws away a line that could not be used, or all of them; also those who are left out, all where it says so."""
    conference = load(request, pk)
    user = permissions.organizer(request.user)
    if "line" in request.POST:
        line = load_line(conference, request.POST["line"])
        return changed(request, conference, lambda: composing.remove_line(line=line, user=user))
    draft, left_out = shown_draft(request, conference), "left_out" in request.POST
    return changed(
        request,
        conference,
        lambda: composing.remove_lines(draft=draft, user=user, left_out=left_out),
        whole=True,
    )


@form_view
@permissions.allow(permissions.may_organize)
def draft_operator(request: HttpRequest, pk: int) -> HttpResponse:
    """The unionId under which this person invites, remembered for every conference."""
    conference = load(request, pk)
    user = permissions.organizer(request.user)
    data = request.POST if request.method == "POST" else None
    form = OperatorForm(
        data, initial={"union_id": user.union_id}, app=conference.app, user=user, auto_id="operator_%s"
    )
    if request.method == "POST" and form.is_valid():
        remember(user, form.cleaned_data["union_id"])
        messages.success(request, _("Your unionId is saved."))
        if not asks_for(request, "draft_operator"):
            return redirect(page_url(conference))
        form = OperatorForm(initial={"union_id": user.union_id}, app=conference.app, auto_id="operator_%s")
    context = {"conference": conference, "operator_form": form, "operator": user.union_id}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    if asks_for(request, "draft_operator"):
        return TemplateResponse(request, "invites/_draft_operator.html", context, status=status)
    return with_form(
        request, "invites/draft_form.html", conference, form, title=_("Under which unionId you invite")
    )


@require_POST
@permissions.allow(permissions.may_organize)
@limiting.limit(limiting.Kind.SENDING)
def draft_send(request: HttpRequest, pk: int) -> HttpResponse:
    """Sends the draft that the page showed; asks once above 50 people or before the meeting has started."""
    conference = load(request, pk)
    seen = SeenDraftForm(request.POST)
    draft = shown_draft(request, conference) if seen.seen("draft") else composing.find_draft(conference)
    if draft is None:
        raise NobodyToInvite
    if draft.is_draft and "confirmed" not in request.POST:
        context = question_context(conference, draft)
        if context["asks_first"]:
            in_place = asks_for(request, "draft_bar")
            template = "invites/_draft_bar.html" if in_place else "invites/draft_send.html"
            return TemplateResponse(request, template, context | {"asking": True})
    try:
        sent = sending.send(
            invitation=draft, revision=seen.seen("revision") or 0, user=permissions.organizer(request.user)
        )
    except (AlreadySent, DraftChanged) as refusal:
        if not asks_for(request, "draft_bar"):
            raise
        return _stale(request, conference, str(refusal))
    composing.carry_lines_over(sent=sent)
    if not asks_for(request, "draft_bar"):
        return redirect(page_url(conference))
    return _after_sending(request, conference)


@require_safe
@permissions.allow(permissions.may_organize)
def draft_people(request: HttpRequest, pk: int) -> HttpResponse:
    """The next people of a long list, of those that the page does not show yet."""
    conference = load(request, pk)
    seen = SeenDraftForm(request.GET)
    after, to = seen.seen("hidden_after"), seen.seen("hidden_to")
    draft = composing.find_draft(conference)
    if not asks_for(request, "draft_more") or draft is None or after is None or to is None:
        return redirect(page_url(conference))
    hidden = draft.invitees.after(after).up_to(to).with_contact()
    people = list(hidden.in_order()[: ROWS_SHOWN + 1])
    composing.find_marks(people, user=permissions.organizer(request.user), app=conference.app)
    context = {"conference": conference, "country": conference.app.country, "people": people[:ROWS_SHOWN]}
    if len(people) > ROWS_SHOWN:
        context |= {
            "hidden_after": people[ROWS_SHOWN - 1].position,
            "hidden_to": to,
            "hidden": hidden.count() - ROWS_SHOWN,
        }
    return TemplateResponse(request, "invites/_draft_people.html", context)


def load(request: HttpRequest, pk: int) -> Conference:
    """The conference, if the person may invite into it. Raises Http404."""
    return get_object_or_404(permissions.conferences(request.user).select_related("app"), pk=pk)


def changed(
    request: HttpRequest, conference: Conference, act: Callable[[], Change], *, whole: bool = False
) -> HttpResponse:
    """Lets ``act`` change the draft and answers with what that did, or with the ``whole`` list.

    The whole list comes too where somebody else has changed it meanwhile, or where much has changed.
    """
    try:
        change = act()
    except (AlreadySent, DraftChanged) as refusal:
        if not asks_for(request, "draft_change"):
            raise
        return _stale(request, conference, str(refusal))
    seen = SeenDraftForm(request.POST)
    context = bar_context(conference, change.draft) | change_context(change, seen=seen)
    if not asks_for(request, "draft_change"):
        messages.info(request, " ".join(context["sentences"]))
        return redirect(page_url(conference))
    is_large = len(change.added) + len(change.changed) + len(change.removed) > MOST_ROWS_OF_A_CHANGE
    whole = whole or is_large or not change.follows(seen.seen("revision") or 0)
    if whole:
        context |= list_context(request, conference, change.draft) | {"whole": True}
    else:
        user = permissions.organizer(request.user)
        composing.find_marks(context["changed"], user=user, app=conference.app)
    return TemplateResponse(request, "invites/_draft_change.html", context)


def acted(request: HttpRequest, conference: Conference, act: Callable[[], str]) -> HttpResponse:
    """Lets ``act`` do something with the list as a whole and answers with its sentence and what is there now."""
    try:
        sentence = act()
    except (AlreadySent, DraftChanged) as refusal:
        if not asks_for(request, "draft_change"):
            raise
        return _stale(request, conference, str(refusal))
    if not asks_for(request, "draft_change"):
        messages.info(request, sentence)
        return redirect(page_url(conference))
    context = list_context(request, conference, composing.find_draft(conference))
    context |= {"sentences": [sentence], "whole": True}
    return TemplateResponse(request, "invites/_draft_change.html", context)


def shown_draft(request: HttpRequest, conference: Conference) -> Invitation:
    """The draft that the page showed, be it sent by now, or the one that everybody shares.

    Raises DraftChanged where it has gone: an empty list makes room for one that was put aside.
    """
    shown = SeenDraftForm(request.POST).seen("draft")
    if shown is None:
        return composing.open_draft(conference=conference)
    try:
        return conference.invitations.get(pk=shown)
    except Invitation.DoesNotExist as error:
        raise DraftChanged from error


def load_invitee(conference: Conference, key: str) -> Invitee:
    """Somebody on a list of ``conference``. Raises Http404."""
    invitees = Invitee.objects.on(conference.invitations.all()).with_contact()
    invitees = invitees.select_related("invitation__conference__app")
    return get_object_or_404(invitees, pk=_key(key))


def load_line(conference: Conference, key: str) -> DraftLine:
    """A line of a list of ``conference``. Raises Http404."""
    lines = DraftLine.objects.on(conference.invitations.all()).select_related("invitation__conference__app")
    return get_object_or_404(lines, pk=_key(key))


def _key(text: str) -> int:
    """A key from a request; 0, which is nobody's, where it is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else 0  # noqa: PLR2004


def with_form(
    request: HttpRequest, page: str, conference: Conference, form: Form, *, title: str = ""
) -> HttpResponse:
    """A form again with what is wrong: a sentence beside the field, or a page where htmx does not ask."""
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    context = {"conference": conference, "form": form, "title": title, "cancel_url": page_url(conference)}
    if asks_for(request, "draft_change"):
        return TemplateResponse(request, "invites/_draft_wrong.html", context, status=status)
    return render(request, page, context, status=status)


def _stale(request: HttpRequest, conference: Conference, refusal: str) -> HttpResponse:
    """Why nothing was done, and the list as it is by now. What was typed stays in its field."""
    draft = composing.find_draft(conference)
    context = list_context(request, conference, draft) | invitations_context(request, conference)
    context |= {"whole": True, "refusal": refusal, "in_bar": asks_for(request, "draft_bar")}
    return TemplateResponse(request, "invites/_draft_stale.html", context, status=HTTPStatus.CONFLICT)


def _after_sending(request: HttpRequest, conference: Conference) -> HttpResponse:
    """The people come alive beside an empty list."""
    context = list_context(request, conference, composing.find_draft(conference)) | invitations_context(
        request, conference
    )
    return TemplateResponse(request, "invites/_draft_sent.html", context)
