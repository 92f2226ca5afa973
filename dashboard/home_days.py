"""What the home page shows of its days, in words of the viewer's language: two charts, and the table of their numbers.

Django's templates take longer for hundreds of numbers than the database does for all of the page, so these are written
out here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from dashboard.charts import Chart, stacked
from invites.models.attempt import AttemptState
from invites.surveying import Day, Figures

_FEWEST_WITH_COMMA = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One day of the table."""

    day: str
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """What is said of the column that begins at ``place``."""

    place: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A chart with its words: what a screen reader says of it, and of each series its name in CSS and its word."""

    name: str
    words: str
    chart: Chart
    legend: tuple[tuple[str, str], ...]
    hints: tuple[Hint, ...]
    first: str
    last: str


def rows(figures: Figures) -> list[Row]:
    """The days, the newest first, with the numbers of `_home_days.html` in their order."""
    return [
        Row(
            day=date_format(day.day),
            numbers=tuple(
                map(
                    _number,
                    (
                        day.tally.invitations,
                        day.tally.calls,
                        day.tally.invited,
                        day.tally.in_doubt,
                        day.tally.not_invited,
                        day.tally.observed,
                        day.tally.joined,
                    ),
                )
            ),
        )
        for day in reversed(figures.days)
    ]


def people(figures: Figures) -> Drawing:
    """The people of each day's calls, by what came of the call."""
    return _drawing(
        "people",
        figures.days,
        [(day.tally.invited, day.tally.in_doubt, day.tally.not_invited) for day in figures.days],
        legend=(
            (AttemptState.SUCCEEDED.value, _("Invited")),
            (AttemptState.UNKNOWN.value, _("Unknown")),
            (AttemptState.FAILED.value, _("Not invited")),
        ),
        words=_("A column for the people of each day's calls. The table below has the numbers."),
    )


def turnout(figures: Figures) -> Drawing:
    """Those observed of each day's people, by whether they have come."""
    return _drawing(
        "turnout",
        figures.days,
        [(day.tally.joined, day.tally.not_joined) for day in figures.days],
        legend=(("joined", _("Joined")), ("absent", _("Did not join"))),
        words=_("A column for each day's people who were observed. The table below has the numbers."),
    )


def _drawing(
    name: str,
    days: Sequence[Day],
    columns: Sequence[Sequence[int]],
    *,
    legend: tuple[tuple[str, str], ...],
    words: str,
) -> Drawing:
    chart = stacked([series for series, _word in legend], columns)
    return Drawing(
        name=name,
        words=words,
        chart=chart,
        legend=legend,
        hints=tuple(
            Hint(place=place, text=_hint(day, values, legend=legend))
            for place, day, values in zip(chart.places, days, columns, strict=True)
        ),
        first=date_format(days[0].day, "MONTH_DAY_FORMAT"),
        last=date_format(days[-1].day, "MONTH_DAY_FORMAT"),
    )


def _hint(day: Day, values: Sequence[int], *, legend: tuple[tuple[str, str], ...]) -> str:
    lines = [f"{word} {_number(value)}" for (_series, word), value in zip(legend, values, strict=True)]
    return "\n".join([date_format(day.day), *lines])


def _number(number: int) -> str:
    return str(number) if number < _FEWEST_WITH_COMMA else intcomma(number)
