"""What is done to several people of a book at once: to those ticked in the list, or to all whom a search finds."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from django.contrib import messages
from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from dashboard.fragments import page_or_fragment
from invites import curating, permissions
from invites.forms.contact import SelectionForm, TransferForm
from invites.forms.contact_group import ContactGroupForm
from invites.models import AddressBook, ContactGroup
from invites.models.contact import ContactQuerySet
from invites.views.address_book import book_url
from invites.views.book_change import say_done

ASKED_ABOVE = 50
"""So many people are deleted without a question, for it can be undone."""

NAMED = 10
"""People named on a page that asks before they are deleted; the rest are counted."""


@require_POST
@permissions.allow(permissions.may_organize)
def selection_group(request: HttpRequest, pk: int) -> HttpResponse:
    """Puts the people into a group; where none is chosen, asks for the name of a new one."""
    book = get_object_or_404(permissions.writable_books(request.user).for_page(), pk=pk)
    user = permissions.organizer(request.user)
    selection = SelectionForm(request.POST, book=book, query=request.GET)
    back, contacts, group = (
        redirect(book_url(request, book=book)),
        selection.contacts(),
        selection.group_chosen,
    )
    if not contacts.exists():
        messages.warning(request, _("Nobody was selected."))
        return back
    if group is None:
        form = ContactGroupForm(instance=ContactGroup(book=book), user=user, contacts=contacts)
        context = {"book": book, "form": form, "selection": selection, "named": naming(contacts)}
        return page_or_fragment(request, "invites/group_create.html", context)
    change = curating.add_to_group(group=group, contacts=contacts, user=user)
    if change is None:
        messages.info(request, _("They are all in “%(group)s” already.") % {"group": group})
        return back
    text = ngettext("%(n)s person joined “%(group)s”.", "%(n)s people joined “%(group)s”.", change.people)
    say_done(request, text % {"n": intcomma(change.people), "group": group}, change)
    return back


@require_POST
@permissions.allow(permissions.may_organize)
def selection_ungroup(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes the people out of a group."""
    book = get_object_or_404(permissions.writable_books(request.user), pk=pk)
    selection = SelectionForm(request.POST, book=book, query=request.GET)
    group = selection.group_chosen
    if group is None:
        messages.warning(request, _("Choose the group that these people are to leave."))
        return redirect(book_url(request, book=book))
    user = permissions.organizer(request.user)
    change = curating.remove_from_group(group=group, contacts=selection.contacts(), user=user)
    people = change.people if change else 0
    text = ngettext("%(n)s person left “%(group)s”.", "%(n)s people left “%(group)s”.", people)
    say_done(request, text % {"n": intcomma(people), "group": group}, change)
    return redirect(book_url(request, book=book))


@require_POST
@permissions.allow(permissions.may_organize)
def selection_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Deletes the people. Where they are many, asks first, and does it when the answer comes with ``confirmed``."""
    book = get_object_or_404(permissions.writable_books(request.user), pk=pk)
    selection = SelectionForm(request.POST, book=book, query=request.GET)
    contacts, back = selection.contacts(), book_url(request, book=book)
    if "confirmed" not in request.POST and contacts.count_up_to(ASKED_ABOVE) > ASKED_ABOVE:
        context = _about_to_delete(contacts) | {"selection": selection, "cancel_url": back}
        return render(request, "invites/selection_delete.html", context)
    change = curating.delete_contacts(book=book, contacts=contacts, user=permissions.organizer(request.user))
    if change is None:
        messages.warning(request, _("Nobody was selected."))
        return redirect(back)
    text = ngettext("%(n)s person was deleted.", "%(n)s people were deleted.", change.people)
    say_done(request, text % {"n": intcomma(change.people)}, change)
    return redirect(back)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Who several people are, for a page that asks about them: a few by name, and how many they are."""

    people: int
    names: list[str]

    @property
    def others(self) -> int:
        """How many are not named."""
        return self.people - len(self.names)


@require_POST
@permissions.allow(permissions.may_organize)
def selection_move(request: HttpRequest, pk: int) -> HttpResponse:
    """Moves the people to another book: asks to which first, and does it when the answer comes."""
    return _transfer(request, pk, act=curating.move_contacts, template="invites/selection_move.html")


@require_POST
@permissions.allow(permissions.may_organize)
def selection_copy(request: HttpRequest, pk: int) -> HttpResponse:
    """Copies the people to another book: asks to which first, and does it when the answer comes."""
    return _transfer(request, pk, act=curating.copy_contacts, template="invites/selection_copy.html")


def _transfer(
    request: HttpRequest, pk: int, *, act: Callable[..., curating.Transfer], template: str
) -> HttpResponse:
    book = get_object_or_404(permissions.writable_books(request.user).for_page(), pk=pk)
    selection = SelectionForm(request.POST, book=book, query=request.GET)
    contacts, back = selection.contacts(), book_url(request, book=book)
    if not contacts.exists():
        messages.warning(request, _("Nobody was selected."))
        return redirect(back)
    form = TransferForm(
        request.POST if "confirmed" in request.POST else None,
        book=book,
        books=permissions.writable_books(request.user),
    )
    if form.is_valid():
        target = form.cleaned_data["target"]
        transfer = act(book=book, contacts=contacts, target=target, user=permissions.organizer(request.user))
        _say_transferred(request, transfer, target)
        return redirect(back)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    context = {"book": book, "form": form, "selection": selection, "named": naming(contacts)}
    return page_or_fragment(request, template, context | {"cancel_url": back}, status=status)


def _say_transferred(request: HttpRequest, transfer: curating.Transfer, target: AddressBook) -> None:
    if transfer.change is not None:
        people = transfer.change.people
        text = ngettext("%(n)s person is now in “%(book)s”.", "%(n)s people are now in “%(book)s”.", people)
        say_done(request, text % {"n": intcomma(people), "book": target}, transfer.change)
    if stayed := transfer.fit.stayed:
        text = ngettext(
            "%(n)s person stays out, since “%(book)s” has somebody with their unionId or number: %(names)s",
            "%(n)s people stay out, since “%(book)s” has somebody with their unionId or number: %(names)s",
            stayed,
        )
        names = [*transfer.fit.names, *(["…"] if stayed > len(transfer.fit.names) else [])]
        messages.warning(request, text % {"n": intcomma(stayed), "book": target, "names": " · ".join(names)})


def naming(contacts: ContactQuerySet) -> Named:
    """Who ``contacts`` are."""
    names = [str(contact) for contact in contacts.by_name()[:NAMED]]
    return Named(people=contacts.count(), names=names)


def _about_to_delete(contacts: ContactQuerySet) -> dict[str, object]:
    """The question before ``contacts`` are deleted: who they are and what they are in."""
    named = naming(contacts)
    return {
        "title": ngettext("Delete this person?", "Delete %(n)s people?", named.people)
        % {"n": intcomma(named.people)},
        "text": _("They leave the book and its groups. Invitations that have been made keep them."),
        "losses": [*named.names, _("… and %(n)s more") % {"n": intcomma(named.others)}],
        "label": _("Delete"),
    }
