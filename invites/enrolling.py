"""How somebody gets an account of their own: by a link that an administrator gives out, or as one of the company.

Must not decide who may give one, nor sign anybody in.
"""

import re
import secrets
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from invites import permissions
from invites.characters import tidy
from invites.dingtalk import SignedInPerson
from invites.errors import NoAccount, SignUpClosed, SignUpLinkOver
from invites.models import SignInPolicy, SignUpLink, User
from invites.models.sign_in_policy import SignUp
from invites.models.sign_up_link import SignUpLinkQuerySet
from invites.models.user import Role

TOKEN_BYTES: Final = 32
VALID_FOR: Final = timedelta(days=7)
"""For so long a link may be used where nothing else is chosen."""

_NAME_LENGTH: Final = 150
# What a username may hold (Django's UnicodeUsernameValidator), but for what would make it look like a mail address.
_NOT_IN_USERNAME = re.compile(r"[^\w.+-]")
_NAMELESS: Final = "dingtalk"


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


def open_link(token: str) -> SignUpLink:
    """The link with ``token`` in its address. Raises SignUpLinkOver where nobody can use it any more."""
    return _usable(SignUpLink.objects.all(), digest_of(token))


@transaction.atomic
def enroll_with_password(token: str, *, username: str, name: str, password: str) -> User:
    """Makes the account that a link is good for; the password has been checked by the caller.

    Raises SignUpLinkOver, also for the second of two presses, and IntegrityError for a username that is taken.
    """
    link = _usable(SignUpLink.objects.all().for_change(), digest_of(token))
    user = User.objects.create_user(
        username,
        email=link.email.lower(),
        password=password,
        first_name=tidy(name)[:_NAME_LENGTH],
        role=link.role,
        may_see_phone_numbers=link.may_see_phone_numbers,
    )
    _use_up(link, user)
    return user


@transaction.atomic
def enroll_with_dingtalk(person: SignedInPerson, *, link_digest: str) -> User:
    """Makes an account for somebody whom DingTalk has told: by the link with ``link_digest`` where there is one, else
    as one of the company. It has no password.

    Raises SignUpLinkOver and NoAccount. The caller stores the identity, in the same transaction.
    """
    link = _usable(SignUpLink.objects.all().for_change(), link_digest) if link_digest else None
    policy = SignInPolicy.objects.current()
    if link is None and not _is_of_company(policy, person.corp_id):
        raise NoAccount
    name = tidy(person.nick)[:_NAME_LENGTH]
    user = User.objects.create_user(
        _free_username(name),
        email=link.email.lower() if link else "",
        first_name=name,
        role=link.role if link else policy.role,
        may_see_phone_numbers=link.may_see_phone_numbers if link else False,
        union_id=person.union_id,
    )
    if link:
        _use_up(link, user)
    return user


def still_belongs(user: User, person: SignedInPerson) -> bool:
    """Whether somebody who got in as one of the company still is: whoever has left it must not come in any more.

    Whoever has a password, or came by a link, is here because an administrator wished it.
    """
    policy = SignInPolicy.objects.current()
    if policy.sign_up != SignUp.COMPANY or user.has_usable_password() or user.signed_up_by.exists():
        return True
    return _is_of_company(policy, person.corp_id)


def _is_of_company(policy: SignInPolicy, corp_id: str) -> bool:
    return policy.sign_up == SignUp.COMPANY and bool(corp_id) and corp_id in policy.corp_ids


def _usable(links: SignUpLinkQuerySet, digest: str) -> SignUpLink:
    """The open one among ``links``. What an administrator gave out ends with their being one.

    Raises SignUpLinkOver, and of these SignUpClosed for one that nobody can use as long as the policy stays so.
    """
    link = links.open().with_digest(digest).first()
    if link is None or not link.made_by.is_active or not permissions.may_administer(link.made_by):
        raise SignUpLinkOver
    if SignInPolicy.objects.current().sign_up == SignUp.NOBODY:
        raise SignUpClosed(by=link.made_by.display_name)
    return link


def _use_up(link: SignUpLink, user: User) -> None:
    link.used_by, link.used_at = user, timezone.now()
    link.save(update_fields=["used_by", "used_at"])


def _free_username(name: str) -> str:
    """``name`` as a username, with a number behind it where somebody has that one, whatever its capitals."""
    wanted = _NOT_IN_USERNAME.sub("", name)[: _NAME_LENGTH - 10] or _NAMELESS
    alike = User.objects.filter(username__istartswith=wanted).values_list("username", flat=True)
    taken = {each.casefold() for each in alike}
    username, number = wanted, 2
    while username.casefold() in taken:
        username, number = f"{wanted}{number}", number + 1
    return username
