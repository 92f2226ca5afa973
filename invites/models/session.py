"""Who is signed in where. What a browser holds opens a session; what the database holds does not."""

from typing import ClassVar, Self

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.db import connection, models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from invites.models.user import User

DIGEST_LENGTH = 64
USER_AGENT_LENGTH = 200

# Asked at every request, so it is written by hand: building it by the ORM takes ten times as long as the answer. The
# policy has one row.
_OPENED_BY = """
    SELECT session.*,
        (SELECT second_factor_roles FROM invites_signinpolicy) AS roles_that_need_factor,
        EXISTS (
            SELECT 1 FROM mfa_authenticator
            WHERE mfa_authenticator.user_id = session.user_id AND mfa_authenticator.type <> 'recovery_codes'
        ) AS has_factor
    FROM invites_session session
    WHERE session.session_key = %s AND session.expire_date > %s
"""


class SessionQuerySet(models.QuerySet["Session"]):
    """Queries over sessions."""

    def of(self, user: User) -> Self:
        """Those in which ``user`` is signed in now, the one used last first."""
        return self.filter(user=user, expire_date__gt=timezone.now()).order_by("-last_seen_at", "-pk")

    def others_of(self, user: User, digest: str) -> Self:
        """Those of ``user`` but for the one whose key has this digest."""
        return self.filter(user=user).exclude(session_key=digest)

    def used_from(self, user: User, address: str) -> Self:
        """Those in which ``user`` is signed in at ``address``; none where it is not known."""
        return self.of(user).filter(address=address) if address else self.none()

    def named(self, pk: int) -> Self:
        """The one that pages call by ``pk``."""
        return self.filter(pk=pk)

    def over(self) -> Self:
        """Those that nobody can use any more."""
        return self.filter(expire_date__lte=timezone.now())


class SessionManager(BaseSessionManager.from_queryset(SessionQuerySet)):  # type: ignore[misc]
    """Django's, with our queries."""

    def opened_by(self, digest: str) -> "Session | None":
        """The one whose key has this digest, if any, as long as it is not over.

        With ``roles_that_need_factor``, by the policy of the moment (JSON, None where there is none), and
        ``has_factor``, whether the user has a second factor.
        """
        now = connection.ops.adapt_datetimefield_value(timezone.now())
        return next(iter(self.raw(_OPENED_BY, [digest, now])), None)


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

    # What `opened_by` adds.
    roles_that_need_factor: str | None
    has_factor: bool

    objects: ClassVar[SessionManager] = SessionManager()

    class Meta(AbstractBaseSession.Meta):
        abstract = False

    def __str__(self) -> str:
        return f"{self.pk}"
