"""What a worker does with an import: reads and compares it with the book, and stores it. Must not ask anybody.

uploaded ──▶ reading ──`read`──▶ ready ──▶ storing ──`store`──▶ done
                 ▲─────────── the book has changed ──┘

Nothing of an import is in the book before `store`, which puts all of it there in one transaction. Whoever works on an
import holds it by ``heard_at``, the moment at which they were last heard: `ContactImportQuerySet.hear`. One that falls
silent is rung for again by `invites.recovering`, and begins anew.

Whoever brings people from elsewhere than a file makes a ContactImport in the state READING, with ``heard_at`` set, and
calls `stage` with a `Person` for each: it compares and stages them, and ends in READY, like a file that was read. With
``tells_who_left``, those of the book who were among them before and are not now are staged as having left; `store` then
marks them, and unmarks those who are back.
"""

from invites.absorbing.cleaning import Person, colleague
from invites.absorbing.problems import row_problem
from invites.absorbing.reading import AT_ONCE, TOO_MANY_GROUPS, read, stage
from invites.absorbing.staging import TakenOverError, hear
from invites.absorbing.storing import store

__all__ = [
    "AT_ONCE",
    "TOO_MANY_GROUPS",
    "Person",
    "TakenOverError",
    "colleague",
    "hear",
    "read",
    "row_problem",
    "stage",
    "store",
]
