"""What was done to address books: who, when, what, and what is needed to undo it."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Self

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from invites.models.address_book import AddressBook, AddressBookQuerySet
from invites.models.user import User

UNDOABLE_FOR = timedelta(days=30)


class ChangeKind(models.TextChoices):
    """What was done."""

    ADDED = "added", _("Added")
    EDITED = "edited", _("Changed")
    DELETED = "deleted", _("Deleted")
    MOVED_OUT = "moved_out", _("Moved to another book")
    MOVED_IN = "moved_in", _("Moved here from another book")
    COPIED_IN = "copied_in", _("Copied here from another book")
    MARKED = "marked", _("Marked “do not invite”")
    UNMARKED = "unmarked", _("Mark “do not invite” removed")
    GROUPED = "grouped", _("Added to a group")
    UNGROUPED = "ungrouped", _("Removed from a group")
    GROUP_CREATED = "group_created", _("Group created")
    GROUP_RENAMED = "group_renamed", _("Group renamed")
    GROUP_DELETED = "group_deleted", _("Group deleted")
    MERGED = "merged", _("Doubles merged")
    IMPORTED = "imported", _("Imported")
    REFRESHED = "refreshed", _("Refreshed from the directory")
    BOOK_EDITED = "book_edited", _("Book changed")
    SHARED = "shared", _("Sharing changed")


class BookChangeQuerySet(models.QuerySet["BookChange"]):
    """Queries over changes."""

    def of_book(self, book: AddressBook) -> Self:
        """Those of ``book``."""
        return self.filter(book=book)

    def newest_first(self) -> Self:
        """In the order in which lists show them, with who it was and the book."""
        return self.select_related("user", "undone_by", "book__app").order_by("-pk")

    def before(self, pk: int | None) -> Self:
        """Those older than the change with this key; all of them for None."""
        return self.filter(pk__lt=pk) if pk else self

    def of_books(self, books: AddressBookQuerySet) -> Self:
        """Those of any of ``books``."""
        return self.filter(book__in=books)

    def with_key(self, pk: object) -> Self:
        """The one with this key."""
        return self.filter(pk=pk)

    def mark_undone(self, user: User) -> None:
        """Notes that ``user`` has undone them."""
        self.update(undone_at=timezone.now(), undone_by=user)

    def made_by(self, user: User) -> Self:
        """What ``user`` did."""
        return self.filter(user=user)

    def of_files(self, names: Iterable[str]) -> Self:
        """Imports of files that are called so."""
        return self.filter(detail__file_name__in=list(names))

    def forbid_undo(self) -> None:
        """Notes that they can no longer be undone."""
        self.update(can_be_undone=False)


class BookChange(models.Model):
    """One thing that somebody did to a book, to one contact or to many at once. Never edited, but for being undone."""

    book = models.ForeignKey(AddressBook, on_delete=models.CASCADE, related_name="changes")
    # Nobody, where the directory was read by itself.
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    kind = models.CharField(max_length=16, choices=ChangeKind)
    at = models.DateTimeField(auto_now_add=True)
    people = models.PositiveIntegerField(default=0)
    # Names and numbers for the sentence that tells it, as whoever notes it in `invites.journal` knows them.
    detail = models.JSONField(default=dict, blank=True)
    can_be_undone = models.BooleanField(default=False)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    objects = BookChangeQuerySet.as_manager()

    class Meta:
        verbose_name = _("change of an address book")
        verbose_name_plural = _("changes of address books")
        indexes = (models.Index("book", F("id").desc(), name="book_change_newest"),)
        constraints = (
            models.CheckConstraint(condition=Q(kind__in=ChangeKind.values), name="book_change_kind_is_known"),
            models.CheckConstraint(
                condition=Q(undone_at__isnull=True, undone_by__isnull=True) | Q(undone_at__isnull=False),
                name="book_change_undone_at_some_time",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind}: {self.pk}"

    def forget_file_name(self) -> None:
        """Drops what the file of an import was called."""
        self.detail |= {"file_name": ""}
        self.save(update_fields=["detail"])

    @property
    def is_undoable(self) -> bool:
        """Whether it can still be undone."""
        is_recent = self.at > timezone.now() - UNDOABLE_FOR
        return self.can_be_undone and is_recent and self.undone_at is None


class ChangedContactQuerySet(models.QuerySet["ChangedContact"]):
    """Queries over what changes have touched."""

    def of(self, change: BookChange) -> Self:
        """Those of one change."""
        return self.filter(change=change)

    def telling_of(self, channel: str, value: str) -> Self:
        """Those of somebody whom ``value`` reached through ``channel`` before or after."""
        name = "union_id" if channel == "union_id" else "phone_number"
        return self.filter(Q(**{f"before__{name}": value}) | Q(**{f"after__{name}": value}))

    def with_change(self) -> Self:
        """With the change that each is of, and its book."""
        return self.select_related("change__book")

    def oldest_change(self) -> BookChange | None:
        """The oldest change of which there are some."""
        first = self.select_related("change").order_by("change", "contact_key").first()
        return first.change if first else None

    def of_any(self, changes: Iterable[BookChange]) -> Self:
        """Those of any of ``changes``."""
        return self.filter(change__in=[change.pk for change in changes])

    def by_key(self) -> Self:
        """In the order in which they are undone."""
        return self.order_by("contact_key")

    def keys(self) -> list[int]:
        """The keys of the contacts."""
        return list(self.values_list("contact_key", flat=True))

    def among(self, keys: Iterable[int]) -> Self:
        """Those about one of these contacts."""
        return self.filter(contact_key__in=list(keys))

    def added(self) -> Self:
        """Those of whom a change was the beginning."""
        return self.filter(before__isnull=True, after__isnull=False)

    def edited(self) -> Self:
        """Those who were there before a change and after it."""
        return self.filter(before__isnull=False, after__isnull=False)

    def gone(self) -> Self:
        """Those who were there before a change and no longer after it."""
        return self.filter(before__isnull=False, after__isnull=True)

    def later_than(self, change: BookChange) -> Self:
        """Those of later changes of the same book that were not undone."""
        return self.filter(change__book=change.book_id, change__gt=change.pk, change__undone_at__isnull=True)


class ChangedContact(models.Model):
    """One contact that a change has touched, as it was ``before`` and is ``after``: None for not there at all.

    The two are snapshots as `invites.journal` takes them. Whoever a change has merely put into a group, or taken out of
    it, stands here without either. Whom an import or a copy has added does not stand here: see `Contact.added_by`.
    """

    change = models.ForeignKey(BookChange, on_delete=models.CASCADE, related_name="contacts", db_index=False)
    # The key, which an undo gives back; the contact itself may be gone.
    contact_key = models.BigIntegerField()
    before = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    after = models.JSONField(null=True, encoder=DjangoJSONEncoder)

    objects = ChangedContactQuerySet.as_manager()

    class Meta:
        verbose_name = _("changed contact")
        constraints = (
            models.UniqueConstraint(fields=["change", "contact_key"], name="changed_contact_once_per_change"),
        )

    def __str__(self) -> str:
        return f"{self.change_id}: {self.contact_key}"

    @property
    def was(self) -> dict[str, Any]:
        """What the contact was like before; empty where it was not there."""
        return self.before or {}

    @property
    def became(self) -> dict[str, Any]:
        """What the contact was like after it; empty where it was gone."""
        return self.after or {}
