"""The seals of the history: each day with what was sealed of it, and whether it was found to be so."""

from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from django_stubs_ext import StrOrPromise

from dashboard.fragments import page_or_fragment
from invites import permissions
from invites.forms.seal import SealPageForm
from invites.models import SealedDay, Verification
from invites.sealing import Problem, known_key

DAYS_A_PAGE = 30

_PROBLEMS: dict[str, StrOrPromise] = {
    Problem.CHANGED: _("A row is not as it was sealed."),
    Problem.MISSING: _("A row is missing."),
    Problem.ADDED: _("A row was not there when its day was sealed."),
    Problem.DAY_MISSING: _("The chain has a gap: a day is missing."),
    Problem.CHAIN_BROKEN: _("The chain is broken: a digest does not fit the one before and what was sealed."),
    Problem.KEY_UNKNOWN: _("Days are sealed with a key that is not set up here, so they cannot be checked."),
    Problem.HEAD_UNKNOWN: _("A digest that was kept elsewhere is not part of the chain: it was made anew."),
    Problem.NOT_SEALED: _("A day is over and has not been sealed."),
}


@require_safe
@permissions.allow(permissions.may_read_all_history)
def seal_list(request: HttpRequest) -> TemplateResponse:
    """Sealed days, the newest first, and what came of the last verification."""
    before = SealPageForm(request.GET).day
    days = list(SealedDay.objects.newest_with_sections(before=before, limit=DAYS_A_PAGE + 1))
    verification = Verification.objects.newest()
    context = {
        "days": [(day, {part.name: part.rows for part in day.sections.all()}) for day in days[:DAYS_A_PAGE]],
        "unknown_keys": {day.key_id for day in days if known_key(day.key_id) is None},
        "older": days[DAYS_A_PAGE - 1].day if len(days) > DAYS_A_PAGE else None,
        "is_first_page": before is None,
        "verification": verification,
        "problem": _PROBLEMS.get(verification.problem, "") if verification else "",
    }
    return page_or_fragment(request, "invites/seal_list.html", context, fragments={"seals"})
