"""Pages of address books: the list, one book with its people, and making, changing and deleting a book."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.contrib.humanize.templatetags.humanize import intcomma
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from dashboard.fragments import page_or_fragment
from invites import finding, permissions, recalling
from invites.errors import AppUnavailable
from invites.forms.address_book import AddressBookForm
from invites.forms.contact import ContactFilterForm
from invites.models import AddressBook, Contact, ContactGroup
from invites.models.contact_group import ContactGroupQuerySet

PAGE, FOUND_FIRST = 50, 8
"""Contacts shown at a time: by name, and while one types, when fewer are there sooner."""

CHIPS, GROUPS_FOUND, SELECTABLE = 30, 10, 500
"""Groups offered above a book's people, above those found by a search, and in the box that puts people into one."""

COUNTED = 1000
"""People are counted up to this many; beyond, a page says "more than"."""


@require_safe
@permissions.allow(permissions.may_organize)
def book_list(request: HttpRequest) -> HttpResponse:
    """All books that the person may use."""
    context = {
        "books": permissions.readable_books(request.user).for_list(),
        "shows_app": len(permissions.usable_apps(request.user)[:2]) > 1,
    }
    return page_or_fragment(request, "invites/book_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permissions.allow(permissions.may_organize)
def book_create(request: HttpRequest) -> HttpResponse:
    """Makes an empty book."""
    apps = permissions.usable_apps(request.user)
    if not apps:
        raise AppUnavailable(
            _(
                "An address book belongs to a DingTalk app, and there is none yet. An administrator must set one up."
            )
        )
    data = request.POST if request.method == "POST" else None
    user = permissions.own_account(request.user)
    form = AddressBookForm(data, instance=AddressBook(owner=user), user=user, apps=apps)
    if request.method == "POST" and form.keep():
        messages.success(request, _("The address book “%(name)s” is ready.") % {"name": form.instance})
        return redirect("invites:book_detail", form.instance.pk)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return page_or_fragment(request, "invites/book_create.html", {"form": form}, status=status)


@require_safe
@permissions.allow(permissions.may_organize)
def book_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """The people of a book, by name, narrowed by a search and a group."""
    book = get_object_or_404(permissions.readable_books(request.user).for_page(), pk=pk)
    # Asked for by the whole page only.
    context = people_of(request, book=book) | {
        "may_own": cache(lambda: permissions.owned_books(request.user).includes(book)),
        "shows_app": lambda: len(permissions.usable_apps(request.user)[:2]) > 1,
    }
    fragments = {"book_people", "book_contacts", "more_contacts"}
    return page_or_fragment(request, "invites/book_detail.html", context, fragments=fragments)


@require_http_methods(["GET", "HEAD", "POST"])
@permissions.allow(permissions.may_organize)
def book_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Renames and shares a book."""
    book = get_object_or_404(permissions.owned_books(request.user).for_page(), pk=pk)
    name = book.name
    user = permissions.organizer(request.user)
    form = AddressBookForm(request.POST if request.method == "POST" else None, instance=book, user=user)
    if request.method == "POST" and form.keep():
        messages.success(request, _("The changes to “%(name)s” are saved.") % {"name": book})
        return redirect("invites:book_detail", book.pk)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    context = {"form": form, "book": book, "name": name}
    return page_or_fragment(request, "invites/book_edit.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@permissions.allow(permissions.may_organize)
def book_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Deletes a book with its contacts and groups, after asking once."""
    book = get_object_or_404(permissions.owned_books(request.user), pk=pk)
    if request.method == "POST":
        book.delete()
        messages.success(request, _("The address book “%(name)s” was deleted.") % {"name": book})
        return redirect("invites:book_list")
    people, groups = AddressBook.objects.count_people(book.pk), book.groups.count()
    context = {
        "title": _("Delete the address book “%(name)s”?") % {"name": book},
        "text": _("Invitations that have been made keep the people who are on them."),
        "losses": [
            ngettext("%(n)s contact", "%(n)s contacts", people) % {"n": intcomma(people)},
            ngettext("%(n)s group", "%(n)s groups", groups) % {"n": intcomma(groups)},
        ],
        "label": _("Delete the address book"),
        "cancel_url": reverse("invites:book_detail", args=[book.pk]),
    }
    return render(request, "confirm.html", context)


def people_of(request: HttpRequest, *, book: AddressBook, added: Contact | None = None) -> dict[str, Any]:
    """What the list of a book's people shows, as the query of ``request`` narrows it; ``added`` stands on top."""
    filters = ContactFilterForm(request.GET, book=book)
    listed = listed_by(filters)
    contacts = [contact for contact in listed.contacts if contact != added]
    if added:
        contacts.insert(0, added)
    recalling.recall(contacts, book=book, user=request.user)
    groups = ContactGroup.objects.of_book(book)
    return {
        "book": book,
        "filters": filters,
        "group": filters.group_chosen,
        "contacts": contacts,
        "added": added,
        "next_cursor": listed.next_cursor,
        # Asked for by a whole page or list only, not where more rows are added to it.
        "count": listed.count,
        "listed_up_to": listed.counted_up_to,
        "counted_up_to": COUNTED,
        "marked_count": lambda: Contact.objects.of_book(book).not_to_be_invited().count_up_to(COUNTED),
        "not_known_count": lambda: Contact.objects.of_book(book).not_known().count_up_to(COUNTED),
        "groups": groups.by_name()[:SELECTABLE],
        "chips": lambda: _chips(groups, chosen=filters.group_chosen),
        "groups_found": groups.matching(filters.text).for_list()[:GROUPS_FOUND] if filters.text else (),
        "may_change": permissions.writable_books(request.user).includes(book),
    }


def row_of(request: HttpRequest, contact: Contact) -> dict[str, Any]:
    """What the row of one person shows, who may be changed and has just been."""
    recalling.recall([contact], book=contact.book, user=request.user)
    return {"book": contact.book, "contact": contact, "may_change": True, "takes_focus": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A part of a list of people, where it goes on, and how many there are; they are counted no further than to one
    more than ``counted_up_to``, where that is given.
    """

    contacts: list[Contact]
    next_cursor: str
    count: Callable[[], int]
    counted_up_to: int | None


def listed_by(filters: ContactFilterForm) -> Listed:
    """The people whom ``filters`` ask for: those whom a search finds, the best first, or else everybody by name."""
    if filters.text:
        # What comes while one types should be there before the next key.
        most = PAGE if filters.start else FOUND_FIRST
        found = finding.find(filters.narrowed(), text=filters.text, start=filters.start, most=most)
        prefetch_related_objects(found.contacts, "groups")
        behind = filters.start + most
        return Listed(
            contacts=found.contacts,
            next_cursor=str(behind) if behind < found.people else "",
            count=lambda: found.people if found.are_all else found.people + 1,
            counted_up_to=finding.CANDIDATES,
        )
    rows = list(filters.narrowed().after(filters.cursor).by_name().with_groups()[: PAGE + 1])
    return Listed(
        contacts=rows[:PAGE],
        next_cursor=rows[PAGE - 1].cursor if len(rows) > PAGE else "",
        count=filters.kept_size if filters.has_kept_size else lambda: filters.narrowed().count_up_to(COUNTED),
        counted_up_to=None if filters.has_kept_size else COUNTED,
    )


def _chips(groups: ContactGroupQuerySet, *, chosen: ContactGroup | None) -> dict[str, Any]:
    """The groups that a book's page offers: the first ones by name, and the chosen one wherever it stands."""
    first = list(groups.for_list()[: CHIPS + 1])
    shown = first[:CHIPS]
    if chosen and chosen not in shown:
        shown += groups.for_list().among([chosen.pk])
    return {"groups": shown, "are_all": len(first) <= CHIPS}


def book_url(request: HttpRequest, *, book: AddressBook) -> str:
    """The page of ``book`` with the search and the group that the query of ``request`` carries along."""
    return reverse("invites:book_detail", args=[book.pk]) + ContactFilterForm(request.GET, book=book).query()


def asks_for(request: HttpRequest, target: str) -> bool:
    """Whether htmx will put the answer in the place of the element ``target``."""
    htmx = request.htmx  # type: ignore[attr-defined]
    return bool(htmx) and not htmx.history_restore_request and htmx.target == target
