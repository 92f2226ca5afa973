"""The list of error codes: what they mean, and how often each came lately."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from dashboard.fragments import page_or_fragment
from invites import permissions
from invites.explaining import UNKNOWN_CODE, Entry, Mover, entry_of, find
from invites.models.outcome_count import CodeSeen
from invites.surveying import DAYS, codes_lately

MOST_FREQUENT_SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownEntry:
    """An explanation, and those of its codes that came lately, be they named in it or of its kind."""

    entry: Entry
    seen: Sequence[CodeSeen]


@require_safe
def code_list(request: HttpRequest) -> TemplateResponse:
    """Every known code that fits ``q``, by whose move it is, and the codes seen here that nobody knows."""
    text = request.GET.get("q", "").strip()
    seen = codes_lately(permissions.surveyed_conferences(request.user))
    by_entry: dict[tuple[str, ...], list[CodeSeen]] = defaultdict(list)
    for code in seen:
        by_entry[entry_of(code.code).codes].append(code)
    unknown = by_entry.pop(UNKNOWN_CODE.codes, [])
    entries = [ShownEntry(entry=entry, seen=by_entry[entry.codes]) for entry in find(text)]
    groups = [(mover.label, [each for each in entries if each.entry.first_mover == mover]) for mover in Mover]
    context = {
        "groups": [group for group in groups if group[1]],
        "unknown": [code for code in unknown if text.casefold() in code.code.casefold()],
        "frequent": [] if text else seen[:MOST_FREQUENT_SHOWN],
        "days": DAYS,
        "q": text,
    }
    return page_or_fragment(request, "invites/code_list.html", context, fragments={"codes"})
