"""The sandbox as a process: one line when it listens, a clean end on either signal."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from invites.dingtalk.sandbox import SandboxServer

ROOT = Path(__file__).resolve().parents[3]
READY = re.compile(r"DingTalk sandbox is ready at http://127\.0\.0\.1:(\d+)\n")
# Any secret will do: the command neither stores nor sends anything.
ENVIRONMENT = {**os.environ, "SECRET_KEY": "k" * 50, "PYTHONUNBUFFERED": ""}


def command(*options: str) -> list[str]:
    return [sys.executable, "manage.py", "dingtalk_sandbox", *options]


@contextmanager
def process(*options: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The running command and its port."""
    running = subprocess.Popen(
        command("--port", "0", *options),
        cwd=ROOT,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert running.stdout is not None
        ready = READY.fullmatch(running.stdout.readline())
        assert ready, running.communicate()
        yield running, int(ready[1])
    finally:
        running.kill()
        running.communicate()


def get(port: int, path: str) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", path)
    status = connection.getresponse().status
    connection.close()
    return status


class TestCommand:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_it_says_that_it_is_ready_serves_and_ends_cleanly(
        self, number: signal.Signals, tmp_path: Path
    ) -> None:
        journal = tmp_path / "journal.jsonl"
        with process("--journal", str(journal), "--pace", "0.1", "--rate", "9") as (running, port):
            assert get(port, "/_sandbox/") == 200
            assert get(port, "/v1.0/conference/orgConferences") == 401
            running.send_signal(number)
            rest, errors = running.communicate(timeout=10)
            assert (running.returncode, rest, errors) == (0, "", "")
        assert len([line for line in journal.read_text().splitlines() if '"kind":"received"' in line]) == 1

    def test_a_fault_can_wait_from_the_start(self) -> None:
        with process("--fault", "token:html_502", "--no-demo") as (_, port):
            connection = HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("POST", "/v1.0/oauth2/accessToken", b"{}")
            assert connection.getresponse().status == 502
            connection.close()

    def test_a_taken_port_is_said_plainly(self, sandbox: SandboxServer) -> None:
        done = run("--port", str(sandbox.port))
        assert done.returncode == 1
        assert "The sandbox cannot start" in done.stderr
        assert "Traceback" not in done.stderr

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (("--host", "0.0.0.0"), "must not be reachable from outside"),
            (("--port", "65536"), "no port"),
            (("--pace", "-1"), "below zero"),
            (("--latency", "soon"), "no number"),
            (("--rate", "0"), "no positive whole number"),
            (("--fault", "invite:nothing"), "no such fault"),
        ],
    )
    def test_an_option_that_makes_no_sense_stops_the_start(self, options: tuple[str, ...], said: str) -> None:
        done = run("--port", "0", *options)
        assert done.returncode in {1, 2}
        assert said in done.stderr
        assert done.stdout == ""


def run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*options), cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=30, check=False
    )
