"""Where django-allauth asks what holds for people who come from DingTalk: who they are here, and what they may not do.

A mail address that DingTalk tells is no identity: nobody is ever found by it.
"""

from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.base import AuthError, AuthProcess
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from invites import enrolling
from invites.errors import InviteError, NotOfCompany
from invites.models import User
from invites.signing_in import identities, telling, through_dingtalk
from invites.signing_in.provider import LINK, NotToldError


class SocialAdapter(DefaultSocialAccountAdapter):
    """DingTalk as a way in."""

    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        """The one app that the policy names, if any; its credentials are never allauth's to store."""
        current = through_dingtalk.current()
        if current is None:
            return []
        social_app = through_dingtalk.as_social_app(*current)
        is_asked_for = provider in {None, social_app.provider, social_app.provider_id}
        return [social_app] if is_asked_for and client_id in {None, social_app.client_id} else []

    def get_app(self, request: HttpRequest, provider: str, client_id: str | None = None) -> SocialApp:
        """That app. Raises Http404 where nobody signs in with DingTalk."""
        apps = self.list_apps(request, provider=provider, client_id=client_id)
        if not apps:
            raise Http404
        return apps[0]

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Connects whoever is signed in and asked for that; else looks whether somebody who is known may come in."""
        if not sociallogin.is_existing:
            identities.recognise(sociallogin.person, provider=sociallogin.account.provider)
            sociallogin.lookup()
        if sociallogin.state.get("process") == AuthProcess.CONNECT:
            raise ImmediateHttpResponse(self._connect(request, sociallogin))
        user: User = sociallogin.user
        if not sociallogin.is_existing or not user.is_active:
            return
        if not enrolling.still_belongs(user, sociallogin.person):
            raise ImmediateHttpResponse(telling.no_way_in(request, NotOfCompany()))
        identities.keep_union_id(user, sociallogin.person)

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Always: `save_user`, which comes next, refuses whoever may not, in the transaction that would let them in."""
        return True

    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: None = None) -> User:
        """Makes the account, where the policy or a link allows one."""
        account = sociallogin.account
        try:
            with transaction.atomic():
                user = enrolling.enroll_with_dingtalk(
                    sociallogin.person, link_digest=sociallogin.state.get(LINK, "")
                )
                account.user = sociallogin.user = user
                account.save()
        except InviteError as refusal:
            raise ImmediateHttpResponse(telling.no_way_in(request, refusal)) from None
        except IntegrityError:
            # The same person came in by another tab at this very moment, and has the account by now.
            raise ImmediateHttpResponse(telling.out_of_date(request)) from None
        return user

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: object,
        error: str | None = None,
        exception: Exception | None = None,
        extra_context: dict[str, Any] | None = None,
    ) -> None:
        """A page that says what went wrong and whose move it is."""
        if error == AuthError.CANCELLED:
            raise ImmediateHttpResponse(telling.not_agreed(request))
        if exception is None and "state" not in (extra_context or {}):
            raise ImmediateHttpResponse(telling.out_of_date(request))
        told = exception.error if isinstance(exception, NotToldError) else None
        raise ImmediateHttpResponse(telling.not_told(request, told))

    @staticmethod
    def _connect(request: HttpRequest, sociallogin: SocialLogin) -> HttpResponse:
        if not isinstance(request.user, User):
            return redirect("account_login")
        identities.connect(request.user, sociallogin.person, provider=sociallogin.account.provider)
        messages.success(
            request, _("Your DingTalk account is connected: you can sign in with it from now on.")
        )
        return redirect("invites:security")
