"""The history's other half: what was changed of settings, users, conferences, books and contacts, and by whom."""

from http import HTTPStatus
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_safe
from django_htmx.http import replace_url

from dashboard.fragments import page_or_fragment
from invites import inspecting, permissions
from invites.forms.change_on_record import ChangeFilterForm
from invites.models import App, AuditEntry
from invites.models.timeline import Page
from invites.permissions import Viewer
from invites.views.address_book import asks_for
from invites.views.change_on_record_told import tell, who


@require_safe
@permissions.allow(permissions.may_read_all_history)
def entry_list(request: HttpRequest) -> TemplateResponse:
    """The changes that fit the filters in the address, newest first, a page at a time."""
    form = ChangeFilterForm(request.GET)
    fits = form.is_valid()
    page: Page[AuditEntry] = Page()
    if fits:
        place = {name: form.cleaned_data[name] for name in ("before", "after")}
        page = inspecting.find(permissions.entries(request.user), form.wanted, **place)
    here, query = reverse("invites:entry_list"), form.query()
    context = {
        "form": form,
        "query": query,
        "entries": tell(page.rows, show_phone_numbers=permissions.may_see_phone_numbers(request.user)),
        "is_narrowed": fits and form.is_narrowing,
        "searched_until": page.searched_until,
        "older": None if page.older is None else f"{here}?{form.query(before=page.older)}",
        "newer": None if page.newer is None else f"{here}?{form.query(after=page.newer)}",
        "tab": "changes",
        "tab_query": form.shared_query,
        "filters_changed": asks_for(request, "entries"),
    }
    status = HTTPStatus.OK if fits else HTTPStatus.UNPROCESSABLE_ENTITY
    response = page_or_fragment(
        request, "invites/entry_list.html", context, fragments={"entries"}, status=status
    )
    # The address carries the filters, without the fields that are empty.
    return replace_url(response, f"{here}?{query}" if query else here)


@require_safe
@permissions.allow(permissions.may_read_all_history)
def entry_detail(request: HttpRequest, pk: int) -> TemplateResponse:
    """One change: who, when, in which request, and each field before and after."""
    entry = get_object_or_404(permissions.entries(request.user).newest_first(), pk=pk)
    (told,) = tell([entry], show_phone_numbers=permissions.may_see_phone_numbers(request.user))
    context = {
        "entry": entry,
        "told": told,
        "who": who(entry),
        "thing_url": _address_of(entry, request.user),
    }
    return page_or_fragment(request, "invites/entry_detail.html", context)


def _address_of(entry: AuditEntry, user: Viewer) -> str:
    """Where the thing itself is, if it still is there and ``user`` may see it; "" otherwise."""
    kind, key = entry.content_type.model, entry.object_id
    things: dict[str, tuple[str, QuerySet[Any]]] = {
        "conference": ("invites:conference_history", permissions.conferences_in_history(user)),
        "addressbook": ("invites:book_detail", permissions.readable_books(user)),
        "contact": ("invites:contact_edit", permissions.writable_contacts(user)),
    }
    if permissions.may_administer(user):
        things |= {
            "app": ("invites:app_detail", permissions.managed_apps(user)),
            "user": ("invites:user_edit", permissions.users(user)),
        }
    page, visible = things.get(kind, ("", App.objects.none()))
    return reverse(page, args=[key]) if visible.in_bulk([key]) else ""
