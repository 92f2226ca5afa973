"""What base.html needs on every page."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from invites import permissions
from invites.models import App, Worker
from invites.models.app import AppKind


def page(request: HttpRequest) -> dict[str, Any]:
    """``navigation`` rights, and lazily (each at most one query, only where a template asks) what the banner says."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"theme": request.COOKIES.get("theme", "auto")}
    return {
        "theme": request.COOKIES.get("theme", "auto"),
        "may_organize": permissions.may_organize(user),
        "may_administer": permissions.may_administer(user),
        "may_see_phone_numbers": permissions.may_see_phone_numbers(user),
        "sandbox_in_use": bool(settings.DINGTALK_SANDBOX_URL),
        "apps_in_use": lambda: list(App.objects.enabled().exclude(kind=AppKind.SANDBOX)),
        "no_worker": lambda: not Worker.objects.alive().exists(),
    }
