"""What sealing a whole history costs, and checking it row by row."""

from collections.abc import Iterator

from invites import sealing
from tests.benchmarks.figures import Figure, timed

ROWS_A_SECOND = 100_000


def seals() -> Iterator[Figure]:
    """Seals every day that is over, then checks them all."""
    sealed = timed(lambda: sealing.seal_due(seconds=float("inf")))
    verdicts: list[sealing.Verdict] = []
    took = timed(lambda: verdicts.append(sealing.verify()))
    verdict = verdicts[0]
    if not verdict.fits:
        raise AssertionError(f"nobody has changed anything: {verdict.findings}")
    yield Figure(
        name="checking the sealed history, time of a row",
        value=took / verdict.rows * 1e6,
        at_most=1e6 / ROWS_A_SECOND,
        unit="µs",
        detail=f"({verdict.rows / took:,.0f} rows a second, {verdict.rows:,} rows of {verdict.days} days;"
        f" sealed in {sealed:.0f} s)",
    )
