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
    RESTORED = "restored", _("Removal undone")
    OVERRIDDEN = "overridden", _("Invited in spite of a mark")
    SCHEDULED = "scheduled", _("Time set")
    UNSCHEDULED = "unscheduled", _("Time taken away")


class DraftEdit(models.Model):
    """One change of a draft, with the revision that it led to. No names: the list itself is the record of these."""

    invitation = models.ForeignKey(Invitation, on_delete=models.CASCADE, related_name="edits", db_index=False)
    revision = models.PositiveIntegerField()
    kind = models.CharField(max_length=16, choices=EditKind)
    people = models.PositiveIntegerField(default=0)
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("change of a list")
        constraints = (
            models.CheckConstraint(condition=Q(kind__in=EditKind.values), name="draft_edit_kind_is_known"),
        )
        indexes = (models.Index(fields=["invitation", "id"], name="draft_edit_in_order"),)

    def __str__(self) -> str:
        return f"{self.invitation_id} {self.kind}"
