"""What every answer shares: its id, the viewer's own, htmx's redirects and messages, and the domain's refusals."""

import re
import zoneinfo
from collections.abc import Callable
from http import HTTPStatus
from typing import cast
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.contrib.messages.storage.base import BaseStorage
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.csp import CSP
from django_htmx.http import HttpResponseClientRedirect, reswap
from django_structlog.middlewares import RequestMiddleware
from structlog.contextvars import bind_contextvars, clear_contextvars

from dashboard.context import here
from dashboard.logs import mask_text
from invites import acting, securing, tracing, visiting
from invites.errors import InviteError, TooOften
from invites.sessions import SessionStore

# base.html tells htmx to swap these as well.
_SWAPPED_REFUSALS = {HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.TOO_MANY_REQUESTS}

# What somebody needs who has to set up a second factor: the page, what it leads to, and the way out.
WITHOUT_SECOND_FACTOR = {
    "invites:security",
    "mfa_index",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "mfa_view_recovery_codes",
    "account_reauthenticate",
    "logout",
    "account_logout",
}

# What a proxy makes: a UUID, a ULID, the id of a trace.
_ID_OF_A_PROXY = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{7,{tracing.LENGTH - 1}}}")

# No page of ours uses any of these; passkeys and the button that copies are for our own pages alone.
PERMISSIONS_POLICY = (
    "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), geolocation=(), "
    "gyroscope=(), hid=(), identity-credentials-get=(), idle-detection=(), local-fonts=(), "
    "magnetometer=(), microphone=(), midi=(), payment=(), picture-in-picture=(), screen-wake-lock=(), "
    "serial=(), storage-access=(), usb=(), window-management=(), xr-spatial-tracking=(), "
    "clipboard-write=(self), publickey-credentials-create=(self), publickey-credentials-get=(self)"
)
FILE_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"

type GetResponse = Callable[[HttpRequest], HttpResponse]


class PolicyMiddleware:
    """Says to browsers what no answer of ours needs, beside what Django's own middleware says.

    It stands before what serves files, so that they carry it, too.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        # Nothing of ours is meant for another site's page: no file, no answer of the API.
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        # What no other part has said how long to keep, such as a refusal of the host, nobody keeps.
        response.headers.setdefault("Cache-Control", "no-store")
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        if CSP.HEADER_ENFORCE in response.headers and not is_page:
            # A file that somebody opens instead of saving it runs and loads nothing.
            response.headers[str(CSP.HEADER_ENFORCE)] = FILE_POLICY
        return response


class RequestLogMiddleware(RequestMiddleware):
    """Gives each request an id, which its log lines, its answer and what is sent in it carry, and tells of it once.

    A proxy's ``X-Request-ID`` is taken over where it looks like one. Must not ask the database: `/healthz` does not.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        self.prepare(request)
        response = cast("HttpResponse", self.get_response(request))
        response["X-Request-ID"] = tracing.current()
        self.handle_response(request, response)
        return response

    def prepare(self, request: HttpRequest) -> None:
        """As the library's, which takes over whatever it is given."""
        clear_contextvars()
        given = request.META.pop("HTTP_X_REQUEST_ID", "")
        # One that lines would show masked could not be looked for.
        if _ID_OF_A_PROXY.fullmatch(given) and mask_text(given) == given:
            request.META["HTTP_X_REQUEST_ID"] = given
        super().prepare(request)

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        """Method and path: a query may hold whom somebody looks for."""
        return f"{request.method} {request.path}"

    @staticmethod
    def bind_user_id(request: HttpRequest) -> None:
        """Who it is, where that has been found out already; nobody is looked up for a line."""
        user = getattr(request, "_cached_user", None)
        if user is not None and user.pk:
            bind_contextvars(user_id=user.pk)


class VisitorSessionMiddleware(SessionMiddleware):
    """Django's; a session knows who uses it, and notes now and then that it is used."""

    def process_request(self, request: HttpRequest) -> None:
        """As Django's, for one visitor."""
        super().process_request(request)
        _name_visitor(request)

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """As Django's, which stores what has changed."""
        # Allauth puts another one in its place while somebody is on the way to DingTalk or back.
        _name_visitor(request)
        request.session.note_seen()  # type: ignore[attr-defined]
        return super().process_response(request, response)


