"""Searching the company directory from the composer: whom it finds, and adding them to the list and to a book."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from invites import inquiring, limiting, permissions
from invites.composing import Change, find_draft
from invites.errors import ColleagueGone, DingTalkRefused
from invites.forms.draft_directory import DirectoryAddForm, DirectorySearchForm
from invites.models import AddressBook, Conference
from invites.views.address_book import asks_for
from invites.views.draft import changed, form_view, load, shown_draft, with_form
from invites.views.draft_shown import page_url


@form_view
@permissions.allow(permissions.may_organize)
def draft_directory(request: HttpRequest, pk: int) -> HttpResponse:
    """Searches the directory when somebody asks for it; adds the person who was pressed."""
    conference = load(request, pk)
    if request.method == "POST":
        return _add(request, conference)
    in_place = {
        "draft_directory": "_draft_directory.html",
        "draft_directory_more": "_draft_directory_people.html",
    }
    template = next(
        (name for target, name in in_place.items() if asks_for(request, target)), "draft_directory.html"
    )
    return TemplateResponse(request, f"invites/{template}", _found(request, conference))


def _add(request: HttpRequest, conference: Conference) -> HttpResponse:
    user = permissions.organizer(request.user)
    form = DirectoryAddForm(request.POST, user=user, app=conference.app)
    if not form.is_valid():
        if asks_for(request, "draft_change"):
            return with_form(request, "", conference, form)
        context = _found(request, conference) | {"form": form}
        return render(
            request, "invites/draft_directory.html", context, status=HTTPStatus.UNPROCESSABLE_ENTITY
        )
    draft = shown_draft(request, conference)
    book: AddressBook | None = form.cleaned_data["book"]

    def act() -> Change:
        added = inquiring.add(draft=draft, user_id=form.cleaned_data["person"], book=book, user=user)
        if book:
            messages.success(request, _sentence(added, book))
        return added.change

    try:
        return changed(request, conference, act)
    except (ColleagueGone, DingTalkRefused) as refusal:
        if not asks_for(request, "draft_change"):
            context = _found(request, conference) | {"refusal": refusal}
            return render(request, "invites/draft_directory.html", context, status=HTTPStatus.CONFLICT)
        context = {"refusal": refusal}
        return TemplateResponse(request, "invites/_refusal.html", context, status=HTTPStatus.CONFLICT)


def _sentence(added: inquiring.Added, book: AddressBook) -> str:
    if added.is_new_in_book:
        return _("“%(name)s” is now in the address book “%(book)s”.") % {"name": added.nick, "book": book}
    return _("“%(name)s” is in the address book “%(book)s” already.") % {"name": added.nick, "book": book}


def _found(request: HttpRequest, conference: Conference) -> dict[str, Any]:
    """What `_draft_directory.html` shows."""
    user, app = permissions.organizer(request.user), conference.app
    filters = DirectorySearchForm(request.GET)
    text, offset = filters.found()
    context: dict[str, Any] = {
        "conference": conference,
        "country": app.country,
        "filters": filters,
        "searched": text,
        "opened": True,
        "cancel_url": page_url(conference),
        "books": permissions.writable_books(user).of_app(app).for_list(),
    }
    if not text:
        return context
    limiting.spend(user, limiting.Kind.LOOKING_UP)
    try:
        found = inquiring.search(text=text, offset=offset, app=app, user=user, draft=find_draft(conference))
    except DingTalkRefused as refusal:
        # With 200, so that it takes the place of what was there, and the search can be repeated.
        return context | {"refusal": refusal}
    return context | {"found": found}
