"""The id of the request that is being answered, as log lines carry it: what somebody has pressed is found by it."""

from structlog.contextvars import get_contextvars

LENGTH = 64


def current() -> str:
    """The id of the request, or "" outside of one. At most LENGTH characters."""
    return str(get_contextvars().get("request_id") or "")[:LENGTH]
