"""Starts all that the dashboard consists of on this machine: web server, worker, the listener for events and, without
credentials, the sandbox.

This is `make run`. Everything listens on loopback.
"""

import http.client
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, connections
from django.utils import timezone

from dashboard.programs import Program, ProgramError, run_together
from invites import demo
from invites.models import Worker

LOOPBACK: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8000
HIGHEST_PORT: Final = 65_535
# Requests are short and mostly wait for the database; two processes use two cores.
WEB_OPTIONS: Final = (
    *("--workers", "2", "--threads", "4", "--worker-class", "gthread"),
    *("--graceful-timeout", "10", "--log-level", "warning", "--no-control-socket"),
)


class Command(BaseCommand):
    """``python manage.py serve``, on the port that the environment variable PORT names (8000 by default)."""

    help = "Runs web server, worker, listener and sandbox together until Ctrl-C."
    requires_system_checks = ()  # they open the database, and the worker runs them anyway

    def handle(self, *args: Any, **options: Any) -> None:
        """Runs until it is told to stop. Raises CommandError where something cannot start or ends by itself."""
        port = _read_port()
        if not _is_free(port):
            raise CommandError(f"Port {port} is in use already. Choose another: make run PORT={port + 1}")
        sandbox_port = _port_for_sandbox(port) if settings.DINGTALK is None else None
        # The settings of this process were read before it was known where the sandbox listens. With credentials
        # there is none, whatever the environment says.
        settings.DINGTALK_SANDBOX_URL = f"http://{LOOPBACK}:{sandbox_port}" if sandbox_port else ""
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            call_command("prepare", stdout=self.stdout)
            connections.close_all()
            run_together(
                list(_programs(port, sandbox_port)),
                environment=os.environ
                | {"DINGTALK_SANDBOX_URL": settings.DINGTALK_SANDBOX_URL, "PYTHONUNBUFFERED": "1"},
                when_ready=lambda: self._greet(port),
                when_told_to_stop=lambda: self._say("Stopping …"),
            )
        except KeyboardInterrupt:
            pass
        except ProgramError as error:
            raise CommandError(f"{error} Everything has been stopped.") from error
        self.stdout.write("Stopped.")

    def _greet(self, port: int) -> None:
        lines = ["", f"The dashboard is ready: http://{LOOPBACK}:{port}/"]
        if sign_in := demo.sign_in():
            lines.append(f"Sign in as {sign_in.username} with the password {sign_in.password}")
        if settings.DINGTALK is None:
            lines += [
                f"DingTalk is played by the sandbox at {settings.DINGTALK_SANDBOX_URL}: nobody real is called.",
                "With DINGTALK_CLIENT_ID and DINGTALK_CLIENT_SECRET in .env it calls real people instead.",
            ]
        else:
            lines.append(f"DingTalk is real, at {settings.DINGTALK.base_url}: people will be called.")
        place = str(settings.DATABASES["default"]["NAME"]).removeprefix(f"{settings.BASE_DIR}/")
        lines += [f"Data is kept in {connection.display_name}, {place}.", "Ctrl-C stops everything.", ""]
        connections.close_all()
        self._say("\n".join(lines))

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _programs(port: int, sandbox_port: int | None) -> Iterator[Program]:
    """What to start. The last one is stopped first: the worker ends while the sandbox still answers it."""
    manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
    if sandbox_port is not None:
        journal = str(settings.DATA_DIR / "sandbox.jsonl")
        command = [*manage, "dingtalk_sandbox", "--port", str(sandbox_port), "--journal", journal]
        answers = partial(_accepts_connections, sandbox_port)
        yield Program(name="sandbox", command=command, answers=answers, quiet=True)
    yield Program(name="worker", command=[*manage, "worker"], answers=_worker_watch())
    yield Program(name="listener", command=[*manage, "dingtalk_stream"], answers=lambda: True)
    web = [sys.executable, "-m", "gunicorn", "dashboard.wsgi:application", "--bind", f"{LOOPBACK}:{port}"]
    # Loaded once and then forked: half the time to start, and less memory.
    loading = ["--reload"] if settings.DEBUG else ["--preload"]
    yield Program(name="web server", command=[*web, *WEB_OPTIONS, *loading], answers=partial(_says_ok, port))


def _read_port() -> int:
    text = os.environ.get("PORT", "").strip() or str(DEFAULT_PORT)
    if not text.isdecimal() or not 0 < int(text) <= HIGHEST_PORT:
        raise CommandError(f"PORT must be a whole number from 1 to {HIGHEST_PORT}, not “{text}”.")
    return int(text)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the servers do it: a port whose last connections are still fading away counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _port_for_sandbox(port: int) -> int:
    """The next port where it is free, so that the address is the same at every start; else any."""
    if port < HIGHEST_PORT and _is_free(port + 1):
        return port + 1
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _says_ok(port: int) -> bool:
    """Whether the site answers; one that insists on https or on its public name answers too."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status < HTTPStatus.INTERNAL_SERVER_ERROR
    except OSError:
        return False
    finally:
        connection.close()


def _accepts_connections(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True


def _worker_watch() -> Callable[[], bool]:
    """Tells whether a worker has reported that was not there before."""
    beginning = timezone.now()

    def reported() -> bool:
        try:
            return Worker.objects.alive().filter(started_at__gte=beginning).exists()
        finally:
            connections.close_all()

    return reported
