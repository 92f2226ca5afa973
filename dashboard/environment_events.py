"""Reads how the apps that the environment describes hear of what happens in DingTalk, and refuses what cannot be."""

import re
from dataclasses import dataclass, field

import environ
from django.core.exceptions import ImproperlyConfigured

from dashboard.environment import DingTalkEnvironment, read_text

_AES_KEY = re.compile(r"[A-Za-z0-9+/]{43}")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsEnvironment:
    """How the environment's app and the sandbox hear of what happens: "stream", "callback" or "none".

    ``token`` and ``aes_key`` are those of the callback, and empty otherwise.
    """

    way: str
    token: str = field(default="", repr=False)
    aes_key: str = field(default="", repr=False)


def read_events(env: environ.Env, *, dingtalk: DingTalkEnvironment | None) -> EventsEnvironment:
    """What ``DINGTALK_EVENTS`` says; by default the Stream connection, or none where there is no secret to open it.

    Raises ImproperlyConfigured for another word, and for a way that lacks what it needs.
    """
    has_secret = dingtalk is None or bool(dingtalk.client_secret)
    way = read_text(env, "DINGTALK_EVENTS").strip().lower() or ("stream" if has_secret else "none")
    if way not in {"stream", "callback", "none"}:
        raise ImproperlyConfigured(f"DINGTALK_EVENTS must be stream, callback or none, not “{way}”.")
    if way != "none" and not (has_secret if way == "stream" else dingtalk and dingtalk.client_secret):
        raise ImproperlyConfigured(
            f"DINGTALK_EVENTS is {way}, which needs DINGTALK_CLIENT_ID and DINGTALK_CLIENT_SECRET."
        )
    if way != "callback":
        return EventsEnvironment(way=way)
    token = read_text(env, "DINGTALK_EVENT_TOKEN").strip()
    key = read_text(env, "DINGTALK_EVENT_AES_KEY").strip()
    if not token or not _AES_KEY.fullmatch(key):
        raise ImproperlyConfigured(
            "DINGTALK_EVENTS is callback, which needs DINGTALK_EVENT_TOKEN and DINGTALK_EVENT_AES_KEY: 43 letters and "
            "digits, as DingTalk's developer console shows them."
        )
    return EventsEnvironment(way=way, token=token, aes_key=key)
