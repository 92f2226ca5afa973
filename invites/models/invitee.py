"""Invitees: the people on an invitation, each a snapshot reached by one channel.

pending ⇄ sending ──▶ invited | failed | unknown;  pending ──▶ skipped
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Case, Count, Exists, F, Max, OuterRef, Q, Value, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from invites.models.batch import Batch, BatchQuerySet
from invites.models.chronicle import ChronicleQuerySet
from invites.models.contact import NICK_LENGTH, Contact, ContactQuerySet
from invites.models.keys import with_any
from invites.models.member import Attendance, Member, MemberQuerySet
from invites.models.user import User

if TYPE_CHECKING:
    from invites.models.invitation import InvitationQuerySet
    from invites.models.person import Person


# Somebody's invitations are looked through so far back for the last that one may see.
LOOKED_BACK = 20
# What stands in the place of a unionId or a number that was erased, with the key of the invitee behind it.
ERASED = "+erased-"


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


def _attendance() -> models.Case:
    """What the conference reports of a person: an `Attendance`, or "" where that has not been read yet.

    Whom DingTalk took and a later reading cannot be matched with is not known: it is somebody who was invited by phone,
    for the list carries no numbers, or who is not on the list at all.
    """
    unmatched = Q(state=InviteeState.INVITED) & Q(
        invitation__conference__observation__read_at__gte=Coalesce("changed_at", "invitation__sent_at")
    )
    return models.Case(
        models.When(member__isnull=False, then=models.F("member__attendance")),
        models.When(unmatched, then=models.Value(Attendance.NOT_KNOWN.value)),
        default=models.Value(""),
        output_field=models.CharField(),
    )


def _last_called(value: str, visible: "InvitationQuerySet") -> models.Subquery:
    """Who was last invited, on an invitation of ``visible``, by what the column ``value`` of a contact holds."""
    furthest = Invitee.objects.filter(value=OuterRef(OuterRef(value))).order_by("-pk").values("pk")
    # As a range that the index on value and key serves: looked for with "in", all invitees would be read.
    near = {"pk__gte": Coalesce(models.Subquery(furthest[LOOKED_BACK - 1 : LOOKED_BACK]), 0)}
    seen = Exists(visible.order_by().filter(pk=OuterRef("invitation")))
    called = Invitee.objects.filter(seen, value=OuterRef(value), **near)
    return models.Subquery(called.order_by("-pk").values("pk")[:1])


class InviteeQuerySet(ChronicleQuerySet["Invitee"]):
    """Queries over invitees."""

    def in_order(self) -> Self:
        """As they were added."""
        return self.order_by("position", "pk")

    def pending(self) -> Self:
        """Those still to be called."""
        return self.filter(state=InviteeState.PENDING)

    def not_overridden(self) -> Self:
        """Those whom nobody has decided to invite in spite of a mark "do not invite"."""
        return self.filter(overridden_by__isnull=True, overridden_reason="")

    def with_overrider(self) -> Self:
        """With whoever decided to invite each in spite of a mark "do not invite"."""
        return self.select_related("overridden_by")

    def identities(self) -> "models.QuerySet[Invitee, tuple[int, str, str, str | None, str | None]]":
        """Key, channel and value of each, and the unionId and number of the contact that they were added from."""
        return self.order_by().values_list(
            "pk", "channel", "value", "contact__union_id", "contact__phone_number"
        )

    def leave_out(self, *, because: str, at: datetime) -> None:
        """Leaves these out, for the reason with the code ``because``."""
        self.update(state=InviteeState.SKIPPED, skipped_because=because[:128], changed_at=at)

    def who_are(self, people: "Iterable[Person]") -> Self:
        """Those who are one of ``people``, on invitations that were sent."""
        # By their value, which an index knows.
        people = list(people)
        return self.filter(value__in={person.value for person in people}, person__in=people)

    def known_by(self, people: Iterable[int]) -> Self:
        """Those on sent invitations who are one of the people with these keys."""
        return self.filter(with_any("person", people))

    def with_sender(self) -> Self:
        """With the invitation of each, its conference and whoever sent it."""
        return self.select_related("invitation__conference", "invitation__sent_by")

    def not_erased(self) -> Self:
        """Those who can be called: of whoever was erased nobody knows any more how."""
        return self.exclude(value__startswith=ERASED)

    def lock_states(self) -> set[str]:
        """The states in which these are; nobody changes them until the transaction ends."""
        return set(self.select_for_update(of=("self",)).order_by("pk").values_list("state", flat=True))

    def on_drafts(self) -> Self:
        """Those on lists that have not been sent."""
        return self.filter(person__isnull=True)

    def never_sent(self) -> Self:
        """Those who are part of no attempt."""
        return self.filter(sendings__isnull=True)

    def forget_attempts(self, attempts: Iterable[int]) -> None:
        """Lets nobody say any more that one of these attempts was their last."""
        self.filter(last_attempt__in=list(attempts)).update(last_attempt=None)

    def in_dingtalk(self) -> Self:
        """Those to be reached by their unionId."""
        return self.filter(channel=Channel.UNION_ID)

    def sending(self) -> Self:
        """Those in a call that is under way."""
        return self.filter(state=InviteeState.SENDING)

    def on(self, invitations: "InvitationQuerySet") -> Self:
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

    def added_from(self, contacts: Iterable[Contact]) -> Self:
        """Those who were added from one of ``contacts``."""
        return self.filter(contact__in=list(contacts))

    def hand_over(self, contact: Contact, successor: Contact) -> None:
        """Lets those who were added from ``contact`` be known as ``successor``, unless that one is on the same list."""
        there = self.filter(contact=successor).values("invitation")
        self.filter(contact=contact).exclude(invitation__in=there).update(contact=successor)

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

    def who_are_none_of(self, members: MemberQuerySet) -> Self:
        """Those whose unionId, or that of their contact, none of ``members`` has."""
        union_ids = members.exclude(union_id="").values("union_id")
        by_union_id = Q(channel=Channel.UNION_ID, value__in=union_ids)
        return self.exclude(by_union_id | Q(contact__union_id__in=union_ids))

    def in_batches(self, batches: BatchQuerySet) -> Self:
        """Those of any of ``batches``."""
        return self.filter(batch__in=batches)

    def with_last_attempt(self) -> Self:
        """With the attempt that says what happened to each, but for the long texts in it, and the batch."""
        return self.select_related("last_attempt", "batch__half_of").defer(
            "last_attempt__response_excerpt", "last_attempt__error_message"
        )

    def with_member(self) -> Self:
        """With the member of the conference that each is, as far as one can tell, and with ``attendance``."""
        return self.select_related("member").annotate(attendance=_attendance())

    def with_attendance(self, attendance: str) -> Self:
        """Those of whom the conference reports ``attendance``; "" for those of whom nothing has been read."""
        return self.alias(reported=_attendance()).filter(reported=attendance)

    def count_by_outcome(self) -> dict[tuple[str, str], int]:
        """How many there are of each pair of ``state`` and ``attendance`` that occurs."""
        rows = self.order_by().annotate(reported=_attendance()).values_list("state", "reported")
        return {(state, reported): n for state, reported, n in rows.annotate(people=Count("pk"))}

    def called_since(self, moment: datetime) -> Self:
        """Those who are about to be called, and those who may have been called after ``moment``."""
        about_to_be = Q(state__in=(InviteeState.PENDING, InviteeState.SENDING))
        may_have_rung = Q(
            state__in=(InviteeState.INVITED, InviteeState.UNKNOWN), last_attempt__started_at__gte=moment
        )
        return self.filter(about_to_be | may_have_rung)

    def absent(self, *, called_before: datetime, calling: Collection[int]) -> Self:
        """Those whom DingTalk took, and who are not in the meeting as far as one can tell, with ``is_certain``.

        Whoever has left or was removed is not among them, nor is whoever has been called, or seen to ring, after
        ``called_before``: by any of the invitations ``calling``, which are those into the conference that may have
        called anybody since. ``is_certain`` says that one knows who of the members they are, and that the members were
        read since they were called.
        """
        away = Q(member__attendance=Attendance.DECLINED) | Q(
            member__attendance__in=(Attendance.CALLING, Attendance.NOT_KNOWN),
            member__changed_at__lt=called_before,
        )
        is_known = Q(member__isnull=True, channel=Channel.UNION_ID) | Q(
            member__isnull=False, member_is_probable=False
        )
        was_read = Q(invitation__conference__observation__read_at__gt=F("last_attempt__started_at"))
        taken = self.not_erased().filter(Q(member__isnull=True) | away, state=InviteeState.INVITED)
        people = taken.annotate(
            is_certain=Case(When(is_known & was_read, then=Value(True)), default=Value(False))
        )
        # Most of the time nobody is being called, and there is nobody to look for.
        if not calling:
            return people
        lately = Invitee.objects.filter(invitation__in=calling).called_since(called_before)
        return (
            people.exclude(Exists(lately.filter(channel=OuterRef("channel"), value=OuterRef("value"))))
            .exclude(Exists(lately.filter(contact=OuterRef("contact"))))
            .exclude(Exists(lately.filter(member=OuterRef("member"))))
        )

    def certainly(self, *, absent: bool) -> Self:
        """Of those of `absent`, the ones of whom that is certain, or the others."""
        return self.filter(is_certain=absent)

    def who_may_be_rung_unasked(self) -> Self:
        """Those who are certainly not in the meeting, have never been, and never declined or were removed."""
        never_seen = Q(channel=Channel.UNION_ID, member__isnull=True)
        has_not_come = Q(
            member__attendance__in=(Attendance.CALLING, Attendance.NOT_KNOWN),
            member__let_be_since__isnull=True,
            member__joined_at__isnull=True,
            member_is_probable=False,
        )
        return self.not_erased().filter(never_seen | has_not_come)

    def on_or_repeating(self, invitation_id: int) -> Self:
        """Those of an invitation and of those that repeat it."""
        return self.filter(Q(invitation=invitation_id) | Q(invitation__repeats=invitation_id))

    def last_of_each(
        self, contacts: ContactQuerySet, *, visible: "InvitationQuerySet"
    ) -> "dict[int, Invitee]":
        """As whom each of ``contacts`` was last invited, by their unionId or their number, by the contact's key.

        Only what is on invitations of ``visible`` counts. Of somebody who was invited very often the latest are looked
        at; an index serves that, so that it costs the same for everybody.
        """
        keys = contacts.order_by().values_list(
            "pk", _last_called("union_id", visible), _last_called("phone_number", visible)
        )
        last = {pk: max(filter(None, found)) for pk, *found in keys if any(found)}
        invitees = self.with_member().select_related("invitation__conference").in_bulk(set(last.values()))
        return {pk: invitees[key] for pk, key in last.items()}

    def count_absent(self) -> "tuple[int, int]":
        """Of those of `absent`: of how many it is certain, and of how many it is not."""
        counts = self.aggregate(
            certain=Count("pk", filter=Q(is_certain=True)), uncertain=Count("pk", filter=Q(is_certain=False))
        )
        return counts["certain"], counts["uncertain"]

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
        "invites.Invitation", on_delete=models.PROTECT, related_name="invitees", verbose_name=_("invitation")
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
    # Who this is in the history: set when the invitation is sent, and from then on the snapshot is fixed.
    person = models.ForeignKey(
        "Person",
        on_delete=models.PROTECT,
        null=True,
        related_name="invitees",
        db_index=False,
        verbose_name=_("person"),
    )
    state = models.CharField(_("state"), max_length=16, choices=InviteeState, default=InviteeState.PENDING)
    skipped_because = models.CharField(_("left out because"), max_length=128, blank=True)
    changed_at = models.DateTimeField(_("changed at"), null=True)
    # Who of the conference's members this is, as far as one can tell.
    member = models.ForeignKey(
        Member, on_delete=models.SET_NULL, null=True, related_name="invitees", verbose_name=_("member")
    )
    # Who decided to invite this person though a contact of theirs said "do not invite", and the reason that stood
    # there. The command line, which has no user, leaves the reason alone.
    overridden_by = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        verbose_name=_("overridden by"),
    )
    overridden_reason = models.CharField(_("overridden reason"), max_length=200, blank=True)
    member_is_probable = models.BooleanField(_("probably"), default=False)
    last_attempt = models.ForeignKey(
        "Attempt", on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("last attempt")
    )

    # Only where it was asked for: see `InviteeQuerySet.with_member`.
    attendance: str
    # Whose mark "do not invite" says that this person will be left out, where that was asked for.
    mark: Contact | None = None

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
            # What last became of somebody.
            models.Index(fields=["value", "id"], name="invitee_by_value"),
        )

    def __str__(self) -> str:
        return self.nick

    @property
    def is_erased(self) -> bool:
        """Whether name and number were erased."""
        return self.value.startswith(ERASED)

    @property
    def is_overridden(self) -> bool:
        """Whether somebody decided to invite this person in spite of a mark "do not invite"."""
        return self.overridden_by_id is not None or bool(self.overridden_reason)

    def override(self, *, by: User, reason: str) -> None:
        """Puts on record that ``by`` wants this person invited in spite of a mark that has this ``reason``."""
        self.overridden_by, self.overridden_reason, self.mark = by, reason, None
        self.save(update_fields=["overridden_by", "overridden_reason"])

    @property
    def refused_at(self) -> datetime | None:
        """When DingTalk last did not know this person, as they are reached here; needs the contact."""
        if self.contact is None:
            return None
        by_union_id = bool(self.contact.union_id)
        return self.contact.refused_at if by_union_id == (self.channel == Channel.UNION_ID) else None

    @property
    def problem_code(self) -> str:
        """The code that says why this person is not invited; "" while they may still be, or are."""
        if self.state == InviteeState.SKIPPED:
            return self.skipped_because
        if self.state in {InviteeState.FAILED, InviteeState.UNKNOWN} and self.last_attempt is not None:
            return self.last_attempt.error_code
        return ""

    @property
    def is_singled_out(self) -> bool:
        """Whether the problem is certainly this person's: refused alone, or named by the directory."""
        if self.last_attempt is None:
            return False
        if self.last_attempt.people == 1:
            return True
        is_named = self.batch is not None and self.batch.tells_who_failed
        return is_named and self.state == InviteeState.FAILED
