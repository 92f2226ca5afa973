"""Finds attempts in a history of any length: pages of them, how many there are, or all of them.

What is asked is a `Criteria`. A page follows indexes in the order of time (`sources`) and looks at a bounded number of
candidates, so that it costs the same however long the history is. Only reads.
"""

from invites.searching.conditions import attempts
from invites.searching.criteria import NOBODY, Criteria
from invites.searching.pages import find, find_older
from invites.searching.tallies import COUNTED, Tally, tally

__all__ = ["COUNTED", "NOBODY", "Criteria", "Tally", "attempts", "find", "find_older", "tally"]
