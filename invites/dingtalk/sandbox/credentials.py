"""Tokens for apps: an app's credentials in, a token out. Each returns the payload of a 200 or refuses."""

import secrets
from collections.abc import Callable, Mapping
from typing import Final

from invites.dingtalk.sandbox.answers import RefusedError
from invites.dingtalk.sandbox.invitees import text
from invites.dingtalk.sandbox.people import (
    SANDBOX_CORP_ID,
    SANDBOX_SUITE_KEY,
    SANDBOX_SUITE_SECRET,
    SANDBOX_SUITE_TICKET,
)
from invites.dingtalk.sandbox.routes import Operation
from invites.dingtalk.sandbox.tokens import TokenStore
from invites.dingtalk.sandbox.traffic import Request

CORP_ID_PREFIXES: Final = ("ding", "sandbox-")

type Payload = dict[str, object]


class TokenOperations:
    """Access tokens for both kinds of app."""

    def __init__(self, *, tokens: TokenStore, token_life: int, client_id: str, client_secret: str) -> None:
        self._tokens, self._token_life = tokens, token_life
        self._client_id, self._client_secret = client_id, client_secret
        self.suite_ticket = SANDBOX_SUITE_TICKET
        self.table: Mapping[Operation, Callable[[Request], Payload]] = {
            Operation.TOKEN: self._token,
            Operation.CORP_TOKEN: self._corp_token,
        }

    def change_secret(self, client_secret: str) -> None:
        """Take another client secret from now on, and the old one no more. Tokens go on."""
        self._client_secret = client_secret

    def know(self, key: str, secret: str) -> bool:
        """Whether these are the credentials of one of the apps."""
        ours = _same(key, self._client_id) and _same(secret, self._client_secret)
        return ours or (_same(key, SANDBOX_SUITE_KEY) and _same(secret, SANDBOX_SUITE_SECRET))

    def _token(self, request: Request) -> Payload:
        client_id, client_secret = text(request.fields, "appKey"), text(request.fields, "appSecret")
        if not (_same(client_id, self._client_id) and _same(client_secret, self._client_secret)):
            raise RefusedError("invalidClientIdOrSecret")
        return {"accessToken": self._tokens.same(self._client_id), "expireIn": self._token_life}

    def _corp_token(self, request: Request) -> Payload:
        fields = request.fields
        suite_key, suite_secret = text(fields, "suiteKey"), text(fields, "suiteSecret")
        if not (_same(suite_key, SANDBOX_SUITE_KEY) and _same(suite_secret, SANDBOX_SUITE_SECRET)):
            raise RefusedError("invalidSuiteKey")
        if not _same(text(fields, "suiteTicket"), self.suite_ticket):
            raise RefusedError("invalidSuiteTicket")
        corp_id = text(fields, "authCorpId") or ""
        if not corp_id.startswith(CORP_ID_PREFIXES):
            raise RefusedError("invalidParameter.corporation.invalidAuthorizationCorporationId")
        if corp_id != SANDBOX_CORP_ID:
            raise RefusedError("invalidAuthInfo")
        return {
            "accessToken": self._tokens.new(f"{SANDBOX_SUITE_KEY}/{corp_id}"),
            "expireIn": self._token_life,
        }


def _same(given: str | None, expected: str) -> bool:
    return given is not None and secrets.compare_digest(given.encode("utf-8", "replace"), expected.encode())
