"""Tokens for apps and the contact operations, over the demo people. Each returns the payload of a 200 or refuses."""

import json
import secrets
from collections.abc import Callable, Mapping
from typing import Final

from invites.dingtalk.sandbox.answers import RefusedError
from invites.dingtalk.sandbox.invitees import is_known_union_id, required_text, text
from invites.dingtalk.sandbox.people import (
    DEMO_ORGANIZER,
    DEMO_PEOPLE,
    SANDBOX_CORP_ID,
    SANDBOX_SUITE_KEY,
    SANDBOX_SUITE_SECRET,
    SANDBOX_SUITE_TICKET,
    DemoPerson,
    demo_person,
)
from invites.dingtalk.sandbox.routes import Operation
from invites.dingtalk.sandbox.state import nick_of
from invites.dingtalk.sandbox.tokens import TokenStore
from invites.dingtalk.sandbox.traffic import Request

MOST_FOUND: Final = 100
COUNTRY_CODES: Final = ("86", "44", "61", "1")
CORP_ID_PREFIXES: Final = ("ding", "sandbox-")

type Payload = dict[str, object]


class DirectoryOperations:
    """Access tokens and contacts."""

    def __init__(self, *, tokens: TokenStore, token_life: int, client_id: str, client_secret: str) -> None:
        self._tokens, self._token_life = tokens, token_life
        self._client_id, self._client_secret = client_id, client_secret
        self.table: Mapping[Operation, Callable[[Request], Payload]] = {
            Operation.TOKEN: self._token,
            Operation.CORP_TOKEN: self._corp_token,
            Operation.CONTACT_GET: _contact_get,
            Operation.CONTACT_SEARCH: _contact_search,
            Operation.CONTACT_BATCH: _contact_batch,
        }

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
        if not _same(text(fields, "suiteTicket"), SANDBOX_SUITE_TICKET):
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


def _contact_get(request: Request) -> Payload:
    union_id = request.resolved.path["unionId"]
    if not is_known_union_id(union_id):
        raise RefusedError("unknownUserError", status=404)
    person = demo_person(union_id)
    return {
        "nick": nick_of(union_id),
        "unionId": union_id,
        "openId": f"open-{union_id}",
        "visitor": False,
        **_mobile(person, number="mobile", country="stateCode"),
    }


def _contact_search(request: Request) -> Payload:
    word = required_text(request.fields, "queryWord").casefold()
    offset, size = _count(request.fields, "offset", 0), _count(request.fields, "size", MOST_FOUND)
    exact = request.fields.get("fullMatchField") == 1
    found = [
        person.user_id
        for person in (DEMO_ORGANIZER, *DEMO_PEOPLE)
        if (person.nick.casefold() == word if exact else word in person.nick.casefold())
    ]
    end = offset + min(size, MOST_FOUND)
    return {"hasMore": end < len(found), "totalCount": len(found), "list": found[offset:end]}


def _contact_batch(request: Request) -> Payload:
    try:
        user_ids = json.loads(required_text(request.resolved.query, "userIdList"))
    except (ValueError, RecursionError) as error:
        raise RefusedError("paramsError", "error:userIdList must be a JSON list") from error
    if not isinstance(user_ids, list):
        raise RefusedError("paramsError", "error:userIdList must be a JSON list")
    wanted = {user_id for user_id in user_ids if isinstance(user_id, str)}
    found = [person for person in (DEMO_ORGANIZER, *DEMO_PEOPLE) if person.user_id in wanted]
    unauthorized = sorted(wanted - {person.user_id for person in found})
    return {"userList": [_batch_entry(person) for person in found], "unauthorizedUserIdList": unauthorized}


def _batch_entry(person: DemoPerson) -> Payload:
    return {
        "userid": person.user_id,
        "unionid": person.union_id,
        "name": person.nick,
        "nickname": person.nick,
        **_mobile(person, number="mobile", country="state_code"),
    }


def _mobile(person: DemoPerson | None, *, number: str, country: str) -> Payload:
    if person is None or person.phone_number is None:
        return {}
    digits = person.phone_number.removeprefix("+")
    code = next(code for code in COUNTRY_CODES if digits.startswith(code))
    return {number: digits.removeprefix(code), country: code}


def _count(fields: Mapping[str, object], name: str, default: int) -> int:
    value = fields.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise RefusedError("paramsError", f"error:{name} must be a number")
    return value
