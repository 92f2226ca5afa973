"""The limit on calls a second, per app and operation, as DingTalk's gateway keeps one."""

import threading
from collections import defaultdict, deque
from collections.abc import Callable

from invites.dingtalk.sandbox.routes import Operation

WINDOW_SECONDS = 1.0


class RateLimit:
    """At most `rate` calls in any one second; without a rate everything passes."""

    def __init__(self, *, rate: int | None, clock: Callable[[], float]) -> None:
        self._rate, self._clock = rate, clock
        self._lock = threading.Lock()
        self._calls: dict[tuple[str, Operation], deque[float]] = defaultdict(deque)

    def admits(self, holder: str, operation: Operation) -> bool:
        """Whether this call may pass. A refused call does not count against the next one."""
        if self._rate is None:
            return True
        with self._lock:
            calls, now = self._calls[holder, operation], self._clock()
            while calls and calls[0] <= now - WINDOW_SECONDS:
                calls.popleft()
            if len(calls) >= self._rate:
                return False
            calls.append(now)
            return True

    def clear(self) -> None:
        """Forget the calls so far."""
        with self._lock:
            self._calls.clear()
