"""Verifications: when somebody last checked that nobody has changed what is sealed, and what came of it."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from invites.models.sealed_day import DIGEST_BYTES


class VerificationQuerySet(models.QuerySet["Verification"]):
    """Queries over verifications."""

    def newest(self) -> "Verification | None":
        """The last one; None where nobody has ever checked."""
        return self.order_by("-pk").first()


class Verification(models.Model):
    """One check of the chain and its rows, beginning with the day ``since`` (with the first one for None).

    ``problem`` is the word for what did not fit first, "" where everything did, and ``where`` names it.
    """

    started_at = models.DateTimeField(_("started at"))
    finished_at = models.DateTimeField(_("finished at"), auto_now_add=True)
    since = models.DateField(null=True)
    last_day = models.DateField(null=True)
    head = models.BinaryField(max_length=DIGEST_BYTES, null=True)
    days = models.PositiveIntegerField(default=0)
    rows = models.PositiveBigIntegerField(default=0)
    problem = models.CharField(max_length=32, blank=True)
    day = models.DateField(null=True)
    where = models.CharField(max_length=100, blank=True)

    objects = VerificationQuerySet.as_manager()

    class Meta:
        verbose_name = _("verification of the history")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.finished_at} {self.problem}"

    @property
    def hex(self) -> str:
        """The digest of the last day, as it leaves the house; "" where no day is sealed."""
        return bytes(self.head or b"").hex()

    @property
    def fits(self) -> bool:
        """Whether everything was as it was sealed."""
        return not self.problem
