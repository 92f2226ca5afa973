"""Remembers the unionId under which somebody works in DingTalk, once DingTalk has accepted it."""

from invites.models import User
from invites.signing_in import identities


def remember(user: User, union_id: str) -> None:
    """Keeps ``union_id`` as that of ``user``, so that no form has to ask for it again.

    Of whom DingTalk has told itself who they are, nothing that somebody typed is kept.
    """
    if union_id != user.union_id and not identities.has_identity(user):
        user.union_id = union_id
        user.save(update_fields=["union_id"])
