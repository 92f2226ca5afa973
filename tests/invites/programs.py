"""A program that uses the HTTP API with a token, as the tests of the API share it."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.test import Client
from django.utils import timezone

from invites import tokens
from invites.models import ApiToken, Conference, User
from invites.models.api_token import Scope

API = "/api/v1"
UNION_ID, NUMBER = "exxxxxxxxQiE", "+8613800138000"


def token_of(user: User, *scopes: Scope, name: str = "program") -> str:
    """The text of a token of ``user``, for everything where no ``scopes`` are named."""
    token = ApiToken(user=user, name=name, scopes=[scope.value for scope in scopes or Scope])
    return tokens.make(token, days=1).text


def expire(text: str) -> None:
    """Lets the token with this text be one whose time has passed."""
    assert tokens.find(text) is not None
    ApiToken.objects.filter(hint=text[:12]).update(expires_at=timezone.now() - timedelta(seconds=1))


class Program:
    """What asks; each request has an idempotency key of its own where none is named."""

    def __init__(self, user: User | None = None, *scopes: Scope, token: str = "") -> None:
        self.token = token if user is None else token_of(user, *scopes, name=uuid4().hex)
        self.client = Client()

    def get(self, path: str, **query: Any) -> Any:
        return self.ask("GET", path, query=query)

    def post(self, path: str, body: object, *, key: str | None = None) -> Any:
        return self.ask("POST", path, body=body, headers={"Idempotency-Key": key or uuid4().hex})

    def patch(self, path: str, body: object) -> Any:
        return self.ask("PATCH", path, body=body)

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, Any] | None = None,
        body: object = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        return self.client.generic(
            method,
            API + path,
            b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode(),
            content_type="application/json",
            query_params=query,
            headers={"Authorization": f"Bearer {self.token}"} | (headers or {}),
        )


def fields_of(response: Any) -> dict[str, str]:
    """At which fields a request was refused, and with which codes."""
    assert response.status_code == 422, response.content
    error = json.loads(response.content)["error"]
    assert error["code"] == "invalid"
    return {each["field"]: each["code"] for each in error["fields"]}


def code_of(response: Any) -> str:
    """The code with which a request was refused."""
    code: str = json.loads(response.content)["error"]["code"]
    return code


def pages(program: Program, path: str, name: str, **query: Any) -> list[dict[str, Any]]:
    """Every row of a list, page after page."""
    rows: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = program.get(path, cursor=cursor, **query).json()
        rows += page[name]
        if page["next"] is None:
            return rows
        cursor = page["next"]


def invite_into(conference: Conference) -> str:
    """Where people are invited into ``conference``."""
    return f"/conferences/{conference.pk}/invitations"
