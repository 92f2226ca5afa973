"""How what is personal enters a sealed day: as a salted digest, which stays when value and salt are erased."""

import hashlib
import json
from typing import Any


def digest_of(salt: bytes | memoryview, *texts: str | None) -> bytes:
    """SHA-256 over ``salt`` and each text with its length in front, ``-`` for one that is not there.

    PostgreSQL computes the same in `invites.sealing.sections`.
    """
    return hashlib.sha256(bytes(salt) + "".join(map(_measured, texts)).encode()).digest()


def _measured(text: str | None) -> str:
    return "-" if text is None else f"{len(text)}:{text}"


def json_text(value: Any) -> str | None:
    """``value`` as PostgreSQL writes a ``jsonb``: shorter keys first; None for no value."""
    return None if value is None else json.dumps(_sorted(value), ensure_ascii=False)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
        return {key: _sorted(value[key]) for key in keys}
    if isinstance(value, list):
        return list(map(_sorted, value))
    return value
