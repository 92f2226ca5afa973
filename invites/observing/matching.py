"""Finds the people of a conference's invitations among its members: by unionId, or probably by a name.

It runs after every reading over all the people of a conference, so it speaks SQL that touches only those of whom
something else is true than before. People in a call that is being written down at this moment are left to the next
reading: nobody who sends ever waits here for a second lock.
"""

from django.db import connection
from django.utils import timezone

from invites.models import Conference
from invites.models.invitee import Channel
from invites.models.member import UNION_ID_KEY

# Somebody invited by phone has a unionId where the contact has one.
_BY_UNION_ID = """
    WITH found AS (
        SELECT p.id, m.id AS member_id
        FROM invites_invitee p
        JOIN invites_invitation v ON v.id = p.invitation_id
        LEFT JOIN invites_contact c ON c.id = p.contact_id
        JOIN invites_member m ON m.conference_id = v.conference_id AND m.union_id <> '' AND m.key = %(prefix)s ||
            CASE p.channel WHEN %(union_id)s THEN p.value ELSE c.union_id END
        WHERE v.conference_id = %(conference)s AND v.sent_at IS NOT NULL
            AND (p.member_id IS NULL OR p.member_id <> m.id OR p.member_is_probable)
        {lock}
    )
    UPDATE invites_invitee SET member_id = found.member_id, member_is_probable = FALSE, changed_at = %(now)s
    FROM found WHERE invites_invitee.id = found.id
"""
# A name is worth something only where nobody else has it, neither among the members by phone nor among those who were
# invited so, and where that member is not certainly somebody else. What was probable once and is no more is undone.
_BY_NAME = """
    WITH members AS (
        SELECT nick, MIN(id) AS id FROM invites_member
        WHERE conference_id = %(conference)s AND by_phone AND nick <> '' GROUP BY nick HAVING COUNT(*) = 1
    ), people AS (
        SELECT p.nick, MIN(p.value) AS value
        FROM invites_invitee p JOIN invites_invitation v ON v.id = p.invitation_id
        WHERE v.conference_id = %(conference)s AND v.sent_at IS NOT NULL AND p.channel = %(phone)s
        GROUP BY p.nick HAVING COUNT(DISTINCT p.value) = 1
    ), pairs AS (
        SELECT people.nick, members.id AS member_id FROM people JOIN members ON members.nick = people.nick
        WHERE NOT EXISTS (
            SELECT 1 FROM invites_invitee other
            WHERE other.member_id = members.id AND NOT other.member_is_probable AND other.value <> people.value
        )
    ), found AS (
        SELECT p.id, pairs.member_id
        FROM invites_invitee p
        JOIN invites_invitation v ON v.id = p.invitation_id
        LEFT JOIN pairs ON pairs.nick = p.nick
        WHERE v.conference_id = %(conference)s AND v.sent_at IS NOT NULL AND p.channel = %(phone)s
            AND (p.member_id IS NULL OR p.member_is_probable)
            AND COALESCE(p.member_id, 0) <> COALESCE(pairs.member_id, 0)
        {lock}
    )
    UPDATE invites_invitee
    SET member_id = found.member_id, member_is_probable = found.member_id IS NOT NULL, changed_at = %(now)s
    FROM found WHERE invites_invitee.id = found.id
"""


def match(conference: Conference) -> None:
    """Says of everybody on a sent invitation into ``conference`` which member they are.

    The caller holds the transaction. Doing it again changes nothing; what is certain takes the place of what was
    probable.
    """
    skips = connection.features.has_select_for_update_skip_locked
    lock = "FOR NO KEY UPDATE OF p SKIP LOCKED" if skips else ""
    parameters: dict[str, int | str | None] = {
        "conference": conference.pk,
        "union_id": Channel.UNION_ID.value,
        "phone": Channel.PHONE.value,
        "prefix": UNION_ID_KEY,
        "now": connection.ops.adapt_datetimefield_value(timezone.now()),
    }
    with connection.cursor() as cursor:
        cursor.execute(_BY_UNION_ID.format(lock=lock), parameters)
        cursor.execute(_BY_NAME.format(lock=lock), parameters)
