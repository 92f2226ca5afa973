"""DingTalk video conferences that people are invited into."""

import re
from typing import Self

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from invites.models.app import App
from invites.models.user import User

# DingTalk refuses a title above 256 characters and cuts it after 50 (API contract, "Titles"): we ask for 50.
TITLE_LENGTH = 50
_NOT_IN_AN_ID = re.compile(r"[\s/?#\\\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def validate_conference_id(value: str) -> None:
    """Raises ValidationError for what cannot be one segment of a URL path, or is plainly no conferenceId."""
    if not value.strip():
        raise ValidationError(_("Enter the conferenceId."), code="required")
    if ".." in value or value == "." or _NOT_IN_AN_ID.search(value):
        raise ValidationError(
            _("A conferenceId has no blanks, no “/”, “?”, “#” or “..”, and no invisible characters."),
            code="invalid",
        )


class ConferenceStatus(models.TextChoices):
    """What was last known of a conference."""

    UNKNOWN = "unknown", _("Not known")
    NOT_STARTED = "not_started", _("Not started")
    OPEN = "open", _("Open")
    ENDED = "ended", _("Ended")


class ConferenceQuerySet(models.QuerySet["Conference"]):
    """Queries over conferences."""

    def owned_or_shared_with(self, user: User) -> Self:
        """Those of ``user`` and those where they are a co-organizer."""
        return self.filter(Q(owner=user) | Q(pk__in=user.co_organized_conferences.values("pk")))

    def for_list(self) -> Self:
        """Open ones first, then by the newest; with what the list shows."""
        is_open = models.Case(models.When(status=ConferenceStatus.ENDED, then=1), default=0)
        return self.select_related("app", "owner").order_by(is_open, "-pk")

    def matching(self, text: str) -> Self:
        """Those whose title, meeting number or id contains ``text``."""
        if not text:
            return self
        return self.filter(
            Q(title__icontains=text) | Q(room_code__icontains=text) | Q(conference_id__icontains=text)
        )


class Conference(models.Model):
    """One conference of one app. ``owner`` is None for one that the command line registered."""

    app = models.ForeignKey(
        App, on_delete=models.PROTECT, related_name="conferences", verbose_name=_("DingTalk app")
    )
    conference_id = models.CharField("conferenceId", max_length=128, validators=[validate_conference_id])
    title = models.CharField(_("title"), max_length=256, blank=True)
    room_code = models.CharField(_("meeting number"), max_length=32, blank=True)
    external_link_url = models.URLField(_("link"), max_length=500, blank=True)
    creator_union_id = models.CharField(max_length=128, blank=True)
    status = models.CharField(
        _("state"), max_length=16, choices=ConferenceStatus, default=ConferenceStatus.UNKNOWN
    )
    status_read_at = models.DateTimeField(null=True)
    owner = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="conferences", verbose_name=_("owner")
    )
    co_organizers = models.ManyToManyField(
        User, blank=True, related_name="co_organized_conferences", verbose_name=_("co-organizers")
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ConferenceQuerySet.as_manager()

    class Meta:
        verbose_name = _("conference")
        verbose_name_plural = _("conferences")
        constraints = (
            models.UniqueConstraint(fields=["app", "conference_id"], name="conference_once_per_app"),
            models.CheckConstraint(
                condition=~(
                    Q(conference_id__in=["", "."])
                    | Q(conference_id__contains="..")
                    | Q(conference_id__contains="/")
                    | Q(conference_id__contains="?")
                    | Q(conference_id__contains="#")
                    | Q(conference_id__contains=" ")
                ),
                name="conference_id_is_one_path_segment",
            ),
            models.CheckConstraint(
                condition=Q(status__in=ConferenceStatus.values), name="conference_status_is_known"
            ),
        )

    def __str__(self) -> str:
        return self.title or self.conference_id

    @property
    def has_ended(self) -> bool:
        """Whether DingTalk last said that it is over."""
        return self.status == ConferenceStatus.ENDED

    @property
    def is_open(self) -> bool:
        """Whether DingTalk last said that it is running."""
        return self.status == ConferenceStatus.OPEN