def _name_visitor(request: HttpRequest) -> None:
    request.session.visitor = visiting.visitor_of(request)  # type: ignore[attr-defined]


class ActingMiddleware:
    """Says in whose name a request changes things, for the record of changes.

    In place of auditlog's own, which connects a signal for every request, under a mark that two threads may share.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with acting.in_the_name_of(lambda: request.user):
            return self.get_response(request)


class ViewerMiddleware:
    """Makes an answer that of the person who looks: times stand in their zone, and no cache keeps it.

    Their browser says the zone in the cookie ``timezone``. A kept page would come back with the list as it was before
    it was sent, or after the sign-out.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            zone = zoneinfo.ZoneInfo(request.COOKIES.get("timezone", ""))
        except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
            zone = None
        with timezone.override(zone or timezone.get_default_timezone()):
            response = self.get_response(request)
        add_never_cache_headers(response)
        return response


class SecondFactorMiddleware:
    """Leads whoever has to have a second factor and has none to the page that sets one up, wherever they go.

    Pages that need no sign-in stay reachable: signing out, language, theme.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponseBase], args: object, kwargs: object
    ) -> HttpResponseBase | None:
        """The way to that page, or None where the view may answer."""
        match = request.resolver_match
        if not getattr(view, "login_required", True) or (match and match.view_name in WITHOUT_SECOND_FACTOR):
            return None
        if not securing.lacks_factor(request.user, cast("SessionStore", request.session)):
            return None
        return redirect("invites:security")


class HtmxAnswerMiddleware:
    """Lets views answer as if htmx did not exist: redirects reach the browser, messages come along out of band.

    With htmx or without, a sign-in leads back to a page and never to an address that only takes what is posted.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_redirect = 300 <= response.status_code < 400 and response.has_header("Location")  # noqa: PLR2004
        if is_redirect:
            response["Location"] = _way_back(request, response["Location"])
        if not request.htmx:  # type: ignore[attr-defined]
            return response
        if is_redirect:
            redirect = HttpResponseClientRedirect(response["Location"])
            redirect.cookies = response.cookies
            return redirect
        if _is_swapped(response) and _has_unshown_messages(request):
            response.content += render_to_string("_messages.html", {"out_of_band": True}, request).encode()
        return response


def _way_back(request: HttpRequest, location: str) -> str:
    """``location``, but a sign-in leads back to the page that asked, not to where a form or a fragment went."""
    sign_in = reverse(settings.LOGIN_URL)
    if location != redirect_to_login(request.get_full_path(), sign_in).url:
        return location
    page = request.htmx.current_url_abs_path if request.htmx else here(request)  # type: ignore[attr-defined]
    return f"{sign_in}?{urlencode({REDIRECT_FIELD_NAME: page}, safe='/')}" if page else location


def _is_swapped(response: HttpResponse) -> bool:
    """Whether htmx, as configured in base.html, puts the body of ``response`` into the page."""
    status = response.status_code
    is_used = status in _SWAPPED_REFUSALS or (
        status < HTTPStatus.BAD_REQUEST and status != HTTPStatus.NO_CONTENT
    )
    is_html = response.get("Content-Type", "").startswith("text/html")
    return is_used and is_html and not response.streaming and "HX-Redirect" not in response


def _has_unshown_messages(request: HttpRequest) -> bool:
    """Whether messages wait; those that a whole page has shown already do not come along a second time."""
    storage = messages.get_messages(request)
    return isinstance(storage, BaseStorage) and len(storage) > 0 and not storage.used


class DomainErrorMiddleware:
    """Answers what the domain refuses with its message and its status, mostly 409: a toast for htmx, else a page."""

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
            response = reswap(HttpResponse(status=exception.status), "none")
        else:
            context = {"message": str(exception), "back": here(request) if request.method == "POST" else "/"}
            response = render(request, "409.html", context, status=exception.status)
        if isinstance(exception, TooOften):
            response["Retry-After"] = str(exception.seconds)
        return response
