"""Links of address books to a part of the company's directory in DingTalk."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from invites.models.address_book import AddressBook
from invites.models.contact_import import ContactImport
from invites.models.on_record import OnRecord
from invites.models.user import User


class DirectoryPart(models.TextChoices):
    """Which kind of part a book follows."""

    DEPARTMENT = "department", _("Department with everything below it")
    USER_GROUP = "user_group", _("User group")


class DirectoryLinkQuerySet(models.QuerySet["DirectoryLink"]):
    """Queries over links."""

    def of_book(self, book: AddressBook) -> Self:
        """That of ``book``."""
        return self.filter(book=book)

    def for_change(self) -> Self:
        """Locked until the transaction ends."""
        return self.select_for_update(of=("self",))

    def for_change_if_free(self) -> Self:
        """Locked until the transaction ends, without those that somebody else has locked."""
        return self.select_for_update(of=("self",), skip_locked=True)

    def note_read(self, pk: int, *, at: datetime) -> None:
        """Notes that the directory has been read, so that whatever was wrong before is over."""
        self.filter(pk=pk).update(read_at=at, problem_code="", problem_at=None)

    def note_problem(self, book_id: int, *, code: str, at: datetime) -> None:
        """Notes why the directory could not be read for a book."""
        self.filter(book=book_id).update(problem_code=code[:128], problem_at=at)

    def due(self) -> Self:
        """Those whose time to be read by themselves has come."""
        return self.filter(next_read_at__lte=timezone.now()).order_by("next_read_at")


class DirectoryLink(OnRecord):
    """A book that follows a department tree or a user group of the directory."""

    book = models.OneToOneField(
        AddressBook, on_delete=models.CASCADE, related_name="directory_link", verbose_name=_("address book")
    )
    part = models.CharField(max_length=16, choices=DirectoryPart)
    # The department's id, or the group's code.
    remote_id = models.CharField(max_length=128)
    name = models.CharField(max_length=200)
    linked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    # 0 for by hand alone.
    every_hours = models.PositiveSmallIntegerField(_("read again every (hours)"), default=0)
    # Whether what was read by itself is applied without asking; otherwise it waits for somebody to look at it.
    applies_by_itself = models.BooleanField(_("apply without asking"), default=False)
    next_read_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)
    problem_code = models.CharField(max_length=128, blank=True)
    problem_at = models.DateTimeField(null=True)

    objects = DirectoryLinkQuerySet.as_manager()

    class Meta:
        verbose_name = _("link to the directory")
        verbose_name_plural = _("links to the directory")
        constraints = (
            models.CheckConstraint(
                condition=Q(part__in=DirectoryPart.values), name="directory_part_is_known"
            ),
            models.CheckConstraint(condition=~Q(remote_id=""), name="directory_link_has_remote_id"),
        )
        indexes = (
            models.Index(
                fields=["next_read_at"], condition=Q(next_read_at__isnull=False), name="directory_link_due"
            ),
        )

    def __str__(self) -> str:
        return self.name

    def waiting(self) -> ContactImport | None:
        """The reading of the directory that is under way, or waits for somebody to look at it."""
        imports = ContactImport.objects.of_book(self.book).from_directory()
        return (imports.ready() | imports.under_way()).order_by("-pk").first()
