"""In whose name something is done just now: of whoever has sent the request, or has ordered what a worker does."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser

type Asked = Callable[[], AbstractBaseUser | AnonymousUser | None]

_asked: ContextVar[Asked | None] = ContextVar("invites_acting", default=None)


@contextmanager
def in_the_name_of(asked: Asked) -> Iterator[None]:
    """Lets everything within happen in the name of whom ``asked()`` tells, of nobody for None.

    It is asked as late as somebody wants to know: most requests change nothing, and whoever signs in is known by then.
    Each thread, and each task of an event loop, has its own.
    """
    before = _asked.set(asked)
    try:
        yield
    finally:
        _asked.reset(before)


def current() -> AbstractBaseUser | None:
    """Who it is; None for what happens by itself, on the command line, or before anybody has signed in."""
    asked = _asked.get()
    user = asked() if asked is not None else None
    return user if isinstance(user, AbstractBaseUser) else None
