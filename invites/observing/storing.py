"""Writes down who is on the list of members: few statements, however many there are. Nobody is ever deleted."""

from collections.abc import Mapping
from datetime import datetime

from django.db.models import Case, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from invites.models import Conference, Member
from invites.models.member import LET_BE, Attendance
from invites.observing.reading import Reading

_READ = ["union_id", "nick", "attendance", "by_phone", "is_host", "joined_at", "left_at"]
_NOTED = ["read_at", "changed_at", "let_be_since", "status_seq"]


def store(
    conference: Conference, reading: Reading, known: Mapping[str, Member], *, asked_at: datetime
) -> bool:
    """Stores a reading and returns whether it shows anything new. The caller holds the transaction.

    ``known`` are the members as they are on record, by their key: those of the reading, or all for a complete one.
    Who was in the meeting or being called and is not on a complete list any more is not known from then on. Of whom
    something was heard after DingTalk was asked, that stands.
    """
    now = timezone.now()
    listed = {
        key: member for key, member in reading.members.items() if not _is_later(known.get(key), asked_at)
    }
    changed = False
    for key, member in listed.items():
        before = known.get(key)
        if before is not None and member.status_seq is None:
            member.status_seq = before.status_seq
        is_new = before is None or before.attendance != member.attendance
        member.read_at = asked_at
        member.changed_at = now if before is None or is_new else before.changed_at
        member.let_be_since = before.let_be_since if before else None
        if member.let_be_since is None and (member.attendance in LET_BE or _has_left(before, member)):
            member.let_be_since = now
        changed |= is_new
    Member.objects.bulk_create(
        listed.values(),
        update_conflicts=True,
        unique_fields=["conference", "key"],
        update_fields=_READ + _NOTED,
    )
    gone = [
        member.pk
        for key, member in known.items()
        if key not in reading.members and _was_there(member) and not _is_later(member, asked_at)
    ]
    if gone and reading.is_complete:
        left = Case(When(attendance=Attendance.JOINED, then=Value(now)))
        Member.objects.filter(pk__in=gone).update(
            attendance=Attendance.NOT_KNOWN, changed_at=now, let_be_since=Coalesce("let_be_since", left)
        )
        changed = True
    return changed


def _is_later(before: Member | None, asked_at: datetime) -> bool:
    """Whether something was heard of a member since then: an event that came while a list was on its way."""
    return before is not None and before.read_at > asked_at


def _has_left(before: Member | None, member: Member) -> bool:
    """Whether somebody was in the meeting and is not, though nobody saw them leave: they may be called again by now."""
    was_in = before is not None and before.attendance == Attendance.JOINED
    return was_in and member.attendance != Attendance.JOINED


def _was_there(member: Member) -> bool:
    return member.attendance in {Attendance.CALLING, Attendance.JOINED}
