"""How pages look, and how the process is."""

from http import HTTPStatus

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe
from prometheus_client.django import PrometheusDjangoView

from dashboard import health
from dashboard.context import THEMES
from dashboard.metrics import REGISTRY
from invites.errors import TooManyTries

THEME_KEPT_FOR = 365 * 24 * 3600


@require_POST
@login_not_required
def set_theme(request: HttpRequest) -> HttpResponse:
    """Keeps the posted ``theme`` in a cookie and goes back to ``next``. The script does the same without a request."""
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        target = "/"
    response = HttpResponseRedirect(target)
    theme = request.POST.get("theme", "")
    if theme in THEMES:
        response.set_cookie(
            "theme", theme, max_age=THEME_KEPT_FOR, secure=request.is_secure(), samesite="Lax"
        )
    return response


def tried_too_often(request: HttpRequest) -> HttpResponse:
    """What allauth answers to whoever asks it for the same again and again. Raises TooManyTries, which says how long to
    wait at most.
    """
    raise TooManyTries(seconds=settings.LONGEST_WAIT)


@require_safe
@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """Says that the process answers; it touches nothing else."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
@login_not_required
def readyz(request: HttpRequest) -> JsonResponse:
    """Whether requests can be answered, 200 or 503, and what else is amiss, which decides nothing."""
    now = health.check()
    status = HTTPStatus.SERVICE_UNAVAILABLE if now.problem else HTTPStatus.OK
    degraded = [{"what": what, "why": why} for what, why in now.complaints]
    return JsonResponse({"status": now.status, "problem": now.problem, "degraded": degraded}, status=status)


_metrics = PrometheusDjangoView.as_view(registry=REGISTRY)


@require_safe
@login_not_required
def metrics(request: HttpRequest) -> HttpResponseBase:
    """What Prometheus reads, for whoever has the token. Without one in the settings there is no such page."""
    if not settings.METRICS_TOKEN:
        raise Http404
    if not constant_time_compare(
        request.headers.get("Authorization", ""), f"Bearer {settings.METRICS_TOKEN}"
    ):
        answer = HttpResponse("The token is missing or wrong.", status=401, content_type="text/plain")
        answer["WWW-Authenticate"] = "Bearer"
        return answer
    return _metrics(request)
