"""Signing in: the page on which somebody of the company agrees, the code that goes back, and the token it buys.

The page lets whoever opens it be anybody, since nobody here exists. That is why it sends people back to this machine
alone, whatever address it is asked to send them to.
"""

import base64
import hashlib
import html
import ipaddress
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from invites.dingtalk.sandbox.answers import Answer, RefusedError, html_answer
from invites.dingtalk.sandbox.company import Colleague, Company
from invites.dingtalk.sandbox.invitees import text
from invites.dingtalk.sandbox.people import (
    DEMO_STRANGER,
    SANDBOX_CORP_ID,
    SANDBOX_OTHER_CORP_ID,
    open_id_of,
)
from invites.dingtalk.sandbox.routes import Operation
from invites.dingtalk.sandbox.tokens import TokenStore
from invites.dingtalk.sandbox.traffic import Request

CODE_LIFE_SECONDS: Final = 300.0
USER_PREFIX: Final = "user/"
"""How the holder of a person's own token begins."""
WRONG_CODE: Final = "invalidParameter.authCode.notFound"
PERSON: Final = "person"
DENIED: Final = "denied"

type Payload = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grant:
    """What a code stands for. ``challenge`` is that of PKCE, empty where none was sent."""

    union_id: str
    challenge: str
    expires_at: float


class Authorising:
    """The authorisation server, over one company and its tokens."""

    def __init__(
        self,
        *,
        company: Company,
        tokens: TokenStore,
        clock: Callable[[], float],
        credentials: tuple[str, str],
    ) -> None:
        self._company, self._tokens, self._clock = company, tokens, clock
        self._client_id, self._client_secret = credentials
        self._lock = threading.Lock()
        self._codes: dict[str, _Grant] = {}
        self.pages: Mapping[Operation, Callable[[Request], Answer]] = {Operation.AUTHORISE: self._authorise}
        self.table: Mapping[Operation, Callable[[Request], Payload]] = {
            Operation.USER_TOKEN: self._user_token,
            Operation.ME: self._me,
        }

    def _authorise(self, request: Request) -> Answer:
        """The page; with ``person`` in the query the way back, as after a press of one of its links."""
        query = request.resolved.query
        if (wrong := self._wrong_with(query)) is not None:
            return html_answer(_WRONG.format(html.escape(wrong)), status=HTTPStatus.BAD_REQUEST)
        person = query.get(PERSON)
        if person is None:
            return html_answer(_page(query, self._people()))
        if person == DENIED:
            return _redirect(query, {"error": "access_denied"})
        if person not in {each.union_id for each in self._people()}:
            return html_answer(_WRONG.format("There is nobody like that."), status=HTTPStatus.BAD_REQUEST)
        return _redirect(query, {"authCode": self._new_code(person, query.get("code_challenge", ""))})

    def _wrong_with(self, query: Mapping[str, str]) -> str | None:
        if not _same(query.get("client_id"), self._client_id):
            return "client_id is not that of the sandbox's app."
        if query.get("response_type") != "code":
            return "response_type must be code."
        if "openid" not in query.get("scope", "").split():
            return "scope must name openid."
        if not _is_on_this_machine(query.get("redirect_uri", "")):
            return "redirect_uri must lead to this machine."
        if query.get("code_challenge") and query.get("code_challenge_method") != "S256":
            return "code_challenge_method must be S256."
        return None

    def _people(self) -> list[Colleague]:
        stranger = Colleague(DEMO_STRANGER.user_id, DEMO_STRANGER.union_id, DEMO_STRANGER.nick, None, 0)
        return [*self._company.colleagues(), stranger]

    def _new_code(self, union_id: str, challenge: str) -> str:
        code, now = secrets.token_hex(16), self._clock()
        with self._lock:
            self._codes = {each: grant for each, grant in self._codes.items() if grant.expires_at > now}
            self._codes[code] = _Grant(
                union_id=union_id, challenge=challenge, expires_at=now + CODE_LIFE_SECONDS
            )
        return code

    def _user_token(self, request: Request) -> Payload:
        fields = request.fields
        client_id, client_secret = text(fields, "clientId"), text(fields, "clientSecret")
        if not (_same(client_id, self._client_id) and _same(client_secret, self._client_secret)):
            raise RefusedError("invalidClientIdOrSecret")
        if text(fields, "grantType") != "authorization_code":
            raise RefusedError("paramsError", "error:grantType")
        # A code works once, whatever comes of it.
        with self._lock:
            grant = self._codes.pop(text(fields, "code") or "", None)
        if grant is None or grant.expires_at <= self._clock():
            raise RefusedError(WRONG_CODE, "the code is unknown, used or too old")
        if grant.challenge and grant.challenge != _challenge_of(text(fields, "code_verifier") or ""):
            raise RefusedError(WRONG_CODE, "the code belongs to somebody else's request")
        is_stranger = grant.union_id == DEMO_STRANGER.union_id
        return {
            "accessToken": self._tokens.new(f"{USER_PREFIX}{grant.union_id}"),
            "refreshToken": secrets.token_hex(16),
            "expireIn": self._tokens.life,
            "corpId": SANDBOX_OTHER_CORP_ID if is_stranger else SANDBOX_CORP_ID,
        }

    def _me(self, request: Request) -> Payload:
        holder = self._tokens.holder_of(request.token or "") or ""
        union_id = holder.removeprefix(USER_PREFIX)
        person = next((each for each in self._people() if each.union_id == union_id), None)
        if person is None:
            raise RefusedError("unknownUserError", status=404)
        return {
            "nick": person.name,
            "unionId": union_id,
            "openId": open_id_of(union_id),
            # As with DingTalk it may be anybody's: who relies on it, is mistaken.
            "email": "boss@example.com",
            "visitor": False,
        }


def _redirect(query: Mapping[str, str], result: Mapping[str, str]) -> Answer:
    """Back to where the person came from, with whatever stands in the query of that address."""
    parts = urlsplit(query["redirect_uri"])
    fields = [*parse_qsl(parts.query), *result.items()]
    if "state" in query:
        fields.append(("state", query["state"]))
    location = parts._replace(query=urlencode(fields)).geturl()
    return Answer(status=HTTPStatus.FOUND, headers=(("Location", location),))


def _is_on_this_machine(address: str) -> bool:
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        is_plain = parts.scheme in {"http", "https"} and address.isprintable() and not parts.fragment
        return is_plain and (host == "localhost" or ipaddress.ip_address(host).is_loopback)
    except ValueError:
        return False


def _challenge_of(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode("utf-8", "replace")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _same(given: str | None, expected: str) -> bool:
    return given is not None and secrets.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def _page(query: Mapping[str, str], people: Iterable[Colleague]) -> str:
    rows = "".join(
        f'<li><a href="{_link(query, each.union_id)}">{html.escape(each.name)}</a>' for each in people
    )
    return _PAGE.format(people=rows, deny=_link(query, DENIED))


def _link(query: Mapping[str, str], person: str) -> str:
    return html.escape(f"?{urlencode({**query, PERSON: person})}")


_WRONG: Final = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>DingTalk sandbox</title><link rel="icon" href="data:,"></head><body>
<h1>DingTalk sandbox</h1><p>Nobody can sign in like this: {}</p></body></html>
"""
_PAGE: Final = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>DingTalk sandbox</title><link rel="icon" href="data:,"></head><body>
<h1>DingTalk sandbox · 钉钉沙箱</h1>
<p>Who are you? Nobody here exists. 请选择登录身份，以下人员均为虚构。</p>
<ul>{people}</ul>
<p><a href="{deny}">I do not agree · 不同意</a></p>
</body></html>
"""
