"""Runs several programs as one: they start together, and when one ends or a signal comes, all of them end.

Must not know what the programs do; each says for itself when it answers.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import Self

LOOK_EVERY = 0.1
# Longer than the total deadline of a call to DingTalk: a worker that is told to stop finishes what is under way.
GRACE_SECONDS = 25.0
START_SECONDS = 60.0

_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1


class ProgramError(Exception):
    """A program ended by itself, or did not come up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One program. ``answers`` says whether it is ready; a ``quiet`` one's standard output is thrown away."""

    name: str
    command: Sequence[str]
    answers: Callable[[], bool]
    quiet: bool = False


class _StopSignals:
    """Counts the requests to stop (Ctrl-C, SIGTERM, a closed terminal) instead of dying of them."""

    KINDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> Self:
        self._before = {kind: signal.signal(kind, self._notice) for kind in self.KINDS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _notice(self, number: int, frame: FrameType | None) -> None:
        self.count += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    program: Program
    process: subprocess.Popen[bytes]

    def stop(self, signals: _StopSignals) -> None:
        """Asks the program to end and sees to it that nothing of it stays; a second Ctrl-C shortens the wait."""
        patience = time.monotonic() + GRACE_SECONDS
        asked = signals.count
        self.process.terminate()
        while self.process.poll() is None and time.monotonic() < patience and signals.count == asked:
            time.sleep(LOOK_EVERY)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def run_together(
    programs: Sequence[Program],
    *,
    environment: Mapping[str, str],
    when_ready: Callable[[], None],
    when_told_to_stop: Callable[[], None],
) -> None:
    """Starts ``programs`` in order, calls ``when_ready`` once all answer, and returns after it is told to stop.

    Whatever happens, all have ended when this returns; they are stopped one after the other, the last one first.
    Raises ProgramError when one ends by itself or does not answer within a minute.
    """
    with _StopSignals() as signals, ExitStack() as stack:
        running = []
        for program in programs:
            running.append(_start(program, environment))
            stack.callback(running[-1].stop, signals)
        _wait_until_ready(running, signals)
        if not signals.count:
            when_ready()
        while not signals.count:
            _refuse_dead(running)
            time.sleep(LOOK_EVERY)
        when_told_to_stop()


def _end_with_parent() -> None:
    """In the child: be told to stop if the parent is killed outright and can tell nobody (Linux knows how)."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _start(program: Program, environment: Mapping[str, str]) -> _Running:
    # A process group of its own keeps the terminal's Ctrl-C away: we stop each program ourselves, in order.
    process = subprocess.Popen(  # noqa: S603 - the commands are our own
        program.command,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if program.quiet else None,
        process_group=0,
        preexec_fn=_end_with_parent,  # noqa: PLW1509 - no thread runs here
    )
    return _Running(program=program, process=process)


def _wait_until_ready(running: Sequence[_Running], signals: _StopSignals) -> None:
    deadline = time.monotonic() + START_SECONDS
    waiting = [each.program for each in running]
    while waiting and not signals.count:
        _refuse_dead(running)
        if waiting[0].answers():
            waiting.pop(0)
            continue
        if time.monotonic() > deadline:
            raise ProgramError(f"The {waiting[0].name} did not answer within {START_SECONDS:.0f} seconds.")
        time.sleep(LOOK_EVERY)


def _refuse_dead(running: Sequence[_Running]) -> None:
    for each in running:
        if (status := each.process.poll()) is not None:
            how = f"with status {status}" if status >= 0 else f"by {signal.Signals(-status).name}"
            raise ProgramError(f"The {each.program.name} ended by itself, {how}.")
