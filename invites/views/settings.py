"""One's own account, and for administrators what runs here and where it is set up."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from dashboard import about
from dashboard.fragments import page_or_fragment
from invites import permissions
from invites.forms.account import AccountForm
from invites.models import User


@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest) -> HttpResponse:
    """My account with its form; administrators see the apps, the users and what runs here as well."""
    account = permissions.own_account(request.user)
    form = AccountForm(request.POST if request.method == "POST" else None, instance=account)
    if form.is_bound and form.keep():
        messages.success(request, _("Your account has been saved."))
        return redirect("invites:settings")
    context: dict[str, Any] = {"form": form}
    if permissions.may_administer(request.user):
        context |= {
            "apps": about.apps(),
            "users": User.objects.by_name()[: about.USERS_SHOWN],
            "about": about.installation(),
        }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return page_or_fragment(request, "invites/settings.html", context, fragments={"account"}, status=status)
