"""How somebody gets an account of their own: links that administrators give out. Must not decide who may give one."""

import secrets
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from invites.models import SignUpLink, User
from invites.models.user import Role

TOKEN_BYTES: Final = 32
VALID_FOR: Final = timedelta(days=7)
"""For so long a link may be used where nothing else is chosen."""


def digest_of(token: str) -> str:
    """What is kept of ``token``: a digest keyed by this installation, so that no stolen row opens an account."""
    return salted_hmac("invites.enrolling", token, algorithm="sha256").hexdigest()


def make_link(
    *,
    by: User,
    role: Role,
    may_see_phone_numbers: bool = False,
    email: str = "",
    valid_for: timedelta = VALID_FOR,
) -> tuple[SignUpLink, str]:
    """A new link with which somebody makes one account of ``role``, and the token in its address.

    The token is kept nowhere: whoever asked has to show or send it now.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    link = SignUpLink.objects.create(
        digest=digest_of(token),
        role=role,
        may_see_phone_numbers=may_see_phone_numbers,
        email=email,
        made_by=by,
        expires_at=timezone.now() + valid_for,
    )
    return link, token


@transaction.atomic
def revoke_link(link: SignUpLink) -> bool:
    """Lets nobody use ``link`` any more. False where that was so already: used, withdrawn or over."""
    held = SignUpLink.objects.open().for_change().filter(pk=link.pk).first()
    if held is None:
        return False
    held.revoked_at = timezone.now()
    held.save(update_fields=["revoked_at"])
    return True
