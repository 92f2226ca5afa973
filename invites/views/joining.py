"""Making one's account with a sign-up link, and letting go of one's DingTalk account."""

from http import HTTPStatus

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from invites import enrolling, permissions, securing
from invites.errors import SignUpLinkOver
from invites.forms.joining import JoinForm
from invites.models import User
from invites.signing_in import identities, telling, through_dingtalk


@sensitive_post_parameters("password1", "password2")
@require_http_methods(["GET", "HEAD", "POST"])
@login_not_required
def join(request: HttpRequest, token: str) -> HttpResponse:
    """The page that a sign-up link opens: a username and a password, or DingTalk."""
    if request.user.is_authenticated:
        messages.info(
            request, _("You are signed in already. A sign-up link is for somebody without an account.")
        )
        return redirect("home")
    try:
        link = enrolling.open_link(token)
        form = JoinForm(request.POST if request.method == "POST" else None)
        user = _enrolled(token, form) if form.is_bound and form.is_valid() else None
    except SignUpLinkOver as refusal:
        return telling.no_way_in(request, refusal, status=HTTPStatus.GONE)
    if user is not None:
        entering = Login(user=user, signup=True)
        return perform_password_login(request, {"username": user.username}, entering)  # type: ignore[no-any-return]
    context = {
        "form": form,
        "link": link,
        "token": token,
        "offers_dingtalk": through_dingtalk.is_offered(),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return TemplateResponse(request, "account/join.html", context, status=status)


def _enrolled(token: str, form: JoinForm) -> User | None:
    """The new account; None, with the error in the form, where somebody took the username at the same moment."""
    typed = form.cleaned_data
    try:
        return enrolling.enroll_with_password(
            token, username=typed["username"], name=typed["first_name"], password=typed["password1"]
        )
    except IntegrityError:
        form.add_error("username", _("Somebody has this username already."))
        return None


@securing.confirm_first
@require_http_methods(["GET", "HEAD", "POST"])
def disconnect_dingtalk(request: HttpRequest) -> HttpResponse:
    """Asks once, then lets nobody in through one's DingTalk account any more."""
    user = permissions.own_account(request.user)
    if request.method == "POST":
        identities.disconnect(user)
        messages.success(request, _("Your DingTalk account is not connected any more."))
        return redirect("invites:security")
    context = {
        "title": _("Disconnect DingTalk"),
        "text": _(
            "You will sign in with your username and password alone. You can connect it again at any time."
        ),
        "label": _("Disconnect"),
        "cancel_url": reverse("invites:security"),
    }
    return TemplateResponse(request, "confirm.html", context)
