"""One person of the history: everything that ever happened to them."""

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from dashboard.fragments import page_or_fragment
from invites import disclosing, permissions
from invites.chronicling import chronicle
from invites.forms.page import PageForm


@require_safe
def person_detail(request: HttpRequest, pk: int) -> TemplateResponse:
    """Who it is, as what and by which channels they were called, and every invitation of theirs, newest first."""
    person = get_object_or_404(permissions.people(request.user), pk=pk)
    page = PageForm(request.GET)
    may_look = permissions.may_administer(request.user) and not person.is_erased
    context = {
        "person": person,
        "told": chronicle(person, user=request.user, before=page.at("before")),
        "is_first_page": page.at("before") is None,
        "token": disclosing.token_of(person) if may_look else "",
    }
    return page_or_fragment(request, "invites/person_detail.html", context, fragments={"happenings"})
