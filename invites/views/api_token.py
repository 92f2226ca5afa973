"""Somebody's tokens for programs: the list, making one, which is shown once, and revoking one."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from dashboard.fragments import page_or_fragment
from invites import permissions, securing, tokens
from invites.forms.api_token import ApiTokenForm
from invites.forms.page import PageForm, page_of
from invites.models import ApiToken
from invites.models.api_token import PAGE_SIZE


@require_safe
def token_list(request: HttpRequest) -> HttpResponse:
    """One's own tokens that are not revoked, the latest first."""
    before = PageForm(request.GET).at("before")
    rows = permissions.api_tokens(request.user).listed(before=before)
    mine, next_cursor = page_of(rows, size=PAGE_SIZE)
    context = {"tab": "tokens", "tokens": mine, "next_cursor": next_cursor}
    return page_or_fragment(request, "invites/token_list.html", context, fragments={"more_tokens"})


@require_http_methods(["GET", "HEAD", "POST"])
@securing.confirm_first
def token_create(request: HttpRequest) -> HttpResponse:
    """Makes a token for whoever has shown lately who they are. Its text is in this answer and nowhere else."""
    token = ApiToken(user=permissions.own_account(request.user))
    form = ApiTokenForm(request.POST if request.method == "POST" else None, instance=token)
    if form.is_bound and form.keep():
        return TemplateResponse(request, "invites/token_made.html", {"made": form.made})
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return page_or_fragment(request, "invites/token_create.html", {"form": form}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def token_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks once, then lets a token open nothing any more."""
    token = get_object_or_404(permissions.api_tokens(request.user), pk=pk)
    if request.method == "POST":
        tokens.revoke(token)
        messages.success(request, _("“%(name)s” is revoked and opens nothing any more.") % {"name": token})
        return redirect("invites:token_list")
    context = {
        "title": _("Revoke “%(name)s”?") % {"name": token},
        "text": _(
            "The program that uses this token can do nothing here from then on. What it has done stays on record."
        ),
        "label": _("Revoke"),
        "cancel_url": reverse("invites:token_list"),
    }
    return TemplateResponse(request, "confirm.html", context)
