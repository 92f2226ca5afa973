"""The addresses of the API, and its description."""

from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import AnonymousUser
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    JsonResponse,
)
from django.urls import URLPattern, path, re_path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from ninja import NinjaAPI

from invites.api import attempt, conference, contact, invitation, refusals
from invites.api.authentication import Token
from invites.limiting import Kind

app_name = "api"
_PREFIX = "api/v1/"
_WITH_BODY = frozenset({"POST", "PATCH", "PUT"})
_DESCRIPTION = """\
What the pages do, for programs. A token is made under *Settings · Tokens*; it acts in the name of whoever made it, as
far as its permissions go. Requests that send or make something carry an `Idempotency-Key`, and are done once for each.
Lists come in pages: hand `next` back as `cursor`.
"""

api = NinjaAPI(
    title="DingTalk conference invitations",
    version="1",
    description=_DESCRIPTION,
    urls_namespace="api",
    openapi_url=None,
    docs_url=None,
    auth=Token(),
)
refusals.register(api)
for router in (conference.router, invitation.router, attempt.router, contact.router):
    api.add_router("", router)


@login_not_required
@require_safe
def description(request: HttpRequest) -> JsonResponse:
    """The description of the API, in OpenAPI. It holds nothing of anybody, so everybody may read it."""
    return JsonResponse(_described())


@cache
def _described() -> dict[str, Any]:
    """It takes far longer to make than anybody should have us work who is not known here."""
    return api.get_openapi_schema(path_prefix=_PREFIX)


def missing(request: HttpRequest) -> HttpResponse:
    """What is told below this address where nothing is."""
    return api.on_exception(request, Http404())


def _served(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """``view``, for whoever has a token: nobody is known by a cookie, and refusals have their shape."""

    def serve(request: HttpRequest, /, *args: Any, **kwargs: Any) -> HttpResponseBase:
        request.user = AnonymousUser()
        if request.method in _WITH_BODY and request.content_type != "application/json":
            message = _("Send JSON: Content-Type: application/json")
            return refusals.answer(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, message)
        response = view(request, *args, **kwargs)
        if isinstance(response, HttpResponseNotAllowed):
            response = refusals.not_allowed(response)
        times, seconds = settings.LIMITS[Kind.API]
        response["RateLimit-Policy"] = f'"{Kind.API}";q={times};w={seconds}'
        return response

    # Nobody has a cookie here that another site could misuse.
    serve.csrf_exempt = True  # type: ignore[attr-defined]
    return login_not_required(serve)


def _patterns() -> list[URLPattern]:
    """The operations, the description, and what answers to everything else."""
    # The library's own page at the top is not among them: nothing is there.
    patterns = [each for each in api.urls[0] if isinstance(each, URLPattern) and each.name != "api-root"]
    for pattern in patterns:
        pattern.callback = _served(pattern.callback)
    described = path("openapi.json", description, name="description")
    return [described, *patterns, re_path("", _served(missing), name="missing")]


urlpatterns = _patterns()
