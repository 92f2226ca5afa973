"""How people sign in, as administrators decide it for everybody."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from dashboard.fragments import page_or_fragment
from invites import permissions, securing
from invites.forms.sign_in_policy import SignInPolicyForm
from invites.models import SignInPolicy
from invites.views.sign_up_link import links_shown


@require_http_methods(["GET", "HEAD", "POST"])
@permissions.allow(permissions.may_administer)
def sign_in_policy(request: HttpRequest) -> HttpResponse:
    """The one policy there is; beside it the newest sign-up links."""
    policy = SignInPolicy.objects.current()
    form = SignInPolicyForm(
        request.POST if request.method == "POST" else None,
        instance=policy,
        by=permissions.own_account(request.user),
    )
    if form.is_bound and form.is_valid():
        securing.ask_who_it_is(request)
    if form.is_bound and form.keep():
        messages.success(request, _("How people sign in is decided."))
        return redirect("invites:sign_in_policy")
    context = {"form": form, "tab": "signing_in", **links_shown(request)}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return page_or_fragment(request, "invites/sign_in_policy.html", context, status=status)
