"""Members: whom DingTalk reports as called into a conference or in it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Cast, Coalesce, Concat, Lower
from django.utils.translation import gettext_lazy as _

from invites.models.conference import Conference

if TYPE_CHECKING:
    from invites.models.invitee import Invitee

NICK_LENGTH = 256
# What stands before the unionId in the key of a member who has one.
UNION_ID_KEY = "user:"


class Attendance(models.TextChoices):
    """What the conference reports of a person (``attendStatus``, section 7 of the API contract)."""

    CALLING = "calling", _("Ringing")
    JOINED = "joined", _("Joined")
    DECLINED = "declined", _("Did not join")
    LEFT = "left", _("Left")
    REMOVED = "removed", _("Removed")
    NOT_KNOWN = "not_known", _("Not known")


# Whoever is seen so is or was in the meeting.
CAME = (Attendance.JOINED, Attendance.LEFT, Attendance.REMOVED)
# Whoever was ever seen so is not rung again by itself.
LET_BE = (Attendance.DECLINED, Attendance.LEFT, Attendance.REMOVED)


def key_of(union_id: str) -> str:
    """The key of the member with this unionId."""
    return f"{UNION_ID_KEY}{union_id}"


class MemberQuerySet(models.QuerySet["Member"]):
    """Queries over members."""

    def of(self, conference: Conference) -> Self:
        """Those of ``conference``."""
        return self.filter(conference=conference)

    def among(self, keys: Iterable[str]) -> Self:
        """Those with one of these keys, which are unique within a conference."""
        return self.filter(key__in=list(keys))

    def keyed(self) -> "dict[str, Member]":
        """Each by their key, of one conference."""
        return {member.key: member for member in self}

    def namesakes_of(self, members: "Iterable[Member]") -> Self:
        """Those without a unionId who have the name, and not the key, of one of ``members`` without a unionId."""
        nameless = [member for member in members if not member.union_id]
        others = self.filter(union_id="", nick__in={member.nick for member in nameless})
        return others.exclude(key__in=[member.key for member in nameless])

    def in_meeting(self) -> Self:
        """Those who are in the meeting now."""
        return self.filter(attendance=Attendance.JOINED)

    def who_came(self) -> Self:
        """Those who are or have been in the meeting, as they came, with the invitees that they are."""
        came = self.filter(Q(joined_at__isnull=False) | Q(attendance__in=CAME))
        came = came.annotate(came_at=Coalesce("joined_at", "changed_at")).order_by("came_at", "pk")
        return came.prefetch_related("invitees")

    def after(self, pk: int | None) -> Self:
        """Those of `who_came` who came after member ``pk``; all of them for None."""
        if pk is None:
            return self
        before = Member.objects.filter(pk=pk).values(at=Coalesce("joined_at", "changed_at"))[:1]
        return self.filter(
            Q(came_at__gt=models.Subquery(before)) | Q(came_at=models.Subquery(before), pk__gt=pk)
        )

    def nobody_invited(self) -> Self:
        """Those whom nobody on any sent invitation is matched with."""
        return self.filter(invitees__isnull=True)

    def reached_by(self, channel: str, value: str) -> Self:
        """Those with this unionId; of a number members know nothing."""
        return self.filter(union_id=value) if channel == "union_id" else self.none()

    def with_union_ids(self, union_ids: Iterable[str]) -> Self:
        """Those with one of these unionIds."""
        return self.filter(union_id__in=list(union_ids)).exclude(union_id="")

    def called(self, name: str) -> Self:
        """Those whose whole name is ``name``, in large or small letters."""
        return self.alias(name=Lower("nick")).filter(name=Lower(Value(name)))

    def taken_for(self, invitees: "models.QuerySet[Invitee]") -> Self:
        """Those that somebody among ``invitees`` is, and that are nobody else by their unionId."""
        people = invitees.filter(member__isnull=False)
        surely = Q(pk__in=people.filter(member_is_probable=False).values("member"))
        return self.filter(surely | Q(pk__in=people.values("member"), union_id=""))

    def with_conference(self) -> Self:
        """With the conference of each."""
        return self.select_related("conference")

    def erase(self) -> None:
        """Drops who they are."""
        nobody = Concat(Value("erased:"), Cast("pk", models.CharField()))
        self.update(union_id="", nick="", key=nobody)

    def by_name(self) -> Self:
        """In the order in which lists show people."""
        return self.order_by(Lower("nick"), "pk")


class Member(models.Model):
    """One member of a conference, as last read.

    The list of members carries a ``unionId`` where DingTalk knows one and never a phone number. ``key`` tells two
    members of a conference apart: the unionId, or for somebody without one the nick and what else is known.
    ``changed_at`` is when ``attendance`` was last seen to be another.
    """

    conference = models.ForeignKey(Conference, on_delete=models.PROTECT, related_name="members")
    key = models.CharField(max_length=320)
    union_id = models.CharField("unionId", max_length=128, blank=True)
    nick = models.CharField(_("name"), max_length=NICK_LENGTH, blank=True)
    attendance = models.CharField(_("attendance"), max_length=16, choices=Attendance)
    by_phone = models.BooleanField(_("by phone"), default=False)
    is_host = models.BooleanField(_("host"), default=False)
    # The ``statusSeqNum`` of the last event about them that was applied: older ones change nothing.
    status_seq = models.BigIntegerField(null=True, editable=False)
    joined_at = models.DateTimeField(_("joined at"), null=True)
    left_at = models.DateTimeField(_("left at"), null=True)
    read_at = models.DateTimeField(_("read at"))
    changed_at = models.DateTimeField(_("changed at"))
    # When they were first seen to have declined, left or been removed: from then on nobody rings them by itself.
    let_be_since = models.DateTimeField(null=True)

    objects = MemberQuerySet.as_manager()

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints = (
            models.UniqueConstraint(fields=["conference", "key"], name="member_once_per_conference"),
            models.CheckConstraint(
                condition=Q(attendance__in=Attendance.values), name="member_attendance_is_known"
            ),
        )

    def __str__(self) -> str:
        return self.nick or self.union_id
