"""Sign-up links: who got one and what became of it, a new one, and withdrawing one."""

from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard.fragments import page_or_fragment
from invites import enrolling, permissions, securing, welcoming
from invites.forms.page import PageForm, page_of
from invites.forms.sign_up_link import SignUpLinkForm
from invites.models import SignInPolicy
from invites.models.sign_in_policy import SignUp

PAGE_SIZE = 20


@require_safe
@permissions.allow(permissions.may_administer)
def sign_up_link_list(request: HttpRequest) -> TemplateResponse:
    """Those that were made, the newest first, a page at a time."""
    context = {"tab": "signing_in", **links_shown(request)}
    return page_or_fragment(
        request, "invites/sign_up_link_list.html", context, fragments={"more_sign_up_links"}
    )


@require_http_methods(["GET", "HEAD", "POST"])
@permissions.allow(permissions.may_administer)
@securing.confirm_first
def sign_up_link_create(request: HttpRequest) -> HttpResponse:
    """Makes a link and shows it in the answer, once: it is kept nowhere."""
    sends_mail = settings.MAIL_IS_SET_UP
    nobody = SignInPolicy.objects.current().sign_up == SignUp.NOBODY
    form = SignUpLinkForm(
        request.POST if request.method == "POST" else None, sends_mail=sends_mail, nobody_may_sign_up=nobody
    )
    context: dict[str, Any] = {"form": form, "nobody_may_sign_up": nobody, "tab": "signing_in"}
    if not form.is_valid():
        status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
        return page_or_fragment(request, "invites/sign_up_link_create.html", context, status=status)
    link, token = form.make(permissions.own_account(request.user))
    context |= {
        "link": link,
        # Where the administrator is now, so that it works from there; a mail leads to SITE_URL.
        "address": request.build_absolute_uri(reverse("join", args=[token])),
        "is_to_be_sent": bool(sends_mail and link.email),
        "was_sent": bool(sends_mail and link.email) and welcoming.send_link(link, token=token),
    }
    return page_or_fragment(request, "invites/sign_up_link_made.html", context, status=HTTPStatus.CREATED)


@require_POST
@permissions.allow(permissions.may_administer)
def sign_up_link_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Withdraws a link. Twice is once."""
    link = get_object_or_404(permissions.sign_up_links(request.user), pk=pk)
    if enrolling.revoke_link(link):
        messages.success(request, _("The sign-up link cannot be used any more."))
    else:
        messages.info(request, _("This sign-up link could not be used any more anyway."))
    return redirect("invites:sign_in_policy")


def links_shown(request: HttpRequest) -> dict[str, Any]:
    """A page of the links, and where the next one begins."""
    before = PageForm(request.GET).at("before")
    rows = permissions.sign_up_links(request.user).newest_first().older_than(before)
    links, next_cursor = page_of(rows, size=PAGE_SIZE)
    return {"links": links, "next_cursor": next_cursor}
