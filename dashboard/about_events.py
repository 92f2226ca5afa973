"""How DingTalk apps hear of what happens, for administrators. Must not tell any secret."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.urls import reverse
from django_stubs_ext import StrOrPromise

from invites.models import App
from invites.models.app import OF_SETTINGS, EventMode


@dataclass(frozen=True, slots=True, kw_only=True)
class AboutEvents:
    """How one app hears. ``seen_at`` is when its connection was last seen to stand, ``heard_at`` when an event came.

    ``address`` is what DingTalk posts to; ``by_settings`` where the environment says how it hears.
    """

    app: str
    mode: str
    mode_label: StrOrPromise
    is_heard: bool
    is_silent: bool
    seen_at: datetime | None
    heard_at: datetime | None
    address: str
    by_settings: bool


def about_events(app: App) -> AboutEvents:
    """How ``app`` hears."""
    mode = app.hears_by
    return AboutEvents(
        app=app.name,
        mode=mode.value,
        mode_label=mode.label,
        is_heard=app.hears_now,
        is_silent=app.is_silent,
        seen_at=app.stream_seen_at,
        heard_at=app.event_seen_at,
        address=f"{settings.SITE_URL}{reverse('invites:event_callback', args=[app.pk])}"
        if mode == EventMode.CALLBACK
        else "",
        by_settings=app.kind in OF_SETTINGS,
    )


def all_about_events() -> list[AboutEvents]:
    """How each app hears that is in use and hears at all."""
    apps = App.objects.usable().without_secrets().in_order()
    return [about_events(app) for app in apps if app.hears_by != EventMode.NONE]
