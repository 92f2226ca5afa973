"""Which answers an operation may give beside its success, for the description of the API."""

from typing import Any, Final

from invites.api.refusals import Refusal

READ: Final[dict[Any, Any]] = {frozenset({401, 403, 404, 422, 429}): Refusal}
"""Of what only reads."""

CHANGED: Final[dict[Any, Any]] = {frozenset({400, 401, 403, 404, 409, 413, 415, 422, 429}): Refusal}
"""Of what changes something."""

MADE: Final = CHANGED
"""Of what makes something, once for each key."""
