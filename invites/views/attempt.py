"""The history: the list of attempts with its filters."""

from http import HTTPStatus

from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_safe
from django_htmx.http import replace_url

from dashboard.fragments import page_or_fragment
from invites.forms.attempt import AttemptFilterForm
from invites.searching import Page


@require_safe
def attempt_list(request: HttpRequest) -> TemplateResponse:
    """The attempts that fit the filters in the address, newest first, a page at a time."""
    form = AttemptFilterForm(data=request.GET, user=request.user)
    fits = form.is_valid()
    page = form.page() if fits else Page(rows=[])
    here = reverse("invites:attempt_list")
    addresses = {
        "here": f"{here}?{request.GET.urlencode()}",
        "older": page.older and f"{here}?{form.query(before=page.older)}",
        "newer": page.newer and f"{here}?{form.query(after=page.newer)}",
    }
    context = addresses | {
        "form": form,
        "attempts": page.rows,
        "under_way": any(attempt.is_under_way for attempt in page.rows),
        "is_narrowed": fits and form.is_narrowing,
    }
    status = HTTPStatus.OK if fits else HTTPStatus.UNPROCESSABLE_ENTITY
    response = page_or_fragment(
        request, "invites/attempt_list.html", context, fragments={"attempts"}, status=status
    )
    # The address carries the filters, without the fields that are empty.
    query = form.query()
    return replace_url(response, f"{here}?{query}" if query else here)
