"""Lays out charts of columns as numbers for an SVG: without a script, in colours of the style sheet, and any width.

A chart stands beside a table of the same numbers, so it tells what they look like and nothing else.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

HEIGHT = 1000
"""Of the drawing, in units of its own: it is stretched to what room there is."""
COLUMN = 10
_GAP = 2
# Nothing that happened is too small to be seen.
_LEAST = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of a column: the name of its ``series``, and where it stands."""

    series: str
    y: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One day: where it begins, what is drawn, and the numbers it is about."""

    day: date
    x: int
    pieces: tuple[Piece, ...]
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Columns next to each other; ``top`` is the number at their upper end, ``middle`` half of it."""

    columns: tuple[Column, ...]
    top: int
    width: int
    height: int = HEIGHT
    column_width: int = COLUMN - _GAP

    @property
    def middle(self) -> int:
        """The number at half the height."""
        return self.top // 2

    @property
    def half_way(self) -> int:
        """Where that number stands."""
        return self.height // 2

    @property
    def first(self) -> date:
        """The day on the left."""
        return self.columns[0].day

    @property
    def last(self) -> date:
        """The day on the right."""
        return self.columns[-1].day

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(column.pieces for column in self.columns)


def stacked(series: Sequence[str], days: Sequence[tuple[date, Sequence[int]]]) -> Chart:
    """A chart with a column a day, in which the values, one for each of the ``series``, stand on each other."""
    top = _round_up(max((sum(values) for _day, values in days), default=0))
    return Chart(
        top=top,
        width=len(days) * COLUMN,
        columns=tuple(
            Column(
                day=day,
                x=number * COLUMN + _GAP // 2,
                pieces=tuple(_pieces(series, values, top=top)),
                values=tuple(values),
            )
            for number, (day, values) in enumerate(days)
        ),
    )


def _pieces(series: Sequence[str], values: Sequence[int], *, top: int) -> Iterator[Piece]:
    y = HEIGHT
    for name, value in zip(series, values, strict=True):
        if value > 0:
            height = min(y, max(_LEAST, value * HEIGHT // top))
            y -= height
            yield Piece(series=name, y=y, height=height)


def _round_up(number: int) -> int:
    """The next even number that people like to read: 2, 4, 6, 8, 10, 20, 40 …"""
    unit = 1
    while unit * 10 < number:
        unit *= 10
    return next(unit * step for step in (2, 4, 6, 8, 10) if unit * step >= number)
