"""Personal tokens, with which programs use the HTTP API in somebody's name: makes, recognises and revokes them.

A token is shown once, when it is made. What is kept is a keyed digest, by which it is looked up, so that nothing is
compared byte by byte; whoever steals the database has no token. Must not decide what a token's user may see or do.
"""

import re
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from invites import permissions
from invites.models import ApiToken, User
from invites.models.api_token import HINT_LENGTH, Scope

PREFIX: Final = "ci_"
"""By this, and the 64 hexadecimal digits behind it, programs that look for secrets in code recognise a token."""

_TOKEN: Final = re.compile(rf"{PREFIX}[0-9a-f]{{64}}")
_NOTED_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A token that was just made, and the ``text`` that opens the API, which is shown now and never again."""

    token: ApiToken
    text: str = field(repr=False)


def scopes_for(user: User) -> list[Scope]:
    """What a token of ``user`` may be for: auditors read the history, and nothing else."""
    return list(Scope) if permissions.may_organize(user) else [Scope.INVITATIONS_READ]


def make(token: ApiToken, *, days: int) -> Made:
    """Stores ``token``, which has its user, name and scopes, for so many days from now."""
    text = PREFIX + secrets.token_hex(32)
    token.digest, token.hint = _digest(text), text[:HINT_LENGTH]
    token.expires_at = timezone.now() + timedelta(days=days)
    token.save()
    return Made(token=token, text=text)


def find(text: str) -> ApiToken | None:
    """The valid token that ``text`` is, with its user; None for anything else. That it was used is noted."""
    if not _TOKEN.fullmatch(text):
        return None
    token = ApiToken.objects.valid().with_digest(_digest(text)).first()
    if token is not None:
        # Programs ask all the time: to know the minute is enough.
        ApiToken.objects.note_use(token, unless_since=timezone.now() - _NOTED_EVERY)
    return token


def revoke(token: ApiToken) -> None:
    """Lets ``token`` open nothing any more; one that was revoked before stays as it was."""
    if token.revoked_at is None:
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])


@transaction.atomic
def revoke_all(user: User) -> int:
    """Lets no token of ``user`` open anything any more, each on record; how many opened something until now."""
    opened = ApiToken.objects.of(user).valid().count()
    for token in ApiToken.objects.of(user).listed(before=None):
        revoke(token)
    return opened


def _digest(text: str) -> str:
    return salted_hmac(__name__, text, algorithm="sha256").hexdigest()
