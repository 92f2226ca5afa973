"""Goes through every address of the site that only reads, as somebody, with every key that there is of anything."""

import inspect
import re
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

from django.apps import apps
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

from tests.conftest import htmx

type View = Callable[..., HttpResponseBase]

_NUMBER = re.compile(r"<int:\w+>")
_FRAGMENTS = re.compile(r"fragments=\{([^}]*)\}")
_NAMES = re.compile(r'"(\w+)"')
# What is not ours, ends the visit, or is walked by tests of its own.
_ELSEWHERE = ("admin/", "sign-out/", "api/")
_NOT_FOR_THEM = {HTTPStatus.FORBIDDEN, HTTPStatus.METHOD_NOT_ALLOWED}
_SHOWN = {HTTPStatus.OK, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY}


def walk(client: Client, *, keys: list[int]) -> Iterator[tuple[str, bytes]]:
    """Every page and every fragment that ``client`` gets to see, with its address."""
    for route, view in routes(get_resolver().url_patterns, ""):
        if "<" in _NUMBER.sub("", route) or route.startswith(_ELSEWHERE):
            continue
        for key in keys if _NUMBER.search(route) else keys[:1]:
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


def keys_of_everything() -> list[int]:
    """The keys of all rows of ours that have a number."""
    rows: set[int] = set()
    for model in apps.get_app_config("invites").get_models():
        if model._meta.pk.name == "id":
            rows.update(model._default_manager.values_list("pk", flat=True))
    return sorted(rows)


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
