"""The home page, signing in, how pages look, and how the process is."""

from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import PasswordChangeForm
from django.forms import BaseForm
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse_lazy
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from prometheus_client.django import PrometheusDjangoView

from dashboard import health
from dashboard.context import THEMES
from dashboard.metrics import REGISTRY
from invites import demo
from invites.models import User

THEME_KEPT_FOR = 365 * 24 * 3600


class SignInView(auth_views.LoginView):
    """Django's, with what a fresh installation needs to be told."""

    template_name = "sign_in.html"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Adds ``no_user_yet`` and ``demo`` (what one signs in to the demonstration with, or None)."""
        return super().get_context_data(**kwargs) | {
            "no_user_yet": not User.objects.exists(),
            "demo": demo.sign_in(),
        }

    def form_invalid(self, form: BaseForm) -> HttpResponse:
        """The form again, as 422."""
        return self.render_to_response(self.get_context_data(form=form), status=422)


class PasswordView(auth_views.PasswordChangeView):
    """Django's, with a message instead of a page of its own."""

    template_name = "password_change.html"
    success_url = reverse_lazy("home")

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        """Changes it and says so."""
        messages.success(self.request, _("Your password has been changed."))
        return super().form_valid(form)

    def form_invalid(self, form: BaseForm) -> HttpResponse:
        """The form again, as 422."""
        return self.render_to_response(self.get_context_data(form=form), status=422)


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
