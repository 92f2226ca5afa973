"""Runs the DingTalk sandbox in the foreground until it is told to stop. Needs no database and changes none."""

import signal
import time
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from invites.dingtalk.sandbox import Fault, NotLoopbackError, SandboxServer

DEFAULT_PORT: Final = 8765
HIGHEST_PORT: Final = 65_535


def _port(value: str) -> int:
    if not value.isdigit() or int(value) > HIGHEST_PORT:
        raise ArgumentTypeError(f"{value!r} is no port from 0 to {HIGHEST_PORT}")
    return int(value)


def _positive(value: str) -> int:
    if not value.isdigit() or int(value) == 0:
        raise ArgumentTypeError(f"{value!r} is no positive whole number")
    return int(value)


def _not_negative(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        raise ArgumentTypeError(f"{value!r} is no number") from None
    if not 0 <= number < float("inf"):
        raise ArgumentTypeError(f"{value!r} is below zero or endless")
    return number


def _fault(value: str) -> Fault:
    try:
        return Fault.from_text(value)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


class Command(BaseCommand):
    """`python manage.py dingtalk_sandbox --port N`: one line when it listens, none after; ends on SIGTERM or SIGINT."""

    help = "Run a stand-in for DingTalk's API on this machine: nobody real is called. Guide: docs/sandbox.md"
    requires_system_checks: list[str] = []  # noqa: RUF012 -- Django's own form

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Every option of the sandbox that makes sense outside a test."""
        add = parser.add_argument
        add("--host", default="127.0.0.1", help="loopback address to listen at (default 127.0.0.1)")
        add("--port", type=_port, default=DEFAULT_PORT, help=f"0 for any free one (default {DEFAULT_PORT})")
        add(
            "--journal",
            type=Path,
            metavar="FILE",
            help="keep conferences over a restart, and a log, in this file",
        )
        add(
            "--latency",
            type=_not_negative,
            default=0.0,
            metavar="MS",
            help="milliseconds added to every answer",
        )
        add("--rate", type=_positive, metavar="N", help="calls a second per app and operation, then refused")
        add("--batch-limit", type=_positive, metavar="N", help="refuse invitations of more than N people")
        add(
            "--pace",
            type=_not_negative,
            default=1.0,
            metavar="X",
            help="multiplies the delays of called people",
        )
        add(
            "--token-life",
            type=_positive,
            default=7200,
            metavar="S",
            help="seconds that a token works (7200)",
        )
        add("--country-code", default="86", metavar="CC", help="of phone numbers that come without one (86)")
        add("--no-demo", action="store_true", help="start without the demo conferences")
        add(
            "--fault",
            type=_fault,
            action="append",
            default=[],
            metavar="OPERATION:FAULT[,name=value]",
            help="let a fault wait from the start; may be repeated",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Listen until a signal comes. Raises CommandError if it cannot."""
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            with self._server(options) as sandbox:
                self.stdout.write(f"DingTalk sandbox is ready at {sandbox.base_url}")
                self.stdout.flush()
                self._wait()
        except KeyboardInterrupt:
            return
        except NotLoopbackError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"The sandbox cannot start: {error}") from error

    @staticmethod
    def _server(options: dict[str, Any]) -> SandboxServer:
        return SandboxServer(
            host=options["host"],
            port=options["port"],
            journal=options["journal"],
            latency_ms=options["latency"],
            rate=options["rate"],
            batch_limit=options["batch_limit"],
            pace=options["pace"],
            token_life=options["token_life"],
            country_code=options["country_code"],
            demo=not options["no_demo"],
            faults=options["fault"],
        )

    @staticmethod
    def _wait() -> None:
        try:
            while True:
                time.sleep(3600)
        finally:
            # A terminal and a process manager may both pass on the same Ctrl-C: the second must not cut the end short.
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
