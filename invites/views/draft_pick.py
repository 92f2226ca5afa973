"""Searching and picking in the composer: what one types finds contacts, groups and books; a panel lists them all."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from invites import composing, finding, permissions
from invites.composing import Change
from invites.forms.draft import PickFilterForm, PickForm
from invites.models import AddressBook, Conference, Contact, Invitation
from invites.models.address_book import AddressBookQuerySet
from invites.views.address_book import asks_for
from invites.views.draft import changed, form_view, load, shown_draft, with_form
from invites.views.draft_shown import page_url

PEOPLE_SHOWN = 50
GROUPS_SHOWN = BOOKS_SHOWN = 100
SEARCHED_LENGTH = 100


@require_safe
@permissions.allow(permissions.may_organize)
def draft_search(request: HttpRequest, pk: int) -> HttpResponse:
    """What the text that is being typed finds in the address books; as a page, the panel narrowed to it."""
    conference = load(request, pk)
    text = request.GET.get("text", "")[:SEARCHED_LENGTH]
    if not asks_for(request, "draft_suggestions"):
        pick = reverse("invites:draft_pick", args=[pk])
        return redirect(f"{pick}?{urlencode({'q': text})}")
    suggestions = composing.suggest(
        text=text,
        user=permissions.organizer(request.user),
        app=conference.app,
        draft=composing.find_draft(conference),
    )
    context: dict[str, Any] = {"conference": conference, "suggestions": suggestions}
    context["searchable"] = text.strip() if composing.may_be_a_colleague(text, found=suggestions) else ""
    return TemplateResponse(request, "invites/_draft_suggestions.html", context)


@form_view
@permissions.allow(permissions.may_organize)
def draft_pick(request: HttpRequest, pk: int) -> HttpResponse:
    """Lists books, groups and contacts to choose from; adds those that were picked."""
    conference = load(request, pk)
    if request.method == "POST":
        form = PickForm(request.POST, user=permissions.organizer(request.user), app=conference.app)
        if form.is_valid():
            draft = shown_draft(request, conference)
            return changed(request, conference, lambda: _add(request, draft, form.cleaned_data))
        if asks_for(request, "draft_change"):
            return with_form(request, "", conference, form)
        context = _picker_context(request, conference) | {"form": form, "on_page": True}
        return render(request, "invites/draft_pick.html", context, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    in_place = {"draft_picker": "_draft_picker.html", "draft_picker_more": "_draft_picker_people.html"}
    template = next(
        (name for target, name in in_place.items() if asks_for(request, target)), "draft_pick.html"
    )
    # Narrowed by a search, the panel of a page is sent alone, and still is that of a page.
    on_page = template == "draft_pick.html" or "on_page" in request.GET
    context = _picker_context(request, conference) | {"on_page": on_page}
    return TemplateResponse(request, f"invites/{template}", context)


def _add(request: HttpRequest, draft: Invitation, picked: dict[str, Any]) -> Change:
    user = permissions.organizer(request.user)
    if picked["book"]:
        return composing.add_book(draft=draft, book=picked["book"], user=user)
    if picked["group"]:
        return composing.add_group(draft=draft, group=picked["group"], user=user)
    return composing.add_contacts(draft=draft, contacts=picked["contact"].by_name(), user=user)


def _picker_context(request: HttpRequest, conference: Conference) -> dict[str, Any]:
    user, app = request.user, conference.app
    filters = PickFilterForm(request.GET)
    text = filters.found("q")
    books = permissions.readable_books(user).of_app(app)
    shown = books.matching(text).for_list()[:BOOKS_SHOWN]
    contacts, next_cursor = _found(books, filters) if text else _by_name(shown, filters)
    groups = permissions.contact_groups(user, app=app)
    return {
        "conference": conference,
        "filters": filters,
        "searched": text,
        "contacts": contacts,
        "next_cursor": next_cursor,
        "books": shown,
        "groups": groups.matching(text).with_book().for_list()[:GROUPS_SHOWN],
        "cancel_url": page_url(conference),
    }


def _found(books: AddressBookQuerySet, filters: PickFilterForm) -> tuple[list[Contact], str]:
    """The people of ``books`` whom the search finds, the best first, and where it goes on."""
    contacts = Contact.objects.in_books_with_keys(books.values_list("pk", flat=True))
    found = finding.find(contacts, text=filters.found("q"), start=filters.start, most=PEOPLE_SHOWN)
    behind = filters.start + PEOPLE_SHOWN
    return found.contacts, str(behind) if behind < found.people else ""


def _by_name(books: Iterable[AddressBook], filters: PickFilterForm) -> tuple[list[Contact], str]:
    """The people of ``books`` by name, and where it goes on."""
    people = Contact.objects.first_of_books(
        [book.pk for book in books], cursor=filters.found("after"), most=PEOPLE_SHOWN + 1
    )
    rows = list(people.with_book())
    return rows[:PEOPLE_SHOWN], rows[PEOPLE_SHOWN - 1].cursor if len(rows) > PEOPLE_SHOWN else ""
