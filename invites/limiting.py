"""Says how often one person may do what costs others something: ring people, take data away, spend calls of the month.

Far more often than anybody presses; it stops a script, or whoever got hold of somebody's session. What nobody pressed,
such as a list that was put aside until its time, is never counted. The count is kept by `pacing`, for all processes.
"""

import math
from collections.abc import Callable
from enum import StrEnum
from functools import update_wrapper
from typing import Concatenate

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from pyrate_limiter import Duration, Rate

from invites import pacing
from invites.errors import TooOften
from invites.models import User


class Kind(StrEnum):
    """What is counted apart from each other; the setting LIMITS says how often each may be done."""

    SENDING = "sending"
    EXPORTING = "exporting"
    IMPORTING = "importing"
    LOOKING_UP = "looking_up"
    TESTING = "testing"
    API = "api"


def spend(user: User, kind: Kind) -> None:
    """Counts that ``user`` does it once more. Raises TooOften where that is too often.

    Must not run inside a transaction, which would keep everybody waiting who does the same in the same name.
    """
    times, seconds = settings.LIMITS[kind]
    rate = Rate(times, seconds * Duration.SECOND)
    turn = pacing.book({f"user:{user.pk}:{kind}": rate}, patience=0.0)
    if not turn.is_booked:
        raise TooOften(seconds=math.ceil(turn.wait))


def limit[**P, R: HttpResponseBase](
    kind: Kind,
) -> Callable[[Callable[Concatenate[HttpRequest, P], R]], Callable[Concatenate[HttpRequest, P], R]]:
    """A view decorator: counts every POST of whoever is signed in, and raises TooOften; looking costs nothing."""

    def decorate(view: Callable[Concatenate[HttpRequest, P], R]) -> Callable[Concatenate[HttpRequest, P], R]:
        def counted(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> R:
            if request.method == "POST" and isinstance(request.user, User):
                spend(request.user, kind)
            return view(request, *args, **kwargs)

        return update_wrapper(counted, view)

    return decorate
