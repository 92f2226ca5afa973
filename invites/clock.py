"""The clock of the installation (``TIME_ZONE``): which day it is there, wherever somebody looks from.

Days of the history are sealed, counted and removed by it. A request shows times in the zone of its viewer, so that
Django's own ``localdate`` would give their day.
"""

from datetime import date, datetime, time

from django.utils import timezone


def day_of(moment: datetime) -> date:
    """The day on which ``moment`` was, here."""
    return timezone.localdate(moment, timezone=timezone.get_default_timezone())


def beginning_of(day: date) -> datetime:
    """The moment at which ``day`` begins, here."""
    return timezone.make_aware(datetime.combine(day, time.min), timezone.get_default_timezone())


def today() -> date:
    """The day that it is now, here."""
    return day_of(timezone.now())
