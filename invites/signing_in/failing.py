"""Puts failed sign-ins on record, so that whoever tries passwords all day does not fill it: within an hour the first
few of an account from one address have an entry each, and of those behind them one says how many there were.

The count stands in the database until it is on record; a worker sees to that once the hour is over.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django.contrib.auth.signals import user_login_failed
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from invites import auditing
from invites.models import Pace, User
from invites.visiting import place_of

ONE_BY_ONE: Final = 5
"""So many have an entry each: as many as `slowing` lets anybody try in one go."""

WITHIN: Final = timedelta(hours=1)
_KEY: Final = "failed:"


def register() -> None:
    """Lets failed sign-ins be noted from now on. Once a process."""
    user_login_failed.connect(_note, dispatch_uid=__name__)


def settle() -> None:
    """Puts on record how many were counted in hours that are over."""
    before = (timezone.now() - WITHIN).timestamp()
    for key in Pace.objects.begun_before(before, prefix=_KEY):
        with transaction.atomic():
            held = Pace.objects.hold(key)
            # Another worker may have been here first, and somebody have tried since.
            if held.state and held.state[0] > before:
                continue
            _write_down(held)
            held.delete()


def _note(
    sender: object, credentials: Mapping[str, Any], request: HttpRequest | None = None, **kwargs: Any
) -> None:
    """Of a name that nobody has, nothing is kept: it may be a password that was typed into the wrong field."""
    name = str(credentials.get("username") or credentials.get("email") or "")
    meant = list(User.objects.all().called(name))
    meant = [user for user in meant if user.username == name] or meant
    # Where several may be meant, nobody knows whose account it was about.
    if len(meant) == 1:
        _count(meant[0], place=place_of(request) if request else "")


@transaction.atomic
def _count(user: User, *, place: str) -> None:
    now = timezone.now().timestamp()
    held = Pace.objects.hold(f"{_KEY}{user.pk}:{place}")
    if held.state and not held.state[0] <= now < held.state[0] + WITHIN.total_seconds():
        _write_down(held)
        held.state = []
    began_at, one_by_one, further = held.state or (now, 0, 0)
    if one_by_one < ONE_BY_ONE:
        auditing.note_failed_sign_in(user)
        one_by_one += 1
    else:
        further += 1
    held.state = [began_at, one_by_one, further]
    held.save(update_fields=["state"])


def _write_down(held: Pace) -> None:
    """Puts those on record that have no entry of their own."""
    further = held.state[2] if held.state else 0
    user = User.objects.all().filter(pk=int(held.key.split(":")[1])).first()
    if further and user is not None:
        auditing.note_failed_sign_in(user, further=further)
