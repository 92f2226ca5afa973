"""Lets a program ask twice for the same thing and have it done once: keys that come with requests to the HTTP API.

    claim ──▶ settling: what is done and what is to be answered, in one transaction ──▶ settled
      └──▶ release, where nothing was done

A key is claimed, in a transaction of its own, before anything happens. Where the process dies before the second one is
committed, nothing has been done, and whoever comes after UNDER_WAY_FOR takes the claim over; one that was only slow
finds its claim gone, and does nothing. So a key never does anything twice, whatever dies and when.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from invites.errors import KeyUsedBefore, RequestUnderWay
from invites.models import IdempotentRequest, User
from invites.models.api_token import KEPT

UNDER_WAY_FOR: Final = timedelta(seconds=20)
"""After so long somebody else may take over what was claimed. Soon is safe, since claims are looked at once more."""

_FORGOTTEN_AT_ONCE: Final = 1000


def claim(*, user: User, key: str, asked: str) -> IdempotentRequest:
    """The claim of ``user`` on ``key``: where it has a ``status``, what ``asked`` for was done before.

    ``asked`` is all that tells one request from another. Raises KeyUsedBefore where the key came with another one,
    RequestUnderWay while the first one may still be at work.
    """
    digest = salted_hmac(__name__, asked, algorithm="sha256").hexdigest()
    claimed, is_new = IdempotentRequest.objects.get_or_create(user=user, key=key, defaults={"digest": digest})
    now = timezone.now()
    if claimed.began_at < now - KEPT:
        # Another row, not the same one again: `key_of` has to be another as well.
        IdempotentRequest.objects.of(user, key).outdated().delete()
        claimed, is_new = IdempotentRequest.objects.get_or_create(
            user=user, key=key, defaults={"digest": digest}
        )
    if is_new:
        return claimed
    if claimed.digest != digest:
        raise KeyUsedBefore
    if claimed.status is not None:
        return claimed
    if claimed.began_at > now - UNDER_WAY_FOR or not IdempotentRequest.objects.take_over(claimed, at=now):
        raise RequestUnderWay
    return claimed


@contextmanager
def settling(claimed: IdempotentRequest) -> Iterator[None]:
    """A transaction in which the claim is nobody else's; `settle` belongs into it, with all that was asked for.

    Raises RequestUnderWay where somebody else has taken it over.
    """
    with transaction.atomic():
        if not IdempotentRequest.objects.lock(claimed):
            raise RequestUnderWay
        yield


def settle(claimed: IdempotentRequest, *, status: int, made: int) -> None:
    """Writes down that it was done: the status of the answer, and the key of what it brought about.

    Of the answer itself nothing is kept: it may name people, and is made again for whoever may see it then.
    """
    claimed.status, claimed.answer = status, {"made": made}
    claimed.save(update_fields=["status", "answer"])


def made(claimed: IdempotentRequest) -> int:
    """The key of what was brought about under a claim that is settled."""
    answer: dict[str, int] = claimed.answer or {}
    return answer["made"]


def release(claimed: IdempotentRequest) -> None:
    """Forgets a claim under which nothing was done, so that the key can be used for another try."""
    IdempotentRequest.objects.forget(claimed)


def key_of(claimed: IdempotentRequest) -> uuid.UUID:
    """A key of our own for what is asked under a claim, which nobody else can guess."""
    return uuid.UUID(bytes=salted_hmac(__name__, f"{claimed.pk}", algorithm="sha256").digest()[:16])


def forget_old() -> None:
    """Forgets keys that are too old to be answered for, some at a time. Workers do this."""
    IdempotentRequest.objects.outdated().forget_some(_FORGOTTEN_AT_ONCE)
