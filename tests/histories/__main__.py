"""`DATABASE_URL=… python -m tests.histories 1000000`: fills an empty database with so many attempts.

Everybody signs in with the password of the tests: `history-auditor`, `history-administrator`, `organizer1` to `60`.
"""

import os
import sys
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from tests.factories import PASSWORD  # noqa: E402
from tests.histories.filling import fill  # noqa: E402


def main(attempts: int) -> None:
    """Makes the tables and fills them."""
    if connection.vendor != "postgresql":
        sys.exit("Histories are for PostgreSQL: set DATABASE_URL.")
    begun = time.perf_counter()
    call_command("migrate", verbosity=0)
    fill(attempts)
    took = time.perf_counter() - begun
    sys.stdout.write(f"{attempts:,} attempts in {took:.0f} s. The password of everybody is “{PASSWORD}”.\n")


if __name__ == "__main__":
    main(int(sys.argv[1].replace("_", "")))
