"""Adding, changing and deleting contacts, one at a time."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard.fragments import page_or_fragment
from invites import curating, permissions
from invites.forms.contact import ContactFilterForm, ContactForm
from invites.models import Contact
from invites.views.address_book import asks_for, book_url, people_of, row_of
from invites.views.book_change import say_done

NEW_ID = "new_contact_%s"
"""The ids of the fields of a new contact; several forms can be open on one page."""


@require_http_methods(["GET", "HEAD", "POST"])
@permissions.allow(permissions.may_organize)
def contact_create(request: HttpRequest, pk: int) -> HttpResponse:
    """Adds a person to a book, and to the group that the list was narrowed to. Next to the list the form stays open."""
    book = get_object_or_404(permissions.writable_books(request.user).for_page(), pk=pk)
    group = ContactFilterForm(request.GET, book=book).group_chosen
    user = permissions.organizer(request.user)
    data = request.POST if request.method == "POST" else None
    form = ContactForm(data, instance=Contact(book=book), user=user, group=group, auto_id=NEW_ID)
    context = {"book": book, "group": group}
    if request.method == "POST" and form.keep():
        say_done(request, _("“%(name)s” was added.") % {"name": form.instance}, form.change)
        if not asks_for(request, "new_contact"):
            return redirect(book_url(request, book=book))
        context |= people_of(request, book=book, added=form.instance)
        form = ContactForm(instance=Contact(book=book), user=user, group=group, auto_id=NEW_ID)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return page_or_fragment(
        request,
        "invites/contact_create.html",
        context | {"form": form},
        fragments={"new_contact"},
        status=status,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@permissions.allow(permissions.may_organize)
def contact_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Changes a person, in their row of the list or on a page of its own."""
    contact = get_object_or_404(permissions.writable_contacts(request.user), pk=pk)
    in_row = asks_for(request, f"contact-{pk}")
    user = permissions.organizer(request.user)
    data = request.POST if request.method == "POST" else None
    form = ContactForm(data, instance=contact, user=user, auto_id=f"contact_{pk}_%s")
    context: dict[str, object] = {"book": contact.book, "contact": contact, "form": form}
    if request.method == "POST" and form.keep():
        say_done(request, _("The changes to “%(name)s” are saved.") % {"name": contact}, form.change)
        if in_row:
            return page_or_fragment(request, "invites/_contact_row.html", row_of(request, contact))
        return redirect(book_url(request, book=contact.book))
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    template = "invites/_contact_row_form.html" if in_row else "invites/contact_edit.html"
    return page_or_fragment(request, template, context, status=status)


@require_safe
@permissions.allow(permissions.may_organize)
def contact_row(request: HttpRequest, pk: int) -> HttpResponse:
    """A person's row as it was before it was opened for changes."""
    contact = get_object_or_404(permissions.writable_contacts(request.user), pk=pk)
    if not asks_for(request, f"contact-{pk}"):
        return redirect(book_url(request, book=contact.book))
    return page_or_fragment(request, "invites/_contact_row.html", row_of(request, contact))


@require_POST
@permissions.allow(permissions.may_organize)
def contact_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Deletes a person. It does not ask, for it can be undone."""
    contact = get_object_or_404(permissions.writable_contacts(request.user), pk=pk)
    change = curating.delete_contacts(
        book=contact.book, contacts=Contact.objects.among([pk]), user=permissions.organizer(request.user)
    )
    say_done(request, _("“%(name)s” was deleted.") % {"name": contact}, change)
    return redirect(book_url(request, book=contact.book))
