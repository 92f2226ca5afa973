"""Invitations: who is to be called into which conference, and how far that has come.

Invitation   draft ──send──▶ sending ──nothing left──▶ finished
Batch        waiting ⇄ taken                      (one POST carries one batch; its last attempt says the rest)
Invitee      pending ⇄ sending ──▶ invited | failed | unknown;  pending ──▶ skipped
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Count, Max, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from invites.models.address_book import NICK_LENGTH, Contact
from invites.models.app import App
from invites.models.conference import Conference
from invites.models.user import User


class InvitationState(models.TextChoices):
    """How far an invitation has come."""

    DRAFT = "draft", _("Draft")
    SENDING = "sending", _("Under way")
    FINISHED = "finished", _("Finished")


class InvitationSource(models.TextChoices):
    """Where an invitation was made."""

    WEB = "web", _("Web page")
    COMMAND_LINE = "command_line", _("Command line")


class InvitationQuerySet(models.QuerySet["Invitation"]):
    """Queries over invitations."""

    def drafts(self) -> Self:
        """Those still being put together."""
        return self.filter(state=InvitationState.DRAFT)

    def sent(self) -> Self:
        """Those that were sent, newest first."""
        return self.exclude(state=InvitationState.DRAFT).order_by("-sent_at", "-pk")

    def for_change(self) -> Self:
        """Locked until the transaction ends, with what a change has to know of the conference."""
        return self.select_for_update(of=("self",)).select_related("conference__app")

    def into(self, conferences: models.QuerySet[Conference]) -> Self:
        """Those into any of ``conferences``."""
        return self.filter(conference__in=conferences)

    def under_way(self) -> Self:
        """Those with somebody still to be called."""
        return self.filter(state=InvitationState.SENDING)

    def unheard(self, *, rung_before: datetime) -> Self:
        """Those that have people due, and that no worker has been asked for since ``rung_before``."""
        due = Batch.objects.due().filter(invitation=models.OuterRef("pk"))
        return self.under_way().filter(
            models.Exists(due), Q(rung_at__isnull=True) | Q(rung_at__lt=rung_before)
        )

    def with_counts(self) -> Self:
        """With ``people`` and one count a state: ``pending``, ``invited``, ``failed`` and so on, in ``n_…``."""
        per_state = {
            f"n_{state}": Count("invitees", filter=Q(invitees__state=state)) for state in InviteeState.values
        }
        return self.annotate(people=Count("invitees"), **per_state)


class Invitation(models.Model):
    """One decision of an organizer: these people into this conference.

    ``revision`` grows with every change of the draft, so that nobody sends a list that they have not seen.
    ``sent_by`` is None for one made on the command line of a machine.
    """

    conference = models.ForeignKey(
        Conference, on_delete=models.PROTECT, related_name="invitations", verbose_name=_("conference")
    )
    state = models.CharField(
        _("state"), max_length=16, choices=InvitationState, default=InvitationState.DRAFT
    )
    source = models.CharField(
        _("source"), max_length=16, choices=InvitationSource, default=InvitationSource.WEB
    )
    operator_union_id = models.CharField(_("operator's unionId"), max_length=128, blank=True)
    revision = models.PositiveIntegerField(_("revision"), default=0)
    repeats = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, related_name="repeated_by", verbose_name=_("repeats")
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    sent_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="invitations", verbose_name=_("sent by")
    )
    sent_at = models.DateTimeField(_("sent at"), null=True)
    finished_at = models.DateTimeField(_("finished at"), null=True)
    # When a worker was last asked to send this. Recovery asks again where nothing has come of it.
    rung_at = models.DateTimeField(_("worker asked at"), null=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        constraints = (
            models.UniqueConstraint(
                fields=["conference"],
                condition=Q(state=InvitationState.DRAFT),
                name="invitation_one_draft_a_conference",
            ),
            models.CheckConstraint(
                condition=Q(state__in=InvitationState.values), name="invitation_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state=InvitationState.DRAFT, sent_at__isnull=True)
                | (~Q(state=InvitationState.DRAFT) & Q(sent_at__isnull=False)),
                name="invitation_sent_has_time",
            ),
            models.CheckConstraint(
                condition=Q(state=InvitationState.FINISHED, finished_at__isnull=False)
                | (~Q(state=InvitationState.FINISHED) & Q(finished_at__isnull=True)),
                name="invitation_finished_has_time",
            ),
        )
        indexes = (
            models.Index(
                fields=["state"], condition=Q(state=InvitationState.SENDING), name="invitation_under_way"
            ),
            models.Index(fields=["conference", "-sent_at"], name="invitation_of_conference"),
        )

    def __str__(self) -> str:
        return f"#{self.pk} → {self.conference}"

    @property
    def is_draft(self) -> bool:
        """Whether it can still be edited."""
        return self.state == InvitationState.DRAFT


class BatchState(models.TextChoices):
    """Where a batch stands."""

    WAITING = "waiting", _("Waiting")
    TAKEN = "taken", _("Taken")


class BatchQuerySet(models.QuerySet["Batch"]):
    """Queries over batches."""

    def due(self) -> Self:
        """Those that may be sent now, in their order."""
        return self.waiting().filter(not_before__lte=timezone.now()).order_by("number")

    def waiting(self) -> Self:
        """Those to be sent now or later."""
        return self.filter(state=BatchState.WAITING)

    def of(self, invitation_id: int) -> Self:
        """Those of one invitation."""
        return self.filter(invitation=invitation_id)

    def of_app(self, app: App) -> Self:
        """Those of any invitation through ``app``."""
        return self.filter(invitation__conference__app=app)

    def lock(self) -> list[int]:
        """Locks them until the transaction ends and returns their keys.

        Always in the same order, so that two who lock many do not wait for each other.
        """
        return [batch.pk for batch in self.select_for_update(of=("self",)).order_by("pk")]

    def next_due(self) -> datetime | None:
        """When the first of them may be sent."""
        return self.aggregate(first=models.Min("not_before"))["first"]  # type: ignore[no-any-return]


class Batch(models.Model):
    """The people that one POST carries. ``tries`` counts its attempts, the repeated ones included."""

    invitation = models.ForeignKey(Invitation, on_delete=models.PROTECT, related_name="batches")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=16, choices=BatchState, default=BatchState.WAITING)
    people = models.PositiveSmallIntegerField()
    not_before = models.DateTimeField(default=timezone.now)
    tries = models.PositiveSmallIntegerField(default=0)
    # Halves take this over from the whole, so that the time for all tries together is bounded.
    first_tried_at = models.DateTimeField(null=True)
    token_was_stale = models.BooleanField(default=False)
    half_of = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="halves")

    objects = BatchQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["invitation", "number"], name="batch_number_once"),
            models.CheckConstraint(condition=Q(state__in=BatchState.values), name="batch_state_is_known"),
        )
        indexes = (
            models.Index(fields=["not_before"], condition=Q(state=BatchState.WAITING), name="batch_waiting"),
        )

    def __str__(self) -> str:
        return f"{self.invitation_id}/{self.number}"


class Channel(models.TextChoices):
    """How a person is reached."""

    UNION_ID = "union_id", _("DingTalk")
    PHONE = "phone", _("Phone")


class InviteeState(models.TextChoices):
    """What became of a person so far."""

    PENDING = "pending", _("Waiting")
    SENDING = "sending", _("Calling DingTalk")
    INVITED = "invited", _("Invited")
    FAILED = "failed", _("Not invited")
    UNKNOWN = "unknown", _("Unknown")
    SKIPPED = "skipped", _("Left out")


class InviteeQuerySet(models.QuerySet["Invitee"]):
    """Queries over invitees."""

    def in_order(self) -> Self:
        """As they were added."""
        return self.order_by("position", "pk")

    def pending(self) -> Self:
        """Those still to be called."""
        return self.filter(state=InviteeState.PENDING)

    def sending(self) -> Self:
        """Those in a call that is under way."""
        return self.filter(state=InviteeState.SENDING)

    def on(self, invitations: InvitationQuerySet) -> Self:
        """Those on any of ``invitations``."""
        return self.filter(invitation__in=invitations)

    def with_state(self, state: str) -> Self:
        """Those in ``state``."""
        return self.filter(state=state)

    def with_states(self, states: Iterable[str]) -> Self:
        """Those in any of ``states``."""
        return self.filter(state__in=list(states))

    def after(self, position: int) -> Self:
        """Those who stand behind ``position``."""
        return self.filter(position__gt=position)

    def in_batch(self, batch_id: int) -> Self:
        """Those of one batch."""
        return self.filter(batch=batch_id)

    def up_to(self, position: int) -> Self:
        """Those who do not stand behind ``position``."""
        return self.filter(position__lte=position)

    def among(self, pks: Iterable[int]) -> Self:
        """Those with these keys."""
        return self.filter(pk__in=list(pks))

    def next_position(self) -> int:
        """The position behind everybody."""
        last: int | None = self.aggregate(last=Max("position"))["last"]
        return 0 if last is None else last + 1

    def count_by_channel(self) -> dict[str, int]:
        """How many are to be called by each channel that occurs."""
        return dict(self.order_by().values_list("channel").annotate(people=Count("pk")))

    def with_contact(self) -> Self:
        """With the contact that each was added from."""
        return self.select_related("contact")

    def in_batches(self, batches: BatchQuerySet) -> Self:
        """Those of any of ``batches``."""
        return self.filter(batch__in=batches)

    def with_last_attempt(self) -> Self:
        """With the attempt that says what happened to each."""
        return self.select_related("last_attempt")

    def known_as(self, *, union_ids: list[str], phone_numbers: list[str]) -> Self:
        """Those who are, themselves or by their contact, one of these people."""
        return self.filter(
            Q(channel=Channel.UNION_ID, value__in=union_ids)
            | Q(channel=Channel.PHONE, value__in=phone_numbers)
            | Q(contact__union_id__in=[u for u in union_ids if u])
            | Q(contact__phone_number__in=[p for p in phone_numbers if p])
        )


class Invitee(models.Model):
    """One person on an invitation, reached by one channel.

    ``value`` is a unionId or an E.164 number. Channel, value and nick are a snapshot: they never change once the
    invitation is sent. Only `invites.sending` (and leaving somebody out) changes ``state``.
    """

    invitation = models.ForeignKey(
        Invitation, on_delete=models.PROTECT, related_name="invitees", verbose_name=_("invitation")
    )
    position = models.PositiveIntegerField(_("position"))
    channel = models.CharField(_("channel"), max_length=16, choices=Channel)
    value = models.CharField(_("unionId or phone number"), max_length=128)
    nick = models.CharField(pgettext_lazy("person", "name"), max_length=NICK_LENGTH)
    nick_filled_in = models.BooleanField(_("name filled in"), default=False)
    times_added = models.PositiveIntegerField(_("times named"), default=1)
    contact = models.ForeignKey(
        Contact, on_delete=models.SET_NULL, null=True, related_name="invitees", verbose_name=_("contact")
    )
    batch = models.ForeignKey(
        Batch, on_delete=models.PROTECT, null=True, related_name="invitees", verbose_name=_("batch")
    )
    state = models.CharField(_("state"), max_length=16, choices=InviteeState, default=InviteeState.PENDING)
    skipped_because = models.CharField(_("left out because"), max_length=128, blank=True)
    last_attempt = models.ForeignKey(
        "Attempt", on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("last attempt")
    )

    objects = InviteeQuerySet.as_manager()

    class Meta:
        verbose_name = _("invitee")
        verbose_name_plural = _("invitees")
        constraints = (
            models.UniqueConstraint(
                fields=["invitation", "channel", "value"], name="invitee_once_by_channel"
            ),
            models.UniqueConstraint(
                fields=["invitation", "contact"],
                condition=Q(contact__isnull=False),
                name="invitee_once_by_contact",
            ),
            models.CheckConstraint(condition=~Q(nick="") & ~Q(value=""), name="invitee_has_nick_and_value"),
            models.CheckConstraint(
                condition=Q(channel=Channel.UNION_ID) | Q(channel=Channel.PHONE, value__startswith="+"),
                name="invitee_channel_fits_value",
            ),
            models.CheckConstraint(condition=Q(state__in=InviteeState.values), name="invitee_state_is_known"),
        )
        indexes = (
            models.Index(fields=["invitation", "position"], name="invitee_in_order"),
            models.Index(fields=["invitation", "state"], name="invitee_by_state"),
        )

    def __str__(self) -> str:
        return self.nick

    @property
    def problem_code(self) -> str:
        """The code that says why this person is not invited; "" while they may still be, or are."""
        if self.state == InviteeState.SKIPPED:
            return self.skipped_because
        if self.state in {InviteeState.FAILED, InviteeState.UNKNOWN} and self.last_attempt is not None:
            return self.last_attempt.error_code
        return ""
