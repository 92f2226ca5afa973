"""Where access tokens come from, and how many processes share one.

Must not know HTTP: fetching is handed in. A token is fetched by whoever holds a short lease, and nobody
holds a lock while the network is asked. A token lasts 7,200 s, and asking for one often is throttled.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from invites.dingtalk import codes
from invites.dingtalk.calls import GET_CORP_TOKEN, GET_TOKEN, GET_USER_TOKEN, Call
from invites.dingtalk.errors import (
    Broken,
    DingTalkError,
    NotAuthorised,
    QuotaExhausted,
    Refused,
    Throttled,
    TokenUnavailable,
)
from invites.dingtalk.types import AccessToken

FRESH = timedelta(minutes=5)
"""A token that lives less than this is due to be replaced."""

USABLE = timedelta(seconds=30)
"""A token that is due may be used for this long before its end while somebody else fetches the next."""

_FIRST_PAUSE = 0.02
_LONGEST_PAUSE = 0.25
# A lease outlives the fetch it is for by this much, so that it ends before its time only if its holder died.
_LEASE_MARGIN = 5.0


class TokenSource(Protocol):
    """What the client needs to know about tokens. Called by several threads at once."""

    @property
    def refreshable(self) -> bool:
        """Whether another token can be had once one has been called stale."""

    def get(self, *, deadline: float) -> AccessToken:
        """A token, by `deadline` on the clock of `time.monotonic`. Raises DingTalkError."""

    def discard(self, value: str) -> None:
        """Takes the token `value` out of use. Leaves any other alone."""

    def look_again(self) -> None:
        """Lets the next `get` see what others have done to the token meanwhile."""


class TokenStore(Protocol):
    """Where the token of one app is kept and shared, with a lease for whoever fetches the next.

    The methods are short and touch no network of DingTalk's. Several threads call them at once. Where the store cannot
    be reached they raise TokenUnavailable, but for `discard`: then at least this process does not use the token again.
    """

    def load(self) -> AccessToken | None:
        """The token that was saved last and not discarded, expired or not."""

    def save(self, token: AccessToken, /) -> None:
        """Keeps a new token in place of the old."""

    def discard(self, value: str, /) -> None:
        """Forgets the token if it still is `value`: another process may have saved a new one meanwhile."""

    def look_again(self) -> None:
        """Lets the next `load` see what others have saved or discarded, if it would answer from memory."""

    def acquire_lease(self, seconds: float, /) -> bool:
        """Takes the lease for so long, unless somebody else holds it. Does not wait."""

    def release_lease(self) -> None:
        """Gives back the lease if the caller still holds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InternalApp:
    """The credentials of an app that an organisation made for itself.

    `next_secret`, if there is one, is tried where DingTalk does not take the secret any more.
    """

    client_id: str
    client_secret: str = field(repr=False)
    next_secret: str = field(default="", repr=False)

    def request(self) -> Call:
        """The request for a token."""
        body = {"appKey": self.client_id, "appSecret": self.client_secret}
        return Call(operation=GET_TOKEN, method="POST", path="/v1.0/oauth2/accessToken", body=body)

    def request_for_person(self, *, code: str, code_verifier: str) -> Call:
        """The request for the token of somebody who has signed in through this app.

        That DingTalk looks at the verifier of PKCE (RFC 7636) is not documented; one that does not passes it over.
        """
        body = {
            "clientId": self.client_id,
            "clientSecret": self.client_secret,
            "code": code,
            "grantType": "authorization_code",
        }
        if code_verifier:
            body["code_verifier"] = code_verifier
        return Call(operation=GET_USER_TOKEN, method="POST", path="/v1.0/oauth2/userAccessToken", body=body)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not appear in any text."""
        return (self.client_secret,)

    @property
    def successor(self) -> "InternalApp | None":
        """The same app with its next secret."""
        return replace(self, client_secret=self.next_secret, next_secret="") if self.next_secret else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ThirdPartyApp:
    """The credentials of a third-party enterprise app, for one organisation that has authorised it.

    `next_secret`, if there is one, is tried where DingTalk does not take the secret any more.
    """

    suite_key: str
    suite_secret: str = field(repr=False)
    auth_corp_id: str
    suite_ticket: str = field(repr=False)
    next_secret: str = field(default="", repr=False)

    def request(self) -> Call:
        """The request for a token."""
        body = {
            "authCorpId": self.auth_corp_id,
            "suiteKey": self.suite_key,
            "suiteSecret": self.suite_secret,
            "suiteTicket": self.suite_ticket,
        }
        return Call(operation=GET_CORP_TOKEN, method="POST", path="/v1.0/oauth2/corpAccessToken", body=body)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not appear in any text."""
        return (self.suite_secret, self.suite_ticket)

    @property
    def successor(self) -> "ThirdPartyApp | None":
        """The same app with its next secret."""
        return replace(self, suite_secret=self.next_secret, next_secret="") if self.next_secret else None


