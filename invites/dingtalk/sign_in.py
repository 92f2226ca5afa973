"""Signing people in through an app: where they agree, and who somebody is who has agreed.

Got from a client, whose connections and time-outs it shares. The tokens of people are used once and kept nowhere.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import urlsplit

from invites.dingtalk import answers, calls, codes, judging
from invites.dingtalk.answers import parsed
from invites.dingtalk.calls import Call
from invites.dingtalk.errors import DingTalkError, NotAuthorised
from invites.dingtalk.judging import Reading
from invites.dingtalk.tokens import InternalApp
from invites.dingtalk.types import AccessToken, SignedInPerson

PAGE = "/oauth2/auth"
# Credentials of one edition are unknown to the other: the host of the page belongs to that of the API. No reference of
# the international edition names it; `login.dingtalk.io` is what others use with it.
_LOGIN_HOSTS = {"api.dingtalk.com": "login.dingtalk.com", "api.dingtalk.io": "login.dingtalk.io"}


class Exchange(Protocol):
    """Sends one request and reads its answer. Raises NotSent or OutcomeUnknown."""

    def __call__(
        self, call: Call, *, deadline: float, token: AccessToken | None = None, secrets: Sequence[str] = ()
    ) -> Reading: ...


def login_url(base_url: str) -> str:
    """Where people sign in to DingTalk for the API at ``base_url``: on a host of its own, or on the same one."""
    host = urlsplit(base_url).hostname or ""
    return f"https://{_LOGIN_HOSTS[host]}" if host in _LOGIN_HOSTS else base_url


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """Signing in through one app. ``until`` makes a deadline of what the caller gives for one."""

    app: InternalApp
    base_url: str
    exchange: Exchange
    until: Callable[[float | None], float]

    @property
    def client_id(self) -> str:
        """What the page knows the app by."""
        return self.app.client_id

    def page(self, *, login_url_instead: str = "") -> str:
        """The address of the page on which people agree; ``login_url_instead`` replaces its scheme and host."""
        return f"{login_url_instead or login_url(self.base_url)}{PAGE}"

    def person(self, *, code: str, code_verifier: str = "", deadline: float | None = None) -> SignedInPerson:
        """Who has agreed, for the ``code`` that came back from the page and works once.

        ``code_verifier`` is that of PKCE. Raises DingTalkError, whose text holds neither code nor token.
        """
        until = self.until(deadline)
        token, corp_id = self._token(code, code_verifier, until)
        reading = self.exchange(calls.me_request(), deadline=until, token=token)
        judging.judge(reading)
        return parsed(reading, lambda fields: answers.signed_in_person(fields, corp_id=corp_id))

    def _token(self, code: str, code_verifier: str, until: float) -> tuple[AccessToken, str]:
        """The token for ``code``, with the app's next secret where DingTalk does not take the other any more."""
        try:
            return self._token_of(self.app, code, code_verifier, until)
        except NotAuthorised as refused:
            successor = self.app.successor
            if successor is None or refused.code not in codes.WRONG_SECRET:
                raise
        return self._token_of(successor, code, code_verifier, until)

    def _token_of(
        self, app: InternalApp, code: str, code_verifier: str, until: float
    ) -> tuple[AccessToken, str]:
        asked_at = datetime.now(UTC)
        call = app.request_for_person(code=code, code_verifier=code_verifier)
        try:
            reading = self.exchange(call, deadline=until, secrets=(*app.secrets, code, code_verifier))
            judging.judge(reading)
            return parsed(reading, lambda fields: answers.person_token(fields, asked_at=asked_at))
        except DingTalkError as error:
            # Which might hold a token.
            error.body = ""
            raise
