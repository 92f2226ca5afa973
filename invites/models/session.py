"""Who is signed in where. What a browser holds opens a session; what the database holds does not."""

from typing import ClassVar, Self

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.db import models
from django.db.models import Exists, OuterRef, Subquery
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from invites.models.sign_in_policy import SignInPolicy
from invites.models.user import User

DIGEST_LENGTH = 64
USER_AGENT_LENGTH = 200


class SessionQuerySet(models.QuerySet["Session"]):
    """Queries over sessions."""

    def of(self, user: User) -> Self:
        """Those in which ``user`` is signed in now, the one used last first."""
        return self.filter(user=user, expire_date__gt=timezone.now()).order_by("-last_seen_at", "-pk")

    def opened_by(self, digest: str) -> Self:
        """The one whose key has this digest, if any, as long as it is not over."""
        return self.filter(session_key=digest, expire_date__gt=timezone.now())

    def others_of(self, user: User, digest: str) -> Self:
        """Those of ``user`` but for the one whose key has this digest."""
        return self.filter(user=user).exclude(session_key=digest)

    def used_from(self, user: User, address: str) -> Self:
        """Those in which ``user`` is signed in at ``address``; none where it is not known."""
        return self.of(user).filter(address=address) if address else self.none()

    def named(self, pk: int) -> Self:
        """The one that pages call by ``pk``."""
        return self.filter(pk=pk)

    def with_factors(self) -> Self:
        """With ``roles_that_need_factor``, by the policy of the moment (None where there is none), and ``has_factor``,
        whether the user has a second factor.
        """
        factors = Authenticator.objects.filter(user=OuterRef("user")).exclude(
            type=Authenticator.Type.RECOVERY_CODES
        )
        return self.annotate(
            roles_that_need_factor=Subquery(SignInPolicy.objects.values("second_factor_roles")[:1]),
            has_factor=Exists(factors),
        )

    def over(self) -> Self:
        """Those that nobody can use any more."""
        return self.filter(expire_date__lte=timezone.now())


class SessionManager(BaseSessionManager.from_queryset(SessionQuerySet)):  # type: ignore[misc]
    """Django's, with our queries."""


class Session(AbstractBaseSession):
    """A session of a browser. ``session_key`` is a keyed digest of what the browser's cookie holds, and
    ``session_data`` is encrypted: whoever steals the table can neither enter nor read. ``pk`` is what pages name it by.
    """

    id = models.BigAutoField(primary_key=True)
    session_key = models.CharField(max_length=DIGEST_LENGTH, unique=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="sessions"
    )
    began_at = models.DateTimeField(_("began at"), default=timezone.now)
    last_seen_at = models.DateTimeField(_("last used at"), default=timezone.now)
    address = models.GenericIPAddressField(_("address"), null=True)
    user_agent = models.CharField(_("browser"), max_length=USER_AGENT_LENGTH, blank=True)

    # What `with_factors` adds.
    roles_that_need_factor: list[str] | None
    has_factor: bool

    objects: ClassVar[SessionManager] = SessionManager()

    class Meta(AbstractBaseSession.Meta):
        abstract = False

    def __str__(self) -> str:
        return f"{self.pk}"
