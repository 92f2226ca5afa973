"""Chooses between a whole page and one fragment of it. A fragment has one name: its partial, its id, its target."""

from collections.abc import Collection, Mapping
from typing import Any

from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.cache import patch_vary_headers
from django_htmx.middleware import HtmxDetails


def page_or_fragment(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any],
    *,
    fragments: Collection[str] = (),
    status: int = 200,
) -> TemplateResponse:
    """``template`` as a whole, or its partial named by the ``HX-Target`` header where that is among ``fragments``.

    An unlisted target, a history restore and a request without htmx all get the whole page.
    """
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    if htmx and not htmx.history_restore_request and htmx.target in fragments:
        template = f"{template}#{htmx.target}"
    response = TemplateResponse(request, template, dict(context), status=status)
    patch_vary_headers(response, ["HX-Request", "HX-Target", "HX-History-Restore-Request"])
    return response
