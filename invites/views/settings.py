"""One's own account, and for administrators what is set up and what runs here."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from dashboard.about import installation
from dashboard.fragments import page_or_fragment
from invites import permissions, securing
from invites.forms.account import AccountForm


@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest) -> HttpResponse:
    """My account with its form."""
    account = permissions.own_account(request.user)
    form = AccountForm(request.POST if request.method == "POST" else None, instance=account)
    if form.is_bound and form.is_valid() and form.opens_another_way_in:
        securing.ask_who_it_is(request)
    if form.is_bound and form.keep():
        messages.success(request, _("Your account has been saved."))
        return redirect("invites:settings")
    context = {"form": form, "tab": "account"}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return page_or_fragment(request, "invites/settings.html", context, fragments={"account"}, status=status)


@require_safe
@permissions.allow(permissions.may_administer)
def about(request: HttpRequest) -> HttpResponse:
    """The versions of what runs here, and how its workers are."""
    return page_or_fragment(request, "invites/about.html", {"about": installation(), "tab": "about"})
