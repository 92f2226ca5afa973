"""Events that DingTalk sent us, each once."""

from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from invites.models.app import App

KEPT = timedelta(days=7)
"""An event that is older than this is refused, so that its id need not be remembered for longer."""
KEPT_OF_OTHERS = timedelta(hours=1)
"""An event about a meeting that is not here changes nothing, also where it comes again. Forgotten once an hour."""
EVENT_ID_LENGTH = 128


class EventOutcome(models.TextChoices):
    """What became of an event."""

    APPLIED = "applied", _("Applied")
    OUTDATED = "outdated", _("Older than what is known")
    NOT_OURS = "not_ours", _("About something that is not here")
    UNREADABLE = "unreadable", _("Not understood")


class EventWay(models.TextChoices):
    """How an event came."""

    STREAM = "stream", _("Stream connection")
    CALLBACK = "callback", _("HTTP callback")


class ReceivedEventQuerySet(models.QuerySet["ReceivedEvent"]):
    """Queries over events."""

    def outdated(self) -> Self:
        """Those that need not be remembered any longer; of what is not here, soon."""
        now = timezone.now()
        of_others = Q(outcome=EventOutcome.NOT_OURS, received_at__lt=now - KEPT_OF_OTHERS)
        return self.filter(of_others | Q(received_at__lt=now - 2 * KEPT))

    def outcome_of(self, app: App, event_id: str) -> EventOutcome | None:
        """What became of an event that came before; None where it did not."""
        row = self.filter(app=app, event_id=event_id).values_list("outcome", flat=True).first()
        return None if row is None else EventOutcome(row)

    def newest_of(self, app: App, *, limit: int) -> list["ReceivedEvent"]:
        """The last ``limit`` of ``app``."""
        return list(self.filter(app=app).order_by("-received_at", "-pk")[:limit])


class ReceivedEvent(models.Model):
    """An event by its ``eventId``, so that one that is sent again, by DingTalk or by somebody else, changes nothing.

    Nothing of its content is kept: it may name people.
    """

    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="events")
    event_id = models.CharField("eventId", max_length=EVENT_ID_LENGTH)
    event_type = models.CharField(_("kind"), max_length=64)
    way = models.CharField(max_length=16, choices=EventWay)
    outcome = models.CharField(max_length=16, choices=EventOutcome)
    born_at: models.DateTimeField[str | datetime | None, datetime | None] = models.DateTimeField(null=True)
    received_at = models.DateTimeField(_("received at"), default=timezone.now, db_index=True)

    objects = ReceivedEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        constraints = (
            models.UniqueConstraint(fields=["app", "event_id"], name="event_once_per_app"),
            models.CheckConstraint(condition=Q(way__in=EventWay.values), name="event_way_is_known"),
            models.CheckConstraint(
                condition=Q(outcome__in=EventOutcome.values), name="event_outcome_is_known"
            ),
        )
        indexes = (models.Index(fields=["app", "-received_at"], name="event_newest_of_app"),)

    def __str__(self) -> str:
        return self.event_id
