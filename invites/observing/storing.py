"""Writes down who is on the list of members: few statements, however many there are. Nobody is ever deleted."""

from datetime import datetime

from django.db.models import Case, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from invites.models import Conference, Member
from invites.models.member import LET_BE, Attendance
from invites.observing.reading import Reading

_READ = ["union_id", "nick", "attendance", "by_phone", "is_host", "joined_at", "left_at"]
_NOTED = ["read_at", "changed_at", "let_be_since"]


def store(conference: Conference, reading: Reading, *, asked_at: datetime) -> bool:
    """Stores a reading and returns whether it shows anything new. The caller holds the transaction.

    Who was in the meeting or being called and is not on a complete list any more is not known from then on.
    """
    now = timezone.now()
    known = {member.key: member for member in Member.objects.of(conference)}
    changed = False
    for key, member in reading.members.items():
        before = known.get(key)
        is_new = before is None or before.attendance != member.attendance
        member.read_at = asked_at
        member.changed_at = now if before is None or is_new else before.changed_at
        member.let_be_since = before.let_be_since if before else None
        if member.let_be_since is None and (member.attendance in LET_BE or _has_left(before, member)):
            member.let_be_since = now
        changed |= is_new
    Member.objects.bulk_create(
        reading.members.values(),
        update_conflicts=True,
        unique_fields=["conference", "key"],
        update_fields=_READ + _NOTED,
    )
    gone = [member.pk for key, member in known.items() if key not in reading.members and _was_there(member)]
    if gone and reading.is_complete:
        left = Case(When(attendance=Attendance.JOINED, then=Value(now)))
        Member.objects.filter(pk__in=gone).update(
            attendance=Attendance.NOT_KNOWN, changed_at=now, let_be_since=Coalesce("let_be_since", left)
        )
        changed = True
    return changed


def _has_left(before: Member | None, member: Member) -> bool:
    """Whether somebody was in the meeting and is not, though nobody saw them leave: they may be called again by now."""
    was_in = before is not None and before.attendance == Attendance.JOINED
    return was_in and member.attendance != Attendance.JOINED


def _was_there(member: Member) -> bool:
    return member.attendance in {Attendance.CALLING, Attendance.JOINED}
