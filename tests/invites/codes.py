"""The codes of an authenticator app, after RFC 6238 and by no code of the product."""

import base64
import hashlib
import hmac
import re
import time

from django.test import Client

SECRET = re.compile(r"data-secret>([A-Z2-7]+)<")


def code_of(secret: str, moment: float | None = None) -> str:
    """What an app that knows ``secret`` shows at ``moment``, which is now."""
    counter = int(time.time() if moment is None else moment) // 30
    digest = hmac.digest(base64.b32decode(secret), counter.to_bytes(8, "big"), hashlib.sha1)
    start = digest[-1] & 0xF
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def set_up_app(client: Client) -> tuple[str, list[str]]:
    """Sets up an authenticator app through the pages: its secret, and the recovery codes that came with it."""
    page = client.get("/settings/security/app/").content.decode()
    match = SECRET.search(page)
    assert match, page
    response = client.post("/settings/security/app/", {"code": code_of(match[1])})
    assert response["Location"] == "/settings/security/codes/"
    codes = re.findall(r"\b\d{8}\b", client.get("/settings/security/codes/").content.decode())
    return match[1], sorted(set(codes))
