"""What taking a million attempts away as CSV costs, beside a bare COPY of the same columns."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from django.db import connection

from invites.extracting.columns import COLUMNS
from invites.models import Attempt
from invites.models.history_export import ExportRows
from tests.benchmarks.figures import Figure, timed
from tests.histories.filling import History
from tests.histories.loading import connect
from tests.services.processes import environment_of

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 2


def exports(history: History) -> Iterator[Figure]:
    """By turns, in a process of its own, of which one sees how much memory it has held."""
    ours, bare = [], []
    for _ in range(ROUNDS):
        bare.append(timed(_bare_copy))
        ours.append(_alone(history))
    best = min(ours, key=lambda each: each["seconds"])
    copied = min(bare)
    yield Figure(
        name=f"export of {history.attempts:,} attempts as CSV / bare COPY",
        value=best["seconds"] / copied,
        at_most=3,
        unit="×",
        detail=f"({best['rows'] / best['seconds']:,.0f} rows a second, COPY {history.attempts / copied:,.0f})",
    )
    yield Figure(name="memory of it", value=max(each["memory"] for each in ours), at_most=150, unit="MB")


def _bare_copy() -> None:
    columns = [column.path for column in COLUMNS[ExportRows.CALLS]]
    query, parameters = Attempt.objects.values(*columns).query.sql_with_params()
    if parameters:
        raise AssertionError("nothing is narrowed")
    with connect() as own, own.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT") as copy:
        for _block in copy:
            pass


def _alone(history: History) -> dict[str, float]:
    answer = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.history_export_alone", str(history.auditor.pk)],
        cwd=ROOT,
        env=environment_of(connection),
        stdout=subprocess.PIPE,
        check=True,
    )
    told: dict[str, float] = json.loads(answer.stdout)
    return told
