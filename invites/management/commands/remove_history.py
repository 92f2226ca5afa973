"""Retention: removes whole sealed days of the history. That it was done stays on record, and the digests stay."""

from argparse import ArgumentTypeError
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from invites import removing
from invites.management import deciding


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError("a day such as 2024-01-01") from error


class Command(BaseCommand):
    """``python manage.py remove_history``"""

    help = (
        "Removes the days of the history before a day, for good. Their digests stay, so that the chain still "
        "verifies, and the history says so. Run again after it was stopped, it goes on."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Adds what to remove, and why."""
        parser.add_argument(
            "--before", type=_day, required=True, metavar="DAY", help="the first day that stays"
        )
        parser.add_argument("--reason", required=True, help="why; it stands in the history")
        deciding.add_argument(parser)
        parser.add_argument("--dry-run", action="store_true", help="only count what would go")
        parser.add_argument("--yes", action="store_true", help="do not ask")

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
            if not options["yes"] and input("Remove them for good? Type yes: ").strip() != "yes":
                raise CommandError("Nothing was removed.")
            removing.order(options["before"], by=by, because=options["reason"].strip())
        swept = removing.sweep()
        if extent is None and not any(swept.values()):
            self.stdout.write("There is nothing to remove: no sealed day before that one is left.")
            return
        self.stdout.write("Removed " + ", ".join(f"{rows:,} {kind}" for kind, rows in swept.items()) + ".")
