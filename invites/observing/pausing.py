"""How long to wait before the next reading: briefly after something has happened, ever longer while nothing does."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from invites.dingtalk import About, DingTalkError, Throttled

_GROWTH = 1.5
# The pauses stop growing far below this; it only keeps the numbers small.
_MOST_CALM = 999
_LONGEST_GROWTH = 20
# These do not pass by themselves: somebody has to grant a permission or to wait for another month.
_LASTING = frozenset({About.APP, About.ORGANISATION})


def calmer(calm: int) -> int:
    """The number of calm readings in a row after one more."""
    return min(calm + 1, _MOST_CALM)


def pause(calm: int) -> timedelta:
    """How long to wait after so many calm readings in a row."""
    grown = settings.OBSERVE_SHORTEST_SECONDS * _GROWTH ** min(calm, _LONGEST_GROWTH)
    return timedelta(seconds=min(grown, settings.OBSERVE_LONGEST_SECONDS))


def rest(error: DingTalkError) -> float:
    """The seconds for which a failed reading asks for all of the app; 0.0 where it says nothing of others."""
    if isinstance(error, Throttled):
        return error.rest
    return settings.OBSERVE_REFUSED_SECONDS if error.about in _LASTING else 0.0


def forgotten_before() -> datetime:
    """Whoever looked last before this looks no more."""
    return timezone.now() - 2 * timedelta(seconds=settings.OBSERVE_LONGEST_SECONDS)
