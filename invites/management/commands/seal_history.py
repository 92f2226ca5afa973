"""Seals the days of the history that are over, as workers do by themselves."""

from typing import Any

from django.core.management.base import BaseCommand

from invites import sealing


class Command(BaseCommand):
    """``python manage.py seal_history``"""

    help = (
        "Seals all days of the history that are over. Workers do the same by themselves, every few seconds."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Says of each sealed day what its digest is."""
        for day in sealing.seal_due(seconds=float("inf")):
            self.stdout.write(f"{day.day} {day.hex}")
