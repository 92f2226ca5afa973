"""A process of the product whose database is out of reach, and what it answers."""

import os
import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
METRICS_TOKEN = "a-token-for-the-scrapes"
_PASSWORD = "password-of-the-database"
_ASK = f"""
import sys
import django
django.setup()
from django.conf import settings
from django.test import Client
from django.test.utils import setup_test_environment
setup_test_environment()
settings.METRICS_TOKEN = "{METRICS_TOKEN}"
answer = Client().get(sys.argv[1], headers={{"Authorization": "Bearer {METRICS_TOKEN}"}})
print(answer.status_code, answer.content.decode())
"""


def nobody_listens() -> int:
    """A port of this machine on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def ask(path: str, *, port: int) -> tuple[str, str]:
    """Status and body of what a process answers that looks for PostgreSQL on ``port`` of this machine."""
    done = subprocess.run(
        [sys.executable, "-c", _ASK, path],
        cwd=ROOT,
        env=os.environ
        | {
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "DATABASE_URL": f"postgres://user:{_PASSWORD}@127.0.0.1:{port}/name",
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    status, body = done.stdout.split(" ", 1)
    assert _PASSWORD not in body + done.stderr
    return status, body.removesuffix("\n")
