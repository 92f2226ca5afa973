"""Checks that nobody has changed what is sealed of the history, and names the first row that does not fit."""

import sys
import time
from argparse import ArgumentTypeError
from datetime import date, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from invites import sealing
from invites.management import days
from invites.models import Verification
from invites.models.sealed_day import DIGEST_BYTES
from invites.sealing import Finding, Problem, Verdict

_WORDS = {
    Problem.CHANGED: "{where} was changed: it is not as it was sealed on {day}.",
    Problem.MISSING: "{where} is missing: it was sealed on {day}.",
    Problem.ADDED: "{where} was added: it was not there when {day} was sealed.",
    Problem.DAY_MISSING: "The chain has a gap: {day} is missing.",
    Problem.CHAIN_BROKEN: "The chain is broken: the digest of {day} does not fit the one before and what was sealed.",
    Problem.KEY_UNKNOWN: (
        "From {day} on days are sealed with a key that HISTORY_KEYS does not have: their digests cannot be checked."
    ),
    Problem.HEAD_UNKNOWN: "The head is not part of the chain: the history was rewritten since it left the house.",
    Problem.NOT_SEALED: "{day} is over and has not been sealed: does a worker run?",
}


def _head(text: str) -> bytes:
    try:
        head = bytes.fromhex(text)
    except ValueError as error:
        raise ArgumentTypeError("hexadecimal digits") from error
    if len(head) != DIGEST_BYTES:
        raise ArgumentTypeError(f"{2 * DIGEST_BYTES} hexadecimal digits")
    return head


class Command(BaseCommand):
    """``python manage.py verify_history``"""

    help = "Checks the sealed history. Exit status 0 where everything fits, 1 where something does not."

    def add_arguments(self, parser: CommandParser) -> None:
        """Adds where to begin, and which heads have to be part of the chain."""
        parser.add_argument(
            "--since", type=days.day, metavar="DAY", help="begin with this day (default: the first)"
        )
        parser.add_argument(
            "--head",
            type=_head,
            action="append",
            default=[],
            metavar="HEX",
            help="a head that left the house earlier, in a mail or a log line; may be given several times",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Verifies, notes that it was done, and says what came of it."""
        started_at, clock = timezone.now(), time.perf_counter()
        verdict = sealing.verify(since=options["since"], heads=options["head"], progress=self._progress)
        _note(verdict, started_at=started_at, since=options["since"])
        for finding in verdict.findings:
            self.stderr.write(self.style.ERROR(_told(finding)))
        self.stdout.write(_summary(verdict, seconds=time.perf_counter() - clock))
        if not verdict.fits:
            sys.exit(1)

    def _progress(self, day: date, rows: int) -> None:
        if self.stdout.isatty():
            self.stdout.write(f"\r{day}: {rows:,} rows", ending="")
            self.stdout.flush()


def _told(finding: Finding) -> str:
    where = finding.where or "Something"
    return _WORDS[finding.problem].format(where=where, day=finding.day)


def _summary(verdict: Verdict, *, seconds: float) -> str:
    rate = verdict.rows / seconds if seconds else 0
    removed = f", {verdict.removed} of them removed by retention" if verdict.removed else ""
    head = f"\nHead of the chain ({verdict.last.day}): {verdict.last.hex}" if verdict.last else ""
    outcome = "Everything fits" if verdict.fits else "Something does not fit"
    return f"{outcome}: {verdict.days:,} days{removed}, {verdict.rows:,} rows ({rate:,.0f} a second).{head}"


def _note(verdict: Verdict, *, started_at: datetime, since: date | None) -> None:
    """Puts on record that the history was verified, for the page of seals."""
    first = verdict.findings[0] if verdict.findings else None
    Verification.objects.create(
        started_at=started_at,
        since=since,
        last_day=verdict.last.day if verdict.last else None,
        head=bytes(verdict.last.digest) if verdict.last else None,
        days=verdict.days,
        rows=verdict.rows,
        problem=first.problem if first else "",
        day=first.day if first else None,
        where=first.where if first else "",
    )
