"""What an administrator does about somebody else's access: another password, barring, and handing over what they own.

Nobody does any of it to themselves.
"""

from http import HTTPStatus

from django.contrib import messages
from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from dashboard.fragments import page_or_fragment
from invites import appointing, permissions, securing
from invites.forms.user import HandOverForm, PasswordForm, in_words
from invites.models import ApiToken, Session, User
from invites.views.user import form_view


@sensitive_post_parameters()
@form_view
@permissions.allow(permissions.may_administer)
@securing.confirm_first
def user_password(request: HttpRequest, pk: int) -> HttpResponse:
    """Another password for somebody who has lost theirs."""
    person = _load(request, pk)
    form = PasswordForm(request.POST if request.method == "POST" else None, user=person)
    if form.is_bound and form.keep():
        text = _("%(name)s has another password now, and has to sign in with it everywhere.")
        messages.success(request, text % {"name": person.display_name})
        return redirect("invites:user_edit", pk)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    context = {"form": form, "person": person, "tab": "users"}
    return page_or_fragment(request, "invites/user_password.html", context, status=status)


@form_view
@permissions.allow(permissions.may_administer)
def user_bar(request: HttpRequest, pk: int) -> HttpResponse:
    """Lets somebody sign in no more, after asking once and saying what stays behind."""
    person = _load(request, pk)
    name = {"name": person.display_name}
    if request.method == "POST":
        appointing.bar(user=person, by=permissions.own_account(request.user))
        messages.success(request, _("%(name)s can no longer sign in.") % name)
        return redirect("invites:user_edit", pk)
    context = {
        "title": _("Let %(name)s sign in no more?") % name,
        "text": _(
            "They are signed out everywhere at once, and their tokens and sign-up links stop working. What they did "
            "stays in the history under their name, and they can be let in again."
        ),
        "stays": _left_behind(appointing.belongings(person)),
        "person": person,
        "label": _("Bar from signing in"),
        "cancel_url": reverse("invites:user_edit", args=[pk]),
    }
    return render(request, "invites/user_bar.html", context)


@form_view
@permissions.allow(permissions.may_administer)
def user_sign_out(request: HttpRequest, pk: int) -> HttpResponse:
    """Ends all sessions and tokens of somebody, who can sign in again, after asking once. Twice is once."""
    person = _load(request, pk)
    name = {"name": person.display_name}
    if request.method == "POST":
        appointing.sign_out(person)
        text = _("%(name)s is signed out everywhere, and no token of theirs opens anything any more.")
        messages.success(request, text % name)
        return redirect("invites:user_edit", pk)
    context = {
        "title": _("Sign %(name)s out everywhere?") % name,
        "text": _("They can sign in again, and make new tokens. The programs that use these stop working."),
        "losses": _opened(Session.objects.of(person).count(), ApiToken.objects.of(person).valid().count()),
        "label": _("Sign out everywhere"),
        "cancel_url": reverse("invites:user_edit", args=[pk]),
    }
    return render(request, "confirm.html", context)


@form_view
@permissions.allow(permissions.may_administer)
@securing.confirm_first
def user_reset_factors(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes away the second factors of somebody who has lost theirs, after asking once. Twice is once."""
    person = _load(request, pk)
    name = {"name": person.display_name}
    if request.method == "POST":
        securing.reset_factors(person)
        messages.success(request, _("%(name)s has no second factor any more.") % name)
        return redirect("invites:user_edit", pk)
    context = {
        "title": _("Reset the second factor of %(name)s?") % name,
        "text": _(
            "Make sure that it is really them who ask: until they set up another one, their password alone lets in "
            "whoever knows it."
        ),
        "losses": [_("their codes from an app, passkeys and recovery codes")],
        "label": _("Reset the second factor"),
        "cancel_url": reverse("invites:user_edit", args=[pk]),
    }
    return render(request, "confirm.html", context)


@require_POST
@permissions.allow(permissions.may_administer)
def user_readmit(request: HttpRequest, pk: int) -> HttpResponse:
    """Lets somebody sign in again."""
    person = _load(request, pk)
    appointing.readmit(user=person, by=permissions.own_account(request.user))
    messages.success(request, _("%(name)s can sign in again.") % {"name": person.display_name})
    return redirect("invites:user_edit", pk)


@form_view
@permissions.allow(permissions.may_administer)
def user_hand_over(request: HttpRequest, pk: int) -> HttpResponse:
    """Gives what somebody owns to somebody else."""
    person = get_object_or_404(permissions.users(request.user), pk=pk)
    form = HandOverForm(request.POST if request.method == "POST" else None, owner=person)
    if form.is_valid():
        given = appointing.hand_over(
            owner=person,
            to=form.cleaned_data["username"],
            conferences=form.cleaned_data.get("conferences", False),
            books=form.cleaned_data.get("books", False),
        )
        text = _("%(to)s owns them now: %(what)s.")
        what = _(" and ").join(in_words(conferences=given.conferences, books=given.books))
        messages.success(request, text % {"to": form.cleaned_data["username"].display_name, "what": what})
        return redirect("invites:user_edit", pk)
    context = {"form": form, "person": person, "tab": "users"}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return page_or_fragment(request, "invites/user_hand_over.html", context, status=status)


def _load(request: HttpRequest, pk: int) -> User:
    person: User = get_object_or_404(permissions.other_users(request.user), pk=pk)
    return person


def _opened(sessions: int, tokens: int) -> list[str]:
    """What somebody is signed in with, without that of which there is none."""
    told = []
    if sessions:
        told.append(ngettext("%(n)s session", "%(n)s sessions", sessions) % {"n": intcomma(sessions)})
    if tokens:
        text = ngettext("%(n)s token for programs", "%(n)s tokens for programs", tokens)
        told.append(text % {"n": intcomma(tokens)})
    return told


def _left_behind(owned: appointing.Belongings) -> list[str]:
    """What somebody owns, and what will not happen any more without them; nothing where that is nothing."""
    left = in_words(conferences=owned.conferences, books=owned.books)
    if owned.waiting:
        waiting = ngettext(
            "%(n)s invitation that waits to be sent in their name: it will not be sent",
            "%(n)s invitations that wait to be sent in their name: they will not be sent",
            owned.waiting,
        )
        left.append(waiting % {"n": intcomma(owned.waiting)})
    return left
