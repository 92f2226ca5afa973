"""Testing an app: step by step on its page, or all at once without JavaScript."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from invites import diagnosing, limiting, permissions
from invites.forms.app_page import StepForm
from invites.models import App, AppCheck
from invites.views.address_book import asks_for


@require_POST
@permissions.allow(permissions.may_administer)
@limiting.limit(limiting.Kind.TESTING)
def app_test(request: HttpRequest, pk: int) -> HttpResponse:
    """Begins a test; where its section is asked for, the page goes on step by step."""
    app = get_object_or_404(permissions.managed_apps(request.user), pk=pk)
    user = permissions.own_account(request.user)
    if asks_for(request, "app_test"):
        return _section(request, app, diagnosing.begin(app, user=user))
    diagnosing.to_the_end(app, user=user)
    return redirect("invites:app_detail", pk)


@require_POST
@permissions.allow(permissions.may_administer)
def app_test_step(request: HttpRequest, pk: int) -> HttpResponse:
    """The next step of a test that is under way."""
    app = get_object_or_404(permissions.managed_apps(request.user).tested(), pk=pk)
    check = diagnosing.go_on(app, done=StepForm(request.POST).done)
    if asks_for(request, "app_test"):
        return _section(request, app, check)
    return redirect("invites:app_detail", pk)


@require_POST
@permissions.allow(permissions.may_administer)
@limiting.limit(limiting.Kind.TESTING)
def app_test_elsewhere(request: HttpRequest, pk: int) -> HttpResponse:
    """Asks the other edition of DingTalk whether it knows the app."""
    app = get_object_or_404(permissions.managed_apps(request.user), pk=pk)
    elsewhere = diagnosing.knows_app_elsewhere(app)
    template = (
        "invites/_app_elsewhere.html" if asks_for(request, "app_elsewhere") else "invites/app_elsewhere.html"
    )
    return render(request, template, {"app": app, "elsewhere": elsewhere, "tab": "apps"})


def shown_test(app: App, check: AppCheck | None) -> dict[str, Any]:
    """What the section of the test shows; nobody has tested an app without a ``check``."""
    findings = diagnosing.findings_of(app, check) if check else []
    return {
        "check": check,
        "findings": findings,
        "missing": [finding for finding in findings if finding.code],
        "steps": len(diagnosing.operations_of(app)),
        "is_outdated": check is not None and diagnosing.is_outdated(app, check),
        "is_over": check is not None and diagnosing.is_over(app, check),
        "other_edition": diagnosing.other_edition(app),
        "charged_calls": diagnosing.charged_calls(),
    }


def _section(request: HttpRequest, app: App, check: AppCheck) -> HttpResponse:
    context = {"app": app, "goes_on": True, **shown_test(app, check)}
    return render(request, "invites/_app_test.html", context)
