"""The home page, and whether the process is alive."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from invites import permissions


@require_safe
def home(request: HttpRequest) -> TemplateResponse:
    """What is open now and what happened last."""
    context = {
        "conferences": permissions.conferences(request.user).for_list()[:8],
        "attempts": permissions.attempts(request.user).newest_first()[:8],
    }
    return TemplateResponse(request, "home.html", context)


@require_safe
@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """Says that the process answers; it touches nothing else."""
    return HttpResponse("ok", content_type="text/plain")
