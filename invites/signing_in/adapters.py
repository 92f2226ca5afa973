"""Where django-allauth asks what holds here: addresses to go to, words, who may come in and who gets an account."""

from http import HTTPStatus
from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from invites import visiting
from invites.models import User
from invites.signing_in import slowing

_WRONG = _("This name and this password do not belong together. Mind capital letters in the password.")
# What allauth would say that the page says already, or that goes without saying.
_SILENT = {"account/messages/logged_in.txt", "account/messages/logged_out.txt"}
_WORDS: dict[str, StrOrPromise] = {
    "account/messages/password_changed.txt": _("Your password has been changed."),
    "account/messages/password_set.txt": _("Your password has been set."),
}


class AccountAdapter(DefaultAccountAdapter):
    """Signing in with a password, and what all ways of signing in share."""

    # One text for all: which half is wrong, and whether there is such an account, is nobody's business.
    error_messages: ClassVar[dict[str, StrOrPromise]] = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": _WRONG,
        "email_password_mismatch": _WRONG,
        "too_many_login_attempts": _("There were too many tries. Please wait five minutes, then try again."),
        "enter_current_password": _("This is not your present password."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody gets an account by a form that everybody can open."""
        return False

    def is_ajax(self, request: HttpRequest) -> bool:
        """Pages are the only answers here, whatever a request says that it would like."""
        return False

    def is_safe_url(self, url: str) -> bool:
        """Whether ``url`` leads to the very host that was asked; allauth would take any of ALLOWED_HOSTS."""
        return url_has_allowed_host_and_scheme(
            url, allowed_hosts={self.request.get_host()}, require_https=self.request.is_secure()
        )

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Counts the try, which allauth takes back where it was right. Raises TooManyTries."""
        self._login_failed_rl_usage = slowing.count_try(request, credentials)

    def get_login_stages(self) -> list[str]:
        """Allauth's, with our second step."""
        ours = "invites.securing.SecondStep"
        return [
            ours if stage.endswith(".mfa.stages.AuthenticateStage") else stage
            for stage in super().get_login_stages()
        ]

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address by which sign-ins are counted; those of whom the server knows none are counted together."""
        return visiting.address_of(request) or "unknown"

    def is_reauthentication_required(self, *, app: str, **kwargs: object) -> bool:
        """Not right after a sign-in: who one is has just been shown."""
        return not self.request.session.signed_in_lately

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Home, where the message shows."""
        return reverse("home")

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        """A page for somebody who has proved who they are, and whom an administrator has barred."""
        context = {"here": reverse("account_login")}
        return render(request, "account/account_inactive.html", context, status=HTTPStatus.FORBIDDEN)

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        message_context: dict[str, Any] | None = None,
        extra_tags: str = "",
        message: str | None = None,
    ) -> None:
        """As allauth's, in our words where we have any."""
        if message_template in _SILENT:
            return
        if message_template in _WORDS:
            message = str(_WORDS[message_template])
        super().add_message(request, level, message_template, message_context, extra_tags, message)
