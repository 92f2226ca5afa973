"""What somebody looks for in the history."""

from dataclasses import dataclass, fields
from datetime import datetime

NOBODY = 0
"""The key that stands for no organizer: what the command line has sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """What attempts must fit, all at once; what is None or empty does not matter.

    ``since`` is the first moment and ``until`` the first one after; conference, organizer and app are keys, of which
    NOBODY is the organizer of the command line. ``code`` is meant whole, or as the beginning of one where
    ``whole_code`` is false. ``person``, ``text`` and ``request`` are looked for among people, in DingTalk's message and
    among ids of requests; ``anything`` among people, conferences, organizers, codes and ids of requests.
    """

    since: datetime | None = None
    until: datetime | None = None
    conference: int | None = None
    organizer: int | None = None
    app: int | None = None
    outcome: str = ""
    code: str = ""
    whole_code: bool = True
    channel: str = ""
    person: str = ""
    text: str = ""
    request: str = ""
    anything: str = ""

    @property
    def filters(self) -> list[str]:
        """The names of those that are set."""
        names = (field.name for field in fields(self) if field.name != "whole_code")
        return [name for name in names if getattr(self, name) not in {None, ""}]
