"""Setting up and removing second factors: django-allauth's views, with our pages, rules and record.

They ask who one is before they do anything (`securing.confirm_first`).
"""

from http import HTTPStatus
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView, ViewRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.views import AddWebAuthnView, RemoveWebAuthnView
from django.contrib import messages
from django.db import transaction
from django.forms import BaseForm, Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from invites import securing
from invites.encryption import UndecryptableError
from invites.views.signing_in import SaysWhatIsWrong


class AuthenticatorAppView(SaysWhatIsWrong, ActivateTOTPView):
    """Shows the secret of an authenticator app as a picture and takes the app's first code."""

    def form_valid(self, form: BaseForm) -> HttpResponse:
        """Keeps it, together with the entry that says so."""
        with transaction.atomic():
            answer: HttpResponse = super().form_valid(form)
            securing.note_added(self.request.user, Authenticator.Type.TOTP)
        return answer


class AuthenticatorAppRemoveView(DeactivateTOTPView):
    """Asks once, then forgets the authenticator app."""

    template_name = "confirm.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """What `confirm.html` asks with."""
        return super().get_context_data(**kwargs) | _question(
            _("Remove the authenticator app"), _("Its codes will no longer be taken.")
        )

    def form_valid(self, form: BaseForm) -> HttpResponse:
        """Removes it, unless it is needed."""
        with transaction.atomic():
            securing.let_go(self.request.user, self.authenticator)
            answer: HttpResponse = super().form_valid(form)
        return answer


class PasskeyCreateView(AddWebAuthnView):
    """Lets the browser make a passkey and keeps it."""

    def form_valid(self, form: BaseForm) -> HttpResponse:
        """Keeps it, together with the entry that says so."""
        with transaction.atomic():
            answer: HttpResponse = super().form_valid(form)
            securing.note_added(self.request.user, Authenticator.Type.WEBAUTHN)
        return answer

    def form_invalid(self, form: BaseForm) -> HttpResponse:
        """A fresh form as 422: what the browser has made is good for one question alone."""
        messages.error(self.request, _("The passkey could not be taken. Please try again."))
        again = self.get_form_class()(user=self.request.user, initial={"name": form.data.get("name", "")})
        context = self.get_context_data() | {"form": again}
        return self.render_to_response(context, status=HTTPStatus.UNPROCESSABLE_ENTITY)


class PasskeyRemoveView(RemoveWebAuthnView):
    """Asks once, then forgets a passkey."""

    template_name = "confirm.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """What `confirm.html` asks with."""
        name = self.object.wrap().name
        return super().get_context_data(**kwargs) | _question(
            _("Remove the passkey “%(name)s”") % {"name": name},
            _("It will no longer be taken here. Delete it from the device or password manager as well."),
        )

    def form_valid(self, form: BaseForm) -> HttpResponse:
        """Removes it, unless it is needed."""
        with transaction.atomic():
            securing.let_go(self.request.user, self.object)
            answer: HttpResponse = super().form_valid(form)
        return answer


class RecoveryCodesView(ViewRecoveryCodesView):
    """The recovery codes, the first time that somebody looks."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """As allauth's; where no configured key opens them, it says what to do."""
        try:
            return super().get(request, *args, **kwargs)
        except UndecryptableError:
            messages.error(request, _("Your recovery codes cannot be read any more. Make new ones."))
            return redirect("invites:security")


class RecoveryCodesCreateView(SaysWhatIsWrong, GenerateRecoveryCodesView):
    """Asks once, then makes new recovery codes in place of the old ones."""

    template_name = "confirm.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """What `confirm.html` asks with. Allauth's own would read the old codes, which may not be possible any more."""
        return super(GenerateRecoveryCodesView, self).get_context_data(**kwargs) | {
            "title": _("Make new recovery codes"),
            "text": _("The new ones are shown once. The codes that you have now will no longer be taken."),
            "label": _("Make new codes"),
            "cancel_url": reverse("invites:security"),
        }

    def form_valid(self, form: BaseForm) -> HttpResponse:
        """Makes them, together with the entry that says so."""
        with transaction.atomic():
            answer: HttpResponse = super().form_valid(form)
            securing.note_new_codes(self.request.user)
        return answer

    def form_invalid(self, form: Form) -> HttpResponse:
        """Says why there can be none, as 422."""
        messages.error(self.request, " ".join(str(error) for error in form.non_field_errors()))
        return super().form_invalid(form)


def _question(title: str, text: str) -> dict[str, str]:
    return {
        "title": title,
        "text": text,
        "label": _("Remove"),
        "cancel_url": reverse("invites:security"),
    }
