"""Links by which somebody makes their own account, once."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from invites.models.on_record import OnRecord
from invites.models.user import Role, User


class LinkState(models.TextChoices):
    """What may be done with a link."""

    OPEN = "open", pgettext_lazy("sign-up link", "Can be used")
    USED = "used", pgettext_lazy("sign-up link", "Used")
    REVOKED = "revoked", pgettext_lazy("sign-up link", "Withdrawn")
    OVER = "over", pgettext_lazy("sign-up link", "Expired")


class SignUpLinkQuerySet(models.QuerySet["SignUpLink"]):
    """Queries over sign-up links."""

    def open(self) -> Self:
        """Those that somebody may still use."""
        return self.filter(used_at__isnull=True, revoked_at__isnull=True, expires_at__gt=timezone.now())

    def made_by(self, user: User) -> Self:
        """Those that ``user`` has given out."""
        return self.filter(made_by=user)

    def for_change(self) -> Self:
        """Them, locked until the transaction ends: whoever uses one and whoever withdraws it take turns."""
        return self.select_for_update(of=("self",))

    def with_digest(self, digest: str) -> Self:
        """The one whose token has this digest, if any."""
        return self.filter(digest=digest)

    def newest_first(self) -> Self:
        """In the order in which lists show them, with who made and who used them."""
        return self.select_related("made_by", "used_by").order_by("-pk")

    def older_than(self, pk: int | None) -> Self:
        """Those that were made before the one with this key; all of them for None."""
        return self if pk is None else self.filter(pk__lt=pk)


class SignUpLink(OnRecord):
    """A link that an administrator gives to somebody, with which they make one account of ``role``.

    Of the token in the link only a keyed digest is kept, so that a stolen database makes nobody an account.
    """

    digest = models.CharField(max_length=64, unique=True)
    role = models.CharField(_("role"), max_length=16, choices=Role, default=Role.ORGANIZER)
    may_see_phone_numbers = models.BooleanField(_("may see phone numbers"), default=False)
    email = models.EmailField(_("e-mail address"), blank=True)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="sign_up_links")
    made_at = models.DateTimeField(_("made at"), auto_now_add=True)
    expires_at = models.DateTimeField(_("valid until"))
    used_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="signed_up_by")
    used_at = models.DateTimeField(_("used at"), null=True)
    revoked_at = models.DateTimeField(_("withdrawn at"), null=True)

    objects = SignUpLinkQuerySet.as_manager()

    class Meta:
        verbose_name = _("sign-up link")
        verbose_name_plural = _("sign-up links")
        constraints = (
            models.CheckConstraint(condition=Q(role__in=Role.values), name="sign_up_link_role_is_known"),
            models.CheckConstraint(
                condition=Q(used_by__isnull=True, used_at__isnull=True)
                | Q(used_by__isnull=False, used_at__isnull=False),
                name="sign_up_link_used_by_somebody",
            ),
        )

    def __str__(self) -> str:
        return self.email or f"{self.pk}"

    @property
    def state(self) -> LinkState:
        """What may be done with it now."""
        if self.used_at is not None:
            return LinkState.USED
        if self.revoked_at is not None:
            return LinkState.REVOKED
        return LinkState.OPEN if self.expires_at > timezone.now() else LinkState.OVER
