"""Lays out charts of columns as shapes for an SVG: without a script, in colours of the style sheet, and any width.

A chart stands beside a table of the same numbers, so it shows what they look like and nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass

HEIGHT = 1000
"""Of the drawing, in units of its own: it is stretched to what room there is."""
COLUMN = 10
_GAP = 2
# Nothing that happened is too small to be seen.
_LEAST = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Columns next to each other, as one shape (an SVG path) for each series that has anything.

    ``top`` is the number at their upper end; ``places`` is where each column begins.
    """

    shapes: dict[str, str]
    places: tuple[str, ...]
    top: int
    width: str
    height: str = str(HEIGHT)
    column: str = str(COLUMN)

    @property
    def middle(self) -> int:
        """The number at half the height."""
        return self.top // 2

    @property
    def grid(self) -> str:
        """Lines at these numbers and at nothing."""
        return "".join(f"M0 {y}H{self.width}" for y in (0, HEIGHT // 2, HEIGHT))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not self.shapes


def stacked(series: Sequence[str], columns: Sequence[Sequence[int]]) -> Chart:
    """A chart in which the values of a column, one for each of the ``series``, stand on each other."""
    top = _round_up(max(map(sum, columns), default=0))
    shapes: dict[str, str] = {}
    for number, values in enumerate(columns):
        y = HEIGHT
        for name, value in zip(series, values, strict=True):
            if value > 0:
                height = min(y, max(_LEAST, value * HEIGHT // top))
                y -= height
                shapes[name] = shapes.get(name, "") + _rectangle(number, y, height)
    places = tuple(str(number * COLUMN) for number in range(len(columns)))
    return Chart(shapes=shapes, places=places, top=top, width=str(len(columns) * COLUMN))


def _rectangle(number: int, y: int, height: int) -> str:
    width = COLUMN - _GAP
    return f"M{number * COLUMN + _GAP // 2} {y}h{width}v{height}h-{width}z"


def _round_up(number: int) -> int:
    """The next even number that people like to read: 2, 4, 6, 8, 10, 20, 40 …"""
    unit = 1
    while unit * 10 < number:
        unit *= 10
    return next(unit * step for step in (2, 4, 6, 8, 10) if unit * step >= number)
