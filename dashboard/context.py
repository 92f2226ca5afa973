"""What base.html needs on every page. Nothing here asks the database before a template asks for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from invites import permissions
from invites.models import Worker
from invites.models.spending import Spending, spending_of_apps
from invites.permissions import Viewer

THEMES = ("auto", "light", "dark")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A place in the navigation. ``current`` is what ``aria-current`` says: "page", "true" for one inside, or ""."""

    url: str
    word: StrOrPromise
    icon: str
    current: str


def chosen_theme(request: HttpRequest) -> str:
    """The theme that the viewer chose, one of THEMES."""
    theme = request.COOKIES.get("theme", "")
    return theme if theme in THEMES else "auto"


def here(request: HttpRequest) -> str:
    """The path to come back to: this page, or where an answer to a POST came from."""
    if request.method in {"GET", "HEAD"}:
        return request.get_full_path()
    referrer = request.META.get("HTTP_REFERER", "")
    try:
        host = request.get_host()
    except DisallowedHost:
        # The page that says so asks for the way back, too.
        return "/"
    if not url_has_allowed_host_and_scheme(referrer, allowed_hosts={host}, require_https=request.is_secure()):
        return "/"
    parts = urlsplit(referrer)
    return f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"


def _places(user: Viewer) -> Iterator[tuple[str, StrOrPromise, str, tuple[str, ...]]]:
    """View, word, icon and the beginnings of the paths that belong to it."""
    yield "home", _("Home"), "home", ()
    if permissions.may_organize(user):
        yield "invites:conference_list", _("Conferences"), "video", ("/conferences/", "/invitations/")
        of_books = ("/books/", "/contacts/", "/groups/", "/imports/")
        yield "invites:book_list", _("Address books"), "address-book", of_books
    yield "invites:attempt_list", _("History"), "history", ("/history/", "/codes/")
    if permissions.may_administer(user):
        yield "invites:settings", _("Settings"), "settings", ("/settings/",)


def navigation(request: HttpRequest, user: Viewer) -> list[Entry]:
    """The places that ``user`` may go to, the present one marked."""
    entries = []
    for view, word, icon, paths in _places(user):
        url = reverse(view)
        inside = any(request.path.startswith(path) for path in paths)
        current = "page" if request.path == url else "true" if inside else ""
        entries.append(Entry(url=url, word=word, icon=icon, current=current))
    return entries


def spendings(request: HttpRequest) -> list[Spending]:
    """What the apps in use have spent of this month's quota, in one query for all that a page says of it."""
    asked: list[Spending] | None = getattr(request, "spendings", None)
    if asked is None:
        asked = spending_of_apps()
        request.spendings = asked  # type: ignore[attr-defined]
    return asked


def page(request: HttpRequest) -> dict[str, Any]:
    """Theme, the way back, and for somebody signed in: rights, navigation and the banner (at most one query each)."""
    context: dict[str, Any] = {"theme": chosen_theme(request), "here": here(request)}
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return context
    may_organize = permissions.may_organize(user)
    apps = SimpleLazyObject(lambda: spendings(request))
    return context | {
        "navigation": SimpleLazyObject(lambda: navigation(request, user)),
        "may_organize": may_organize,
        "may_administer": permissions.may_administer(user),
        "may_read_all_history": permissions.may_read_all_history(user),
        "may_see_phone_numbers": permissions.may_see_phone_numbers(user),
        "sandbox_in_use": bool(settings.DINGTALK_SANDBOX_URL),
        "apps_in_use": SimpleLazyObject(lambda: [each.app for each in apps if not each.app.is_sandbox]),
        "scarce_quotas": SimpleLazyObject(
            lambda: [each for each in apps if each.is_nearly_used_up] if may_organize else []
        ),
        "no_worker": SimpleLazyObject(lambda: not Worker.objects.alive().exists()),
    }
