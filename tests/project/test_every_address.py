"""Every address of the site, taken from the URL configuration itself, and who gets in: with every role, and with what
belongs to somebody else.

The rules stand in `tests.project.address_rules`. A refusal changes nothing: no statement that it runs writes.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import pytest
from django.conf import settings as configured
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from pytest_django import Settings

from invites.models import User
from tests.conftest import SignedIn, confirmed
from tests.factories import UserFactory
from tests.project.address_rules import ADMIN, ANYBODY, RULES, Rule
from tests.project.belongings import Named, belongings, token_of

_REFUSED = {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.UNAUTHORIZED}
# How often somebody asks is counted, when a token was used, and what was answered under a key, whatever it was.
_WRITES = re.compile(
    r"\s*(INSERT|UPDATE|DELETE|TRUNCATE)\b"
    r"(?!.*(\binvites_(pace|idempotentrequest)\b|\bSET \"last_used_at\" = %s WHERE))",
    re.IGNORECASE | re.DOTALL,
)
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A place in the URL configuration. One without a name is known by its route."""

    name: str
    route: str
    parameters: frozenset[str]
    has_name: bool

    @property
    def rule(self) -> Rule | None:
        """Who may open it; None where nobody has said so."""
        return ADMIN if self.name.startswith("admin") else RULES.get(self.name)

    def path(self, named: Named) -> str:
        """Where it is, with what is ``named`` in it."""
        kwargs = {name: named[name] for name in self.parameters}
        if self.has_name:
            return reverse(self.name, kwargs=kwargs)
        filled = _PARAMETER.sub(lambda found: str(kwargs[found[1] or found[2]]), self.route)
        return f"/{filled.rstrip('$')}"


def addresses() -> list[Address]:
    """All of them, those of the libraries as well."""
    return list(_below(get_resolver().url_patterns))


def _below(patterns: list[Any], route: str = "", namespace: str = "") -> Iterator[Address]:
    for pattern in patterns:
        here = f"{route}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from _below(pattern.url_patterns, here, inner)
        elif isinstance(pattern, URLPattern):
            parameters = frozenset(found[1] or found[2] for found in _PARAMETER.finditer(here))
            name = f"{namespace}{pattern.name}" if pattern.name else here
            yield Address(name=name, route=here, parameters=parameters, has_name=bool(pattern.name))


ADDRESSES = addresses()


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Somebody with a browser and a program, as both prove who it is."""

    cookies: Mapping[str, str] = field(default_factory=dict)
    proof: Mapping[str, str] = field(default_factory=dict)

    def ask(self, address: Address, method: str, named: Named, *, checks: bool = False) -> HttpResponse:
        """What ``address`` answers. Nothing that it does lasts."""
        client = Client(enforce_csrf_checks=checks, raise_request_exception=False)
        client.cookies.load(dict(self.cookies))
        rule = address.rule or ADMIN
        facts: dict[str, Any] = {"data": rule.data}
        if address.name.startswith("api:"):
            facts["headers"] = {"Idempotency-Key": "k", **self.proof}
            if method != "get":
                facts |= {"data": json.dumps(dict(rule.data)), "content_type": "application/json"}
        before = transaction.savepoint_create()
        answer: HttpResponse = getattr(client, method)(address.path(named), **facts)
        if answer.streaming:
            answer.getvalue()
        transaction.savepoint_rollback(before)
        return answer


class Written:
    """Collects the statements that write."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def __call__(self, execute: Any, sql: str, params: Any, many: Any, context: Any) -> Any:
        if _WRITES.match(sql):
            self.statements.append(sql)
        return execute(sql, params, many, context)


@pytest.fixture
def visitors(organizer: User, auditor: User, administrator: User, signed_in: SignedIn) -> dict[str, Visitor]:
    """Everybody who might come; the organizer is whom everything belongs to."""
    people: dict[str, User] = {
        "organizer": organizer,
        "stranger": UserFactory(username="stranger"),
        "auditor": auditor,
        "administrator": administrator,
    }
    come = {"anonymous": Visitor()}
    for name, user in people.items():
        client = confirmed(signed_in(user))
        cookies = {configured.SESSION_COOKIE_NAME: client.cookies[configured.SESSION_COOKIE_NAME].value}
        proof = {"Authorization": f"Bearer {token_of(user).text}"}
        come[name] = Visitor(cookies=cookies, proof=proof)
    return come


@pytest.fixture
def things(
    organizer: User, other_organizer: User, visitors: dict[str, Visitor], settings: Settings
) -> dict[str, Named]:
    """One of everything, the organizer's. Where no mail is sent, some addresses are not there."""
    settings.MAIL_IS_SET_UP = True
    return {"": {}} | belongings(organizer, colleague=other_organizer)


def is_refused(answer: HttpResponse) -> bool:
    """Whether an answer lets nobody in: refused, not found, or sent to the sign-in."""
    if answer.status_code == HTTPStatus.FOUND:
        # Django's admin sends those who are no staff to its first page, which refuses them.
        return answer["Location"].startswith((f"{reverse('login')}?next=", reverse("admin:index")))
    return answer.status_code in _REFUSED


class TestEveryAddress:
    def test_each_has_a_rule_and_each_rule_an_address(self) -> None:
        without = sorted(address.name for address in ADDRESSES if address.rule is None)
        assert not without, (
            f"Nobody has said who may open {without}. State it in tests/project/address_rules.py, and where the "
            "address names a thing, make one in tests/project/belongings.py."
        )
        assert sorted(RULES.keys() - {address.name for address in ADDRESSES}) == []

    @pytest.mark.parametrize("who", sorted(ANYBODY))
    def test_whoever_may_gets_in_and_whoever_may_not_changes_nothing(
        self, who: str, visitors: dict[str, Visitor], things: dict[str, Named]
    ) -> None:
        wrong = []
        for address in ADDRESSES:
            assert address.rule is not None
            written = Written()
            with connection.execute_wrapper(written):
                answers = [
                    visitors[who].ask(address, method, things[address.rule.of])
                    for method in address.rule.methods
                ]
            wrong += complaints(address, address.rule, who, answers, written)
        assert not wrong, "\n".join(wrong)

    def test_nothing_is_posted_from_another_site(
        self, visitors: dict[str, Visitor], things: dict[str, Named]
    ) -> None:
        taken = []
        for address in ADDRESSES:
            assert address.rule is not None
            if not address.rule.unchecked:
                visitor = visitors["administrator" if "administrator" in address.rule.who else "organizer"]
                answer = visitor.ask(address, "post", things[address.rule.of], checks=True)
                if answer.status_code != HTTPStatus.FORBIDDEN:
                    taken.append((address.name, answer.status_code))
        assert taken == []


def complaints(
    address: Address, rule: Rule, who: str, answers: list[HttpResponse], written: Written
) -> list[str]:
    """What is wrong about how ``who`` was answered, in words."""
    taken = [answer for answer in answers if answer.status_code != HTTPStatus.METHOD_NOT_ALLOWED]
    told = f"{who}: {address.name} {[answer.status_code for answer in answers]}"
    if any(answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR for answer in answers):
        return [f"{told} broke"]
    if who in rule.who:
        let_in = taken and not any(is_refused(answer) for answer in taken)
        return [] if let_in or rule.unpublished else [f"{told} is to get in"]
    if not all(is_refused(answer) for answer in taken):
        return [f"{told} is to be refused"]
    return [f"{told} wrote {statement[:80]}" for statement in written.statements]
