"""The table behind Django's cache: what all processes have to know for a while."""

from django.db import models


class CacheRow(models.Model):
    """A row of `django.core.cache.backends.db`, made by a migration instead of ``createcachetable``."""

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "invites_cache"

    def __str__(self) -> str:
        return self.cache_key
