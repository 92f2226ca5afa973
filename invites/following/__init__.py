"""What a worker does for a book that follows the directory: reads the part that is followed, and has it compared.

refresh ──▶ reading ──`read`──▶ ready ──▶ a person looks and confirms, or `apply` where the link says so

The whole part is read or nothing is staged: somebody whom a failure has hidden must not pass for one who has left. Must
not change a contact; `invites.absorbing` does.
"""

from invites.following.applying import apply
from invites.following.reading import NOT_READ, read

__all__ = ["NOT_READ", "apply", "read"]
