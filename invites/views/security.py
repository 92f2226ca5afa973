"""How safe one's own account is: second factors, recovery codes, and where one is signed in."""

from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from invites import permissions, securing
from invites.signing_in import identities

SESSIONS_SHOWN = 50


@require_safe
def security(request: HttpRequest) -> HttpResponse:
    """Second factors and sessions of whoever is signed in."""
    user = permissions.own_account(request.user)
    factors = securing.factors_of(user)
    shown = list(permissions.own_sessions(request.user)[: SESSIONS_SHOWN + 1])
    context = {
        "tab": "security",
        "factors": factors,
        "has_app": any(factor.type == Authenticator.Type.TOTP for factor in factors),
        "has_codes": securing.has_codes(user),
        "has_password": user.has_usable_password(),
        "dingtalk": identities.standing(user),
        "must_set_up": securing.lacks_factor(user, request.session),  # type: ignore[arg-type]
        "sessions": shown[:SESSIONS_SHOWN],
        "has_more_sessions": len(shown) > SESSIONS_SHOWN,
        "this_session": request.session.digest,  # type: ignore[attr-defined]
    }
    return TemplateResponse(request, "invites/security.html", context)


@require_POST
def session_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Ends one of one's own sessions, wherever it is."""
    session = get_object_or_404(permissions.own_sessions(request.user), pk=pk)
    securing.end_session(permissions.own_account(request.user), session.pk)
    messages.success(request, _("That session has been ended."))
    return redirect("invites:security")


@require_POST
def session_end_others(request: HttpRequest) -> HttpResponse:
    """Ends all of one's own sessions but this one."""
    user = permissions.own_account(request.user)
    ended = securing.end_sessions(user, but=request.session)  # type: ignore[arg-type]
    messages.success(
        request,
        ngettext("%(count)s session has been ended.", "%(count)s sessions have been ended.", ended)
        % {"count": ended},
    )
    return redirect("invites:security")
