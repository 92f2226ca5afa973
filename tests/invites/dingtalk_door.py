"""Goes the way of somebody who signs in with DingTalk, over real HTTP to the sandbox, as a browser would."""

import html
import re
from typing import cast
from urllib.parse import parse_qs, urlsplit

import httpx
from django.http import HttpResponse
from django.test import Client

from invites.dingtalk.sandbox.people import DEMO_PEOPLE, SANDBOX_CORP_ID
from invites.models import App, SignInPolicy
from invites.models.sign_in_policy import SignUp

DOOR = "/sign-in/dingtalk/"
PERSON = DEMO_PEOPLE[20]


def open_door(app: App, sign_up: SignUp = SignUp.COMPANY) -> SignInPolicy:
    """Lets people sign in through ``app``, and those of the sandbox's company make accounts."""
    policy = SignInPolicy(app=app, sign_up=sign_up, corp_ids=[SANDBOX_CORP_ID])
    policy.save()
    return policy


def page_of_dingtalk(client: Client, *, at: str = DOOR, **posted: str) -> str:
    """Where the press of the button leads."""
    answer = client.post(at, posted)
    assert answer.status_code == 200
    url = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', answer.content.decode())
    assert url is not None
    return html.unescape(url[1])


def agree(page: str, person: str = PERSON.union_id) -> str:
    """The way back that DingTalk's page shows to whoever agrees, without scheme and host."""
    location = httpx.get(page, params={**_query(page), "person": person}).headers["location"]
    parts = urlsplit(location)
    return f"{parts.path}?{parts.query}"


def sign_in(client: Client, person: str = PERSON.union_id, **posted: str) -> HttpResponse:
    """All of it: the button, the page, and back. The answer to the last step."""
    return cast("HttpResponse", client.get(agree(page_of_dingtalk(client, **posted), person)))


def _query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
