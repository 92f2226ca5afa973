"""The table behind Django's cache: what all processes have to know for a while."""

from typing import ClassVar, Self

from django.db import models
from django.utils import timezone


class CacheRowQuerySet(models.QuerySet["CacheRow"]):
    """Queries over what the cache holds."""

    def expired(self) -> Self:
        """What nobody is told any more."""
        return self.filter(expires__lt=timezone.now())


class CacheRow(models.Model):
    """A row of `django.core.cache.backends.db`, made by a migration instead of ``createcachetable``."""

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    objects: ClassVar[models.Manager["CacheRow"]] = CacheRowQuerySet.as_manager()

    class Meta:
        db_table = "invites_cache"

    def __str__(self) -> str:
        return self.cache_key
