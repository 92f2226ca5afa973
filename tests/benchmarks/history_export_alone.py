"""Exports the whole history and prints what that took: the process that `tests.benchmarks.history_export` measures."""

import json
import os
import sys
import time
from pathlib import Path

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
django.setup()

from invites import extracting, searching  # noqa: E402
from invites.models import User  # noqa: E402
from invites.models.history_export import ExportFormat, ExportRows  # noqa: E402


def export_alone(user: User) -> dict[str, float]:
    """Orders a file of all that ``user`` may read, and fetches it."""
    export = extracting.order(
        user, query="", file_format=ExportFormat.CSV, rows_are=ExportRows.CALLS, time_zone="Asia/Shanghai"
    )
    begun = time.perf_counter()
    extracting.begin(export)
    for _part in extracting.stream(export, searching.attempts(searching.Criteria(), user)):
        pass
    seconds = time.perf_counter() - begun
    export.refresh_from_db()
    return {"seconds": seconds, "rows": export.rows, "memory": _most_memory()}


def _most_memory() -> float:
    """The most memory that this process has held, in MB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    sys.stdout.write(json.dumps(export_alone(User.objects.get(pk=int(sys.argv[1])))))
