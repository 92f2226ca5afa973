"""Keeps the people of the sandbox away from everything that reaches a real DingTalk app."""

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from invites.dingtalk.sandbox.people import is_demo_value
from invites.errors import DemoPersonRefused
from invites.models import App


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
