"""What the product's own configuration of logs writes while a test runs."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

from dashboard import logs


class Lines:
    """What was logged, line by line."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        """All of it."""
        return self.stream.getvalue()

    @property
    def words(self) -> str:
        """All of it but what is made anew each time, in which any digits may stand by chance."""
        by_chance = {"request_id", "timestamp", "user_id"}
        return str([{key: value for key, value in line.items() if key not in by_chance} for line in self])

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter([json.loads(line) for line in self.text.splitlines()])

    def of(self, event: str) -> dict[str, Any]:
        """The one line of ``event``."""
        (line,) = [line for line in self if line["event"] == event]
        return line


def listen(log_format: logs.LogFormat) -> Iterator[Lines]:
    """Yields once, for a fixture."""
    found = Lines()
    handler = logging.StreamHandler(found.stream)
    handler.setFormatter(logs.formatter(log_format=log_format))
    root = logging.getLogger()
    root.addHandler(handler)
    yield found
    root.removeHandler(handler)
