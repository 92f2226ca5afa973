"""Keeps the people of the sandbox away from everything that reaches a real DingTalk app, and so does with whoever may
sign in to a demonstration.
"""

from collections.abc import Iterable
from typing import Final

from django.conf import settings
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _

from invites.dingtalk.sandbox.people import is_demo_value
from invites.errors import DemoPersonRefused
from invites.models import App

DEMO_USERNAMES: Final = ("demo", "demo-organizer", "demo-auditor")
DEMO_PASSWORD: Final = "ring-nobody"  # noqa: S105 - public, and of use only while the sandbox is


def calls_are_real() -> bool:
    """Whether real people can be called at present."""
    return settings.DINGTALK is not None or App.objects.usable().real().exists()


def is_shut_out(*, username: str, password: str) -> bool:
    """Whether this is a sign-in to the demonstration, which everybody can read here, while calls are real."""
    return constant_time_compare(password, DEMO_PASSWORD) and username in DEMO_USERNAMES and calls_are_real()


def refuse_demo_person(*, app: App, values: Iterable[str]) -> None:
    """Raises DemoPersonRefused where ``app`` is a real one and any of ``values`` is of the sandbox.

    ``values`` are unionIds, phone numbers in E.164 or conferenceIds; empty ones belong to nobody.
    """
    if not app.is_sandbox and any(is_demo_value(value) for value in values):
        raise DemoPersonRefused


def refuse_demo_conference(*, app: App, conference_id: str) -> None:
    """Raises DemoPersonRefused where the conference is of the sandbox, while ``app`` is a real one."""
    if not app.is_sandbox and is_demo_value(conference_id):
        raise DemoPersonRefused(_("This conference exists in the sandbox only."))
