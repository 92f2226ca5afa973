"""Runs everything that guards the project, one step after the other, and says at the end what failed.

``python -m tests.everything`` is `make test`; ``--static`` leaves out what runs the product, ``--format`` mends layout.
Standard library only, and nothing is ever skipped: a program that is missing is installed or named.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.services.packages import NEEDS, ensure
from tests.services.postgres import temporary_postgres
from tests.services.variables import VARIABLES

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PYTHON = sys.executable
# Settings as the README tells an operator to set them; the checks must have nothing to say about these.
PRODUCTION = {
    "SECRET_KEY": "only-for-the-checks-Gm1_fZ8r-Wq7LpXv4tYs0KdJh3BnC-9uTz",
    "ALLOWED_HOSTS": "invites.example.com",
    "HTTPS_ONLY": "1",
    # Nothing is asked of it here.
    "DATABASE_URL": "postgres://invites@127.0.0.1/invites",
    "FIELD_ENCRYPTION_KEYS": "b25seS1mb3ItdGhlLWNoZWNrcy1vZi10aGUtcHJvamU=",
    "HISTORY_KEYS": "only-for-the-checks-too-Gm1_fZ8r-Wq7LpXv4tYs0KdJ",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One command, what it guards, and what it finds in its environment."""

    title: str
    command: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a step."""

    step: Step
    passed: bool
    seconds: float


def program(name: str, *arguments: str) -> list[str]:
    """The command of a tool that lies in the environment."""
    return [str(BIN / name), *arguments]


def templates() -> list[str]:
    """Every template, in order."""
    return sorted(str(path.relative_to(ROOT)) for path in (ROOT / "templates").rglob("*.html"))


def static_steps() -> Iterator[Step]:
    """What can be judged without running the product."""
    manage = [PYTHON, "-W", "error", "manage.py"]
    yield Step(title="layout of Python", command=program("ruff", "format", "--check", "."))
    yield Step(title="lint of Python", command=program("ruff", "check", "."))
    yield Step(title="layout of templates", command=program("djade", "--check", *templates()))
    yield Step(title="lint of templates", command=program("djlint", "--lint", "--quiet", "templates"))
    yield Step(title="types", command=program("mypy"))
    yield Step(title="import contract", command=program("lint-imports", "--no-cache"))
    yield Step(
        title="Django's checks, as in production",
        command=[*manage, "check", "--deploy", "--fail-level", "WARNING"],
        environment=PRODUCTION,
    )
    yield Step(title="missing migrations", command=[*manage, "makemigrations", "--check", "--dry-run"])
    yield Step(title="translations", command=[PYTHON, "-m", "tests.translations"])


def test_steps(folder: Path, postgres_url: str) -> Iterator[Step]:
    """The tests, on both databases; their counts go to XML files in ``folder``."""
    pytest = [PYTHON, "-m", "pytest", "--quiet"]
    # Much of the time goes by waiting for programs that start: more processes than processors. A browser has several of
    # its own, and what it shows in time on an idle machine comes too late where two of them share a processor.
    many, browsers = ["--numprocesses=4"], ["--numprocesses=auto", "--maxprocesses=4"]
    yield Step(
        title="tests on SQLite",
        command=[*pytest, *many, "-m", "not browser", f"--junit-xml={folder / 'sqlite.xml'}"],
    )
    on_postgresql = {"DATABASE_URL": postgres_url}
    yield Step(
        title="tests on PostgreSQL",
        command=[*pytest, *many, "-m", "database and not browser", f"--junit-xml={folder / 'postgres.xml'}"],
        environment=on_postgresql,
    )
    yield Step(
        title="tests in Chromium, on PostgreSQL",
        command=[*pytest, *browsers, "tests/browser", f"--junit-xml={folder / 'browser.xml'}"],
        environment=on_postgresql,
    )


def format_steps() -> Iterator[Step]:
    """What brings files into the layout that the checks want."""
    yield Step(title="layout of Python", command=program("ruff", "format", "."))
    yield Step(title="lint of Python", command=program("ruff", "check", "--fix", "."))
    yield Step(title="layout of templates", command=program("djade", *templates()))


def run(steps: Iterable[Step], environment: dict[str, str]) -> list[Result]:
    """Runs every step, also after one that failed."""
    results = []
    for step in steps:
        print(f"\n── {step.title}", flush=True)
        begin = time.monotonic()
        done = subprocess.run(
            step.command,
            cwd=ROOT,
            env={**environment, **step.environment},
            stdin=subprocess.DEVNULL,
            check=False,
        )
        results.append(Result(step=step, passed=done.returncode == 0, seconds=time.monotonic() - begin))
    return results


def clean_environment(data_dir: Path) -> dict[str, str]:
    """The environment without anything that speaks of the operator's own installation.

    Nor does it keep Python from keeping what it compiled: each process would do again what the one before has done.
    """
    left = VARIABLES | {"PYTHONDONTWRITEBYTECODE"}
    kept = {name: value for name, value in os.environ.items() if name not in left}
    return kept | {"ENV_FILE": "", "DATA_DIR": str(data_dir)}


def count(folder: Path) -> tuple[int, int]:
    """How many tests passed and failed, over all the XML files in ``folder``."""
    total = bad = 0
    for path in folder.glob("*.xml"):
        for suite in ET.parse(path).iter("testsuite"):  # noqa: S314 - pytest has just written it
            total += int(suite.get("tests", 0)) - int(suite.get("skipped", 0))
            bad += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    return total - bad, bad


def report(results: list[Result]) -> None:
    """A line for each step, the slow ones recognisable."""
    print()
    for result in results:
        print(f"{'ok    ' if result.passed else 'FAILED'}  {result.seconds:6.1f} s  {result.step.title}")
    print(f"        {sum(result.seconds for result in results):6.1f} s  in all")


def main(arguments: list[str]) -> int:
    """Returns 0 where every step passed, 1 otherwise."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="invites-everything-")))
        environment = clean_environment(folder / "data")
        if "--format" in arguments:
            return int(not all(result.passed for result in run(format_steps(), environment)))
        ensure(*(["gettext"] if "--static" in arguments else NEEDS))
        results = run(static_steps(), environment)
        if "--static" not in arguments:
            url = stack.enter_context(temporary_postgres())
            results += run(test_steps(folder, url), environment)
        report(results)
        if "--static" not in arguments:
            passed, failed = count(folder)
            print(f"{passed} passed, {failed} failed")
    return int(not all(result.passed for result in results))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
