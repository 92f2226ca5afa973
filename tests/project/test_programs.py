"""Several programs run as one: started together, stopped together, nothing left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dashboard.programs import Program, ProgramError, run_together

# Writes its name and the moment at which it is told to stop, with a child of its own that would outlive it.
SERVICE = """
import pathlib, signal, subprocess, sys, time
name, folder = sys.argv[1], pathlib.Path(sys.argv[2])
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
def stop(*_):
    with (folder / "stopped").open("a") as file:
        file.write(name + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
(folder / name).write_text(str(child.pid))
while True:
    time.sleep(0.02)
"""

STUBBORN = """
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).touch()
time.sleep(60)
"""


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def wait_for(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").split()[2] != "Z"
    except FileNotFoundError:
        return not Path("/proc").is_dir()


@pytest.fixture
def service(tmp_path: Path) -> Callable[[str], Program]:
    def service(name: str) -> Program:
        return Program(
            name=name,
            command=[sys.executable, "-c", SERVICE, name, str(tmp_path)],
            answers=(tmp_path / name).exists,
        )

    return service


def run(
    *programs: Program,
    when_ready: Callable[[], None] = interrupt,
    when_told_to_stop: Callable[[], None] = lambda: None,
) -> None:
    run_together(programs, environment=os.environ, when_ready=when_ready, when_told_to_stop=when_told_to_stop)


class TestTogether:
    """Start, stop, and what happens when one of them ends."""

    def test_all_answer_before_it_is_ready_and_the_last_one_stops_first(
        self, service: Callable[[str], Program], tmp_path: Path
    ) -> None:
        said: list[str] = []

        def ready() -> None:
            said.extend(name for name in ("first", "second") if (tmp_path / name).exists())
            interrupt()

        def told_to_stop() -> None:
            assert not (tmp_path / "stopped").exists()
            said.append("stop")

        run(service("first"), service("second"), when_ready=ready, when_told_to_stop=told_to_stop)
        assert said == ["first", "second", "stop"]
        assert (tmp_path / "stopped").read_text() == "second\nfirst\n"

    def test_grandchildren_end_too(self, service: Callable[[str], Program], tmp_path: Path) -> None:
        run(service("first"))
        grandchild = int((tmp_path / "first").read_text())
        wait_for(lambda: not is_alive(grandchild))

    @pytest.mark.parametrize(
        ("code", "how"),
        [("raise SystemExit(3)", "with status 3"), ("import os; os.kill(os.getpid(), 9)", "by SIGKILL")],
    )
    def test_one_that_ends_by_itself_stops_the_others(
        self, service: Callable[[str], Program], tmp_path: Path, code: str, how: str
    ) -> None:
        first = service("first")
        doomed = Program(
            name="worker",
            command=[sys.executable, "-c", f"import time; time.sleep(1); {code}"],
            answers=first.answers,
        )
        with pytest.raises(ProgramError, match=f"The worker ended by itself, {how}"):
            run(first, doomed, when_ready=lambda: None)
        assert (tmp_path / "stopped").read_text() == "first\n"

    def test_one_that_never_answers_is_named(
        self, service: Callable[[str], Program], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr("dashboard.programs.START_SECONDS", 1.0)
        deaf = Program(name="deaf", command=service("deaf").command, answers=lambda: False)
        with pytest.raises(ProgramError, match="The deaf did not answer"):
            run(deaf)

    def test_program_that_does_not_exist_leaves_nothing_behind(
        self, service: Callable[[str], Program], tmp_path: Path
    ) -> None:
        nowhere = Program(name="nowhere", command=[str(tmp_path / "nowhere")], answers=lambda: True)
        slow_start = service("first")
        with pytest.raises(FileNotFoundError):
            run(slow_start, nowhere)

    def test_signals_mean_what_they_meant_before_once_it_is_over(
        self, service: Callable[[str], Program]
    ) -> None:
        before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
        run(service("first"))
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before

    if sys.platform == "linux":  # elsewhere the system offers no such thing

        def test_they_are_told_to_stop_when_the_one_that_runs_them_is_killed(self, tmp_path: Path) -> None:
            code = (
                "import os, sys; from pathlib import Path; from dashboard.programs import Program, run_together;"
                "run_together([Program(name='x', command=sys.argv[1:], answers=lambda: True)],"
                " environment=os.environ, when_ready=lambda: None, when_told_to_stop=lambda: None)"
            )
            runner = subprocess.Popen(
                [sys.executable, "-c", code, sys.executable, "-c", SERVICE, "first", str(tmp_path)]
            )
            wait_for((tmp_path / "first").exists)
            runner.kill()
            runner.wait()
            wait_for((tmp_path / "stopped").exists)
            os.kill(int((tmp_path / "first").read_text()), signal.SIGKILL)

    def test_second_request_to_stop_does_not_wait(self, tmp_path: Path) -> None:
        stubborn = Program(
            name="stubborn",
            command=[
                sys.executable,
                "-c",
                STUBBORN,
                str(tmp_path / "up"),
            ],
            answers=(tmp_path / "up").exists,
        )

        def press_twice() -> None:
            signal.signal(signal.SIGALRM, lambda *_: interrupt())
            signal.setitimer(signal.ITIMER_REAL, 0.5)
            interrupt()

        begin = time.monotonic()
        run(stubborn, when_ready=press_twice)
        assert time.monotonic() - begin < 10
