"""Attempts: the record of every POST. A finished attempt is never touched again and never deleted.

started ──▶ succeeded | failed | unknown
"""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from invites.models.conference import Conference
from invites.models.invitation import Batch, Invitation, Invitee, InviteeState


class AttemptState(models.TextChoices):
    """What is known of a POST."""

    STARTED = "started", _("Under way")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")
    UNKNOWN = "unknown", _("Unknown")


class AttemptQuerySet(models.QuerySet["Attempt"]):
    """Queries over attempts."""

    def overdue(self) -> Self:
        """Those whose process must have died: still started after their deadline."""
        return self.filter(state=AttemptState.STARTED, deadline__lt=timezone.now())

    def in_order_made(self) -> Self:
        """As they were made."""
        return self.order_by("pk")

    def with_people(self) -> Self:
        """With ``people_sent`` at hand, in the order in which they stood in the call."""
        people = AttemptInvitee.objects.select_related("invitee").order_by("invitee__position", "pk")
        return self.prefetch_related(models.Prefetch("people_sent", queryset=people))

    def newest_first(self) -> Self:
        """For the history, with what a row shows."""
        return self.select_related("invitation__conference__app", "invitation__sent_by").order_by("-pk")

    def older_than(self, pk: int) -> Self:
        """Those made before attempt ``pk``."""
        return self.filter(pk__lt=pk)

    def newer_than(self, pk: int) -> Self:
        """Those made after attempt ``pk``."""
        return self.filter(pk__gt=pk)

    def of_conference(self, conference: Conference) -> Self:
        """Those that invited into ``conference``."""
        return self.filter(invitation__conference=conference)

    def with_state(self, state: str) -> Self:
        """Those in ``state``."""
        return self.filter(state=state)

    def with_code(self, code: str) -> Self:
        """Those that DingTalk (or we) answered with exactly this code."""
        return self.filter(error_code=code)

    def matching(self, text: str) -> Self:
        """Those with ``text`` in the conference's title or id, a person's name or value, the message or request id."""
        people = AttemptInvitee.objects.filter(
            Q(invitee__nick__icontains=text) | Q(invitee__value__icontains=text)
        ).values("attempt")
        return self.filter(
            Q(invitation__conference__title__icontains=text)
            | Q(invitation__conference__conference_id__icontains=text)
            | Q(error_message__icontains=text)
            | Q(error_code__icontains=text)
            | Q(request_id=text)
            | Q(pk__in=people)
        )

    def finish(self, pk: int, **facts: object) -> bool:
        """Writes the outcome of a started attempt; False where it is finished already and so was left alone."""
        return bool(self.filter(pk=pk, state=AttemptState.STARTED).update(**facts))


class Attempt(models.Model):
    """One ``POST …/users/invite``: which people, when, and what came back.

    ``number`` counts the tries of its batch from 1; ``duration_ms`` is from the claim to the answer;
    ``response_excerpt`` holds at most 2,000 characters of the answer, free of tokens.
    """

    invitation = models.ForeignKey(Invitation, on_delete=models.PROTECT, related_name="attempts")
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    state = models.CharField(_("outcome"), max_length=16, choices=AttemptState, default=AttemptState.STARTED)
    people = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField()
    deadline = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    duration_ms = models.PositiveIntegerField(null=True)
    http_status = models.PositiveSmallIntegerField(null=True)
    error_code = models.CharField(_("error code"), max_length=128, blank=True)
    error_message = models.TextField(_("message"), blank=True)
    request_id = models.CharField(max_length=128, blank=True)
    response_excerpt = models.TextField(blank=True)
    invitees = models.ManyToManyField(Invitee, through="AttemptInvitee", related_name="attempts")

    objects = AttemptQuerySet.as_manager()

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        constraints = (
            models.UniqueConstraint(fields=["batch", "number"], name="attempt_number_once_per_batch"),
            models.CheckConstraint(condition=Q(state__in=AttemptState.values), name="attempt_state_is_known"),
            models.CheckConstraint(
                condition=Q(state=AttemptState.STARTED, finished_at__isnull=True)
                | (~Q(state=AttemptState.STARTED) & Q(finished_at__isnull=False)),
                name="attempt_finished_has_time",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[AttemptState.STARTED, AttemptState.SUCCEEDED], error_code="")
                | (Q(state__in=[AttemptState.FAILED, AttemptState.UNKNOWN]) & ~Q(error_code="")),
                name="attempt_code_fits_state",
            ),
        )
        indexes = (
            models.Index(
                fields=["deadline"], condition=Q(state=AttemptState.STARTED), name="attempt_started"
            ),
            models.Index(fields=["error_code", "-id"], name="attempt_by_code"),
            models.Index(fields=["state", "-id"], name="attempt_by_state"),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.state}"


class AttemptInvitee(models.Model):
    """That a person was part of an attempt, and the state in which that attempt left them."""

    attempt = models.ForeignKey(Attempt, on_delete=models.PROTECT, related_name="people_sent")
    invitee = models.ForeignKey(Invitee, on_delete=models.PROTECT, related_name="sendings")
    state = models.CharField(max_length=16, choices=InviteeState, default=InviteeState.SENDING)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["attempt", "invitee"], name="invitee_once_per_attempt"),
            models.CheckConstraint(
                condition=Q(state__in=InviteeState.values), name="attempt_invitee_state_is_known"
            ),
        )

    def __str__(self) -> str:
        return f"{self.attempt_id}: {self.invitee_id}"
