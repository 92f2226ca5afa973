"""DingTalk video conferences that people are invited into, and the presses that created some of them."""

import re
import uuid
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, Self

from django.core.exceptions import ValidationError
from django.db import connection, models
from django.db.models import Q
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from invites.models.app import App
from invites.models.keys import with_any
from invites.models.on_record import OnRecord
from invites.models.user import User

if TYPE_CHECKING:
    from invites.models.invitation import Invitation

# DingTalk refuses a title above 256 characters and cuts it after 50: we ask for 50 and store what comes.
TITLE_LENGTH = 50
LONGEST_TITLE = 256
ROOM_CODE_LENGTH = 32
LINK_LENGTH = 500
_NOT_IN_AN_ID = re.compile(
    r"[\s/?#\\\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]"
)


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

    UNKNOWN = "unknown", pgettext_lazy("conference", "Not known")
    NOT_STARTED = "not_started", _("Not started")
    OPEN = "open", _("Open")
    ENDED = "ended", _("Ended")


type ConferenceKeys = Collection[int]
"""The keys of conferences that become part of another query."""


class PeopleCount(NamedTuple):
    """How many ``people`` DingTalk took for a conference, and how many of them are in it; ``is_more`` says at least."""

    people: int
    joined: int
    is_more: bool


# Whoever is one member, or the same person on several invitations, counts once.
_COUNT_PEOPLE = """
    SELECT %s, COUNT(DISTINCT who), COUNT(DISTINCT CASE WHEN attendance = 'joined' THEN who END), COUNT(*) FROM (
        SELECT COALESCE(-p.member_id, p.person_id) AS who, m.attendance
        FROM invites_invitation v
        JOIN invites_invitee p ON p.invitation_id = v.id AND p.state = 'invited'
        LEFT JOIN invites_member m ON m.id = p.member_id
        WHERE v.conference_id = %s AND v.sent_at IS NOT NULL
        LIMIT %s
    ) people
"""


def _read(at: datetime) -> dict[str, Greatest]:
    """When the state was read: ``at``, unless another machine's clock was ahead when it read before."""
    now = models.Value(at)
    return {"status_read_at": Greatest(Coalesce("status_read_at", now), now)}


