"""Retention: removes whole sealed days of the history. That it was done stays on record, and the digests stay."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from invites import removing
from invites.management import days, deciding


class Command(BaseCommand):
    """``python manage.py remove_history``"""

    help = (
        "Removes the days of the history before a day, for good. Their digests stay, so that the chain still "
        "verifies, and the history says so. Run again after it was stopped, it goes on."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Adds what to remove, and why."""
        parser.add_argument(
            "--before", type=days.day, required=True, metavar="DAY", help="the first day that stays"
        )
        deciding.add_arguments(parser)
        parser.add_argument("--dry-run", action="store_true", help="only count what would go")

    def handle(self, *args: Any, **options: Any) -> None:
        """Counts, asks, puts it on record, and removes."""
        by = deciding.user_called(options["by"])
        extent = removing.extent(options["before"])
        if extent is not None:
            counts = ", ".join(f"{rows:,} {name}" for name, rows in extent.rows.items())
            self.stdout.write(f"{extent.days:,} days from {extent.first} to {extent.last}: {counts}.")
        if options["dry_run"]:
            return
        if extent is not None:
            if not options["yes"]:
                deciding.make_sure("Remove them for good?", refused="Nothing was removed.")
            removing.order(options["before"], by=by, because=options["reason"])
        swept = removing.sweep()
        if extent is None and not any(swept.values()):
            self.stdout.write("There is nothing to remove: no sealed day before that one is left.")
            return
        self.stdout.write("Removed " + ", ".join(f"{rows:,} {kind}" for kind, rows in swept.items()) + ".")
