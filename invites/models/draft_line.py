"""Lines of a draft that cannot be used yet, each with its reason."""

from collections.abc import Iterable
from typing import Self

from django.db import models
from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from invites.models.contact import Contact
from invites.models.invitation import Invitation, InvitationQuerySet
from invites.models.keys import with_any


class LineProblem(models.TextChoices):
    """Why a line of a draft cannot be used as it stands."""

    NOTHING_USABLE = "nothing_usable", _("No unionId and no phone number was found in this line.")
    NOT_A_NUMBER = "not_a_number", _("This is not a phone number.")
    TOO_SHORT = "too_short", _("This phone number is too short.")
    TOO_LONG = "too_long", _("This phone number is too long.")
    NO_SUCH_PREFIX = "no_such_prefix", _("No phone number begins like this one.")
    BLANK_IN_UNION_ID = "blank_in_union_id", _("A unionId has no blanks inside.")
    NICK_TOO_LONG = "nick_too_long", _("The name is longer than 100 characters.")
    VALUE_TOO_LONG = "value_too_long", _("A unionId has at most 128 characters.")
    DO_NOT_INVITE = "do_not_invite", _("This person is marked “do not invite”.")
    DEMO_PERSON = "demo_person", _("This person exists in the sandbox only.")
    TWO_PEOPLE = "two_people", _("This line names more than one person. Put each on a line of their own.")


class DraftLineQuerySet(models.QuerySet["DraftLine"]):
    """Queries over lines that need a look."""

    def hand_over(self, contact: Contact, successor: Contact) -> None:
        """Lets lines about ``contact`` be about ``successor``."""
        self.filter(contact=contact).update(contact=successor)

    def on(self, invitations: InvitationQuerySet) -> Self:
        """Those of any of ``invitations``."""
        return self.filter(invitation__in=invitations)

    def among(self, pks: Iterable[int]) -> Self:
        """Those with these keys."""
        return self.filter(with_any("pk", pks))

    def as_written(self) -> "models.QuerySet[DraftLine, tuple[int, str]]":
        """The key and the text of each."""
        return self.values_list("pk", "text")

    def with_conference(self) -> Self:
        """With the conference that each is for."""
        return self.select_related("invitation__conference")

    def to_correct(self) -> Self:
        """Those in which something is wrong."""
        return self.exclude(problem=LineProblem.DO_NOT_INVITE)

    def left_out(self) -> Self:
        """The people who are marked "do not invite", each with the contact that says so."""
        return self.filter(problem=LineProblem.DO_NOT_INVITE).select_related("contact")

    def count_both(self) -> tuple[int, int]:
        """How many are to be corrected, and how many are people who are left out."""
        is_left_out = Q(problem=LineProblem.DO_NOT_INVITE)
        counts = self.aggregate(
            to_correct=Count("pk", filter=~is_left_out), left_out=Count("pk", filter=is_left_out)
        )
        return counts["to_correct"], counts["left_out"]


class DraftLine(models.Model):
    """A line that was added to a draft and cannot be used yet. It stays, with its reason, until it is corrected."""

    invitation = models.ForeignKey(Invitation, on_delete=models.CASCADE, related_name="draft_lines")
    text = models.CharField(max_length=500)
    problem = models.CharField(max_length=32, choices=LineProblem)
    # Who it is, where that is known and they are left out for a reason of their own.
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, null=True, related_name="draft_lines")

    objects = DraftLineQuerySet.as_manager()

    class Meta:
        ordering = ("pk",)
        constraints = (models.CheckConstraint(condition=~Q(text=""), name="draft_line_has_text"),)

    def __str__(self) -> str:
        return f"{self.problem}: {self.pk}"

    @property
    def is_left_out(self) -> bool:
        """Whether it names somebody who is marked "do not invite"."""
        return self.problem == LineProblem.DO_NOT_INVITE
