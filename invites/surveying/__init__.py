"""How things stand: the figures of today and of the last 30 days, what is open, and what needs attention.

Must cost the same however long the history is: it reads counts that the database keeps, the ends of indexes, and at
most so many rows of anything else. Days are those of the installation's clock.
"""

from invites.surveying.attention import COUNTED_UP_TO, Concern, Kind, concerns, count_unresolved
from invites.surveying.codes import codes_lately
from invites.surveying.compacting import compact
from invites.surveying.figures import DAYS, CodeTally, Day, Figures, Slow, Tally, figures
from invites.surveying.open_now import OpenConference, conferences_now
from invites.surveying.running import queue_waits_since

__all__ = [
    "COUNTED_UP_TO",
    "DAYS",
    "CodeTally",
    "Concern",
    "Day",
    "Figures",
    "Kind",
    "OpenConference",
    "Slow",
    "Tally",
    "codes_lately",
    "compact",
    "concerns",
    "conferences_now",
    "count_unresolved",
    "figures",
    "queue_waits_since",
]
