"""Encrypts all that is secret in the database with the newest key, so that older keys can be dropped."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import translation

from invites import rekeying
from invites.encryption import derived_key
from invites.rekeying import Found


class Command(BaseCommand):
    """``python manage.py rotate_keys``"""

    help = (
        "Encrypts everything secret with the first of FIELD_ENCRYPTION_KEYS. Exit status 0 where older keys may be "
        "dropped afterwards, 1 where something still needs them or no key opens it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Adds what else it may do: only look, or print a key."""
        does = parser.add_mutually_exclusive_group()
        does.add_argument("--check", action="store_true", help="only say whether older keys may be dropped")
        does.add_argument(
            "--derived",
            action="store_true",
            help="only print the key that is derived from SECRET_KEY, to be kept behind the first key of one's own",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Renews what is to be renewed, or only looks, and tells what there was."""
        if options["derived"]:
            self.stdout.write(derived_key())
            return
        only_looks: bool = options["check"]
        with translation.override("en"):
            tables = rekeying.look() if only_looks else rekeying.renew()
            for found in tables:
                self.stdout.write(_told(found, only_looked=only_looks))
            for where in (where for found in tables for where in found.unreadable):
                self.stderr.write(self.style.ERROR(f"No key opens this: {where}"))
        needs_older = any(each.changed_meanwhile or (only_looks and each.older) for each in tables)
        self.stdout.write(_verdict(needs_older=needs_older))
        if needs_older or any(found.unreadable for found in tables):
            sys.exit(1)


def _told(found: Found, *, only_looked: bool) -> str:
    done = "still under an older key" if only_looked else "renewed"
    missed = f", {found.changed_meanwhile} changed meanwhile" if found.changed_meanwhile else ""
    return f"{found.table}: {found.newest} under the newest key, {found.older} {done}{missed}"


def _verdict(*, needs_older: bool) -> str:
    if needs_older:
        return "Older keys are still needed: run rotate_keys, and keep them until it says that they are not."
    return "Everything that a key opens is under the newest one: older keys may be dropped."
