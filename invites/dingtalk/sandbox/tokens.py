"""Access tokens of the sandbox: issued, extended, checked and expired. They live in memory only.

Follows the rules of the two kinds of app: an internal app that asks again within a token's life gets the same token,
extended; a third-party enterprise app gets a new one each time.
"""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class _Grant:
    holder: str
    expires_at: float


class TokenStore:
    """The tokens in circulation. `life` is in seconds."""

    def __init__(self, *, clock: Callable[[], float], life: float, fixed: str) -> None:
        self._clock, self.life, self._fixed = clock, life, fixed
        self._fixed_works = True
        self._lock = threading.Lock()
        self._grants: dict[str, _Grant] = {}

    def same(self, holder: str) -> str:
        """The holder's token, extended to a full life; a new one if there is none that works."""
        with self._lock:
            now = self._clock()
            for token, grant in self._grants.items():
                if grant.holder == holder and grant.expires_at > now:
                    grant.expires_at = now + self.life
                    return token
            return self._issue(holder, now)

    def new(self, holder: str) -> str:
        """A new token for the holder; earlier ones keep working until they expire."""
        with self._lock:
            return self._issue(holder, self._clock())

    def holder_of(self, token: str) -> str | None:
        """Whose token this is; None if it is unknown or expired."""
        with self._lock:
            if self._fixed_works and secrets.compare_digest(token.encode(), self._fixed.encode()):
                return "fixed token"
            grant = self._grants.get(token)
            return grant.holder if grant is not None and grant.expires_at > self._clock() else None

    def expire_all(self) -> None:
        """Let every token expire now, the fixed one included."""
        with self._lock:
            self._grants.clear()
            self._fixed_works = False

    def reset(self) -> None:
        """Let the fixed token work again."""
        with self._lock:
            self._fixed_works = True

    def _issue(self, holder: str, now: float) -> str:
        expired = [token for token, grant in self._grants.items() if grant.expires_at <= now]
        for token in expired:
            del self._grants[token]
        token = secrets.token_hex(16)
        self._grants[token] = _Grant(holder, now + self.life)
        return token
