"""Checks that what is sealed is as it was sealed, and names the first row that does not fit.

It changes nothing, keeps nobody from working, and holds no more than a few thousand rows.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import islice

from django.utils import timezone

from invites.models import SealedDay, SealedSection
from invites.sealing.chain import BEGINNING, as_sealed, chained, marked_rows
from invites.sealing.closing import due_days, first_day
from invites.sealing.keys import known_key, mark
from invites.sealing.lines import blocks, lines, snapshot
from invites.sealing.sections import SECTIONS, Section

# Days are read together as long as they hold no more rows.
_ROWS_TOGETHER = 50_000
_DAYS_TOGETHER = 100

type Sealed = dict[SealedDay, dict[str, bytes]]
type Progress = Callable[[date, int], None]


class Problem(StrEnum):
    """What does not fit."""

    CHANGED = "changed"
    MISSING = "missing"
    ADDED = "added"
    DAY_MISSING = "dayMissing"
    CHAIN_BROKEN = "chainBroken"
    KEY_UNKNOWN = "keyUnknown"
    HEAD_UNKNOWN = "headUnknown"
    NOT_SEALED = "notSealed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that does not fit: on which day, in which table and with which key, where it is a row."""

    problem: Problem
    day: date | None = None
    model: str = ""
    key: int | None = None

    @property
    def where(self) -> str:
        """The row, such as ``Attempt 17``."""
        return f"{self.model} {'' if self.key is None else self.key}".strip()


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What came of a verification: how much was looked at, the head of the chain, and what does not fit."""

    days: int = 0
    rows: int = 0
    removed: int = 0
    last: SealedDay | None = None
    findings: list[Finding] = field(default_factory=list)

    @property
    def fits(self) -> bool:
        """Whether everything was as it was sealed."""
        return not self.findings


def verify(
    *, since: date | None = None, heads: Sequence[bytes] = (), progress: Progress = lambda day, rows: None
) -> Verdict:
    """Checks the chain and every row from the day ``since`` on, up to the first that does not fit.

    Each of ``heads``, which left the house once, must be part of the chain. Days whose key is not configured are named,
    once a key, and gone past. ``progress`` hears after some days which was the last, and how many rows that were.
    """
    verdict = Verdict()
    # All that is read is of this moment: a day that ends later cannot have been sealed in it.
    now = timezone.now()
    with snapshot():
        for finding in _findings(verdict, since=since, heads=heads, now=now, progress=progress):
            verdict.findings.append(finding)
            if finding.problem != Problem.KEY_UNKNOWN:
                break
    return verdict


def _findings(
    verdict: Verdict, *, since: date | None, heads: Sequence[bytes], now: datetime, progress: Progress
) -> Iterator[Finding]:
    """What does not fit, in the order of days; ``verdict`` counts along."""
    beginning = SealedDay.objects.in_order().first()
    if beginning is not None and since is None and (earliest := first_day()) and earliest < beginning.day:
        yield Finding(problem=Problem.ADDED, day=earliest)
    chain = _Chain(before=None if since is None else SealedDay.objects.last_before(since))
    for days in _together(since):
        sealed: Sealed = {}
        for day in days:
            yield from chain.check(day)
            if day.removed_at is None:
                sealed[day] = chain.digests
            else:
                yield from _changed_remains(day)
        yield from _changed_rows(sealed)
        _count(verdict, days)
        progress(days[-1].day, verdict.rows)
    yield from (
        Finding(problem=Problem.HEAD_UNKNOWN)
        for head in heads
        if not SealedDay.objects.with_digest(head).exists()
    )
    yield from (Finding(problem=Problem.NOT_SEALED, day=day) for day in islice(due_days(now), 1))


class _Chain:
    """Follows the chain from day to day. ``digests`` are those of the sections of the day that was checked last."""

    def __init__(self, *, before: SealedDay | None) -> None:
        self._previous = BEGINNING if before is None else bytes(before.digest)
        self._expected = None if before is None else before.day + timedelta(days=1)
        self._unknown: set[str] = set()
        self.digests: dict[str, bytes] = {}

    def check(self, day: SealedDay) -> Iterator[Finding]:
        """Whether ``day`` is the next one, and its digest what the key makes of it."""
        if self._expected is not None and self._expected < day.day:
            yield Finding(problem=Problem.DAY_MISSING, day=self._expected)
        key = known_key(day.key_id)
        sections = as_sealed(day.sections.all(), order=SECTIONS)
        if key is None and day.key_id not in self._unknown:
            self._unknown.add(day.key_id)
            yield Finding(problem=Problem.KEY_UNKNOWN, day=day.day)
        if key is not None and chained(self._previous, day.day, sections, key=key) != bytes(day.digest):
            yield Finding(problem=Problem.CHAIN_BROKEN, day=day.day)
        self.digests = {section.name: section.digest for section in sections}
        self._previous, self._expected = bytes(day.digest), day.day + timedelta(days=1)


def _together(since: date | None) -> Iterator[list[SealedDay]]:
    """Sealed days with the sizes of their sections, some at a time."""
    together: list[SealedDay] = []
    rows = 0
    for day in SealedDay.objects.with_rows().since(since):
        if together and (rows + day.rows > _ROWS_TOGETHER or len(together) == _DAYS_TOGETHER):
            yield together
            together, rows = [], 0
        together.append(day)
        rows += day.rows
    if together:
        yield together


def _count(verdict: Verdict, days: Sequence[SealedDay]) -> None:
    verdict.days += len(days)
    verdict.removed += sum(day.removed_at is not None for day in days)
    verdict.rows += sum(day.rows for day in days if day.removed_at is None)
    verdict.last = days[-1]


def _changed_rows(sealed: Sealed) -> Iterator[Finding]:
    """The first row of each kind and day that is not as it was sealed, given the digests of each section."""
    if not sealed:
        return
    days = [day.day for day in sealed]
    found = {section.name: _digests(section, days[0], days[-1]) for section in SECTIONS}
    nothing = hashlib.sha256().digest()
    for day, digests in sealed.items():
        for section in SECTIONS:
            if found[section.name].get(day.day, nothing) != digests.get(section.name):
                yield _first_changed(section, day)


def _changed_remains(day: SealedDay) -> Iterator[Finding]:
    """The first row of each kind that is still there of a removed day and is not as it was sealed."""
    key = known_key(day.key_id)
    if key is None:
        return
    for section in SECTIONS:
        marks: Iterator[tuple[int, bytes]] | None = None
        for row, line in lines(section, day.day):
            if marks is None:
                # Read only where anything is left: mostly that is nothing but invitations.
                marks = marked_rows(bytes(day.sections.get(name=section.name).marks))
            sealed = next((each for each in marks if each[0] >= row), None)
            if sealed != (row, mark(line, key=key)):
                was_there = sealed is not None and sealed[0] == row
                problem = Problem.CHANGED if was_there else Problem.ADDED
                yield Finding(problem=problem, day=day.day, model=section.model, key=row)
                break


def _digests(section: Section, first: date, last: date) -> dict[date, bytes]:
    """The digest of each day that has any rows."""
    digests: dict[date, hashlib._Hash] = defaultdict(hashlib.sha256)
    for day, block in blocks(section, first, last):
        digests[day].update(block)
    return {day: digest.digest() for day, digest in digests.items()}


def _first_changed(section: Section, day: SealedDay) -> Finding:
    """Names the first row of a section that is not as it was sealed."""
    key = known_key(day.key_id)
    sealed: SealedSection | None = day.sections.filter(name=section.name).first()
    if key is None or sealed is None:
        # Marks are keyed: without the key one sees that a row was changed, and not which.
        return Finding(problem=Problem.CHANGED, day=day.day, model=section.model)
    marks = marked_rows(bytes(sealed.marks))
    for row, line in lines(section, day.day):
        wanted = next(marks, None)
        if wanted is None or wanted[0] > row:
            return Finding(problem=Problem.ADDED, day=day.day, model=section.model, key=row)
        if wanted[0] < row:
            return Finding(problem=Problem.MISSING, day=day.day, model=section.model, key=wanted[0])
        if wanted[1] != mark(line, key=key):
            return Finding(problem=Problem.CHANGED, day=day.day, model=section.model, key=row)
    if (wanted := next(marks, None)) is not None:
        return Finding(problem=Problem.MISSING, day=day.day, model=section.model, key=wanted[0])
    return Finding(problem=Problem.CHANGED, day=day.day, model=section.model)
