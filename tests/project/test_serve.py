"""`make run` as a person meets it: what it says, what answers, and that Ctrl-C leaves nothing behind."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 90
CREDENTIALS = {
    "DINGTALK_ACCESS_TOKEN": "not-a-real-token",
    # Nothing listens there, and nothing may be sent there by a mere start.
    "DINGTALK_BASE_URL": "http://127.0.0.1:9",
}

READY = "Ctrl-C stops everything."


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back for a GET."""

    status: int
    headers: Message
    text: str


class Served:
    """A started `manage.py serve` and what it has said so far."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "serve"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            self.lines.extend(iter(output.readline, ""))

    @property
    def port(self) -> int:
        return int(self.environment["PORT"])

    @property
    def said(self) -> str:
        return "".join(self.lines)

    def wait_for(self, words: str) -> None:
        """Until ``words`` have been said."""
        deadline = time.monotonic() + START_SECONDS
        while words not in self.said:
            assert self.process.poll() is None, f"It ended:\n{self.said}"
            assert time.monotonic() < deadline, f"It never said {words!r}:\n{self.said}"
            time.sleep(0.05)

    def ended(self) -> int:
        """The exit status, once it has ended and its output is read to the end."""
        status = self.process.wait(timeout=60)
        self._reader.join()
        return status

    def stop(self, kind: signal.Signals = signal.SIGINT) -> int:
        """As ``ended``, after the signal ``kind``."""
        self.process.send_signal(kind)
        return self.ended()

    def get(self, path: str, port: int | None = None, **headers: str) -> Answer:
        """The answer to a GET from the site, or from what listens at ``port``."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=20)
        try:
            connection.request(
                "GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()}
            )
            answer = connection.getresponse()
            return Answer(
                status=answer.status, headers=answer.headers, text=answer.read().decode(errors="replace")
            )
        finally:
            connection.close()


def processes() -> dict[int, int]:
    """The parent of each process of this machine."""
    table = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    ).stdout
    return {int(pid): int(parent) for pid, parent in (line.split() for line in table.splitlines())}


def descendants(root: int) -> set[int]:
    """Every process below ``root``."""
    parents, found = processes(), {root}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {root}


def worker_of(pids: set[int]) -> int:
    """The one among ``pids`` that is the worker."""
    table = subprocess.run(
        ["ps", "-A", "-o", "pid=,args="], capture_output=True, text=True, check=True
    ).stdout
    rows = (line.split(maxsplit=1) for line in table.splitlines())
    return next(int(pid) for pid, command in rows if int(pid) in pids and "manage.py worker" in command)


def free_port() -> int:
    """The first of two neighbouring free ports."""
    while True:
        with socket.socket() as one, socket.socket() as two:
            one.bind(("127.0.0.1", 0))
            try:
                two.bind(("127.0.0.1", one.getsockname()[1] + 1))
            except (OSError, OverflowError):
                continue
            return int(one.getsockname()[1])


type Serve = Callable[..., Served]


@pytest.fixture
def serve(migrated_database_url: str, tmp_path: Path) -> Iterator[Serve]:
    """Starts `manage.py serve` with its own data and nothing else of this machine's environment."""
    started: list[Served] = []
    environment = {
        "PATH": os.environ["PATH"],
        "ENV_FILE": "",
        "DATA_DIR": str(tmp_path / "var"),
        "DATABASE_URL": migrated_database_url,
        "DEBUG": "1",  # spares the seconds that compressing static files takes
        "PORT": str(free_port()),
    }

    def serve(**variables: str) -> Served:
        started.append(Served(environment | variables))
        return started[-1]

    yield serve
    for each in started:
        if each.process.poll() is None:
            each.stop(signal.SIGTERM)


