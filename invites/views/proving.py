"""Proving who one is: the second step of a sign-in, signing in with a passkey, and once more before what matters.

Django-allauth's views with our pages; how often somebody may try is counted by them.
"""

from http import HTTPStatus
from typing import Any

from allauth.account.views import ReauthenticateView
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.base.views import ReauthenticateView as ReauthenticateWithCodeView
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal.auth import begin_authentication
from allauth.mfa.webauthn.views import LoginWebAuthnView, ReauthenticateWebAuthnView
from django.contrib import messages
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from invites import securing
from invites.signing_in import slowing
from invites.views.signing_in import SaysWhatIsWrong

TOO_MANY = "too_many_login_attempts"


def _status_of(form: BaseForm) -> HTTPStatus:
    """Of an answer that shows ``form`` again."""
    too_many = form.has_error("code", TOO_MANY)
    return HTTPStatus.TOO_MANY_REQUESTS if too_many else HTTPStatus.UNPROCESSABLE_ENTITY


class SecondStepView(AuthenticateView):
    """Asks whoever has given their password for a code or a passkey."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Adds ``has_passkey``."""
        factors = securing.factors_of(self.stage.login.user)
        has_passkey = any(factor.type == Authenticator.Type.WEBAUTHN for factor in factors)
        return super().get_context_data(**kwargs) | {"has_passkey": has_passkey}

    def form_invalid(self, form: BaseForm) -> HttpResponse:
        """The form again, as 422, or 429 where there were too many tries."""
        answer: HttpResponse = super().form_invalid(form)
        answer.status_code = _status_of(form)
        if answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY and not form.has_error("code", "lost"):
            securing.note_failed_step(self.stage.login.user)
        return answer


class PasskeySignInView(LoginWebAuthnView):
    """Signs in with a passkey alone. A script asks it for a question and posts the answer of the browser."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The question for the browser; to a visitor, the sign-in. Raises TooManyTries."""
        if request.headers.get("Accept") == "application/json":
            slowing.count_question(request)
            return JsonResponse({"request_options": begin_authentication(user=None)})
        return HttpResponseRedirect(reverse("account_login"))

    def form_invalid(self, form: BaseForm) -> HttpResponse:
        """Back to the sign-in, which says so."""
        return _not_taken(self.request, reverse("account_login"))


class PasswordAgainView(SaysWhatIsWrong, ReauthenticateView):
    """Asks for the password once more."""


class CodeAgainView(ReauthenticateWithCodeView):
    """Asks for a code once more."""

    def form_invalid(self, form: BaseForm) -> HttpResponse:
        """The form again, as 422, or 429 where there were too many tries."""
        return self.render_to_response(self.get_context_data(form=form), status=_status_of(form))


class PasskeyAgainView(ReauthenticateWebAuthnView):
    """Asks for a passkey once more."""

    def form_invalid(self, form: BaseForm) -> HttpResponse:
        """The same page again, which says so: what the browser has made is good for one question alone."""
        return _not_taken(self.request, self.request.get_full_path())


def _not_taken(request: HttpRequest, way: str) -> HttpResponse:
    messages.error(request, _("The passkey was not taken. Please try again."))
    return HttpResponseRedirect(way)
