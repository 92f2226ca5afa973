"""Personal tokens for the HTTP API, and what was asked for with an idempotency key."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Self

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from invites.models.on_record import OnRecord
from invites.models.sign_in_policy import SignInPolicy
from invites.models.user import User

KEY_LENGTH = 255
HINT_LENGTH = 12
PAGE_SIZE = 50
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

    def listed(self, *, before: int | None) -> Self:
        """Those that people still have to do with, the newest first, behind the one with the key ``before``."""
        rows = self.filter(revoked_at__isnull=True).order_by("-pk")
        return rows if before is None else rows.filter(pk__lt=before)

    def valid(self) -> Self:
        """Those that open the API now."""
        return self.filter(revoked_at__isnull=True, expires_at__gt=timezone.now(), user__is_active=True)

    def with_digest(self, digest: str) -> Self:
        """The one with this digest, if any, with its user, ``roles_that_need_factor`` and ``has_factor``.

        As with a session, so that asking whether the user has to set up a second factor costs no query.
        """
        policy = SignInPolicy.objects.values("second_factor_roles")[:1]
        with_factor = User.objects.all().with_factor().filter(pk=OuterRef("user"))
        rows = self.filter(digest=digest).select_related("user")
        return rows.annotate(roles_that_need_factor=Subquery(policy), has_factor=Exists(with_factor))

    def note_use(self, token: "ApiToken", *, unless_since: datetime) -> None:
        """Notes that ``token`` is used now, unless that was noted after ``unless_since``."""
        if token.last_used_at is None or token.last_used_at < unless_since:
            self.filter(pk=token.pk).update(last_used_at=timezone.now())

    def called(self, name: str) -> Self:
        """Those with this name."""
        return self.filter(name=name)


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

    # What `with_digest` adds.
    roles_that_need_factor: list[str] | None
    has_factor: bool

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        constraints = (models.CheckConstraint(condition=~Q(name=""), name="api_token_has_name"),)

    def __str__(self) -> str:
        return self.name

    @property
    def is_over(self) -> bool:
        """Whether its time has passed."""
        return self.expires_at <= timezone.now()

    @property
    def scope_labels(self) -> list[StrOrPromise]:
        """What it may be used for, in words."""
        return [scope.label for scope in Scope if scope.value in self.scopes]

    def allows(self, scope: Scope) -> bool:
        """Whether ``scope`` is among what the token may be used for."""
        return scope.value in self.scopes


class IdempotentRequestQuerySet(models.QuerySet["IdempotentRequest"]):
    """Queries over requests with an idempotency key."""

    def of(self, user: User, key: str) -> Self:
        """The one that ``user`` has sent with ``key``, if any."""
        return self.filter(user=user, key=key)

    def with_key_telling_of(self, texts: Iterable[str]) -> Self:
        """Those that came with a key in which any of ``texts`` stands."""
        return self.filter(reduce(or_, (Q(key__contains=text) for text in texts)))

    def outdated(self) -> Self:
        """Those whose key may be used anew."""
        return self.filter(began_at__lt=timezone.now() - KEPT)

    def take_over(self, claimed: "IdempotentRequest", *, at: datetime) -> bool:
        """Whether ``claimed`` is the caller's from ``at`` on: of several that find it abandoned, one has it."""
        if not self._as_it_was(claimed).update(began_at=at):
            return False
        claimed.began_at, claimed.is_taken_over = at, True
        return True

    def lock(self, claimed: "IdempotentRequest") -> bool:
        """Whether ``claimed`` is still the caller's; nobody takes it over until the transaction ends."""
        return self._as_it_was(claimed).select_for_update().first() is not None

    def forget(self, claimed: "IdempotentRequest") -> None:
        """Deletes ``claimed``, unless somebody has taken it over or settled it."""
        self.filter(pk=claimed.pk, began_at=claimed.began_at, status__isnull=True).delete()

    def forget_some(self, most: int) -> None:
        """Deletes the oldest of these."""
        self.filter(pk__in=list(self.order_by("began_at").values_list("pk", flat=True)[:most])).delete()

    def _as_it_was(self, claimed: "IdempotentRequest") -> Self:
        """``claimed`` where nobody has taken it over or settled it since it was read."""
        rows = self.filter(pk=claimed.pk, began_at=claimed.began_at)
        return rows.filter(status=claimed.status) if claimed.status else rows.filter(status__isnull=True)


class IdempotentRequest(models.Model):
    """A request of a program that carried an idempotency key, and the key of what it made: nothing of anybody, unless
    the program has made its key of them.

    ``digest`` is that of method, address and body: the same key with another request is refused. ``status`` is None
    while the first one is under way, and stays so where the process died; it is written in the transaction that does
    what was asked for, so that None says that it was not done. See `invites.deduplicating`.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=KEY_LENGTH)
    digest = models.CharField(max_length=64)
    began_at = models.DateTimeField(default=timezone.now, db_index=True)
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.JSONField(null=True)

    # Not stored: whether the caller has it from another request, which may be at work all the same.
    is_taken_over = False

    objects = IdempotentRequestQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_once_per_user"),)

    def __str__(self) -> str:
        return f"{self.user_id}"
