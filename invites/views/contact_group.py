"""Making, renaming and deleting groups of contacts, and choosing who is in them."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from dashboard.fragments import page_or_fragment
from invites import curating, permissions
from invites.forms.contact import MemberFilterForm, SelectionForm
from invites.forms.contact_group import ContactGroupForm
from invites.models import ContactGroup
from invites.views.address_book import COUNTED, PAGE, asks_for


@require_http_methods(["GET", "HEAD", "POST"])
@permissions.allow(permissions.may_organize)
def group_create(request: HttpRequest, pk: int) -> HttpResponse:
    """Makes a group, of the people that were ticked in the list where some were."""
    book = get_object_or_404(permissions.writable_books(request.user).for_page(), pk=pk)
    contacts = SelectionForm(request.POST, book=book).contacts().by_name()
    data = request.POST if request.method == "POST" else None
    form = ContactGroupForm(data, instance=ContactGroup(book=book), contacts=contacts)
    if request.method == "POST" and form.keep():
        group = form.instance
        messages.success(request, _("The group “%(name)s” is ready.") % {"name": group})
        if contacts:
            return redirect(f"{reverse('invites:book_detail', args=[book.pk])}?group={group.pk}")
        return redirect(f"{reverse('invites:group_members', args=[group.pk])}?everybody=on")
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    context = {"book": book, "form": form, "contacts": contacts}
    return page_or_fragment(request, "invites/group_create.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@permissions.allow(permissions.may_organize)
def group_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Renames a group."""
    group = get_object_or_404(permissions.writable_groups(request.user), pk=pk)
    name = group.name
    form = ContactGroupForm(request.POST if request.method == "POST" else None, instance=group)
    if request.method == "POST" and form.keep():
        messages.success(request, _("The group is now called “%(name)s”.") % {"name": group})
        return redirect(_group_url(group))
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    context = {"form": form, "group": group, "name": name, "cancel_url": _group_url(group)}
    return page_or_fragment(request, "invites/group_edit.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@permissions.allow(permissions.may_organize)
def group_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Deletes a group, but not the people in it, after asking once."""
    group = get_object_or_404(permissions.writable_groups(request.user), pk=pk)
    if request.method == "POST":
        curating.delete_group(group=group)
        messages.success(request, _("The group “%(name)s” was deleted.") % {"name": group})
        return redirect("invites:book_detail", group.book.pk)
    people = group.contacts.count()
    lost = ngettext("the membership of %(n)s person", "the membership of %(n)s people", people) % {
        "n": people
    }
    context = {
        "title": _("Delete the group “%(name)s”?") % {"name": group},
        "text": _("The people in it stay in the address book."),
        "losses": [lost] if people else [],
        "label": _("Delete the group"),
        "cancel_url": _group_url(group),
    }
    return render(request, "confirm.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permissions.allow(permissions.may_organize)
def group_members(request: HttpRequest, pk: int) -> HttpResponse:
    """Who is in a group. A post says of one ``contact`` whether it is to be a ``member``, so that twice is once."""
    group = get_object_or_404(permissions.writable_groups(request.user), pk=pk)
    filters = MemberFilterForm(request.GET, members_of=group)
    context = {"group": group, "book": group.book, "filters": filters, "counted_up_to": COUNTED}
    context["members"] = lambda: group.contacts.all().count_up_to(COUNTED)
    if request.method == "POST":
        selection = SelectionForm(request.POST, book=group.book)
        change = curating.add_to_group if request.POST.get("member") == "yes" else curating.remove_from_group
        change(group=group, contacts=selection.contacts())
        contact = selection.contacts().with_membership(group).first()
        if contact and asks_for(request, f"member-{contact.pk}"):
            return page_or_fragment(
                request, "invites/_group_member.html", context | {"contact": contact, "changed": True}
            )
        return redirect(request.get_full_path())
    rows = list(filters.found().after(filters.cursor).by_name()[: PAGE + 1])
    context |= {"contacts": rows[:PAGE], "next_cursor": rows[PAGE - 1].cursor if len(rows) > PAGE else ""}
    fragments = {"group_people", "more_members"}
    return page_or_fragment(request, "invites/group_members.html", context, fragments=fragments)


def _group_url(group: ContactGroup) -> str:
    return f"{reverse('invites:book_detail', args=[group.book_id])}?group={group.pk}"
