"""The list of error codes with what they mean."""

from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from dashboard.fragments import page_or_fragment
from invites.explaining import Mover, find


@require_safe
def code_list(request: HttpRequest) -> TemplateResponse:
    """Every known code that fits ``q``, by whose move it is."""
    text = request.GET.get("q", "").strip()
    entries = find(text)
    groups = [(mover.label, [entry for entry in entries if entry.first_mover == mover]) for mover in Mover]
    context = {"groups": [group for group in groups if group[1]], "q": text}
    return page_or_fragment(request, "invites/code_list.html", context, fragments={"codes"})
