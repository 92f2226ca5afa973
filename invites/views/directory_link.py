"""A book that follows the company directory: choosing the part, reading it now or by itself, and letting it go."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard.fragments import page_or_fragment
from invites import limiting, linking, permissions
from invites.errors import DingTalkRefused
from invites.forms.directory_link import BrowseForm, LinkScheduleForm, PartForm
from invites.models import AddressBook, DirectoryLink
from invites.refusing import remembered

form_view = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
@permissions.allow(permissions.may_organize)
def link_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Which part a book follows, when it was read, what came of it, and how often it is read."""
    book = _load(request, pk)
    link = DirectoryLink.objects.of_book(book).select_related("linked_by").first()
    if link is None:
        return redirect("invites:link_choose", pk)
    return page_or_fragment(request, "invites/link_detail.html", _context(book, link))


@form_view
@permissions.allow(permissions.may_organize)
def link_choose(request: HttpRequest, pk: int) -> HttpResponse:
    """The tree of departments level by level, or the user groups; follows the one that was pressed."""
    book = _load(request, pk)
    limiting.spend(permissions.organizer(request.user), limiting.Kind.LOOKING_UP)
    form = PartForm(request.POST) if request.method == "POST" else None
    if form is not None and form.is_valid():
        user = permissions.organizer(request.user)
        begun = linking.link(book=book, user=user, **form.cleaned_data)
        return redirect("invites:import_detail", begun.pk)
    context = _level(request, book) | {"form": form}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form is not None else HTTPStatus.OK
    return page_or_fragment(request, "invites/link_choose.html", context, status=status)


@require_POST
@permissions.allow(permissions.may_organize)
def link_schedule(request: HttpRequest, pk: int) -> HttpResponse:
    """Sets how often the directory is read by itself."""
    book = _load(request, pk)
    link = get_object_or_404(DirectoryLink.objects.select_related("linked_by"), book=book)
    form = LinkScheduleForm(request.POST, instance=link)
    if not form.is_valid():
        context = _context(book, link, form=form)
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        return page_or_fragment(request, "invites/link_detail.html", context, status=status)
    linking.set_schedule(book=book, user=permissions.organizer(request.user), **form.cleaned_data)
    messages.success(request, _("The changes are saved."))
    return redirect("invites:link_detail", pk)


@require_POST
@permissions.allow(permissions.may_organize)
@limiting.limit(limiting.Kind.LOOKING_UP)
def link_refresh(request: HttpRequest, pk: int) -> HttpResponse:
    """Has the directory read now; a second press leads to the same reading."""
    book = _load(request, pk)
    begun = linking.refresh(book=book, user=permissions.organizer(request.user))
    return redirect("invites:import_detail", begun.pk)


@form_view
@permissions.allow(permissions.may_organize)
def link_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Lets the directory go, after asking once."""
    book = _load(request, pk)
    link = get_object_or_404(DirectoryLink, book=book)
    if request.method == "POST":
        linking.unlink(book=book, user=permissions.organizer(request.user))
        messages.success(request, _("The book no longer follows “%(name)s”.") % {"name": link})
        return redirect("invites:book_detail", pk)
    context = {
        "title": _("Stop following “%(name)s”?") % {"name": link},
        "text": _("Everybody in the book stays as they are. The directory is not read any more."),
        "label": _("Stop following"),
        "cancel_url": reverse("invites:link_detail", args=[pk]),
    }
    return render(request, "confirm.html", context)


def _load(request: HttpRequest, pk: int) -> AddressBook:
    return get_object_or_404(permissions.writable_books(request.user).for_page(), pk=pk)


def _context(
    book: AddressBook, link: DirectoryLink, *, form: LinkScheduleForm | None = None
) -> dict[str, Any]:
    """What `link_detail.html` shows."""
    return {
        "book": book,
        "link": link,
        "waiting": link.waiting(),
        "refusal": remembered(link.problem_code) if link.problem_code else None,
        "form": form or LinkScheduleForm(instance=link),
    }


def _level(request: HttpRequest, book: AddressBook) -> dict[str, Any]:
    """What `link_choose.html` shows: a level of the tree or a page of groups, or why it cannot be had."""
    browsing = BrowseForm(request.GET)
    department_id, shows_groups, offset = browsing.found()
    context: dict[str, Any] = {
        "book": book,
        "link": DirectoryLink.objects.of_book(book).first(),
        "shows_groups": shows_groups,
        "browsing": browsing,
        "searched": browsing.text(),
    }
    try:
        if text := browsing.text():
            return context | {"found": linking.find_departments(app=book.app, text=text)}
        if shows_groups:
            return context | {"groups": linking.user_groups(app=book.app, offset=offset)}
        return context | {"level": linking.browse(app=book.app, department_id=department_id)}
    except DingTalkRefused as refusal:
        return context | {"refusal": refusal}
