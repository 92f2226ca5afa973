"""Making, renaming and deleting groups of contacts, and choosing who is in them."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard.fragments import page_or_fragment
from invites import curating, permissions
from invites.forms.contact import MemberFilterForm, SelectionForm
from invites.forms.contact_group import ContactGroupForm, GroupFilterForm
from invites.models import ContactGroup
from invites.views.address_book import asks_for, listed_by
from invites.views.book_change import say_done
from invites.views.selection import naming

GROUPS_PAGE = 100
"""Groups shown at a time."""


@require_safe
@permissions.allow(permissions.may_organize)
def group_list(request: HttpRequest, pk: int) -> HttpResponse:
    """The groups of a book, by name, narrowed by a search."""
    book = get_object_or_404(permissions.readable_books(request.user).for_page(), pk=pk)
    filters = GroupFilterForm(request.GET)
    groups = ContactGroup.objects.of_book(book).matching(filters.text).after(filters.cursor).for_list()
    rows = list(groups[: GROUPS_PAGE + 1])
    context = {
        "book": book,
        "filters": filters,
        "groups": rows[:GROUPS_PAGE],
        "next_cursor": rows[GROUPS_PAGE - 1].cursor if len(rows) > GROUPS_PAGE else "",
        "may_change": permissions.writable_books(request.user).includes(book),
    }
    fragments = {"book_groups", "more_groups"}
    return page_or_fragment(request, "invites/group_list.html", context, fragments=fragments)


@require_http_methods(["GET", "HEAD", "POST"])
@permissions.allow(permissions.may_organize)
def group_create(request: HttpRequest, pk: int) -> HttpResponse:
    """Makes a group, of the people that were ticked in the list where some were."""
    book = get_object_or_404(permissions.writable_books(request.user).for_page(), pk=pk)
    selection = SelectionForm(request.POST, book=book, query=request.GET)
    named = naming(selection.contacts())
    data = request.POST if request.method == "POST" else None
    form = ContactGroupForm(
        data,
        instance=ContactGroup(book=book),
        user=permissions.organizer(request.user),
        contacts=selection.contacts(),
    )
    if request.method == "POST" and form.keep():
        group = form.instance
        say_done(request, _("The group “%(name)s” is ready.") % {"name": group}, form.change)
        if named.people:
            return redirect(f"{reverse('invites:book_detail', args=[book.pk])}?group={group.pk}")
        return redirect(f"{reverse('invites:group_members', args=[group.pk])}?everybody=on")
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    context = {"book": book, "form": form, "selection": selection, "named": named}
    return page_or_fragment(request, "invites/group_create.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@permissions.allow(permissions.may_organize)
def group_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Renames a group."""
    group = get_object_or_404(permissions.writable_groups(request.user), pk=pk)
    name = group.name
    user = permissions.organizer(request.user)
    form = ContactGroupForm(request.POST if request.method == "POST" else None, instance=group, user=user)
    if request.method == "POST" and form.keep():
        say_done(request, _("The group is now called “%(name)s”.") % {"name": group}, form.change)
        return redirect(_group_url(group))
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    context = {"form": form, "group": group, "name": name, "cancel_url": _group_url(group)}
    return page_or_fragment(request, "invites/group_edit.html", context, status=status)


@require_POST
@permissions.allow(permissions.may_organize)
def group_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Deletes a group, but not the people in it. It does not ask, for it can be undone."""
    group = get_object_or_404(permissions.writable_groups(request.user), pk=pk)
    change = curating.delete_group(group=group, user=permissions.organizer(request.user))
    say_done(request, _("The group “%(name)s” was deleted.") % {"name": group}, change)
    return redirect("invites:book_detail", group.book.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@permissions.allow(permissions.may_organize)
def group_members(request: HttpRequest, pk: int) -> HttpResponse:
    """Who is in a group. A post says of one ``contact`` whether it is to be a ``member``, so that twice is once."""
    group = get_object_or_404(permissions.writable_groups(request.user), pk=pk)
    filters = MemberFilterForm(request.GET, members_of=group)
    context = {"group": group, "book": group.book, "filters": filters}
    context["members"] = lambda: ContactGroup.objects.count_people(group.pk)
    if request.method == "POST":
        selection = SelectionForm(request.POST, book=group.book)
        change = curating.add_to_group if request.POST.get("member") == "yes" else curating.remove_from_group
        change(group=group, contacts=selection.contacts(), user=permissions.organizer(request.user))
        contact = selection.contacts().first()
        if contact and asks_for(request, f"member-{contact.pk}"):
            group.tell_members([contact])
            return page_or_fragment(
                request, "invites/_group_member.html", context | {"contact": contact, "changed": True}
            )
        return redirect(request.get_full_path())
    listed = listed_by(filters)
    group.tell_members(listed.contacts)
    context |= {"contacts": listed.contacts, "next_cursor": listed.next_cursor}
    fragments = {"group_people", "more_members"}
    return page_or_fragment(request, "invites/group_members.html", context, fragments=fragments)


def _group_url(group: ContactGroup) -> str:
    return f"{reverse('invites:book_detail', args=[group.book_id])}?group={group.pk}"
