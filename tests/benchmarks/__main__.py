"""`make bench`: measures what the product promises, in one run, each figure beside what a user would pick instead.

`make bench BENCH="finding history"` measures those parts alone. Runs on the PostgreSQL server of DATABASE_URL, in a
database of its own, against a sandbox on loopback.
"""

import os
import sys
from collections.abc import Callable, Iterable

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
django.setup()

from django.db import connection  # noqa: E402
from django.test.utils import setup_test_environment  # noqa: E402

from invites.dingtalk.sandbox import SandboxServer  # noqa: E402
from tests.benchmarks import (  # noqa: E402
    composing,
    delivering,
    finding,
    history,
    importing,
    ringing,
    scaling,
)
from tests.benchmarks.figures import Figure  # noqa: E402
from tests.keeping import let_tables_be_emptied  # noqa: E402

# In the order in which they are measured: the first makes what those after it need.
BENCHMARKS: dict[str, Callable[[SandboxServer], Iterable[Figure]]] = {
    "delivering": delivering.measure,
    "composing": composing.measure,
    "ringing": ringing.measure,
    "scaling": scaling.measure,
    "finding": finding.measure,
    "importing": importing.measure,
    "history": history.measure,
}
_NEED_THE_FIRST = {"composing", "ringing", "scaling"}


def main(parts: list[str]) -> int:
    """Prints every figure of ``parts``, or of all; returns how many miss their promise."""
    if unknown := set(parts) - set(BENCHMARKS):
        sys.exit(f"There is no part {', '.join(sorted(unknown))}: {', '.join(BENCHMARKS)}.")
    chosen = set(parts) or set(BENCHMARKS)
    if chosen & _NEED_THE_FIRST:
        chosen.add("delivering")
    if connection.vendor != "postgresql":
        sys.exit("The figures are promised for PostgreSQL: run `make bench`.")
    setup_test_environment()
    name = connection.creation.create_test_db(verbosity=0, serialize=False)
    let_tables_be_emptied()
    missed = 0
    try:
        with SandboxServer(demo=True) as sandbox:
            for measure in (BENCHMARKS[part] for part in BENCHMARKS if part in chosen):
                for figure in measure(sandbox):
                    sys.stdout.write(f"{figure}\n")
                    sys.stdout.flush()
                    missed += not figure.kept
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)
    sys.stdout.write(f"{missed} figures missed\n" if missed else "every figure kept\n")
    return missed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
