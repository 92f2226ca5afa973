"""Keeps access tokens in the database, so that all processes of the product share one per app."""

import hashlib
import hmac
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import Error
from django.db.models import Q
from django.utils import timezone

from invites.dingtalk import AccessToken, TokenUnavailable, codes
from invites.encryption import UndecryptableError
from invites.models import CachedToken

REMEMBERED_SECONDS = 5.0

logger = logging.getLogger(__name__)


def fingerprint(*credentials: str) -> str:
    """A keyed hash of credentials, 64 hexadecimal digits: equal for equal ones and good for nothing else."""
    text = "\x1f".join(credentials).encode()
    return hmac.new(settings.SECRET_KEY.encode(), text, hashlib.sha256).hexdigest()


class DatabaseTokenStore:
    """The `TokenStore` of the credentials behind ``fingerprint``. Safe for several threads and processes."""

    def __init__(self, credentials_fingerprint: str) -> None:
        self._fingerprint = credentials_fingerprint
        self._remembered: tuple[float, AccessToken] | None = None
        self._discarded = ""

    def load(self) -> AccessToken | None:
        """The token that was saved last and not discarded, expired or not.

        What was read is good for a few seconds: a token that another process discards meanwhile costs one call that
        is refused as stale, as it would if both had read it at the same moment.
        """
        remembered = self._remembered
        if remembered is not None and time.monotonic() < remembered[0]:
            return remembered[1]
        with _reachable():
            token = self._read()
        if token is not None and token.value == self._discarded:
            return None
        self._remembered = None if token is None else (time.monotonic() + REMEMBERED_SECONDS, token)
        return token

    def _read(self) -> AccessToken | None:
        row = CachedToken.objects.filter(pk=self._fingerprint).first()
        try:
            if row is None or not row.value or row.expires_at is None:
                return None
        except UndecryptableError:
            # The keys were changed. A token is cheap to fetch again.
            return None
        return AccessToken(value=row.value, expires_at=row.expires_at)

    def save(self, token: AccessToken) -> None:
        """Keeps a new token in place of the old."""
        self._discarded = ""
        with _reachable():
            CachedToken.objects.filter(pk=self._fingerprint).update(
                value=token.value, expires_at=token.expires_at
            )

    def discard(self, value: str) -> None:
        """Forgets the token if it still is ``value``: another process may have saved a new one meanwhile.

        Where the database is away, this process forgets it; to the others it costs one refused call each.
        """
        self._remembered, self._discarded = None, value
        try:
            self._discard(value)
        except Error:
            logger.warning("A stale access token could not be discarded for all", exc_info=True)

    def look_again(self) -> None:
        """Lets the next `load` ask the database."""
        self._remembered = None

    def _discard(self, value: str) -> None:
        stored = self._read()
        if stored is None or stored.value != value:
            return
        # Comparing what expires when keeps a token that was saved since we looked; the value itself is encrypted
        # differently each time and cannot be compared in the database.
        same = CachedToken.objects.filter(pk=self._fingerprint, expires_at=stored.expires_at)
        same.update(value="", expires_at=None)

    def acquire_lease(self, seconds: float) -> bool:
        """Takes the lease for so long, unless somebody else holds it. Does not wait."""
        self._remembered = None
        with _reachable():
            CachedToken.objects.bulk_create([CachedToken(pk=self._fingerprint)], ignore_conflicts=True)
            now = timezone.now()
            free = CachedToken.objects.filter(pk=self._fingerprint).filter(
                Q(leased_until__isnull=True) | Q(leased_until__lt=now)
            )
            return bool(free.update(leased_until=now + timedelta(seconds=seconds), leased_by=self._holder()))

    def release_lease(self) -> None:
        """Gives back the lease if the caller still holds it."""
        mine = CachedToken.objects.filter(pk=self._fingerprint, leased_by=self._holder())
        with _reachable():
            mine.update(leased_until=None, leased_by="")

    @staticmethod
    def _holder() -> str:
        # One machine's process number may equal another's, but then at most a lease is given back early, and
        # an early lease costs one token call.
        return f"{os.getpid()}-{threading.get_ident()}"[-32:]


@contextmanager
def _reachable() -> Iterator[None]:
    """Nothing has left where the database is away before a call: that is one more reason why there is no token."""
    try:
        yield
    except Error as error:
        raise TokenUnavailable(
            message="The database did not answer.", code=codes.TOKEN_UNAVAILABLE
        ) from error
