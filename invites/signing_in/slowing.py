"""Slows down whoever tries passwords: by address, by account from one address, and by account from everywhere.

A try is counted before the password is looked at, so that many at once are all counted, and taken back where it was
right. The counts stand in the shared cache, for all processes, until they are old.
"""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from allauth.core.internal import ratelimit
from django.core.cache import cache
from django.http import HttpRequest

from invites.errors import TooManyTries
from invites.models import Session, User
from invites.visiting import address_of, place_of

_BY_ADDRESS = "sign_in_by_address"
_BY_ACCOUNT_HERE = "sign_in_by_account_here"
_BY_ACCOUNT = "sign_in_by_account"
_CODES_BY_ADDRESS = "codes_by_address"
_QUESTIONS_BY_ADDRESS = "questions_by_address"
# Many people may share an address. Nobody mistypes one password so often as the second allows. The third is for many
# addresses that try one account: 30 an hour get nowhere against a password of ten characters. It is not for addresses
# from which the person is signed in, so that trying somebody's name from elsewhere does not lock them out there. Then
# those for codes that DingTalk does not take, each of which costs a call of the company's, and for questions that are
# to be answered with a passkey, each of which costs a row.
_RATES = {
    _BY_ADDRESS: "50/10m/key",
    _BY_ACCOUNT_HERE: "5/5m/key",
    _BY_ACCOUNT: "30/1h/key",
    _CODES_BY_ADDRESS: "50/10m/key",
    _QUESTIONS_BY_ADDRESS: "50/10m/key",
}


def count_try(request: HttpRequest, credentials: Mapping[str, Any]) -> ratelimit.RateLimitUsage:
    """Counts one try with these credentials; what is returned takes it back.

    Raises TooManyTries, with how long to wait, where there were too many.
    """
    name = str(credentials.get("email") or credentials.get("username") or "")
    address, place = address_of(request) or "", place_of(request)
    user = User.objects.all().called(name).first()
    # One account has one count, by whichever of its names it is tried.
    account = f"user:{user.pk}" if user is not None else f"name:{name.lower()}"
    counts = [(_BY_ADDRESS, place), (_BY_ACCOUNT_HERE, f"{account} {place}")]
    if user is None or not Session.objects.used_from(user, address).exists():
        counts.append((_BY_ACCOUNT, account))
    return _count(request, counts)


def count_code(request: HttpRequest) -> ratelimit.RateLimitUsage:
    """Counts that somebody has come back from DingTalk with a code; what is returned takes it back.

    Raises TooManyTries, with how long to wait, where there were too many that DingTalk did not take.
    """
    return _count(request, [(_CODES_BY_ADDRESS, place_of(request))])


def count_question(request: HttpRequest) -> None:
    """Counts that somebody asks what is to be answered with a passkey. Raises TooManyTries where that is too often."""
    _count(request, [(_QUESTIONS_BY_ADDRESS, place_of(request))])


def _count(request: HttpRequest, counts: Iterable[tuple[str, str]]) -> ratelimit.RateLimitUsage:
    usage = ratelimit.RateLimitUsage(usage=[])
    for action, key in counts:
        counted = ratelimit.consume(
            request, app=__name__, action=action, config=_RATES, key=key, limit_get=True
        )
        if counted is None:
            raise TooManyTries(seconds=_wait(request, action, key))
        usage.usage += counted.usage
    return usage


def _wait(request: HttpRequest, action: str, key: str) -> int:
    """In how many seconds there may be another try."""
    (rate,) = ratelimit.parse_rates(_RATES[action])
    history = cache.get(ratelimit.get_cache_key(request, app=__name__, action=action, rate=rate, key=key), [])
    oldest = history[rate.amount - 1] if len(history) >= rate.amount else time.time()
    return int(oldest + rate.duration - time.time()) + 1
