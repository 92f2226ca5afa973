"""Lends a PostgreSQL server of its own to whoever needs one for a while, and leaves nothing of it behind.

``python -m tests.services.postgres COMMAND…`` runs a command with DATABASE_URL set. Standard library only.
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
from contextlib import contextmanager
from pathlib import Path
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
    ensure("postgresql")
    programs = find_postgres()
    assert programs is not None
    folder = Path(tempfile.mkdtemp(prefix="invites-pg-"))
    run_as, owner = _unprivileged()
    if owner is not None:
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    server = None
    try:
        data = folder / "data"
        _run([*run_as, programs / "initdb", *INITDB, "-D", data], cwd=folder)
        options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [*run_as, programs / "postgres", "-D", data, "-k", folder, *options],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )
        _wait_until_ready(programs, folder, server)
        yield f"postgres://tests@/postgres?host={quote(str(folder), safe='')}"
    finally:
        if server is not None:
            server.send_signal(signal.SIGINT)  # PostgreSQL's "fast" stop: open sessions are ended
            server.wait()
        shutil.rmtree(folder, ignore_errors=True)


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
    with temporary_postgres() as url:
        return subprocess.run(command, env=os.environ | {"DATABASE_URL": url}, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
