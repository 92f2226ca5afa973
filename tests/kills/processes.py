"""The processes that are killed: workers, and a web server with processes of its own. For each that dies another comes.

They are forked from one that has loaded the product (Python's fork server), since a process that begins from nothing
takes seconds, and a kill a second is wanted.
"""

import multiprocessing
import os
import random
import runpy
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Self

from django.core.management import call_command

from dashboard.management.commands.serve import LOOPBACK, WEB_OPTIONS
from tests.services.postgres import children_of

PRELOADED = "tests.kills.preloaded"


class Processes:
    """``workers`` workers with ``calls_in_flight`` each, and a web server, until the `with` block ends.

    What they write goes to the file ``log``.
    """

    def __init__(self, *, workers: int, calls_in_flight: int, log: str) -> None:
        self.port = _free_port()
        self._size, self._calls_in_flight, self._log = workers, calls_in_flight, log
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([PRELOADED])

    def __enter__(self) -> Self:
        self._workers = [self._worker() for _ in range(self._size)]
        self._web = self._web_server()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in (*self._workers, self._web):
            _kill(process)

    @property
    def address(self) -> str:
        """Where the web server answers, whichever it is at present."""
        return f"http://{LOOPBACK}:{self.port}"

    def kill_worker(self, rng: random.Random) -> None:
        """Ends any one worker with all that it has in flight; another takes its place."""
        place = rng.randrange(len(self._workers))
        _kill(self._workers[place])
        self._workers[place] = self._worker()

    def kill_web_process(self, rng: random.Random) -> None:
        """Ends one of the web server's processes, if it has any just now; it starts another by itself."""
        with suppress(ProcessLookupError, IndexError):
            os.kill(rng.choice(children_of(self._web.pid or 0)), signal.SIGKILL)

    def kill_web_server(self) -> None:
        """Ends the web server and all its processes; another takes its place."""
        _kill(self._web)
        self._web = self._web_server()

    def _worker(self) -> BaseProcess:
        return self._started(_work, self._calls_in_flight)

    def _web_server(self) -> BaseProcess:
        return self._started(_serve, self.port)

    def _started(self, run: Callable[[int], None], number: int) -> BaseProcess:
        process = self._context.Process(target=_lead, args=(run, number, self._log), daemon=True)
        process.start()
        return process


def _kill(process: BaseProcess) -> None:
    """Ends a process and all that it has started."""
    try:
        os.killpg(process.pid or 0, signal.SIGKILL)
    except ProcessLookupError:
        # It has only just been forked, and leads no group yet.
        process.kill()
    process.join()


def _lead(run: Callable[[int], None], number: int, log: str) -> None:
    """In the new process: gives it a group of its own, so that it can be killed with all that it starts."""
    os.setsid()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for standard in (sys.stdout, sys.stderr):
        os.dup2(output, standard.fileno())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    run(number)


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
    os.killpg(0, signal.SIGKILL)


def _work(calls_in_flight: int) -> None:
    call_command("worker", calls_in_flight=calls_in_flight)


def _serve(port: int) -> None:
    bind = ["--bind", f"{LOOPBACK}:{port}", "--preload"]
    sys.argv = ["gunicorn", "dashboard.wsgi:application", *bind, *WEB_OPTIONS]
    runpy.run_module("gunicorn", run_name="__main__")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
