"""Keeps sessions so that a stolen database opens none: Django's SESSION_ENGINE, over rows of our own.

After “Extending database-backed session engines” of Django's documentation. A browser's cookie holds the key; the row
holds a keyed digest of it and its data encrypted. Ended rows are gone, and nothing brings them back.
"""

import json
import time
from datetime import datetime, timedelta
from typing import Any

from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from invites.encryption import UndecryptableError, decrypt, encrypt
from invites.models.session import USER_AGENT_LENGTH, Session
from invites.visiting import Visitor

SEEN_EVERY = timedelta(minutes=5)
"""Using a session is written down, and prolongs it, no more often than that."""

ANONYMOUS_FOR = timedelta(hours=1)
"""For so long a session lasts in which nobody is signed in: on the way in, or to DingTalk and back. Anybody can have
any number of them.
"""


def digest_of(key: str) -> str:
    """What is stored of the key that a browser holds."""
    return salted_hmac(__name__, key, algorithm="sha256").hexdigest()


def longest() -> timedelta:
    """For so long a session lasts at most, however much it is used: one that was stolen would else last for ever."""
    return timedelta(seconds=settings.SESSION_LONGEST_AGE)


def clear_expired() -> None:
    """Takes away the sessions that are over."""
    Session.objects.over().delete()


class SessionStore(SessionBase):
    """One browser's session.

    ``visitor`` is who uses it now, where a request does. Of a session with a user, ``roles_that_need_factor`` are those
    that may do nothing without a second factor, and ``has_factor`` says whether the user has one: both come with the
    row, so that asking at every request costs none more.
    """

    def __init__(self, session_key: str | None = None, visitor: Visitor | None = None) -> None:
        super().__init__(session_key)
        self.visitor = visitor
        self.roles_that_need_factor: list[str] = []
        self.has_factor = False
        self._began_at = timezone.now()
        self._seen_at = timezone.now()
        self._only_seen = False

    @property
    def signed_in_with_dingtalk(self) -> bool:
        """Whether it began with DingTalk, which asks for whatever factors it wants by itself."""
        steps = self.get(AUTHENTICATION_METHODS_SESSION_KEY) or [{}]
        return bool(steps[0].get("method") == "socialaccount")

    @property
    def signed_in_lately(self) -> bool:
        """Whether whoever uses it has shown who they are within the last minutes."""
        steps = self.get(AUTHENTICATION_METHODS_SESSION_KEY) or [{}]
        return bool(time.time() - steps[-1].get("at", 0) < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)

    @property
    def digest(self) -> str:
        """What the row of this session is found by, "" for one that is not stored."""
        return digest_of(self.session_key) if self.session_key else ""

    def load(self) -> dict[str, Any]:
        """What is stored; where nothing is, no key opens it any more, or it has lasted for as long as any may, an empty
        session without a key.
        """
        row = Session.objects.opened_by(self.digest)
        try:
            data = self.decode(row.session_data) if row is not None else None
        except UndecryptableError:
            data = None
        if row is None or data is None or row.began_at <= timezone.now() - longest():
            self._session_key = None
            return {}
        self._began_at = row.began_at
        self._seen_at = row.last_seen_at
        self.roles_that_need_factor = json.loads(row.roles_that_need_factor or "[]")
        self.has_factor = bool(row.has_factor)
        return data

    def encode(self, session_dict: dict[str, Any]) -> str:
        """``session_dict`` as it is stored."""
        return encrypt(self.serializer().dumps(session_dict).decode("latin-1"))

    def decode(self, session_data: str | bytes) -> dict[str, Any]:
        """What ``encode`` has made. Raises UndecryptableError where no configured key fits."""
        data: dict[str, Any] = self.serializer().loads(decrypt(str(session_data)).encode("latin-1"))
        return data

    def exists(self, session_key: str) -> bool:
        """Whether somebody has this key already."""
        return bool(Session.objects.filter(session_key=digest_of(session_key)).exists())

    def create(self) -> None:
        """Stores an empty session under a key that nobody has."""
        while True:
            self._session_key = self._get_new_session_key()  # type: ignore[attr-defined]
            self._began_at = timezone.now()
            try:
                self.save(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return

    def save(self, must_create: bool = False) -> None:
        """Stores what it holds.

        Raises CreateError where the key is taken, and UpdateError where the session was ended meanwhile, unless nothing
        but its use was to be noted.
        """
        if self.session_key is None:
            self.create()
            return
        values = self._values(self._get_session(no_load=must_create))  # type: ignore[attr-defined]
        if must_create:
            try:
                with transaction.atomic():
                    Session.objects.create(session_key=self.digest, **values)
            except IntegrityError as error:
                raise CreateError from error
        elif not Session.objects.filter(session_key=self.digest).update(**values) and not self._only_seen:
            raise UpdateError

    def _values(self, data: dict[str, Any]) -> dict[str, Any]:
        values: dict[str, Any] = {"expire_date": self.get_expiry_date(), "last_seen_at": timezone.now()}
        if not self._only_seen:
            values |= {"session_data": self.encode(data), "user_id": data.get(SESSION_KEY)}
        if self.visitor is not None:
            agent = self.visitor.user_agent.replace("\0", "")[:USER_AGENT_LENGTH]
            values |= {"address": self.visitor.address, "user_agent": agent}
        return values

    def get_expiry_age(self, **kwargs: Any) -> int:
        """As Django's, in seconds, and never beyond its end."""
        left = self._end - timezone.now()
        return min(super().get_expiry_age(**kwargs), max(0, int(left.total_seconds())))

    def get_expiry_date(self, **kwargs: Any) -> datetime:
        """As Django's, and never beyond its end."""
        return min(super().get_expiry_date(**kwargs), self._end)

    @property
    def _end(self) -> datetime:
        """When it ends at the latest, where it is not used again."""
        end = self._began_at + longest()
        return end if SESSION_KEY in self else min(end, timezone.now() + ANONYMOUS_FOR)

    def note_seen(self) -> None:
        """Has the session saved at the end of this request if it was used and that was not noted lately.

        What it holds is not written again then: a request at the same time may have changed it.
        """
        is_due = self.accessed and self.session_key and timezone.now() - self._seen_at > SEEN_EVERY
        if is_due and not self.modified:
            self.modified = self._only_seen = True

    def delete(self, session_key: str | None = None) -> None:
        """Ends it, or the one with ``session_key``."""
        key = session_key or self.session_key
        if key:
            Session.objects.filter(session_key=digest_of(key)).delete()

    @classmethod
    def clear_expired(cls) -> None:
        """What Django's command `clearsessions` calls."""
        clear_expired()
