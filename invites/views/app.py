"""Pages of the DingTalk apps: the list, one app, adding and changing one, its next secret, switching it off and on."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard.about_apps import about_app, about_apps
from dashboard.about_events import about_events
from dashboard.fragments import page_or_fragment
from invites import demo, permissions
from invites.forms.app_page import AppOfKindForm, CallsOfSettingsForm, KindForm, NextSecretForm
from invites.models import App, Invitation
from invites.models.app import OF_SETTINGS, WITH_SECRET
from invites.views.app_test import shown_test

form_view = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
@permissions.allow(permissions.may_administer)
def app_list(request: HttpRequest) -> HttpResponse:
    """All apps, what each has called this month, and what their last tests have shown."""
    apps = about_apps(permissions.managed_apps(request.user))
    return page_or_fragment(request, "invites/app_list.html", {"apps": apps, "tab": "apps"})


@form_view
@permissions.allow(permissions.may_administer)
def app_create(request: HttpRequest) -> HttpResponse:
    """Adds an app of the kind that the query names, with the fields of this kind."""
    kinds = KindForm(request.GET)
    form = AppOfKindForm(request.POST if request.method == "POST" else None, kind=kinds.chosen)
    if request.method == "POST" and form.keep():
        messages.success(request, _("The app “%(name)s” was added. Test it now.") % {"name": form.instance})
        return redirect("invites:app_detail", form.instance.pk)
    context = {"form": form, "kinds": kinds.offered, "tab": "apps"}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return page_or_fragment(request, "invites/app_create.html", context, status=status)


@require_safe
@permissions.allow(permissions.may_administer)
def app_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One app: how it calls, what it has called, and what its last test has shown."""
    app = get_object_or_404(permissions.managed_apps(request.user).with_check(), pk=pk)
    about = about_app(app)
    context = {
        "app": app,
        "about": about,
        "events": about_events(app),
        "tab": "apps",
        "has_secret_to_change": app.kind in WITH_SECRET,
        "next_is_stored": "next_client_secret" in App.objects.stored_secrets(pk),
        **shown_test(app, about.check),
    }
    return page_or_fragment(request, "invites/app_detail.html", context)


@form_view
@permissions.allow(permissions.may_administer)
def app_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Changes an app; of one that the settings describe, only how it calls."""
    app = load(request, pk)
    name = app.name
    data = request.POST if request.method == "POST" else None
    form: AppOfKindForm | CallsOfSettingsForm
    if app.kind in OF_SETTINGS:
        form = CallsOfSettingsForm(data, instance=app)
    else:
        form = AppOfKindForm(data, instance=app, kind=app.kind)
    if request.method == "POST" and form.keep():
        messages.success(request, _("The changes to “%(name)s” are saved.") % {"name": app})
        return redirect("invites:app_detail", pk)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    context = {"form": form, "app": app, "name": name, "tab": "apps"}
    return page_or_fragment(request, "invites/app_edit.html", context, status=status)


@form_view
@permissions.allow(permissions.may_administer)
def app_secret(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes the secret with which an app goes on once DingTalk does not take the present one any more."""
    app = get_object_or_404(permissions.managed_apps(request.user).with_secret_to_change(), pk=pk)
    form = NextSecretForm(request.POST if request.method == "POST" else None, app=app)
    if request.method == "POST" and form.keep():
        messages.success(
            request,
            _(
                "The next secret is stored. It takes over by itself as soon as DingTalk refuses the present one."
            ),
        )
        return redirect("invites:app_detail", pk)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    context = {
        "form": form,
        "app": app,
        "tab": "apps",
        "next_is_stored": "next_client_secret" in App.objects.stored_secrets(pk),
    }
    return page_or_fragment(request, "invites/app_secret.html", context, status=status)


@require_POST
@permissions.allow(permissions.may_administer)
def app_forget_secret(request: HttpRequest, pk: int) -> HttpResponse:
    """Forgets the next secret; the present one goes on."""
    app = get_object_or_404(permissions.managed_apps(request.user).with_secret_to_change(), pk=pk)
    app.forget_next_secret()
    messages.success(request, _("The next secret was forgotten. The present one goes on."))
    return redirect("invites:app_detail", pk)


@form_view
@permissions.allow(permissions.may_administer)
def app_disable(request: HttpRequest, pk: int) -> HttpResponse:
    """Switches an app off, after asking once: nobody is called through it from then on."""
    app = load(request, pk)
    if request.method == "POST":
        app.switch(on=False)
        messages.success(
            request, _("“%(name)s” is switched off: nobody is called through it.") % {"name": app}
        )
        return redirect("invites:app_detail", pk)
    context: dict[str, Any] = {
        "title": _("Switch off “%(name)s”?") % {"name": app},
        "text": _(
            "Nobody is called through it any more, and no meeting of it is read. Conferences, address books and the "
            "history stay, and it can be switched on again."
        ),
        "losses": list(_waiting(app)),
        "losses_title": _("This is left out unless it is switched on again in time:"),
        "label": _("Switch off"),
        "cancel_url": reverse("invites:app_detail", args=[pk]),
    }
    return render(request, "confirm.html", context)


@require_POST
@permissions.allow(permissions.may_administer)
def app_enable(request: HttpRequest, pk: int) -> HttpResponse:
    """Switches an app on again."""
    app = load(request, pk)
    demo.refuse_real_app(kind=app.kind, enabled=True)
    app.switch(on=True)
    messages.success(request, _("“%(name)s” is switched on again.") % {"name": app})
    return redirect("invites:app_detail", pk)


def load(request: HttpRequest, pk: int) -> App:
    """The app, for whoever may set it up. Raises Http404 for anybody else."""
    return get_object_or_404(permissions.managed_apps(request.user), pk=pk)


def _waiting(app: App) -> list[str]:
    """What is still to be called through an app, in words."""
    of_app = Invitation.objects.of_app(app)
    under_way, scheduled = of_app.under_way().count(), of_app.with_a_time().count()
    told = []
    if under_way:
        words = ngettext(
            "%(n)s invitation that is under way", "%(n)s invitations that are under way", under_way
        )
        told.append(words % {"n": under_way})
    if scheduled:
        words = ngettext("%(n)s invitation at a set time", "%(n)s invitations at a set time", scheduled)
        told.append(words % {"n": scheduled})
    return told