class FixedToken:
    """A token pasted by hand: never fetched, never renewed."""

    refreshable = False

    def __init__(self, value: str) -> None:
        self._token = AccessToken(value=value, expires_at=datetime.max.replace(tzinfo=UTC))

    def get(self, *, deadline: float) -> AccessToken:
        """The token, at once."""
        del deadline
        return self._token

    def discard(self, value: str) -> None:
        """Does nothing: there is no other token."""

    def look_again(self) -> None:
        """Does nothing: nobody else changes it."""


class SharedTokens:
    """The tokens of an app with credentials, kept in a store and fetched by one caller at a time.

    `fetch` asks DingTalk for a new token by a deadline and raises DingTalkError. `now` tells the time by
    which tokens expire; `clock` and `sleep` measure waiting.
    """

    refreshable = True

    def __init__(
        self,
        *,
        store: TokenStore,
        fetch: Callable[[float], AccessToken],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._fetch = fetch
        self._now = now
        self._clock = clock
        self._sleep = sleep

    def get(self, *, deadline: float) -> AccessToken:
        """A token that lives five minutes more, or nearly expired one while another caller fetches the next.

        Raises TokenUnavailable if there is none by `deadline`, otherwise what `fetch` raises.
        """
        pause = _FIRST_PAUSE
        while True:
            token = self._store.load()
            if token is not None and self._lives(token, FRESH):
                return token
            left = deadline - self._clock()
            if left <= 0:
                raise TokenUnavailable(message="No access token came in time.", code=codes.TOKEN_UNAVAILABLE)
            if self._store.acquire_lease(left + _LEASE_MARGIN):
                return self._replace(deadline)
            if token is not None and self._lives(token, USABLE):
                return token
            self._sleep(min(pause, left))
            pause = min(pause * 2, _LONGEST_PAUSE)

    def discard(self, value: str) -> None:
        """Takes a stale token out of the store, unless the store holds another by now."""
        self._store.discard(value)

    def look_again(self) -> None:
        """Lets the next `get` see what others have done to the store."""
        self._store.look_again()

    def _replace(self, deadline: float) -> AccessToken:
        """Fetches a token while holding the lease."""
        try:
            # Whoever held the lease before may have saved one since we looked.
            token = self._store.load()
            if token is not None and self._lives(token, FRESH):
                return token
            return self._fetch_or_keep(token, deadline)
        finally:
            self._store.release_lease()

    def _fetch_or_keep(self, old: AccessToken | None, deadline: float) -> AccessToken:
        try:
            new = self._fetch(deadline)
        except (TokenUnavailable, Throttled):
            if old is not None and self._lives(old, USABLE):
                return old
            raise
        self._store.save(new)
        return new

    def _lives(self, token: AccessToken, span: timedelta) -> bool:
        return token.expires_at - self._now() >= span


class MemoryTokenStore:
    """A store for the threads of one process."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._token: AccessToken | None = None
        self._leased_until: float | None = None
        self._leased_by: int | None = None

    def load(self) -> AccessToken | None:
        """The token that was saved last and not discarded, expired or not."""
        with self._lock:
            return self._token

    def save(self, token: AccessToken) -> None:
        """Keeps a new token in place of the old."""
        with self._lock:
            self._token = token

    def discard(self, value: str) -> None:
        """Forgets the token if it still is `value`."""
        with self._lock:
            if self._token is not None and self._token.value == value:
                self._token = None

    def look_again(self) -> None:
        """Does nothing: this is the memory."""

    def acquire_lease(self, seconds: float) -> bool:
        """Takes the lease for so long, unless somebody else holds it."""
        with self._lock:
            if self._leased_until is not None and self._leased_until > self._clock():
                return False
            self._leased_until = self._clock() + seconds
            self._leased_by = threading.get_ident()
            return True

    def release_lease(self) -> None:
        """Gives back the lease if this thread still holds it."""
        with self._lock:
            if self._leased_by == threading.get_ident():
                self._leased_until = self._leased_by = None


def token_error(failure: DingTalkError) -> DingTalkError:
    """What the failure of a token call means for the call that wanted the token: it was never made.

    The answer's body is dropped, since it might hold a token.
    """
    kind: type[DingTalkError] = TokenUnavailable
    if isinstance(failure, Throttled | QuotaExhausted):
        failure.body, failure.left = "", False
        return failure
    if isinstance(failure, Refused) and not isinstance(failure, Broken):
        kind = NotAuthorised
    error = kind(
        message=f"No access token: {failure}",
        code=failure.code if isinstance(failure, Refused) else codes.TOKEN_UNAVAILABLE,
        request_id=failure.request_id,
        http_status=failure.http_status,
        required_scopes=failure.required_scopes,
    )
    error.left = False
    return error
