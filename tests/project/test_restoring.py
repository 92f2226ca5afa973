"""A backup, made and restored with the commands of docs/operating.md: all is there, works, and is still proved."""

import os
import re
import secrets
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from cryptography.fernet import Fernet
from django.db import connection
from pytest_django import Settings

from invites import sealing
from invites.dingtalk.sandbox import SandboxServer
from invites.models import App, Attempt, Conference, Invitation, User
from invites.models.app import AppKind
from invites.sending import send
from tests.factories import PASSWORD, AppFactory, ConferenceFactory, InvitationFactory, InviteeFactory
from tests.invites.sealed import make_day
from tests.services.packages import find_postgres
from tests.services.processes import environment_of

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
KEY, HISTORY_KEY = Fernet.generate_key().decode(), "h" * 40
RUNNING_CONFERENCE = "5a9db0c000000000000000a1"

# What somebody does first, all in one process: verify, sign in, look at a page that needs the session, the app's secret
# and the history.
FIRST_STEPS = """
import django
from django.conf import settings
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # that of the tests
django.setup()
from django.core.management import call_command
from django.test import Client
from invites.models import App
call_command("verify_history")
client = Client()
print("signed in:", client.login(username="organizer", password={password!r}))
print("home:", client.get("/", headers={{"host": "localhost"}}).status_code)
print("secret:", App.objects.get(name="Head office").client_secret)
"""
WITH_OTHER_KEYS = """
import django
django.setup()
from django.core.management import call_command
call_command("check", databases=["default"])
call_command("verify_history")
"""


def command_of_guide(beginning: str) -> str:
    """The one line of a code block in the guide that begins so."""
    [line] = re.findall(rf"^{re.escape(beginning)}.*$", GUIDE, re.MULTILINE)
    return str(line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A database and what programs have to know to work on it."""

    environment: dict[str, str]

    def shell(self, line: str, folder: Path) -> None:
        done = subprocess.run(
            ["/bin/sh", "-c", line],
            cwd=folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"

    def python(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *words],
            cwd=ROOT,
            env=self.environment | variables,
            capture_output=True,
            text=True,
            check=False,
        )


def environment(sandbox: SandboxServer) -> dict[str, str]:
    programs = find_postgres()
    return environment_of(connection) | {
        "DINGTALK_SANDBOX_URL": sandbox.base_url,
        "FIELD_ENCRYPTION_KEYS": KEY,
        "HISTORY_KEYS": HISTORY_KEY,
        "PATH": f"{programs}:{os.environ['PATH']}" if programs else os.environ["PATH"],
    }


@pytest.fixture
def sandbox(settings: Settings) -> Iterator[SandboxServer]:
    with SandboxServer(pace=0.01) as server:
        settings.DINGTALK_SANDBOX_URL = server.base_url
        yield server


@pytest.fixture
def sent(transactional_db: None, settings: Settings, sandbox: SandboxServer, organizer: User) -> Invitation:
    """An installation at work: an app with a secret, days that are sealed, and people who are about to be called."""
    settings.FIELD_ENCRYPTION_KEYS, settings.HISTORY_KEYS = [KEY], [HISTORY_KEY]
    AppFactory(name="Head office", client_secret="hush-hush")
    for days in (3, 2, 1):
        make_day(days)
    assert sealing.seal_due()
    app = App.objects.create(name="sandbox", kind=AppKind.SANDBOX)
    conference: Conference = ConferenceFactory(app=app, owner=organizer, conference_id=RUNNING_CONFERENCE)
    draft = InvitationFactory(conference=conference)
    InviteeFactory(invitation=draft, value="abc")
    return send(invitation=draft, revision=0, user=organizer)


@pytest.fixture
def restored(sent: Invitation, sandbox: SandboxServer, tmp_path: Path) -> Iterator[Installation]:
    """What the guide's commands make of a backup, in a place of its own."""
    before = Installation(environment=environment(sandbox))
    if connection.vendor == "sqlite":
        line = command_of_guide('.venv/bin/python -c "import sqlite3').replace(
            ".venv/bin/python", sys.executable
        )
        before.shell(line.replace("var/db.sqlite3", str(connection.settings_dict["NAME"])), tmp_path)
        after = before.environment | {"DATABASE_URL": f"sqlite:///{tmp_path / 'invites.sqlite3'}"}
        yield Installation(environment=after)
        return
    before.shell(command_of_guide("pg_dump"), tmp_path)
    # A user and a database of this name; the user may do no more than that of the guide.
    name, url = f"restored_{secrets.token_hex(4)}", urlsplit(before.environment["DATABASE_URL"])
    server = {"PGHOST": parse_qs(url.query)["host"][0], "PGUSER": url.username or ""}
    restoring = url._replace(netloc=f"{name}@", path=f"/{name}").geturl()
    after = before.environment | server | {"DATABASE_URL": restoring}
    with psycopg.connect(before.environment["DATABASE_URL"], autocommit=True) as administrator:
        administrator.execute(f"CREATE USER {name}")
        installation = Installation(environment=after)
        installation.shell(command_of_guide("createdb").replace("invites", name), tmp_path)
        installation.shell(command_of_guide("pg_restore"), tmp_path)
        yield installation
        administrator.execute(f"DROP DATABASE {name} WITH (FORCE)")
        administrator.execute(f"DROP USER {name}")


class TestRestoring:
    def test_everything_is_there_works_and_is_still_proved(
        self, restored: Installation, sent: Invitation
    ) -> None:
        # Without static files, which only a page in development does without.
        told = restored.python("-c", FIRST_STEPS.format(password=PASSWORD), DEBUG="1")
        assert "Everything fits: 3 days" in told.stdout, told.stderr
        assert told.stdout.splitlines()[-3:] == ["signed in: True", "home: 200", "secret: hush-hush"], (
            told.stderr
        )
        self.worker_calls_whoever_was_waiting(restored, sent)
        self.other_keys_are_told(restored)

    def worker_calls_whoever_was_waiting(self, restored: Installation, sent: Invitation) -> None:
        assert state_of(restored, sent) == "sending"
        worker = subprocess.Popen(
            [sys.executable, "manage.py", "worker"],
            cwd=ROOT,
            env=restored.environment,
            stdin=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + 60
            while state_of(restored, sent) != "finished":
                assert time.monotonic() < deadline, "Nobody was called."
                time.sleep(0.1)
        finally:
            worker.kill()
            worker.wait()
        # Where the backup was taken nobody was called by that.
        assert not Attempt.objects.filter(invitation=sent).exists()

    def other_keys_are_told(self, restored: Installation) -> None:
        """And nothing is guessed."""
        other = {"FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(), "HISTORY_KEYS": "o" * 40}
        told = restored.python("-c", WITH_OTHER_KEYS, **other)
        assert told.returncode == 1
        assert "invites.W002" in told.stderr
        assert "Head office" in told.stderr
        assert "HISTORY_KEYS does not have" in told.stderr
        assert "hush" not in told.stderr + told.stdout


def state_of(installation: Installation, invitation: Invitation) -> str:
    """The state of an invitation in the database of ``installation``."""
    question, url = (
        "SELECT state FROM invites_invitation WHERE id = ",
        installation.environment["DATABASE_URL"],
    )
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
            return str(database.execute(f"{question} ?", [invitation.pk]).fetchone()[0])
    with psycopg.connect(url) as server:
        row = server.execute(f"{question} %s".encode(), [invitation.pk]).fetchone()
        assert row is not None
        return str(row[0])
