"""Imports: files and lists of contacts on their way into a book.

uploaded ──columns──▶ reading ──▶ ready ──confirmed──▶ storing ──▶ done ──▶ undone
    └──────────────────┴─────────▶ failed       └──▶ discarded
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import IO, Any, Final, Self, cast

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from invites.files import Format
from invites.models.address_book import AddressBook, AddressBookQuerySet
from invites.models.book_change import BookChange
from invites.models.keys import with_any
from invites.models.user import User

PERSON_ERASED: Final = "person_erased"
"""The problem of an import that was discarded since somebody who is erased was in it."""

# So long whoever began such a one is told.
_TOLD_FOR = timedelta(days=7)


class ImportSource(models.TextChoices):
    """Where the contacts come from."""

    FILE = "file", _("File")
    PASTE = "paste", _("Pasted text")
    DIRECTORY = "directory", _("DingTalk directory")


class ImportState(models.TextChoices):
    """Where an import stands."""

    UPLOADED = "uploaded", _("Columns to be confirmed")
    READING = "reading", _("Being read")
    READY = "ready", _("Ready to be confirmed")
    STORING = "storing", _("Being stored")
    DONE = "done", _("Done")
    UNDONE = "undone", _("Undone")
    FAILED = "failed", _("Failed")
    DISCARDED = "discarded", _("Discarded")


class ContactImportQuerySet(models.QuerySet["ContactImport"]):
    """Queries over imports."""

    def of_book(self, book: AddressBook) -> Self:
        """Those into ``book``."""
        return self.filter(book=book)

    def in_books(self, books: AddressBookQuerySet) -> Self:
        """Those into any of ``books``."""
        return self.filter(book__in=books)

    def for_page(self) -> Self:
        """With what a page about one import shows."""
        return self.select_related("book__app", "created_by", "change__undone_by")

    def newest_first(self) -> Self:
        """In the order in which lists show them, with who made them."""
        return self.select_related("created_by", "change__undone_by").order_by("-pk")

    def under_way(self) -> Self:
        """Those that a worker has still to finish."""
        return self.filter(state__in=[ImportState.READING, ImportState.STORING])

    def from_directory(self) -> Self:
        """Readings of the directory."""
        return self.filter(source=ImportSource.DIRECTORY)

    def being_read(self) -> Self:
        """Those of which a worker is still finding out who is in them."""
        return self.filter(state=ImportState.READING)

    def ready(self) -> Self:
        """Those that wait for somebody to confirm them."""
        return self.filter(state=ImportState.READY)

    def to_tell(self, user: User) -> Self:
        """Those that go on when ``user`` decides: begun by them, or read by itself for a book of theirs. Before them
        the latest that were discarded since somebody in them was erased.
        """
        theirs = Q(created_by=user) | Q(created_by__isnull=True, book__owner=user)
        waiting = Q(state__in=[ImportState.UPLOADED, ImportState.READY])
        since = timezone.now() - _TOLD_FOR
        lost = Q(state=ImportState.DISCARDED, problem=PERSON_ERASED, finished_at__gt=since)
        return self.filter(theirs, waiting | lost).order_by(F("finished_at").desc(nulls_last=True), "pk")

    def storing(self) -> Self:
        """Those that were confirmed and are not in their book yet."""
        return self.filter(state=ImportState.STORING)

    def silent_since(self, moment: datetime) -> Self:
        """Those under way of which nothing has been heard since: their process has ended, or their bell is lost."""
        return self.under_way().filter(heard_at__lt=moment)

    def not_in_book(self) -> Self:
        """Those that may still come into their book: their files are kept."""
        undecided = [ImportState.UPLOADED, ImportState.READING, ImportState.READY]
        return self.filter(state__in=[*undecided, ImportState.STORING])

    def among(self, pks: Iterable[int]) -> Self:
        """Those with these keys."""
        return self.filter(with_any("pk", pks))

    def file_names(self) -> "models.QuerySet[ContactImport, str]":
        """What their files are called, each name once."""
        return self.exclude(file_name="").order_by().values_list("file_name", flat=True).distinct()

    def called(self, file_names: Iterable[str]) -> Self:
        """Those of files that are called so."""
        return self.filter(file_name__in=list(file_names))

    def forget_names(self) -> None:
        """Drops what their files are called."""
        self.update(file_name="")

    def left_lying(self, since: datetime) -> Self:
        """Those that somebody has begun before then and never confirmed."""
        return self.filter(state__in=[ImportState.UPLOADED, ImportState.READY], created_at__lt=since)

    def with_old_rows(self, since: datetime) -> Self:
        """Those that were over before then, of which refused rows are still kept."""
        rows = Exists(ImportRow.objects.filter(contact_import=OuterRef("pk")))
        return self.filter(rows, finished_at__lt=since)

    def for_change(self) -> Self:
        """Locked until the transaction ends."""
        return self.select_for_update(of=("self",))

    def for_change_if_free(self) -> Self:
        """Locked until the transaction ends, those left out that another one has locked: somebody is storing them."""
        return self.select_for_update(of=("self",), skip_locked=True)

    def hear(self, pk: int, *, heard_at: datetime | None, now: datetime, **changes: object) -> bool:
        """Notes with ``changes`` that whoever was last heard at ``heard_at`` is heard again; False where that is
        somebody else by now. So of several who work on an import only the last one goes on.
        """
        return bool(self.under_way().filter(pk=pk, heard_at=heard_at).update(heard_at=now, **changes))


class ContactImport(models.Model):
    """One file, pasted text or reading of the directory on its way into a book."""

    book = models.ForeignKey(AddressBook, on_delete=models.CASCADE, related_name="imports")
    # Nobody, where the directory was read by itself.
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    source = models.CharField(max_length=16, choices=ImportSource)
    file_name = models.CharField(max_length=255, blank=True)
    # "csv", "xlsx" or "vcard", and how it is to be read: encoding, delimiter, sheet, heading row; and since when.
    file_format = models.CharField(max_length=16, blank=True)
    reading = models.JSONField(default=dict, blank=True)
    # The field for each column, "" for none: ["nick", "", "phoneNumber"].
    columns = models.JSONField(default=list, blank=True)
    country = models.CharField(max_length=2, blank=True)
    state = models.CharField(max_length=16, choices=ImportState, default=ImportState.UPLOADED)
    # Why it failed, or had to be read again, in a word that a page explains.
    problem = models.CharField(max_length=64, blank=True)
    problem_detail = models.CharField(max_length=500, blank=True)
    # How far it has come, and when something last happened: a worker that is silent for long is taken for dead.
    rows_read = models.PositiveIntegerField(default=0)
    rows_total = models.PositiveIntegerField(null=True)
    heard_at = models.DateTimeField(null=True)
    # The book's `updated_at` when its contacts were compared; another one means that the preview is out of date.
    compared_at = models.DateTimeField(null=True)
    added = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    # Of a directory: those who are in the book and no longer there.
    left = models.PositiveIntegerField(default=0)
    finished_at = models.DateTimeField(null=True)
    change = models.OneToOneField(BookChange, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = ContactImportQuerySet.as_manager()

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        indexes = (
            models.Index(
                fields=["heard_at"],
                condition=Q(state__in=["reading", "storing"]),
                name="import_under_way",
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(source__in=ImportSource.values), name="import_source_is_known"
            ),
            models.CheckConstraint(condition=Q(state__in=ImportState.values), name="import_state_is_known"),
        )

    def __str__(self) -> str:
        return self.file_name or str(self.pk)

    @property
    def is_under_way(self) -> bool:
        """Whether a worker has still to finish it."""
        return self.state in {ImportState.READING, ImportState.STORING}

    @property
    def is_small(self) -> bool:
        """Whether its file is short enough to be read while a person waits."""
        return not self.chunks.filter(number__gt=0).exists()

    @property
    def shown_state(self) -> ImportState:
        """Where it stands: that of a done import whose change was undone is told by the change itself."""
        if self.state == ImportState.DONE and self.change is not None and self.change.undone_at is not None:
            return ImportState.UNDONE
        return ImportState(self.state)

    @property
    def people(self) -> int:
        """How many contacts it adds, changes or marks as having left."""
        return self.added + self.changed + self.left

    @property
    def counts(self) -> dict[str, int]:
        """How many rows there are of each outcome."""
        return {
            RowOutcome.ADD: self.added,
            RowOutcome.CHANGE: self.changed,
            RowOutcome.SAME: self.unchanged,
            RowOutcome.LEAVE: self.left,
            RowOutcome.REFUSE: self.refused,
        }

    def fail(self, *, problem: str, detail: str = "") -> None:
        """Gives it up, for the reason that ``problem`` says in a word. What was staged is of no use any more."""
        self.state, self.problem, self.problem_detail = ImportState.FAILED, problem[:64], detail[:500]
        self.finished_at = timezone.now()
        self.save(update_fields=["state", "problem", "problem_detail", "finished_at"])
        self.forget_file()
        self.rows.all().delete()

    def finish(self, *, change: BookChange, at: datetime) -> None:
        """Notes that all of it is in the book, by ``change``. Only who was refused is kept, to be given back."""
        self.state, self.change, self.finished_at, self.problem = ImportState.DONE, change, at, ""
        self.save(update_fields=["state", "change", "finished_at", "problem"])
        self.forget_file()
        self.rows.exclude(outcome=RowOutcome.REFUSE).delete()

    def discard(self, *, problem: str = "") -> None:
        """Drops it before it is in the book; ``problem`` says why, where nobody wanted that."""
        self.state, self.problem, self.finished_at = ImportState.DISCARDED, problem, timezone.now()
        self.save(update_fields=["state", "problem", "finished_at"])
        self.forget_file()
        self.rows.all().delete()

    @property
    def format(self) -> Format:
        """How its file is to be read."""
        return Format(kind=cast("Any", self.file_format), reading=self.reading["format"])

    def put_together(self, file: IO[bytes]) -> int:
        """Writes the stored pieces of its file one after the other into ``file``; returns its size."""
        chunks = self.chunks.order_by("number").values_list("data", flat=True)
        size = sum(file.write(bytes(data)) for data in chunks.iterator(chunk_size=4))
        file.seek(0)
        return size

    def forget_file(self) -> None:
        """Drops the file and what was shown of it: the people in it are in the book now, or nowhere."""
        self.chunks.all().delete()
        self.reading.pop("sample", None)
        self.save(update_fields=["reading"])


class ImportChunk(models.Model):
    """A piece of an uploaded file, kept in the database so that a worker on another machine can read it."""

    contact_import = models.ForeignKey(
        ContactImport, on_delete=models.CASCADE, related_name="chunks", db_index=False
    )
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        verbose_name = _("piece of a file")
        constraints = (
            models.UniqueConstraint(fields=["contact_import", "number"], name="import_chunk_once"),
        )

    def __str__(self) -> str:
        return f"{self.contact_import_id}: {self.number}"


class RowOutcome(models.TextChoices):
    """What becomes of a row when the import is confirmed."""

    ADD = "add", _("Is added")
    CHANGE = "change", _("Is changed")
    SAME = "same", _("Stays as it is")
    REFUSE = "refuse", _("Is refused")
    LEAVE = "leave", _("Has left the directory")


class ImportRowQuerySet(models.QuerySet["ImportRow"]):
    """Queries over rows."""

    def of(self, contact_import: ContactImport) -> Self:
        """Those of one import."""
        return self.filter(contact_import=contact_import)

    def among(self, pks: Iterable[int]) -> Self:
        """Those with these keys."""
        return self.filter(with_any("pk", pks))

    def with_outcome(self, outcome: str) -> Self:
        """Those of which this becomes."""
        return self.filter(outcome=outcome)

    def with_groups(self) -> Self:
        """Those that name a group."""
        return self.filter(outcome__in=[RowOutcome.ADD, RowOutcome.CHANGE]).exclude(groups=[])

    def reached_by(self, channel: str, value: str) -> Self:
        """Those of somebody whom ``value`` reaches through ``channel``."""
        return self.filter(union_id=value) if channel == "union_id" else self.filter(phone_number=value)

    def as_written(self) -> "models.QuerySet[ImportRow, tuple[int, list[str]]]":
        """The key of each and its cells as they stood in the file; only of those of which these are kept."""
        return self.exclude(cells=[]).values_list("pk", "cells")

    def met(self) -> Self:
        """Those about somebody who is in the book already, and in the file or the directory."""
        return self.filter(contact_key__isnull=False).exclude(outcome=RowOutcome.LEAVE)

    def in_order(self) -> Self:
        """As they stand in the file."""
        return self.order_by("number")

    def after(self, number: int) -> Self:
        """Those behind the row with this number."""
        return self.filter(number__gt=number)


class ImportRow(models.Model):
    """One person of an import, cleaned and compared with the book, or the row that cannot be used and why."""

    contact_import = models.ForeignKey(
        ContactImport, on_delete=models.CASCADE, related_name="rows", db_index=False
    )
    # That of the line in the file, from 1 on, headings included; of the card in a vCard file.
    number = models.PositiveIntegerField()
    outcome = models.CharField(max_length=8, choices=RowOutcome)
    nick = models.CharField(max_length=100, blank=True)
    union_id = models.CharField(max_length=128, blank=True)
    phone_number = models.CharField(max_length=20, blank=True)
    search_text = models.TextField(blank=True)
    # Names of groups that the person is to be in, and the mark "do not invite", where the file has them.
    groups = models.JSONField(default=list, blank=True)
    do_not_invite_reason = models.CharField(max_length=200, blank=True)
    do_not_invite_until = models.DateField(null=True)
    # The contact that it is, for what changes, stays or leaves.
    contact_key = models.BigIntegerField(null=True)
    # What is wrong with a refused one, or is to be known of another, in a word that a page explains, and the field that
    # it is about.
    problem = models.CharField(max_length=32, blank=True)
    problem_field = models.CharField(max_length=16, blank=True)
    # What stood in the file, cell by cell; only of those refused, who are given back to be mended.
    cells = models.JSONField(default=list, blank=True)

    objects = ImportRowQuerySet.as_manager()

    class Meta:
        verbose_name = _("row of an import")
        verbose_name_plural = _("rows of imports")
        constraints = (
            models.UniqueConstraint(fields=["contact_import", "number"], name="import_row_once"),
            models.CheckConstraint(condition=Q(outcome__in=RowOutcome.values), name="import_row_outcome"),
        )
        indexes = (
            models.Index(fields=["contact_import", "outcome", "number"], name="import_row_by_outcome"),
        )

    def __str__(self) -> str:
        return f"{self.contact_import_id}: {self.number}"


class ColumnMappingQuerySet(models.QuerySet["ColumnMapping"]):
    """Queries over what columns were taken for."""

    def remembered(self, user: User, *, headings: str) -> list[str] | None:
        """The columns that ``user`` chose for files with these headings, None for the first such file."""
        return self.filter(user=user, headings=headings).values_list("columns", flat=True).first()

    def remember(self, user: User, *, headings: str, columns: list[str]) -> None:
        """Keeps what ``user`` chose."""
        self.update_or_create(user=user, headings=headings, defaults={"columns": columns})


class ColumnMapping(models.Model):
    """Which columns a person's files have, by their headings, so that the next such file is read the same way."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    # A hash of the headings, in their order.
    headings = models.CharField(max_length=64)
    columns = models.JSONField()
    used_at = models.DateTimeField(auto_now=True)

    objects = ColumnMappingQuerySet.as_manager()

    class Meta:
        verbose_name = _("columns of a file")
        constraints = (models.UniqueConstraint(fields=["user", "headings"], name="column_mapping_once"),)

    def __str__(self) -> str:
        return self.headings[:8]
