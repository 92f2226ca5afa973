"""The id of the request that is being answered, as log lines carry it: what somebody has pressed is found by it.

A worker that goes on with what was pressed goes on under the same id.
"""

from contextlib import AbstractContextManager

from structlog.contextvars import bound_contextvars, get_contextvars

LENGTH = 64


def current() -> str:
    """The id of the request, or "" outside of one. At most LENGTH characters."""
    return str(get_contextvars().get("request_id") or "")[:LENGTH]


def noting(**ids: int | str) -> AbstractContextManager[None]:
    """Lets every log line of the `with` block carry ``ids``, such as that of an attempt."""
    return bound_contextvars(**ids)


def following(trace_id: str, **ids: int | str) -> AbstractContextManager[None]:
    """Goes on for the `with` block with what was pressed in the request ``trace_id``, as `noting` does with ``ids``.

    Where nobody has pressed anything, ``trace_id`` is "", and lines carry ``ids`` alone.
    """
    return bound_contextvars(**({"request_id": trace_id} if trace_id else {}), **ids)