class ConferenceQuerySet(models.QuerySet["Conference"]):
    """Queries over conferences."""

    def owned_or_shared_with(self, user: User) -> Self:
        """Those of ``user`` and those where they are a co-organizer."""
        return self.filter(Q(owner=user) | Q(pk__in=user.co_organized_conferences.values("pk")))

    def owned_by(self, user: User) -> Self:
        """Those of ``user``."""
        return self.filter(owner=user)

    def for_change(self) -> Self:
        """Them, locked until the transaction ends, always in the same order."""
        return self.order_by("pk").select_for_update(of=("self",), no_key=True)

    def give_to(self, user: User) -> None:
        """Makes ``user`` their owner. Whoever does so puts it on record."""
        self.update(owner=user)

    def open(self) -> Self:
        """Those of which DingTalk last said that they are running, the newest first."""
        return self.filter(status=ConferenceStatus.OPEN).order_by("-pk")

    def not_over(self) -> Self:
        """Those that have not ended as far as one knows, open ones first, then the newest."""
        is_open = models.Case(models.When(status=ConferenceStatus.OPEN, then=0), default=1)
        return self.exclude(status=ConferenceStatus.ENDED).order_by(is_open, "-pk")

    def not_ended(self) -> Self:
        """Those that are not known to be over."""
        return self.exclude(status=ConferenceStatus.ENDED)

    def keys_among(self, keys: Collection[int]) -> set[int]:
        """Which of ``keys`` belong to one of these."""
        return set(self.filter(with_any("pk", keys)).values_list("pk", flat=True))

    def newest_of(self, user: User, *, limit: int) -> ConferenceKeys:
        """The keys of the newest ``limit`` conferences that ``user`` owns or shares. Both come out of indexes.

        As numbers and not as a query: where PostgreSQL has to guess how many they are, it reads all conferences.
        """
        shared = user.co_organized_conferences.order_by("-pk").values_list("pk", flat=True)
        owned = self.owned_by(user).order_by("-pk").values_list("pk", flat=True)
        return sorted({*owned[:limit], *shared[:limit]}, reverse=True)[:limit]

    def among(self, keys: ConferenceKeys) -> Self:
        """Those with these keys."""
        return self.filter(with_any("pk", keys))

    def with_its_app(self) -> Self:
        """With the app of each."""
        return self.select_related("app")

    def with_reading(self) -> Self:
        """With ``read_at``, when it was last learned who is in each: read, or told by an event since."""
        read_at, told_at = models.F("observation__read_at"), models.F("observation__event_at")
        # Greatest of nothing and something is nothing on SQLite.
        return self.annotate(read_at=Greatest(Coalesce(read_at, told_at), Coalesce(told_at, read_at)))

    def count_people(self, keys: Iterable[int], *, limit: int) -> "dict[int, PeopleCount]":
        """How many people DingTalk took for each of the conferences with these keys, and how many are in it now.

        Of one with more than ``limit`` so many are looked at, so that no number of people makes a page slow.
        """
        keys = list(keys)
        if not keys:
            return {}
        parameters = [value for key in keys for value in (key, key, limit + 1)]
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join([_COUNT_PEOPLE] * len(keys)), parameters)
            return {
                key: PeopleCount(
                    people=min(people, limit), joined=min(joined, limit), is_more=looked_at > limit
                )
                for key, people, joined, looked_at in cursor.fetchall()
            }

    def for_list(self) -> Self:
        """Open ones first, then by the newest; with what the list shows."""
        is_open = models.Case(models.When(status=ConferenceStatus.ENDED, then=1), default=0)
        return self.select_related("app", "owner").order_by(is_open, "-pk")

    def with_last_invitation(self) -> Self:
        """With ``last_invited_at``, when somebody was last invited into each."""
        this = Conference.objects.filter(pk=models.OuterRef("pk"))
        newest = this.annotate(newest=models.Max("invitations__sent_at")).values("newest")
        return self.annotate(last_invited_at=models.Subquery(newest))

    def after(self, *, has_ended: bool, pk: int) -> Self:
        """Those that follow a conference in the order of `for_list`."""
        ended = Q(status=ConferenceStatus.ENDED)
        return self.filter(ended, pk__lt=pk) if has_ended else self.filter(ended | Q(pk__lt=pk))

    def newest_first(self) -> Self:
        """Whatever their state, the latest to be made first."""
        return self.order_by("-pk")

    def with_status(self, status: str) -> Self:
        """Those of which ``status`` was last known."""
        return self.filter(status=status)

    def of_app(self, app: App, *, conference_ids: Iterable[str]) -> Self:
        """Those among the conferences of ``app`` with these ids."""
        return self.filter(app=app, conference_id__in=list(conference_ids))

    def note(self, pk: int, *, asked_at: datetime, status: str, title: str = "", **facts: str) -> bool:
        """Writes what DingTalk answered when asked at ``asked_at``; False where a later answer is on record.

        A ``title`` only fills in where there is none: people may have chosen their own.
        """
        rows = self.filter(pk=pk).exclude(status_read_at__gt=asked_at)
        noted = bool(rows.update(status=status, status_read_at=asked_at, **facts))
        if noted and title:
            self.filter(pk=pk, title="").update(title=title)
        return noted

    def note_begun(self, pk: int, *, at: datetime) -> bool:
        """Writes that it runs; False for one that is over by now.

        A meeting begins once and ends once: that it did hangs on nobody's clock, and those of machines differ.
        """
        return bool(self.not_ended().filter(pk=pk).update(status=ConferenceStatus.OPEN, **_read(at)))

    def note_ended(self, pk: int, *, at: datetime) -> None:
        """Writes that it is over, whatever was answered before."""
        self.filter(pk=pk).update(status=ConferenceStatus.ENDED, **_read(at))

    def note_sequence(self, pk: int, sequence: int | None) -> None:
        """Writes the number of the last event about the meeting that was applied, where it has one."""
        if sequence is not None:
            self.filter(pk=pk).update(status_seq=sequence)

    def note_lock(self, pk: int, *, locked_at: datetime | None) -> None:
        """Writes since when nobody else is let in, as far as this product knows; None where people are."""
        self.filter(pk=pk).update(locked_at=locked_at)

    def matching(self, text: str) -> Self:
        """Those whose title, meeting number or id contains ``text``."""
        if not text:
            return self
        return self.filter(
            Q(title__icontains=text) | Q(room_code__icontains=text) | Q(conference_id__icontains=text)
        )


