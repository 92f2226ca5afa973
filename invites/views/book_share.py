"""Who may use a book by name: adding somebody, changing what they may do, and taking the book away again."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.fragments import page_or_fragment
from invites import curating, permissions
from invites.forms.address_book import BookShareForm
from invites.models import BookShare


@require_http_methods(["GET", "HEAD", "POST"])
@permissions.allow(permissions.may_organize)
def book_shares(request: HttpRequest, pk: int) -> HttpResponse:
    """Who may use a book; its owner adds somebody by the name with which they sign in."""
    book = get_object_or_404(permissions.owned_books(request.user).for_page(), pk=pk)
    form = BookShareForm(request.POST if request.method == "POST" else None, book=book)
    if request.method == "POST" and form.keep(permissions.organizer(request.user)):
        text = (
            _("%(name)s may use and change this book now.")
            if form.may_write
            else _("%(name)s may use this book now.")
        )
        messages.success(request, text % {"name": form.person.display_name})
        return redirect("invites:book_shares", pk)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    context = {"book": book, "form": form, "shares": BookShare.objects.of_book(book)}
    return page_or_fragment(request, "invites/book_shares.html", context, status=status)


@require_POST
@permissions.allow(permissions.may_organize)
def book_share_remove(request: HttpRequest, pk: int, user_pk: int) -> HttpResponse:
    """Takes a book away from somebody whom it was shared with by name. Twice is once."""
    book = get_object_or_404(permissions.owned_books(request.user), pk=pk)
    share = BookShare.objects.of_book(book).with_user_key(user_pk).first()
    if share is not None:
        curating.withdraw(book=book, person=share.user, user=permissions.organizer(request.user))
        name = {"name": share.user.display_name}
        messages.success(request, _("The book is no longer shared with %(name)s.") % name)
    return redirect("invites:book_shares", pk)
