"""What was changed in settings, users, conferences and books, by whom: entries of django-auditlog, kept for good."""

from collections.abc import Iterable
from datetime import date
from typing import Any, Self

from auditlog.models import AbstractLogEntry, LogEntryManager
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from invites import acting, clock, tracing
from invites.models.person import SALT_BYTES, new_salt


class AuditEntryQuerySet(models.QuerySet["AuditEntry"]):
    """Queries over audit entries."""

    def newest_first(self) -> Self:
        """In the order in which lists show them, with who it was."""
        return self.select_related("actor", "content_type").order_by("-timestamp", "-pk")


class AuditEntryManager(LogEntryManager):
    """Auditlog's way to make entries, with our queries. Every entry says by itself when, who and in which request."""

    def get_queryset(self) -> AuditEntryQuerySet:
        """All entries."""
        return AuditEntryQuerySet(self.model, using=self._db)

    def create(self, **kwargs: Any) -> "AuditEntry":
        """Writes one entry; whoever acts is in it unless ``actor`` names another."""
        entry: AuditEntry = super().create(**_circumstances() | kwargs)
        return entry

    def create_many(self, entries: Iterable[dict[str, Any]]) -> None:
        """Writes many entries, given by their fields, with one statement."""
        shared = _circumstances()
        self.bulk_create([self.model(**shared | fields) for fields in entries])


def _circumstances() -> dict[str, Any]:
    now = timezone.now()
    return {
        "timestamp": now,
        "day": clock.day_of(now),
        "actor": acting.current(),
        "cid": tracing.current(),
    }


class AuditEntry(AbstractLogEntry):
    """One thing that somebody made, changed, deleted or took away as a file: who, when, before and after.

    ``cid`` is the id of the request, as log lines carry it. The database refuses changes (migration 0006).
    """

    # Auditlog would delete or change entries together with what they name.
    content_type = models.ForeignKey(ContentType, on_delete=models.PROTECT, related_name="+")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    day = models.DateField(default=timezone.localdate)
    salt = models.BinaryField(max_length=SALT_BYTES, default=new_salt)
    # What sealed days know of the texts of an entry whose texts were erased.
    digest = models.BinaryField(max_length=32, null=True)

    objects = AuditEntryManager()

    class Meta(AbstractLogEntry.Meta):
        verbose_name = _("change on record")
        verbose_name_plural = _("changes on record")
        default_permissions = ("view",)
        indexes = (
            models.Index(F("timestamp").desc(), F("id").desc(), name="audit_entry_newest"),
            models.Index("actor", F("timestamp").desc(), F("id").desc(), name="audit_entry_of_actor"),
            models.Index("content_type", F("timestamp").desc(), F("id").desc(), name="audit_entry_of_kind"),
        )

    @property
    def on(self) -> date:
        """The day by the installation's clock."""
        return self.day
