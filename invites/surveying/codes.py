"""How often each code came lately, from kept counts alone."""

from datetime import timedelta

from invites import clock
from invites.models import AppCount, ConferenceCount
from invites.models.conference import ConferenceKeys
from invites.models.outcome_count import CodeSeen
from invites.surveying.figures import DAYS, Counts


def codes_lately(conferences: ConferenceKeys | None) -> list[CodeSeen]:
    """All codes of the last DAYS days into these conferences, given by their keys, or of everything (None).

    The most frequent stand first.
    """
    last = clock.today()
    counts: Counts = (
        AppCount.objects.all() if conferences is None else ConferenceCount.objects.among(conferences)
    )
    seen = counts.between(last - timedelta(days=DAYS - 1), last).codes_seen()
    return sorted(seen, key=lambda code: (-code.attempts, code.code))
