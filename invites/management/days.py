"""Days as arguments of commands."""

from argparse import ArgumentTypeError
from datetime import date


def day(text: str) -> date:
    """The day that ``text`` says in ISO form. Raises ArgumentTypeError where it says none."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError("a day such as 2026-03-31") from error
