"""People of the history: everybody who was ever called, once for each channel and name, and who was erased."""

import os
from collections.abc import Iterable
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Self

from django.db import connection, models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from invites import spelling
from invites.models.conference import ConferenceQuerySet
from invites.models.contact import NICK_LENGTH
from invites.models.invitee import Channel, Invitee, InviteeState
from invites.models.keys import with_any
from invites.models.on_record import REASON_LENGTH, OnRecord
from invites.models.user import User

SALT_BYTES = 16
# The name under which the snapshots of somebody who was erased stand on invitations.
ERASED_NICK = "—"
# So many people are made at a time.
_PIECE = 1000
# One statement for any number of people, the same on PostgreSQL and SQLite.
_KNOW_INVITEES = """
    UPDATE invites_invitee SET person_id = p.id
    FROM invites_person p
    WHERE invites_invitee.invitation_id = %(invitation)s AND invites_invitee.person_id IS NULL
        AND p.channel = invites_invitee.channel AND p.value = invites_invitee.value AND p.nick = invites_invitee.nick
        AND p.digest IS NULL
"""


def new_salt() -> bytes:
    """What is mixed into the digest of one person or one attempt, so that nobody can guess what was digested."""
    return os.urandom(SALT_BYTES)


def _say_who_it_is(invitation_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_KNOW_INVITEES, {"invitation": invitation_id})


class PersonQuerySet(models.QuerySet["Person"]):
    """Queries over the people of the history."""

    def know_invitees_of(self, invitation_id: int) -> None:
        """Puts everybody of an invitation that is being sent on record, and says of each invitee who it is.

        People are made in the same order everywhere, so that of two who send at once none waits for the other in turn.
        """
        # First of those who are known: they stay from then on, though retention may be removing whom nobody refers to.
        _say_who_it_is(invitation_id)
        new = Invitee.objects.filter(invitation=invitation_id, person__isnull=True)
        snapshots = new.order_by("channel", "value", "nick").values_list("channel", "value", "nick")
        people = [
            Person(channel=channel, value=value, nick=nick) for channel, value, nick in snapshots.distinct()
        ]
        for person in people:
            person.spell()
        if people:
            self.bulk_create(people, batch_size=_PIECE, ignore_conflicts=True)
            _say_who_it_is(invitation_id)

    def among(self, pks: Iterable[int]) -> Self:
        """Those with these keys."""
        return self.filter(with_any("pk", pks))

    def whom_nobody_refers_to(self) -> Self:
        """Those on no invitation and in no attempt. Who was erased is not among them."""
        # By their value, which an index knows; so were all invitees of somebody who was not erased.
        invitees = Invitee.objects.filter(value=models.OuterRef("value"), person=models.OuterRef("pk"))
        return self.filter(~models.Exists(invitees), digest__isnull=True, sendings__isnull=True)

    def without_erasure(self) -> Self:
        """Those of whom nobody has said that they are to be erased."""
        return self.filter(erasure__isnull=True)

    def through(self, channel: str) -> Self:
        """Those who are reached by ``channel``."""
        return self.filter(channel=channel)

    def reached_by(self, values: Iterable[str]) -> Self:
        """Those with one of these unionIds or numbers."""
        return self.filter(value__in=list(values), digest__isnull=True)

    def names(self, limit: int) -> list[str]:
        """The first ``limit`` names that these have."""
        return list(self.order_by("nick").values_list("nick", flat=True).distinct()[:limit])

    def in_calls_into(self, conferences: ConferenceQuerySet) -> Self:
        """Those who were on an invitation into any of ``conferences``, be it that they were called or left out."""
        into = Invitee.objects.all().into(conferences).filter(person=models.OuterRef("pk"))
        # By the unionId or number, which has an index; those who were erased have none any more, but their calls.
        listed = into.filter(value=models.OuterRef("value"))
        called = into.filter(sendings__person=models.OuterRef("pk"))
        return self.filter(
            models.Q(digest__isnull=True) & models.Exists(listed)
            | models.Q(digest__isnull=False) & models.Exists(called)
        )

    def matching(self, text: str, *, by_phone_number: bool) -> Self:
        """Those whom ``text`` finds: by name, pinyin, initials, or part of the unionId or number; of one or two letters
        by how these begin.

        Without ``by_phone_number`` a text that may be part of a number finds nobody by it.
        """
        part = text.strip()
        lookup = "value__contains" if len(part) >= spelling.FEWEST_ANYWHERE else "value__startswith"
        found = [Q((lookup, part), channel=Channel.UNION_ID)]
        if by_phone_number or not any(map(str.isdecimal, text)):
            found += [Q(search_text__contains=pattern) for pattern in spelling.patterns(text)]
        return self.filter(reduce(or_, found)) if part else self.none()


