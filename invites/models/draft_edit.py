"""What was done to a list before it was sent: who added or removed how many, and when."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from invites.models.invitation import Invitation
from invites.models.user import User


class EditKind(models.TextChoices):
    """What was done."""

    ADDED = "added", _("People added")
    EDITED = "edited", _("A person changed")
    REMOVED = "removed", _("People removed")
    CLEARED = "cleared", _("List cleared")
    OVERRIDDEN = "overridden", _("Invited in spite of a mark")
    LINES_REMOVED = "lines_removed", _("Unusable lines removed")
    RINGS_SET = "rings_set", _("Ringing again set")
    SCHEDULED = "scheduled", _("Time set")
    UNSCHEDULED = "unscheduled", _("Time taken away")
    PUT_ASIDE = "put_aside", _("Put aside")
    TAKEN_BACK = "taken_back", _("Taken back into the composer")


class DraftEditQuerySet(models.QuerySet["DraftEdit"]):
    """Queries over changes of lists."""

    def note(self, draft: Invitation, kind: EditKind, *, by: User | None, people: int = 0) -> None:
        """Puts on record what ``by`` has just done to ``draft``, in the transaction that raised its revision."""
        self.create(invitation=draft, revision=draft.revision, kind=kind, by=by, people=people)

    def last_few(self, limit: int) -> "list[DraftEdit]":
        """The last ``limit`` of these, as they were made, with whoever made them."""
        return list(self.select_related("by").order_by("-pk")[:limit])[::-1]


class DraftEdit(models.Model):
    """One change of a draft, with the revision that it led to. No names: the list itself is the record of these.

    ``by`` is None for what happened by itself: a time that passed.
    """

    invitation = models.ForeignKey(Invitation, on_delete=models.CASCADE, related_name="edits", db_index=False)
    revision = models.PositiveIntegerField()
    kind = models.CharField(max_length=16, choices=EditKind)
    people = models.PositiveIntegerField(default=0)
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    at = models.DateTimeField(auto_now_add=True)

    objects = DraftEditQuerySet.as_manager()

    class Meta:
        verbose_name = _("change of a list")
        constraints = (
            models.CheckConstraint(condition=Q(kind__in=EditKind.values), name="draft_edit_kind_is_known"),
        )
        indexes = (models.Index(fields=["invitation", "id"], name="draft_edit_in_order"),)

    def __str__(self) -> str:
        return f"{self.invitation_id} {self.kind}"
