"""Which workers are alive, so that pages can say when none is."""

from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone

# So many missed reports mean that a worker is gone.
_MISSED_REPORTS = 3


class WorkerQuerySet(models.QuerySet["Worker"]):
    """Queries over workers."""

    def alive(self) -> Self:
        """Those that reported lately."""
        return self.filter(seen_at__gte=_gone_before())

    def gone(self) -> Self:
        """Those that ended without taking leave."""
        return self.filter(seen_at__lt=_gone_before())

    def last_seen_at(self) -> datetime | None:
        """When any of them reported last."""
        return self.aggregate(last=models.Max("seen_at"))["last"]  # type: ignore[no-any-return]


class Worker(models.Model):
    """One running worker process, by a name of its own."""

    name = models.CharField(max_length=64, primary_key=True)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField(db_index=True)

    objects = WorkerQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


def _gone_before() -> datetime:
    """Whoever reported last before this is gone."""
    return timezone.now() - timedelta(seconds=_MISSED_REPORTS * settings.HEARTBEAT_SECONDS)