class Conference(OnRecord):
    """One conference of one app. ``owner`` is None for one that the command line registered."""

    app = models.ForeignKey(
        App, on_delete=models.PROTECT, related_name="conferences", verbose_name=_("DingTalk app")
    )
    conference_id = models.CharField("conferenceId", max_length=128, validators=[validate_conference_id])
    title = models.CharField(_("title"), max_length=LONGEST_TITLE, blank=True)
    room_code = models.CharField(_("meeting number"), max_length=ROOM_CODE_LENGTH, blank=True)
    external_link_url = models.URLField(_("link"), max_length=LINK_LENGTH, blank=True)
    creator_union_id = models.CharField(_("creator's unionId"), max_length=128, blank=True)
    status = models.CharField(
        _("state"), max_length=16, choices=ConferenceStatus, default=ConferenceStatus.UNKNOWN
    )
    status_read_at = models.DateTimeField(_("state read at"), null=True)
    # The ``statusSeqNum`` of the last event about the meeting that was applied: older ones change nothing.
    status_seq = models.BigIntegerField(null=True, editable=False)
    # Since when nobody else is let in, as far as this product knows: DingTalk does not tell.
    locked_at = models.DateTimeField(_("locked at"), null=True)
    owner = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="conferences", verbose_name=_("owner")
    )
    co_organizers = models.ManyToManyField(
        User, blank=True, related_name="co_organized_conferences", verbose_name=_("co-organizers")
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    objects = ConferenceQuerySet.as_manager()
    # Where it was asked for.
    read_at: datetime | None

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
        indexes = (
            models.Index(fields=["owner", "-id"], name="conference_of_owner"),
            models.Index(fields=["-id"], condition=Q(status=ConferenceStatus.OPEN), name="conference_open"),
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

    def latest_invitations(self, limit: int) -> "list[Invitation]":
        """The newest ``limit`` sent invitations with their counts, the newest first."""
        # Counted for these only: a conference may have had thousands.
        newest = list(self.invitations.sent().values_list("pk", flat=True)[:limit])
        return list(self.invitations.sent().with_counts().select_related("sent_by").filter(pk__in=newest))


# Longer than any call to DingTalk lasts, its total deadline included: whoever asked must have died.
CREATION_TAKES_AT_MOST = timedelta(seconds=60)


class CreationState(models.TextChoices):
    """What came of asking DingTalk to create a conference."""

    STARTED = "started", _("Under way")
    SUCCEEDED = "succeeded", _("Created")
    FAILED = "failed", _("Not created")
    UNKNOWN = "unknown", _("Unknown")


class ConferenceCreationQuerySet(models.QuerySet["ConferenceCreation"]):
    """Queries over presses of *Create*."""

    def made_by(self, user: User) -> Self:
        """Those of ``user``."""
        return self.filter(user=user)


class ConferenceCreation(models.Model):
    """One press of *Create*, on record before DingTalk is asked.

    ``key`` comes with the form and is the reason why a second press of the same form creates no second meeting.
    """

    key = models.UUIDField(primary_key=True, default=uuid.uuid4)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="conference_creations")
    app = models.ForeignKey(App, on_delete=models.PROTECT, related_name="conference_creations")
    title = models.CharField(_("title"), max_length=TITLE_LENGTH)
    state = models.CharField(
        _("outcome"), max_length=16, choices=CreationState, default=CreationState.STARTED
    )
    conference = models.OneToOneField(
        Conference, on_delete=models.PROTECT, null=True, related_name="creation"
    )
    error_code = models.CharField(_("error code"), max_length=128, blank=True)
    error_message = models.TextField(_("message"), blank=True)
    request_id = models.CharField(max_length=128, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ConferenceCreationQuerySet.as_manager()

    class Meta:
        verbose_name = _("creation of a conference")
        constraints = (
            models.CheckConstraint(
                condition=Q(state__in=CreationState.values), name="creation_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state=CreationState.SUCCEEDED, conference__isnull=False)
                | (~Q(state=CreationState.SUCCEEDED) & Q(conference__isnull=True)),
                name="creation_succeeded_has_conference",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[CreationState.STARTED, CreationState.SUCCEEDED], error_code="")
                | (Q(state__in=[CreationState.FAILED, CreationState.UNKNOWN]) & ~Q(error_code="")),
                name="creation_code_fits_state",
            ),
        )

    def __str__(self) -> str:
        return f"{self.title}: {self.state}"

    @property
    def is_under_way(self) -> bool:
        """Whether somebody is still waiting for DingTalk's answer; not where the process must have died."""
        if self.state != CreationState.STARTED:
            return False
        return self.created_at > timezone.now() - CREATION_TAKES_AT_MOST
