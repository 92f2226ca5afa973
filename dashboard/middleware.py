"""What every answer shares: the viewer's time zone, htmx's redirects and messages, and the domain's refusals."""

import zoneinfo
from collections.abc import Callable
from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect, reswap

from invites.errors import InviteError

type GetResponse = Callable[[HttpRequest], HttpResponse]


class ViewerMiddleware:
    """Shows times in the zone of the person who looks; their browser says it in the cookie ``timezone``."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            zone = zoneinfo.ZoneInfo(request.COOKIES.get("timezone", ""))
        except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
            zone = None
        with timezone.override(zone or timezone.get_default_timezone()):
            return self.get_response(request)


class HtmxAnswerMiddleware:
    """Lets views answer as if htmx did not exist: redirects reach the browser, messages come along out of band."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not request.htmx:  # type: ignore[attr-defined]
            return response
        if (
            HTTPStatus.MULTIPLE_CHOICES <= response.status_code < HTTPStatus.BAD_REQUEST
            and response.has_header("Location")
        ):
            redirect = HttpResponseClientRedirect(response["Location"])
            redirect.cookies = response.cookies
            return redirect
        is_html = response.get("Content-Type", "").startswith("text/html")
        if (
            is_html
            and not response.streaming
            and "HX-Redirect" not in response
            and messages.get_messages(request)
        ):
            response.content += render_to_string("_messages.html", {"out_of_band": True}, request).encode()
        return response


class DomainErrorMiddleware:
    """Answers what the domain refuses with its message and 409: a toast for htmx, a page otherwise."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The answer to an InviteError; anything else is a bug and goes on."""
        if not isinstance(exception, InviteError):
            return None
        if request.htmx:  # type: ignore[attr-defined]
            messages.error(request, str(exception))
            return reswap(HttpResponse(status=HTTPStatus.CONFLICT), "none")
        context = {"message": str(exception), "back": request.META.get("HTTP_REFERER", "")}
        return render(request, "409.html", context, status=HTTPStatus.CONFLICT)
