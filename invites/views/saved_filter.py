"""Filters of the history that somebody keeps under a name: saving and forgetting them. Everybody has their own."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from invites import permissions
from invites.forms.attempt import AttemptFilterForm
from invites.forms.saved_filter import SavedFilterForm
from invites.models import SavedFilter


@require_http_methods(["GET", "HEAD", "POST"])
def saved_filter_create(request: HttpRequest) -> HttpResponseBase:
    """Keeps the filters in the address under a name; the same name again replaces what it stood for."""
    filters = AttemptFilterForm(data=request.GET, user=request.user)
    history = f"{reverse('invites:attempt_list')}?{request.GET.urlencode()}"
    if not filters.is_valid() or not filters.is_narrowing:
        # Nothing that could be kept: the history says at each field what is wrong with it.
        return redirect(history)
    form = SavedFilterForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        user, name = permissions.own_account(request.user), form.cleaned_data["name"]
        SavedFilter.objects.keep(user, name=name, query=filters.query())
        messages.success(request, _("“%(name)s” is saved.") % {"name": name})
        return redirect(f"{reverse('invites:attempt_list')}?{filters.query()}")
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    context = {
        "form": form,
        "chips": list(filters.chips),
        "cancel_url": history,
        "saved_filters": permissions.saved_filters(request.user),
    }
    return TemplateResponse(request, "invites/saved_filter_create.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def saved_filter_delete(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Asks once, then forgets what was kept under a name."""
    saved = get_object_or_404(permissions.saved_filters(request.user), pk=pk)
    history = f"{reverse('invites:attempt_list')}?{saved.query}"
    if request.method == "POST":
        saved.delete()
        messages.success(request, _("“%(name)s” is no longer saved.") % {"name": saved.name})
        return redirect(history)
    context = {
        "title": _("Forget “%(name)s”") % {"name": saved.name},
        "text": _("The calls that it finds stay as they are."),
        "label": _("Forget"),
        "cancel_url": history,
    }
    return TemplateResponse(request, "confirm.html", context)
