"""A measured figure beside its promise."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.test import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """``value`` and the most that is promised (``at_most``), in ``unit``; ``detail`` says how it came about."""

    name: str
    value: float
    at_most: float
    unit: str
    detail: str = ""

    @property
    def kept(self) -> bool:
        """Whether the promise is kept."""
        return self.value <= self.at_most

    def __str__(self) -> str:
        verdict = "kept  " if self.kept else "MISSED"
        return f"{verdict} {self.name}: {self.value:.3g} {self.unit} (at most {self.at_most:g}) {self.detail}"


def timed(act: Callable[[], object]) -> float:
    """How many seconds ``act`` takes."""
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def timed_page(
    client: Client, path: str, query: Mapping[str, str], *, headers: dict[str, str] | None = None
) -> float:
    """How many seconds a page takes. Raises AssertionError for one that answers with anything but itself."""
    begun = time.perf_counter()
    answer = client.get(path, query, headers=headers)
    took = time.perf_counter() - begun
    if answer.status_code != 200:
        raise AssertionError(f"{path} answered {answer.status_code} to {query}")
    return took


def milliseconds(seconds: Sequence[float]) -> tuple[float, float]:
    """Median and 95th percentile of durations, in milliseconds."""
    return statistics.median(seconds) * 1000, statistics.quantiles(seconds, n=20)[-1] * 1000