class TestWithoutCredentials:
    """The demonstration: everything on this machine, nobody real."""

    def test_first_start_shows_the_way_and_the_second_keeps_what_was_there(
        self, serve: Serve, database_url: str, tmp_path: Path
    ) -> None:
        first = serve(DATABASE_URL=database_url, DEBUG="")
        first.wait_for(READY)
        assert f"The dashboard is ready: http://127.0.0.1:{first.port}/" in first.said
        assert "Sign in as demo with the password " in first.said
        assert f"sandbox at http://127.0.0.1:{first.port + 1}: nobody real is called" in first.said
        assert {"Preparing the database …", "Demo data has been loaded."} <= set(first.said.splitlines())
        self.look_as_in_production(first)
        self.stop_without_a_trace(first, signal.SIGINT)

        second = serve(DATABASE_URL=database_url, DEBUG="")
        second.wait_for(READY)
        assert "Preparing" not in second.said
        assert "Demo data" not in second.said
        assert "Sign in as demo with the password " in second.said
        assert f"sandbox at http://127.0.0.1:{second.port + 1}: nobody real is called" in second.said
        assert (tmp_path / "var" / "sandbox.jsonl").is_file()
        self.stop_without_a_trace(second, signal.SIGTERM)

    def look_as_in_production(self, served: Served) -> None:
        """A page comes with its policy, and every file it names compressed and for ever."""
        page = served.get("/sign-in/")
        assert page.status == 200
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        files = set(re.findall(r'(?:href|src)="(/static/[^"#]+)"', page.text))
        assert {name.rpartition(".")[2] for name in files} >= {"css", "js"}
        for name in files:
            answer = served.get(name, Accept_Encoding="br")
            assert (name, answer.status) == (name, 200)
            assert "immutable" in answer.headers["Cache-Control"]
            if name.endswith((".css", ".js")):
                assert answer.headers["Content-Encoding"] == "br"

    def stop_without_a_trace(self, served: Served, kind: signal.Signals) -> None:
        """Told to stop, it does, and no process of it stays."""
        below = descendants(served.process.pid)
        assert len(below) >= 3
        assert served.stop(kind) == 0
        assert served.said.rstrip().endswith("Stopped.")
        assert "WARNING" not in served.said
        assert below & set(processes()) == set()
        with pytest.raises(ConnectionRefusedError):
            served.get("/healthz")

    def test_sandbox_goes_elsewhere_and_one_that_dies_takes_all_with_it(self, serve: Serve) -> None:
        port = free_port()
        with socket.create_server(("127.0.0.1", port + 1)):
            served = serve(PORT=str(port))
            served.wait_for(READY)
            found = re.search(r"sandbox at http://127\.0\.0\.1:(\d+): nobody", served.said)
            assert found
            assert int(found[1]) != port + 1
            assert served.get("/", port=int(found[1])).status < 500
            below = descendants(served.process.pid)
            os.kill(worker_of(below), signal.SIGKILL)
            assert served.ended() == 1
        assert "The worker ended by itself, by SIGKILL. Everything has been stopped." in served.said
        assert below & set(processes()) == set()


class TestWithCredentials:
    """A real app: no sandbox, no demo data, no password that everybody knows."""

    def test_only_the_real_app_is_there_and_a_first_administrator_is_asked_for(
        self, serve: Serve, tmp_path: Path
    ) -> None:
        # Not even one that the environment names is used beside a real app.
        served = serve(**CREDENTIALS, DINGTALK_SANDBOX_URL="http://127.0.0.1:9")
        served.wait_for(READY)
        assert "DingTalk is real, at http://127.0.0.1:9: people will be called." in served.said
        assert "There is no administrator yet" in served.said
        assert "manage.py createsuperuser" in served.said
        for word in ("sandbox", "demo", "password"):
            assert word not in served.said.lower()
        assert not (tmp_path / "var" / "sandbox.jsonl").exists()
        with pytest.raises(ConnectionRefusedError):
            served.get("/", port=served.port + 1)
        assert served.get("/sign-in/").status == 200
        assert served.stop() == 0


class TestRefusals:
    """What stops a start before anything has begun."""

    def test_port_in_use_is_said_plainly(self, serve: Serve, database_url: str, tmp_path: Path) -> None:
        port = free_port()
        with socket.create_server(("127.0.0.1", port)):
            served = serve(DATABASE_URL=database_url, PORT=str(port))
            assert served.ended() == 1
        assert (
            served.said
            == f"CommandError: Port {port} is in use already. Choose another: make run PORT={port + 1}\n"
        )
        assert not (tmp_path / "empty.sqlite3").exists()

    @pytest.mark.parametrize("port", ["http", "0", "65536", "-1"])
    def test_port_that_is_none_is_refused(self, serve: Serve, port: str) -> None:
        served = serve(PORT=port)
        assert served.ended() == 1
        assert served.said == f"CommandError: PORT must be a whole number from 1 to 65535, not “{port}”.\n"
