"""Adding, changing and deleting contacts, one at a time or several that were ticked in the list."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard.fragments import page_or_fragment
from invites import curating, permissions
from invites.forms.contact import ContactFilterForm, ContactForm, SelectionForm
from invites.forms.contact_group import ContactGroupForm
from invites.models import Contact, ContactGroup
from invites.models.contact import ContactQuerySet
from invites.views.address_book import asks_for, book_url, people_of

NEW_ID = "new_contact_%s"
"""The ids of the fields of a new contact; several forms can be open on one page."""

NAMED = 10
"""People named on a page that asks before they are deleted; the rest are counted."""


@require_http_methods(["GET", "HEAD", "POST"])
@permissions.allow(permissions.may_organize)
def contact_create(request: HttpRequest, pk: int) -> HttpResponse:
    """Adds a person to a book, and to the group that the list was narrowed to. Next to the list the form stays open."""
    book = get_object_or_404(permissions.writable_books(request.user).for_page(), pk=pk)
    group = ContactFilterForm(request.GET, book=book).group_chosen
    data = request.POST if request.method == "POST" else None
    form = ContactForm(data, instance=Contact(book=book), group=group, auto_id=NEW_ID)
    context = {"book": book, "group": group}
    if request.method == "POST" and form.keep():
        messages.success(request, _("“%(name)s” was added.") % {"name": form.instance})
        if not asks_for(request, "new_contact"):
            return redirect(book_url(request, book=book))
        context |= people_of(request, book=book, added=form.instance)
        form = ContactForm(instance=Contact(book=book), group=group, auto_id=NEW_ID)
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
    data = request.POST if request.method == "POST" else None
    form = ContactForm(data, instance=contact, auto_id=f"contact_{pk}_%s")
    context: dict[str, object] = {"book": contact.book, "contact": contact, "form": form}
    if request.method == "POST" and form.keep():
        messages.success(request, _("The changes to “%(name)s” are saved.") % {"name": contact})
        if in_row:
            context |= {"may_change": True, "takes_focus": True}
            return page_or_fragment(request, "invites/_contact_row.html", context)
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
    context = {"book": contact.book, "contact": contact, "may_change": True, "takes_focus": True}
    return page_or_fragment(request, "invites/_contact_row.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@permissions.allow(permissions.may_organize)
def contact_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Deletes a person, after asking once."""
    contact = get_object_or_404(permissions.writable_contacts(request.user), pk=pk)
    back = book_url(request, book=contact.book)
    chosen = Contact.objects.among([pk])
    if request.method == "POST":
        curating.delete_contacts(book=contact.book, contacts=chosen)
        messages.success(request, _("“%(name)s” was deleted.") % {"name": contact})
        return redirect(back)
    return render(request, "confirm.html", _about_to_delete(chosen) | {"cancel_url": back})


@require_POST
@permissions.allow(permissions.may_organize)
def selection_group(request: HttpRequest, pk: int) -> HttpResponse:
    """Puts the ticked people into a group; where none is chosen, asks for the name of a new one."""
    book = get_object_or_404(permissions.writable_books(request.user).for_page(), pk=pk)
    selection = SelectionForm(request.POST, book=book)
    back = redirect(book_url(request, book=book))
    contacts = selection.contacts()
    if not contacts.exists():
        messages.warning(request, _("Nobody was selected."))
        return back
    if selection.group_chosen is None:
        form = ContactGroupForm(instance=ContactGroup(book=book), contacts=contacts)
        context = {"book": book, "form": form, "contacts": contacts.by_name()}
        return page_or_fragment(request, "invites/group_create.html", context)
    newcomers = curating.add_to_group(group=selection.group_chosen, contacts=contacts)
    if not newcomers:
        messages.info(request, _("They are all in “%(group)s” already.") % {"group": selection.group_chosen})
        return back
    text = ngettext("%(n)s person joined “%(group)s”.", "%(n)s people joined “%(group)s”.", newcomers)
    messages.success(request, text % {"n": newcomers, "group": selection.group_chosen})
    return back


@require_POST
@permissions.allow(permissions.may_organize)
def selection_ungroup(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes the ticked people out of a group."""
    book = get_object_or_404(permissions.writable_books(request.user), pk=pk)
    selection = SelectionForm(request.POST, book=book)
    if selection.group_chosen is None:
        messages.warning(request, _("Choose the group that these people are to leave."))
    else:
        leavers = curating.remove_from_group(group=selection.group_chosen, contacts=selection.contacts())
        text = ngettext("%(n)s person left “%(group)s”.", "%(n)s people left “%(group)s”.", leavers)
        messages.success(request, text % {"n": leavers, "group": selection.group_chosen})
    return redirect(book_url(request, book=book))


@require_POST
@permissions.allow(permissions.may_organize)
def selection_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Deletes the ticked people: asks first, and does it when the answer comes with ``confirmed``."""
    book = get_object_or_404(permissions.writable_books(request.user), pk=pk)
    contacts = SelectionForm(request.POST, book=book).contacts()
    back = book_url(request, book=book)
    if not contacts.exists():
        messages.warning(request, _("Nobody was selected."))
        return redirect(back)
    if "confirmed" not in request.POST:
        context = _about_to_delete(contacts) | {"contacts": contacts, "cancel_url": back}
        return render(request, "invites/selection_delete.html", context)
    deleted = curating.delete_contacts(book=book, contacts=contacts)
    text = ngettext("%(n)s person was deleted.", "%(n)s people were deleted.", deleted)
    messages.success(request, text % {"n": deleted})
    return redirect(back)


def _about_to_delete(contacts: ContactQuerySet) -> dict[str, object]:
    """The question before ``contacts`` are deleted: who they are and what they are in."""
    people = contacts.count()
    losses = [str(contact) for contact in contacts.by_name()[:NAMED]]
    if people > NAMED:
        losses.append(_("… and %(n)s more") % {"n": people - NAMED})
    return {
        "title": ngettext("Delete this person?", "Delete %(n)s people?", people) % {"n": people},
        "text": _("They leave the book and its groups. Invitations that have been made keep them."),
        "losses": losses,
        "label": _("Delete"),
    }
