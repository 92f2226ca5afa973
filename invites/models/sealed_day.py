"""Sealed days: the chain of keyed digests that shows whether anybody has changed the history."""

from datetime import date
from typing import Self

from django.db import models
from django.db.models import Q, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from invites.models.on_record import REASON_LENGTH, OnRecord
from invites.models.user import User

DIGEST_BYTES = 32


class SealedDayQuerySet(models.QuerySet["SealedDay"]):
    """Queries over sealed days."""

    def in_order(self) -> Self:
        """As they are chained."""
        return self.order_by("day")

    def last_sealed(self) -> "SealedDay | None":
        """The head of the chain; None where nothing is sealed yet."""
        return self.order_by("-day").first()

    def since(self, day: date | None) -> Self:
        """Those from ``day`` on; all of them for None."""
        return self if day is None else self.filter(day__gte=day)

    def last_before(self, day: date) -> "SealedDay | None":
        """The one that the first of `since` follows."""
        return self.filter(day__lt=day).order_by("-day").first()

    def with_digest(self, digest: bytes) -> Self:
        """The one with this digest."""
        return self.filter(digest=digest)

    def with_rows(self) -> Self:
        """In order, with ``rows``, how many were sealed with each."""
        return self.in_order().annotate(rows=Coalesce(Sum("sections__rows"), 0))

    def newest_with_sections(self, *, before: date | None, limit: int) -> Self:
        """The newest ``limit`` of those before ``before``, or of all, with how many rows of each kind they have."""
        found = self if before is None else self.filter(day__lt=before)
        sections = models.Prefetch("sections", queryset=SealedSection.objects.defer("marks"))
        return found.select_related("removed_by").prefetch_related(sections).order_by("-day")[:limit]

    def kept_before(self, day: date) -> Self:
        """Those before ``day`` whose rows retention has not removed."""
        return self.in_order().filter(day__lt=day, removed_at__isnull=True)

    def last_removed(self) -> "SealedDay | None":
        """The last day whose rows retention has removed; it has removed all days before, too."""
        return self.removed().select_related("removed_by").order_by("-day").first()

    def removed(self) -> Self:
        """Those whose rows retention has removed."""
        return self.filter(removed_at__isnull=False)


class SealedDay(OnRecord):
    """One day of the history by the installation's clock, sealed when nothing of it can change any more.

    ``digest`` is keyed, and made over the digest of the day before, this day, and its sections; ``key_id`` tells which
    key made it. Once ``removed_at`` stands here, retention may delete the rows of this day; the digest remains.
    """

    day = models.DateField(primary_key=True)
    sealed_at = models.DateTimeField(auto_now_add=True)
    key_id = models.CharField(max_length=16)
    digest = models.BinaryField(max_length=DIGEST_BYTES)
    removed_at = models.DateTimeField(_("removed at"), null=True)
    removed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    removed_because = models.CharField(_("reason"), max_length=REASON_LENGTH, blank=True)

    # Only where it was asked for: see `SealedDayQuerySet.with_rows`.
    rows: int

    objects = SealedDayQuerySet.as_manager()

    class Meta:
        verbose_name = _("sealed day")
        verbose_name_plural = _("sealed days")
        indexes = (
            models.Index(fields=["day"], condition=Q(removed_at__isnull=False), name="sealed_day_removed"),
        )

    def __str__(self) -> str:
        return str(self.day)

    @property
    def hex(self) -> str:
        """The digest, as it leaves the house."""
        return bytes(self.digest).hex()


class SealedSectionQuerySet(models.QuerySet["SealedSection"]):
    """Queries over the sections of sealed days."""

    def rows_of(self, *, first: date, last: date) -> dict[str, int]:
        """How many rows of each kind were sealed from the day ``first`` to the day ``last``."""
        found = self.filter(day__day__range=(first, last)).values_list("name")
        return dict(found.annotate(n=Sum("rows")).order_by("name"))


class SealedSection(models.Model):
    """One kind of rows of a sealed day: how many, their common digest, and a mark for each by which the first row that
    does not fit can be named: its key in eight bytes and a keyed digest in eight more, in the order of keys.
    """

    day = models.ForeignKey(SealedDay, on_delete=models.PROTECT, related_name="sections", db_index=False)
    name = models.CharField(max_length=16)
    rows = models.PositiveBigIntegerField()
    digest = models.BinaryField(max_length=DIGEST_BYTES)
    marks = models.BinaryField()

    objects = SealedSectionQuerySet.as_manager()

    class Meta:
        verbose_name = _("section of a sealed day")
        constraints = (models.UniqueConstraint(fields=["day", "name"], name="sealed_section_once"),)

    def __str__(self) -> str:
        return f"{self.day_id} {self.name}"
