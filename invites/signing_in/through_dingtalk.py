"""Through which DingTalk app people sign in at present, if through any."""

from typing import Final

from allauth.socialaccount.models import SocialApp
from django.conf import settings

from invites.connecting import client_for
from invites.dingtalk import SignIn
from invites.errors import AppUnavailable
from invites.guarding import calls_are_real
from invites.models import App, SignInPolicy
from invites.models.app import AppKind

PROVIDER: Final = "dingtalk"
SANDBOX_PROVIDER: Final = "dingtalk-sandbox"
"""Under this name allauth keeps identities of the sandbox, which so can never pass for real ones."""

_SIGNS_IN: Final = frozenset({AppKind.ENVIRONMENT, AppKind.INTERNAL, AppKind.SANDBOX})


def current() -> tuple[App, SignIn] | None:
    """The app that administrators have chosen, where it can be used for signing in, and signing in through it.

    Never the sandbox's where calls are real: anybody can be anybody there. None also where its credentials are not at
    hand.
    """
    app = SignInPolicy.objects.current().app
    if app is None or app.kind not in _SIGNS_IN:
        return None
    if app.is_sandbox and calls_are_real():
        return None
    try:
        sign_in = client_for(app).sign_in
    except AppUnavailable:
        return None
    return None if sign_in is None else (app, sign_in)


def is_offered() -> bool:
    """Whether anybody can sign in with DingTalk at present."""
    return current() is not None


def provider_of(app: App) -> str:
    """The name under which allauth keeps identities of ``app``."""
    return SANDBOX_PROVIDER if app.is_sandbox else PROVIDER


def as_social_app(app: App, sign_in: SignIn) -> SocialApp:
    """``app`` as allauth wants it, never stored. Its secret stays where the client is."""
    return SocialApp(
        provider=PROVIDER, provider_id=provider_of(app), name=app.name[:40], client_id=sign_in.client_id
    )


def page_of(app: App, sign_in: SignIn) -> str:
    """The address of the page on which people agree."""
    return sign_in.page(login_url_instead="" if app.is_sandbox else settings.DINGTALK_LOGIN_URL)
