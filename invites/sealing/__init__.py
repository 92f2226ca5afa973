"""Seals each day of the history into a chain of keyed digests, and checks that nobody has changed what is sealed.

day over, nothing of it under way ──seal──▶ SealedDay with its sections ──▶ the head leaves the house

Only `invites.removing` and `invites.erasing` take anything away from what is sealed; digests fit all the same.
"""

from invites.sealing.closing import due_days, seal_due
from invites.sealing.digests import digest_of, json_text
from invites.sealing.keys import known_key
from invites.sealing.telling import tell
from invites.sealing.verifying import Finding, Problem, Verdict, verify

__all__ = [
    "Finding",
    "Problem",
    "Verdict",
    "digest_of",
    "due_days",
    "json_text",
    "known_key",
    "seal_due",
    "tell",
    "verify",
]
