"""Signing in and out, and one's password. Allauth's views with our pages; a form that is wrong comes again as 422."""

from http import HTTPStatus
from typing import Any

from allauth.account import views as allauth_views
from allauth.account.forms import ResetPasswordForm
from allauth.core import ratelimit
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import get_language, ngettext

from invites import demo, securing, tasks, tokens
from invites.models import User
from invites.signing_in import through_dingtalk


class SaysWhatIsWrong:
    """For a view of allauth's with a form."""

    def form_invalid(self, form: forms.Form) -> HttpResponse:
        """The form again, as 422."""
        context = self.get_context_data(form=form)  # type: ignore[attr-defined]
        return self.render_to_response(context, status=HTTPStatus.UNPROCESSABLE_ENTITY)  # type: ignore[attr-defined, no-any-return]


class _EndsWhatWasOpened:
    def form_valid(self, form: forms.Form) -> HttpResponse:
        """As allauth's; whoever else came in with the old password is out."""
        answer: HttpResponse = super().form_valid(form)  # type: ignore[misc]
        request: HttpRequest = self.request  # type: ignore[attr-defined]
        user: User = form.user  # type: ignore[attr-defined]
        securing.end_sessions(user, but=request.session)  # type: ignore[arg-type]
        if self.revokes_tokens(form) and (revoked := tokens.revoke_all(user)):
            told = ngettext(
                "%(count)s token for programs is revoked.",
                "%(count)s tokens for programs are revoked.",
                revoked,
            )
            messages.info(request, told % {"count": revoked})
        return answer

    def revokes_tokens(self, form: forms.Form) -> bool:
        """Whether tokens that were made until now end as well."""
        return False


class SignInView(SaysWhatIsWrong, allauth_views.LoginView):
    """The door, with what a fresh installation needs to be told."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Adds ``no_user_yet``, ``demo`` (what one signs in to the demonstration with, or None), ``offers_reset`` and
        ``offers_dingtalk``.
        """
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {
            "no_user_yet": not User.objects.exists(),
            "demo": demo.sign_in(),
            "offers_reset": settings.MAIL_IS_SET_UP,
            "offers_dingtalk": through_dingtalk.is_offered(),
        }


class SignOutView(allauth_views.LogoutView):
    """Takes a press: a link on somebody else's page must not sign anybody out."""

    http_method_names = ("post", "options")


class PasswordView(_EndsWhatWasOpened, SaysWhatIsWrong, allauth_views.PasswordChangeView):
    """Another password for oneself."""

    def revokes_tokens(self, form: forms.Form) -> bool:
        """Where that is wished."""
        return bool(form.cleaned_data.get("revoke_tokens"))


class FirstPasswordView(_EndsWhatWasOpened, SaysWhatIsWrong, allauth_views.PasswordSetView):
    """A password for somebody who signs in through DingTalk alone."""


class _WhereMailIsSent:
    @method_decorator(login_not_required)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """No such page where no mail is sent."""
        if not settings.MAIL_IS_SET_UP:
            raise Http404
        return super().dispatch(request, *args, **kwargs)  # type: ignore[misc, no-any-return]


class ForgottenPasswordView(_WhereMailIsSent, SaysWhatIsWrong, allauth_views.PasswordResetView):
    """Sends a link to whoever has an account with a mail address; the answer is the same for everybody."""

    def form_valid(self, form: ResetPasswordForm) -> HttpResponse:
        """As allauth's, but that a worker sends the mail: how long that takes would tell that there is an account."""
        asked = ratelimit.consume_or_429(
            self.request, action="reset_password", key=form.cleaned_data["email"].lower()
        )
        if asked:
            return asked  # type: ignore[no-any-return]
        for user in form.users:
            tasks.ring_for_password_link(user.pk, language=get_language() or settings.LANGUAGE_CODE)
        return HttpResponseRedirect(self.get_success_url())


class ForgottenPasswordSentView(_WhereMailIsSent, allauth_views.PasswordResetDoneView):
    """Says what happens next, without saying whether there is an account."""


class NewPasswordView(
    _WhereMailIsSent, _EndsWhatWasOpened, SaysWhatIsWrong, allauth_views.PasswordResetFromKeyView
):
    """What the link in the mail opens, once and for a while."""

    success_url = reverse_lazy("account_login")

    def revokes_tokens(self, form: forms.Form) -> bool:
        """Always: who forgot the password cannot say who else knew it."""
        return True

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """As allauth's; a link that does not work any more is gone."""
        if context.get("token_fail"):
            kwargs["status"] = HTTPStatus.GONE
        return super().render_to_response(context, **kwargs)  # type: ignore[no-any-return]
