"""Invitations: who is to be called into which conference, and how far that has come.

draft ⇄ scheduled;  draft | scheduled ──send──▶ sending ⇄ paused ──nothing left──▶ finished | cancelled
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Self

from django.db import models
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from invites.models.app import App
from invites.models.batch import Batch, BatchState
from invites.models.conference import Conference, ConferenceStatus
from invites.models.invitee import InviteeState
from invites.models.member import Attendance
from invites.models.user import User


class InvitationState(models.TextChoices):
    """How far an invitation has come."""

    DRAFT = "draft", _("Draft")
    SCHEDULED = "scheduled", _("Scheduled")
    SENDING = "sending", _("Under way")
    PAUSED = "paused", _("Paused")
    FINISHED = "finished", _("Finished")
    CANCELLED = "cancelled", _("Cancelled")


UNSENT = (InvitationState.DRAFT, InvitationState.SCHEDULED)
UNDER_WAY = (InvitationState.SENDING, InvitationState.PAUSED)
OVER = (InvitationState.FINISHED, InvitationState.CANCELLED)
# How often the people of an invitation are rung again by themselves, over all its repetitions.
MOST_RINGS = 3


class InvitationSource(models.TextChoices):
    """Where an invitation was made."""

    WEB = "web", _("Web page")
    COMMAND_LINE = "command_line", _("Command line")
    API = "api", _("HTTP API")


class ScheduleProblem(models.TextChoices):
    """Why the time of an invitation passed and nobody was called, and what to do about it."""

    CONFERENCE_ENDED = (
        "conferenceEnded",
        _("The conference had ended by then. If it runs again in DingTalk, refresh it, then send this."),
    )
    CONFERENCE_LOCKED = (
        "conferenceLocked",
        _("The meeting was locked, so nobody else was let in. Unlock it, then send this."),
    )
    APP_UNAVAILABLE = (
        "appUnavailable",
        _("The DingTalk app was not available then. An administrator must set it up; then send this."),
    )
    NOBODY_TO_INVITE = "nobodyToInvite", _("There was nobody on the list. Add people, then send it.")
    EVERYBODY_MARKED = (
        "everybodyMarked",
        _(
            "Everybody on the list was marked “do not invite” by then. Who is to come all the same can be added by "
            "name and invited anyway."
        ),
    )
    DEMO_PERSON = (
        "demoPerson",
        _(
            "Somebody on the list exists in the sandbox only. Take them off the list; nobody can call them through "
            "a real DingTalk app."
        ),
    )
    NOT_ALLOWED = (
        "notAllowed",
        _(
            "Whoever set the time may no longer invite into this conference. Somebody who may can send it now."
        ),
    )
    TOO_LATE = (
        "tooLate",
        _(
            "No worker ran within an hour of the time, and later nobody was to be surprised. Send it now if it fits."
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """When the next batch of an invitation may be sent, and when a person last set it going, or called it off."""

    at: datetime
    set_going_at: datetime | None
    is_cancelled: bool


class InvitationQuerySet(models.QuerySet["Invitation"]):
    """Queries over invitations."""

    def first_day(self) -> date | None:
        """The first day on which any was sent; None where none was."""
        return self.aggregate(first=models.Min("day"))["first"]  # type: ignore[no-any-return]

    def among(self, pks: Iterable[int]) -> Self:
        """Those with these keys."""
        return self.filter(pk__in=list(pks))

    def over_up_to_day(self, day: date) -> Self:
        """Those of ``day`` and earlier of which nobody is going to be called any more."""
        return self.filter(day__lte=day, finished_at__isnull=False)

    def drafts(self) -> Self:
        """Those still being put together."""
        return self.filter(state=InvitationState.DRAFT)

    def waiting_in_the_name_of(self, user: User) -> Self:
        """Those that are to be sent at a set time by the decision of ``user``."""
        return self.filter(scheduled_by=user, scheduled_for__isnull=False, sent_at__isnull=True)

    def put_aside(self) -> Self:
        """Those that wait for their time outside of the composer, the next one first."""
        return self.filter(state=InvitationState.SCHEDULED).order_by("scheduled_for", "pk")

    def with_a_time(self) -> Self:
        """Those that go out by themselves at a set time."""
        return self.filter(state__in=UNSENT, scheduled_for__isnull=False)

    def unsent_with(self, people: models.QuerySet[Any]) -> Self:
        """The unsent ones on which any of ``people`` stand, who are invitees, in the order in which they are locked."""
        return self.filter(pk__in=people.values("invitation"), state__in=UNSENT).order_by("pk")

    def due_by(self, moment: datetime) -> Self:
        """The unsent ones whose time has come at ``moment``, in the order of their times."""
        return self.filter(state__in=UNSENT, scheduled_for__lte=moment).order_by("scheduled_for", "pk")

    def sent(self) -> Self:
        """Those that were sent, newest first."""
        return self.exclude(state__in=UNSENT).order_by("-sent_at", "-pk")

    def for_change(self) -> Self:
        """Locked until the transaction ends, with what a change has to know of the conference."""
        return self.select_for_update(of=("self",)).with_app()

    def for_change_if_free(self) -> Self:
        """As `for_change`, without those that somebody else has locked."""
        return self.select_for_update(of=("self",), skip_locked=True).with_app()

    def into(self, conferences: models.QuerySet[Conference]) -> Self:
        """Those into any of ``conferences``."""
        return self.filter(conference__in=conferences)

    def into_conference(self, pk: int) -> Self:
        """Those into the conference with this key."""
        return self.filter(conference=pk)

    def with_names(self) -> Self:
        """With the conference of each, and whoever sent it."""
        return self.select_related("conference", "sent_by")

    def of_app(self, app: App) -> Self:
        """Those into conferences of ``app``."""
        return self.filter(conference__app=app)

    def with_people(self) -> Self:
        """With ``people``, how many are on each."""
        return self.annotate(people=Count("invitees"))

    def newest_with_people(self, limit: int) -> "list[Invitation]":
        """The first ``limit`` of these sent ones, with how many are on each, into what and by whom."""
        # Counted for these only: there may have been thousands.
        newest = list(self.values_list("pk", flat=True)[:limit])
        shown = Invitation.objects.sent().filter(pk__in=newest).with_people()
        return list(shown.select_related("conference", "sent_by"))

    def sent_before(self, pk: int | None) -> Self:
        """Those of `sent` that follow invitation ``pk``; all of them for None."""
        if pk is None:
            return self
        at = Invitation.objects.filter(pk=pk).values("sent_at")[:1]
        return self.filter(Q(sent_at__lt=models.Subquery(at)) | Q(sent_at=models.Subquery(at), pk__lt=pk))

    def under_way(self) -> Self:
        """Those with somebody still to be called, now or when they are resumed."""
        return self.filter(state__in=UNDER_WAY)

    def into_closed_conferences(self) -> Self:
        """Those under way into a conference that has ended or is locked."""
        closed = Q(conference__status=ConferenceStatus.ENDED) | Q(conference__locked_at__isnull=False)
        return self.under_way().filter(closed)

    def ringing_again_by(self, moment: datetime) -> Self:
        """Those whose people are to be rung again by themselves, and whose time for it has come at ``moment``."""
        return self.sent().filter(ring_again_at__lte=moment).order_by("ring_again_at", "pk")

    def calling_since(self, moment: datetime) -> Self:
        """Those that are under way, or have called anybody after ``moment``."""
        called = Q(state__in=UNDER_WAY) | Q(attempts__started_at__gte=moment)
        return self.sent().filter(called).distinct()

    def for_ringing(self, *, if_free: bool = False) -> Self:
        """Locked until the transaction ends, together with the conference, so that one ring at a time is made into it.

        Claims and records, which only refer to both, need not wait. ``if_free`` leaves out what somebody else has
        locked.
        """
        return self.select_for_update(of=("self", "conference"), no_key=True, skip_locked=if_free).with_app()

    def same_ringing(self, invitation: "Invitation") -> Self:
        """The invitation whose people somebody wanted to be rung again, and all the rings that came of that."""
        first = invitation.first_of_ringing_id
        return self.filter(Q(pk=first) | Q(repeats=first, is_automatic=True))

    def with_sender(self) -> Self:
        """With whoever sent each."""
        return self.select_related("sent_by")

    def with_app(self) -> Self:
        """With the conference of each and its app."""
        return self.select_related("conference__app")

    def with_conference(self) -> Self:
        """With the conference of each."""
        return self.select_related("conference")

    def sending(self) -> Self:
        """Those that workers are to send."""
        return self.filter(state=InvitationState.SENDING)

    def next_due(self, pk: int) -> Due | None:
        """When a sender may go on with one invitation: not before its app has rested. None where nothing waits, and
        while it is paused or its conference is locked or over.
        """
        first = Batch.objects.of(pk).waiting().next_due()
        if first is None:
            return None
        going = self.sending().filter(pk=pk, conference__locked_at__isnull=True)
        going = going.exclude(conference__status=ConferenceStatus.ENDED)
        fields = ("conference__app__rests_until", "sent_at", "resumed_at", "cancelled_at")
        for rests_until, sent_at, resumed_at, cancelled_at in going.values_list(*fields):
            times = [time for time in (sent_at, resumed_at) if time is not None]
            return Due(
                at=max(first, rests_until or first),
                set_going_at=max(times, default=None),
                is_cancelled=cancelled_at is not None,
            )
        return None

    def oldest_due(self) -> datetime | None:
        """Since when the first of the people has been waiting whom workers might be calling; None where none has."""
        callable_now = self.sending().filter(
            batches__state=BatchState.WAITING,
            batches__not_before__lte=timezone.now(),
            conference__locked_at__isnull=True,
        )
        callable_now = callable_now.exclude(conference__status=ConferenceStatus.ENDED)
        callable_now = callable_now.exclude(conference__app__rests_until__gt=timezone.now())
        return callable_now.aggregate(first=models.Min("batches__not_before"))["first"]  # type: ignore[no-any-return]

    def unheard(self, *, rung_before: datetime) -> Self:
        """Those that have people due, and that no worker has been asked for since ``rung_before``."""
        due = Batch.objects.due().filter(invitation=models.OuterRef("pk"))
        app_rests = Q(conference__app__rests_until__gt=timezone.now())
        unrung = Q(rung_at__isnull=True) | Q(rung_at__lt=rung_before)
        return (
            self.sending()
            .filter(models.Exists(due), unrung, conference__locked_at__isnull=True)
            .exclude(app_rests)
        )

    def take_ring(self, pk: int, *, rung_before: datetime) -> bool:
        """Whether the caller is to ask for workers for one invitation: of several that find it unheard, one is."""
        unrung = Q(rung_at__isnull=True) | Q(rung_at__lt=rung_before)
        return bool(self.filter(unrung, pk=pk).update(rung_at=timezone.now()))

    def note_ring(self, pk: int, *, at: datetime) -> None:
        """A worker has been asked for, which will take up one invitation at ``at``."""
        self.filter(pk=pk).update(rung_at=at)

    def note_lookups(self, pk: int, lookups: int) -> None:
        """The directory has been asked about so many more people of one invitation."""
        self.filter(pk=pk).update(lookups=models.F("lookups") + lookups)

    def with_counts(self) -> Self:
        """With ``people``, one count a state (``pending``, ``invited`` …) in ``n_…``, and ``n_joined``."""
        per_state = {
            f"n_{state}": Count("invitees", filter=Q(invitees__state=state)) for state in InviteeState.values
        }
        n_joined = Count("invitees", filter=Q(invitees__member__attendance=Attendance.JOINED))
        return self.annotate(people=Count("invitees"), n_joined=n_joined, **per_state)


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
    # By the clock of the installation: the day with which it is sealed.
    day = models.DateField(_("day"), null=True)
    # Of the request in which somebody pressed, as log lines carry it; "" where nobody did.
    trace_id = models.CharField(_("request in our logs"), max_length=64, blank=True)
    # When it is sent by itself, be it still in the composer or put aside, and by whose decision.
    scheduled_for = models.DateTimeField(_("scheduled for"), null=True)
    scheduled_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("scheduled by")
    )
    # The code of the reason why the time passed and nothing was sent.
    schedule_problem = models.CharField(max_length=128, blank=True)
    resumed_at = models.DateTimeField(_("resumed at"), null=True)
    cancelled_at = models.DateTimeField(_("cancelled at"), null=True)
    cancelled_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("cancelled by")
    )
    # Those who have not joined are rung again by themselves, at most so many times more, the next time then.
    rings_left = models.PositiveSmallIntegerField(_("rings left"), default=0)
    ring_again_minutes = models.PositiveSmallIntegerField(_("minutes between rings"), default=0)
    ring_again_at = models.DateTimeField(_("rings again at"), null=True)
    # How often that was put off for want of a fresh reading of the conference's members.
    ring_again_waits = models.PositiveSmallIntegerField(default=0)
    # Made by that and not by a press.
    is_automatic = models.BooleanField(_("automatic"), default=False)
    # Exempt calls that asked the directory who is unknown.
    lookups = models.PositiveIntegerField(default=0)
    finished_at = models.DateTimeField(_("finished at"), null=True)
    # When a worker was last asked to send this. Recovery asks again where nothing has come of it.
    rung_at = models.DateTimeField(_("worker asked at"), null=True)

    objects = InvitationQuerySet.as_manager()
    # Where they were asked for: see `InvitationQuerySet.with_counts`, which has one more for each state.
    people: int
    n_joined: int

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
                condition=Q(state__in=UNSENT, sent_at__isnull=True)
                | (~Q(state__in=UNSENT) & Q(sent_at__isnull=False)),
                name="invitation_sent_has_time",
            ),
            models.CheckConstraint(
                condition=Q(sent_at__isnull=True, day__isnull=True)
                | Q(sent_at__isnull=False, day__isnull=False),
                name="invitation_sent_has_day",
            ),
            models.CheckConstraint(
                condition=Q(state__in=OVER, finished_at__isnull=False)
                | (~Q(state__in=OVER) & Q(finished_at__isnull=True)),
                name="invitation_finished_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(state=InvitationState.SCHEDULED)
                | Q(scheduled_for__isnull=False)
                | ~Q(schedule_problem=""),
                name="invitation_scheduled_has_time",
            ),
            models.CheckConstraint(condition=Q(rings_left__lte=MOST_RINGS), name="invitation_rings_are_few"),
        )
        indexes = (
            models.Index(fields=["state"], condition=Q(state__in=UNDER_WAY), name="invitation_under_way"),
            models.Index(
                fields=["scheduled_for"],
                condition=Q(state__in=UNSENT, scheduled_for__isnull=False),
                name="invitation_scheduled",
            ),
            models.Index(
                fields=["ring_again_at"],
                condition=Q(ring_again_at__isnull=False),
                name="invitation_rings_again",
            ),
            models.Index(fields=["conference", "-sent_at"], name="invitation_of_conference"),
            models.Index(fields=["day", "id"], condition=Q(day__isnull=False), name="invitation_by_day"),
        )

    def __str__(self) -> str:
        return f"#{self.pk} → {self.conference}"

    @property
    def is_draft(self) -> bool:
        """Whether it can still be edited."""
        return self.state == InvitationState.DRAFT

    @property
    def is_put_aside(self) -> bool:
        """Whether it waits for its time outside of the composer."""
        return self.state == InvitationState.SCHEDULED

    @property
    def problem_of_schedule(self) -> StrOrPromise:
        """Why its time passed and nobody was called, in words; "" where that did not happen."""
        return ScheduleProblem(self.schedule_problem).label if self.schedule_problem else ""

    @property
    def is_under_way(self) -> bool:
        """Whether somebody on it is still to be called, now or when it is resumed."""
        return self.state in UNDER_WAY

    @property
    def first_of_ringing_id(self) -> int:
        """The invitation that this one rings again by itself, or this one where it does not."""
        return self.repeats_id if self.is_automatic and self.repeats_id else self.pk

    @property
    def is_over(self) -> bool:
        """Whether nobody on it is going to be called any more."""
        return self.state in OVER

    @property
    def set_going_at(self) -> datetime | None:
        """When a person last said that it should be sent now: by sending it, or by resuming it."""
        return max(filter(None, (self.sent_at, self.resumed_at)), default=None)
