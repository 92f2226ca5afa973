"""Keeps the connections over which DingTalk tells what happens, until it is told to stop."""

import asyncio
import signal
from typing import Any

from django.core.management.base import BaseCommand

from invites.connecting import ensure_apps
from invites.management.streams import Streams


class Command(BaseCommand):
    """``python manage.py dingtalk_stream``"""

    help = (
        "Takes in events of all DingTalk apps that hear through the Stream connection: who joins and leaves, meetings "
        "that end, suite tickets. Apps that are changed meanwhile are noticed. One process is enough; more do no harm."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Works until a signal comes; what is being applied then is finished."""
        ensure_apps()
        asyncio.run(_keep())


async def _keep() -> None:
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    await Streams().keep(stopping)
