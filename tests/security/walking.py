"""Goes through every address of the site that only reads, as somebody, with the keys of what there is."""

import inspect
import re
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

from django.db.models import Model
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.resolvers import RoutePattern

from invites.models import (
    AddressBook,
    App,
    Attempt,
    AuditEntry,
    BookChange,
    Conference,
    Contact,
    ContactGroup,
    ContactImport,
    HistoryExport,
    Invitation,
    Person,
    SavedFilter,
    User,
)
from invites.models.history_export import ExportRows
from tests.conftest import htmx

type View = Callable[..., HttpResponseBase]

_NUMBER = re.compile(r"<int:\w+>")
_FRAGMENTS = re.compile(r"fragments=\{([^}]*)\}")
_NAMES = re.compile(r'"(\w+)"')
# What is not ours, ends the visit, or is walked by tests of its own.
_ELSEWHERE = ("admin/", "sign-out/", "api/")
_NOT_FOR_THEM = {HTTPStatus.FORBIDDEN, HTTPStatus.METHOD_NOT_ALLOWED}
_MOST_KEYS = 4
# What an address that begins so is about.
_ABOUT: dict[str, type[Model]] = {
    "books/": AddressBook,
    "changes/": BookChange,
    "contacts/": Contact,
    "groups/": ContactGroup,
    "imports/": ContactImport,
    "conferences/": Conference,
    "invitations/": Invitation,
    "history/": Attempt,
    "history/changes/": AuditEntry,
    "history/conferences/": Conference,
    "history/exports/": HistoryExport,
    "history/filters/": SavedFilter,
    "history/organizers/": User,
    "history/people/": Person,
    "settings/apps/": App,
    "settings/users/": User,
}
_SHOWN = {HTTPStatus.OK, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY}


def walk(client: Client) -> Iterator[tuple[str, bytes]]:
    """Every page and every fragment that ``client`` gets to see, with its address."""
    for route, view in routes(get_resolver().url_patterns, ""):
        if "<" in _NUMBER.sub("", route) or route.startswith(_ELSEWHERE):
            continue
        for key in _keys(route) if _NUMBER.search(route) else [0]:
            address = f"/{_NUMBER.sub(str(key), route)}"
            answer = client.get(address)
            assert answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR, address
            if answer.status_code in _NOT_FOR_THEM:
                # Whatever the key.
                break
            if answer.status_code in _SHOWN:
                yield address, _body(answer)
                for fragment in _fragments_of(view):
                    part = client.get(address, headers=htmx(fragment))
                    assert part.status_code < HTTPStatus.INTERNAL_SERVER_ERROR, f"{address}#{fragment}"
                    yield f"{address}#{fragment}", _body(part)


def _keys(route: str) -> list[int]:
    """Those of what the first number in an address is about: the newest, and where nobody has said so, of anything."""
    longest = max((start for start in _ABOUT if route.startswith(start)), key=len, default="")
    model = _ABOUT.get(longest)
    if model is None:
        return [1]
    return list(model._default_manager.order_by("-pk").values_list("pk", flat=True)[:_MOST_KEYS])


def routes(patterns: list[Any], before: str) -> Iterator[tuple[str, View]]:
    """Every address of ``patterns`` as it is written there, and its view."""
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and isinstance(pattern.pattern, RoutePattern):
            yield route, pattern.callback


def _fragments_of(view: View) -> list[str]:
    """The fragments that the module of a view may answer with."""
    module = inspect.getmodule(inspect.unwrap(view))
    source = inspect.getsource(module) if module else ""
    return sorted({name for group in _FRAGMENTS.findall(source) for name in _NAMES.findall(group)})


def _body(answer: Any) -> bytes:
    return bytes(answer.getvalue())


def ordered_at(rows_are: str) -> str:
    """Where a file with such rows is ordered."""
    return reverse(
        "invites:entry_export" if rows_are == ExportRows.CHANGES else "invites:history_export_list"
    )
