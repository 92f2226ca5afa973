"""The history: the list of attempts with its filters, and how many of them there are."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_safe
from django_htmx.http import replace_url

from dashboard.fragments import page_or_fragment
from invites import permissions
from invites.forms.attempt import AttemptFilterForm
from invites.models import SealedDay
from invites.models.timeline import Page
from invites.searching import COUNTED, tally
from invites.views.address_book import asks_for


@require_safe
def attempt_list(request: HttpRequest) -> TemplateResponse:
    """The attempts that fit the filters in the address, newest first, a page at a time."""
    form = AttemptFilterForm(data=request.GET, user=request.user)
    fits = form.is_valid()
    # Filters that are unfolded come without the calls, which are there already.
    page = form.page() if fits and not asks_for(request, "more_filters") else Page()
    here, query = reverse("invites:attempt_list"), form.query()
    context = {
        "form": form,
        "fits": fits,
        "query": query,
        "attempts": page.rows,
        "searched_until": page.searched_until,
        "here": f"{here}?{request.GET.urlencode()}",
        "older": None if page.older is None else f"{here}?{form.query(before=page.older)}",
        "newer": None if page.newer is None else f"{here}?{form.query(after=page.newer)}",
        "under_way": any(attempt.is_under_way for attempt in page.rows),
        "saved_filters": permissions.saved_filters(request.user),
        "removed": SealedDay.objects.last_removed() if page.older is None else None,
        "tab": "calls",
        "tab_query": form.shared_query,
        # A list that asks for itself while calls are under way has the same filters as before.
        "filters_changed": asks_for(request, "attempts") and request.htmx.trigger != "attempts",  # type: ignore[attr-defined]
    }
    status = HTTPStatus.OK if fits else HTTPStatus.UNPROCESSABLE_ENTITY
    response = page_or_fragment(
        request, "invites/attempt_list.html", context, fragments={"attempts", "more_filters"}, status=status
    )
    # The address carries the filters, without the fields that are empty.
    return replace_url(response, f"{here}?{query}" if query else here)


@require_safe
def attempt_tally(request: HttpRequest) -> HttpResponseBase:
    """How many attempts fit, by outcome and by code: asked for by the list when it is there, or by itself."""
    form = AttemptFilterForm(data=request.GET, user=request.user)
    if not form.is_valid():
        # The list says at each field what is wrong with it.
        return redirect(f"{reverse('invites:attempt_list')}?{request.GET.urlencode()}")
    counted = tally(form.criteria, request.user)
    context = {
        "form": form,
        "query": form.query(),
        "tally": {
            "total": counted.total,
            "is_exact": counted.is_exact,
            "most": COUNTED,
            "outcomes": _parts(form, "outcome", counted.outcomes),
            "codes": _parts(form, "code", counted.codes),
        },
    }
    return page_or_fragment(request, "invites/attempt_tally.html", context, fragments={"tally"})


def _parts(form: AttemptFilterForm, name: str, counts: list[tuple[str, int]]) -> list[dict[str, str | int]]:
    """Each value of a filter with its number and the query of the address that narrows to it."""
    return [{"name": value, "number": n, "query": form.query(**{name: value})} for value, n in counts]
