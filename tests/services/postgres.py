"""Lends a PostgreSQL server of its own to whoever needs one for a while, and leaves nothing of it behind.

``python -m tests.services.postgres COMMAND…`` runs a command with DATABASE_URL set, on a server with as much memory as
docs/operating.md tells to give it. Standard library only.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from tests.services.packages import ensure, find_postgres

START_SECONDS = 30
# The data is thrown away, so it need not survive a power cut.
SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "listen_addresses": ""}

# Trigrams of Chinese exist only where the locale knows its characters as letters.
LOCALE = "C.UTF-8" if sys.platform == "linux" else "en_US.UTF-8"
INITDB = ("-U", "tests", "-A", "trust", "-E", "UTF8", f"--locale={LOCALE}", "--no-sync", "--no-instructions")


@contextmanager
def temporary_postgres() -> Iterator[str]:
    """The DATABASE_URL of a fresh cluster that only this user reaches, through a socket in a private folder."""
    with PostgresServer() as server:
        yield server.url


class PostgresServer:
    """A fresh cluster that only this user reaches, as a context manager; with ``settings`` beside those above."""

    def __init__(self, **settings: str) -> None:
        self._settings = SETTINGS | settings

    def __enter__(self) -> Self:
        ensure("postgresql")
        programs = find_postgres()
        assert programs is not None
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="invites-pg-"))
        self._run_as, owner = _unprivileged()
        if owner is not None:
            os.chown(self._folder, owner.pw_uid, owner.pw_gid)
        self._server: subprocess.Popen[bytes] | None = None
        try:
            _run([*self._run_as, programs / "initdb", *INITDB, "-D", self._data], cwd=self._folder)
            self.start()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    @property
    def url(self) -> str:
        """The DATABASE_URL, the same after every start."""
        return f"postgres://tests@/postgres?host={quote(str(self._folder), safe='')}"

    def start(self) -> None:
        """Starts it, after a kill on what that left, and returns when it answers."""
        options = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._server = subprocess.Popen(
                [*self._run_as, self._programs / "postgres", "-D", self._data, "-k", self._folder, *options],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )
        _wait_until_ready(self._programs, self._folder, self._server)

    def copy(self, url: str) -> None:
        """Fills the empty cluster with the tables of the database at ``url``, which takes less time than migrations."""
        dump = subprocess.run(
            [self._programs / "pg_dump", "--no-owner", "--schema-only", "--dbname", url],
            stdout=subprocess.PIPE,
            check=True,
        )
        options = ["--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", "--dbname", self.url]
        psql: list[str | Path] = [self._programs / "psql", *options]
        subprocess.run(psql, input=dump.stdout, stdout=subprocess.DEVNULL, check=True)

    def kill(self) -> None:
        """Ends the server and every process of it at once, as a power cut would that spares the disk's cache."""
        server = self._server
        assert server is not None
        # Held first, so that it neither starts another nor sees one of them end.
        server.send_signal(signal.SIGSTOP)
        for pid in [*children_of(server.pid), server.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        server.wait()
        self._server = None

    def _remove(self) -> None:
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)  # PostgreSQL's "fast" stop: open sessions are ended
            self._server.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _data(self) -> Path:
        return self._folder / "data"


def children_of(pid: int) -> list[int]:
    """The processes that process ``pid`` has started. Each session of PostgreSQL is one, in a group of its own."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    if listed.exists():
        return [int(word) for word in listed.read_text().split()]
    answer = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in answer.stdout.split()]


def _unprivileged() -> tuple[list[str], pwd.struct_passwd | None]:
    """How to start a program as somebody who is not root (which PostgreSQL refuses), and who that is."""
    if os.geteuid() != 0:
        return [], None
    names = {user.pw_name: user for user in pwd.getpwall()}
    owner = names.get("postgres") or names["nobody"]
    return [
        "setpriv",
        f"--reuid={owner.pw_uid}",
        f"--regid={owner.pw_gid}",
        "--clear-groups",
        "--pdeathsig=INT",
    ], owner


def _run(command: list[str | Path], *, cwd: Path) -> None:
    answer = subprocess.run(
        command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if answer.returncode != 0:
        raise SystemExit(f"{command} failed:\n{answer.stdout}{answer.stderr}")


def _wait_until_ready(programs: Path, folder: Path, server: subprocess.Popen[bytes]) -> None:
    """Raises SystemExit with the server's own words where it does not come up."""
    question: list[str | Path] = [
        programs / "pg_isready",
        "--quiet",
        "--host",
        folder,
        "--dbname",
        "postgres",
    ]
    deadline = time.monotonic() + START_SECONDS
    while subprocess.run(question, check=False).returncode != 0:
        if server.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"PostgreSQL did not start:\n{(folder / 'log').read_text(errors='replace')}")
        time.sleep(0.05)


def main(command: list[str]) -> int:
    """Runs ``command`` with a server at hand; returns its exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with PostgresServer(shared_buffers=_a_quarter_of_memory()) as server:
        return subprocess.run(command, env=os.environ | {"DATABASE_URL": server.url}, check=False).returncode


def _a_quarter_of_memory() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') // 4 // 1024}kB"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