class Person(models.Model):
    """Somebody who was called: one unionId or E.164 number under one name.

    ``search_text`` is what `invites.spelling` says they are found by. ``salt`` goes into the digest by which sealed
    days know them; erasing somebody drops name, value and salt, and keeps that ``digest``.
    """

    channel = models.CharField(_("channel"), max_length=16, choices=Channel)
    value = models.CharField(_("unionId or phone number"), max_length=128)
    nick = models.CharField(pgettext_lazy("person", "name"), max_length=NICK_LENGTH)
    search_text = models.CharField(max_length=600, editable=False)
    salt = models.BinaryField(max_length=SALT_BYTES, default=new_salt)
    digest = models.BinaryField(max_length=32, null=True)

    objects = PersonQuerySet.as_manager()

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = (
            models.UniqueConstraint(
                fields=["value", "channel", "nick"], condition=Q(digest__isnull=True), name="person_once"
            ),
            models.CheckConstraint(
                condition=Q(digest__isnull=True) & ~Q(nick="") & ~Q(value="")
                | Q(digest__isnull=False, nick="", value="", search_text="", salt=b""),
                name="person_is_known_or_erased",
            ),
        )

    def __str__(self) -> str:
        return self.nick

    @property
    def is_erased(self) -> bool:
        """Whether name and number were erased."""
        return self.digest is not None

    def erase(self, digest: bytes) -> None:
        """Drops who it is. Sealed days know it by ``digest``. The database wants an `Erasure` first."""
        self.value = self.nick = self.search_text = ""
        self.salt, self.digest = b"", digest
        self.save()

    def spell(self) -> None:
        """Writes down what this person is found by."""
        number = self.value if self.channel == Channel.PHONE else ""
        self.search_text = spelling.search_text(nick=self.nick, phone_number=number)


class ErasureQuerySet(models.QuerySet["Erasure"]):
    """Queries over erasures."""

    def newest_first(self) -> Self:
        """For lists, with who ordered each, and with ``is_held_up``: an invitation is still going to call them."""
        return self.select_related("by", "person").annotate(is_held_up=_is_held_up()).order_by("-pk")

    def older_than(self, pk: int | None) -> Self:
        """Those ordered before erasure ``pk``; all of them for None."""
        return self if pk is None else self.filter(pk__lt=pk)

    def waiting(self) -> Self:
        """Those that were ordered and are not done yet."""
        return self.filter(person__digest__isnull=True)

    def of_people(self, pks: Iterable[int]) -> Self:
        """Those of the people with these keys."""
        return self.filter(with_any("person", pks))

    def keys(self) -> list[int]:
        """Their keys, in the order in which they were ordered."""
        return list(self.order_by("pk").values_list("pk", flat=True))

    def ordered_before(self, moment: datetime) -> Self:
        """Those that have waited since then."""
        return self.filter(at__lt=moment)

    def not_held_up(self) -> Self:
        """Those of people whom no invitation is going to call."""
        return self.exclude(_is_held_up())

    def for_change_if_free(self) -> Self:
        """Locked until the transaction ends, those left out that another one has locked: somebody is at it."""
        return self.select_related("by", "person").select_for_update(of=("self",), skip_locked=True)


def _is_held_up() -> models.Exists:
    """Whether DingTalk is being asked, or is to be asked, to call the person of an erasure."""
    called = Invitee.objects.with_states([InviteeState.PENDING, InviteeState.SENDING])
    return models.Exists(
        called.filter(value=models.OuterRef("person__value"), person=models.OuterRef("person"))
    )


class Erasure(OnRecord):
    """That a person was to be erased: on record before it is done. The database lets nobody be erased without it.

    It is done when name and number of the person are gone.
    """

    person = models.OneToOneField(Person, on_delete=models.PROTECT, related_name="erasure")
    at = models.DateTimeField(auto_now_add=True)
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    reason = models.CharField(_("reason"), max_length=REASON_LENGTH, blank=True)

    # Only where it was asked for: see `ErasureQuerySet.newest_first`.
    is_held_up: bool

    objects = ErasureQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.person_id)
