"""Remembers the unionId under which somebody works in DingTalk, once DingTalk has accepted it."""

from invites.models import User


def remember(user: User, union_id: str) -> None:
    """Keeps ``union_id`` as that of ``user``, so that no form has to ask for it again."""
    if union_id != user.union_id:
        user.union_id = union_id
        user.save(update_fields=["union_id"])
