"""Processes killed at random moments, and PostgreSQL away for a while: the shortened form of `make kill`."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from tests.services.processes import environment_of

ROOT = Path(__file__).resolve().parents[2]
KILLS = 10


def play(log: Path, *options: str) -> str:
    """What `make kill` says, after it has found nobody lost and nobody called twice."""
    command = [sys.executable, "-m", "tests.kills", "--log", str(log), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (
        f"{done.stdout}{done.stderr}{log.read_text()[-5000:] if log.exists() else ''}"
    )
    assert "lost 0, doubled 0" in done.stdout
    return done.stdout


def number_of(what: str, said: str) -> int:
    """How many of ``what`` it counted."""
    found = re.search(rf"(\d+) {re.escape(what)}", said)
    assert found, said
    return int(found[1])


@pytest.fixture
def database(db: None) -> list[str]:
    """The options for a run on a database of the kind under test, with the same tables."""
    url = environment_of(connection)["DATABASE_URL"]
    return ["--tables-of", url, *(["--sqlite"] if connection.vendor == "sqlite" else [])]


class TestKills:
    def test_nobody_is_lost_and_nobody_is_called_twice_whatever_dies(
        self, database: list[str], tmp_path: Path
    ) -> None:
        said = play(tmp_path / "log", "--kills", str(KILLS), "--pause", "0.4", *database)
        for kind in ("workers", "processes of the web server", "whole web servers", "whole database servers"):
            assert number_of(kind, said) >= 2
        assert number_of("posts", said) > KILLS


class TestDatabaseThatIsAway:
    def test_what_was_heard_meanwhile_is_written_down_once_it_is_back(
        self, database: list[str], tmp_path: Path
    ) -> None:
        only_that = ["--only-database", "--kills", "1", "--away", "3", "--fair"]
        said = play(tmp_path / "log", *only_that, "--latency", "500", "--grace", "10", *database)
        answers = number_of("answers came while the database was away", said)
        assert answers > 0
        # Where it went away between a claim and the word that it was taken, nobody sends and nobody can know.
        assert number_of("calls cut off by kills", said) < answers / 2
