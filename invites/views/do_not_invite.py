"""Marking people of a book "do not invite", one at a time or several at once, and taking such marks away."""

from http import HTTPStatus

from django.contrib import messages
from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.fragments import page_or_fragment
from invites import curating, permissions
from invites.forms.contact import SelectionForm
from invites.forms.do_not_invite import DoNotInviteForm
from invites.models import BookChange, Contact
from invites.views.address_book import book_url
from invites.views.book_change import say_done
from invites.views.selection import naming


@require_http_methods(["GET", "HEAD", "POST"])
@permissions.allow(permissions.may_organize)
def contact_mark(request: HttpRequest, pk: int) -> HttpResponse:
    """Marks a person, or changes the reason or the last day of their mark."""
    contact = get_object_or_404(permissions.writable_contacts(request.user), pk=pk)
    book, back = contact.book, book_url(request, book=contact.book)
    initial = {"reason": contact.do_not_invite_reason, "until": contact.do_not_invite_until}
    form = DoNotInviteForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        change = curating.mark_contacts(
            book=book,
            contacts=Contact.objects.among([pk]),
            user=permissions.organizer(request.user),
            **form.cleaned_data,
        )
        say_done(request, _("“%(name)s” is not to be invited.") % {"name": contact}, change)
        return redirect(back)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    context = {"book": book, "form": form, "contact": contact, "cancel_url": back}
    return page_or_fragment(request, "invites/contact_mark.html", context, status=status)


@require_POST
@permissions.allow(permissions.may_organize)
def contact_unmark(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes the mark of a person away."""
    contact = get_object_or_404(permissions.writable_contacts(request.user), pk=pk)
    user = permissions.organizer(request.user)
    change = curating.unmark_contacts(book=contact.book, contacts=Contact.objects.among([pk]), user=user)
    say_done(request, _("“%(name)s” can be invited again.") % {"name": contact}, change)
    return redirect(book_url(request, book=contact.book))


@require_POST
@permissions.allow(permissions.may_organize)
def selection_mark(request: HttpRequest, pk: int) -> HttpResponse:
    """Marks the people who were selected: asks why first, and does it when the answer comes."""
    book = get_object_or_404(permissions.writable_books(request.user).for_page(), pk=pk)
    selection = SelectionForm(request.POST, book=book, query=request.GET)
    contacts, back = selection.contacts(), book_url(request, book=book)
    if not contacts.exists():
        messages.warning(request, _("Nobody was selected."))
        return redirect(back)
    form = DoNotInviteForm(request.POST if "reason" in request.POST else None)
    if form.is_valid():
        user = permissions.organizer(request.user)
        change = curating.mark_contacts(book=book, contacts=contacts, user=user, **form.cleaned_data)
        text = ngettext(
            "%(n)s person is not to be invited.", "%(n)s people are not to be invited.", _of(change)
        )
        say_done(request, text % {"n": intcomma(_of(change))}, change)
        return redirect(back)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    context = {"book": book, "form": form, "selection": selection, "named": naming(contacts)}
    return page_or_fragment(
        request, "invites/selection_mark.html", context | {"cancel_url": back}, status=status
    )


@require_POST
@permissions.allow(permissions.may_organize)
def selection_unmark(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes the marks of the people away who were selected."""
    book = get_object_or_404(permissions.writable_books(request.user), pk=pk)
    contacts = SelectionForm(request.POST, book=book, query=request.GET).contacts()
    change = curating.unmark_contacts(book=book, contacts=contacts, user=permissions.organizer(request.user))
    if change is None:
        messages.warning(request, _("Nobody of those selected is marked “do not invite”."))
    else:
        text = ngettext(
            "%(n)s person can be invited again.", "%(n)s people can be invited again.", _of(change)
        )
        say_done(request, text % {"n": intcomma(_of(change))}, change)
    return redirect(book_url(request, book=book))


def _of(change: BookChange | None) -> int:
    return change.people if change else 0
