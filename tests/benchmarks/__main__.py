"""`make bench`: measures what the product promises, in one run, each figure beside what a user would pick instead.

Runs on the PostgreSQL server of DATABASE_URL, in a database of its own, against a sandbox on loopback.
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
from tests.benchmarks import composing, delivering, finding, importing, ringing, scaling  # noqa: E402
from tests.benchmarks.figures import Figure  # noqa: E402

BENCHMARKS: tuple[Callable[[SandboxServer], Iterable[Figure]], ...] = (
    delivering.measure,
    composing.measure,
    ringing.measure,
    scaling.measure,
    finding.measure,
    importing.measure,
)


def main() -> int:
    """Prints every figure; returns how many miss their promise."""
    if connection.vendor != "postgresql":
        sys.exit("The figures are promised for PostgreSQL: run `make bench`.")
    setup_test_environment()
    name = connection.creation.create_test_db(verbosity=0, serialize=False)
    missed = 0
    try:
        with SandboxServer(demo=True) as sandbox:
            for measure in BENCHMARKS:
                for figure in measure(sandbox):
                    sys.stdout.write(f"{figure}\n")
                    missed += not figure.kept
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)
    sys.stdout.write(f"{missed} figures missed\n" if missed else "every figure kept\n")
    return missed


if __name__ == "__main__":
    sys.exit(main())
