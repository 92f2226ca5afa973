"""Personal tokens for the HTTP API, and what was asked for with an idempotency key."""

from collections.abc import Iterable
from datetime import timedelta
from functools import reduce
from operator import or_
from typing import ClassVar, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from invites.models.on_record import OnRecord
from invites.models.user import User

KEY_LENGTH = 255
HINT_LENGTH = 12
ERASED_ANSWER = {"erased": True}
"""In the place of an answer that named somebody who was erased."""
KEPT = timedelta(days=7)
"""For so long a repeated idempotency key is answered with what it brought about the first time."""


class Scope(models.TextChoices):
    """What a token lets a program do, at most what its user may do."""

    CONFERENCES_READ = "conferences:read", _("Read conferences")
    CONFERENCES_WRITE = "conferences:write", _("Create and register conferences")
    CONTACTS_READ = "contacts:read", _("Read address books and contacts")
    CONTACTS_WRITE = "contacts:write", _("Change contacts")
    INVITATIONS_READ = "invitations:read", _("Read invitations and their calls")
    INVITATIONS_SEND = "invitations:send", _("Invite people")


def validate_scopes(value: object) -> None:
    """A list of scopes, each once, at least one. Raises ValidationError for anything else."""
    if (
        not isinstance(value, list)
        or not value
        or len({*value}) != len(value)
        or not {*value} <= {*Scope.values}
    ):
        raise ValidationError(_("Choose at least one of the permissions."))


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Queries over tokens."""

    def of(self, user: User) -> Self:
        """Those of ``user``, the newest first."""
        return self.filter(user=user).order_by("-created_at", "-pk")

    def valid(self) -> Self:
        """Those that open the API now."""
        return self.filter(revoked_at__isnull=True, expires_at__gt=timezone.now(), user__is_active=True)

    def with_digest(self, digest: str) -> Self:
        """The one with this digest, if any, with its user."""
        return self.filter(digest=digest).select_related("user")


class ApiToken(OnRecord):
    """A token with which a program acts for ``user``, as far as ``scopes`` go.

    Of the token only a keyed digest is kept; ``hint`` is its beginning, by which people tell their tokens apart.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(_("name"), max_length=80)
    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=HINT_LENGTH)
    scopes = models.JSONField(_("permissions"), default=list, validators=[validate_scopes])
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    expires_at = models.DateTimeField(_("valid until"))
    last_used_at = models.DateTimeField(_("last used at"), null=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True)

    objects: ClassVar[models.Manager["ApiToken"]] = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        constraints = (models.CheckConstraint(condition=~Q(name=""), name="api_token_has_name"),)

    def __str__(self) -> str:
        return self.name

    def allows(self, scope: Scope) -> bool:
        """Whether ``scope`` is among what the token may be used for."""
        return scope.value in self.scopes


class IdempotentRequestQuerySet(models.QuerySet["IdempotentRequest"]):
    """Queries over requests with an idempotency key."""

    def of(self, user: User, key: str) -> Self:
        """The one that ``user`` has sent with ``key``, if any."""
        return self.filter(user=user, key=key)

    def telling_of(self, texts: Iterable[str]) -> Self:
        """Those whose answer contains any of ``texts``."""
        written = self.alias(written=Cast("answer", models.TextField()))
        return written.filter(reduce(or_, (Q(written__contains=text) for text in texts)))

    def erase(self) -> None:
        """Drops what was answered. That it was asked for stays: the same key must not do it again."""
        self.update(answer=ERASED_ANSWER)

    def outdated(self) -> Self:
        """Those whose key may be used anew."""
        return self.filter(began_at__lt=timezone.now() - KEPT)


class IdempotentRequest(models.Model):
    """A request of a program that carried an idempotency key, and what was answered.

    ``digest`` is that of method, address and body: the same key with another request is refused. ``status`` is None
    while the first one is under way, and stays so where the process died: what it did is then looked up, not redone.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=KEY_LENGTH)
    digest = models.CharField(max_length=64)
    began_at = models.DateTimeField(default=timezone.now, db_index=True)
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.JSONField(null=True)

    objects: ClassVar[models.Manager["IdempotentRequest"]] = IdempotentRequestQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_once_per_user"),)

    def __str__(self) -> str:
        return f"{self.user_id}"
