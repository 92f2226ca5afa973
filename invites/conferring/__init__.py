"""Everything that asks DingTalk about conferences themselves: creating, finding, registering, following, locking.

Each verb is one call or a few, never inside a transaction. Inviting people is not done here.
"""

from invites.conferring.creating import create, outcome_of
from invites.conferring.finding import FoundConference, find, running
from invites.conferring.following import close, refresh
from invites.conferring.locking import lock, unlock
from invites.conferring.registering import Registration, refuse_taken, register

__all__ = [
    "FoundConference",
    "Registration",
    "close",
    "create",
    "find",
    "lock",
    "outcome_of",
    "refresh",
    "refuse_taken",
    "register",
    "running",
    "unlock",
]
