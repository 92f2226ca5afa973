"""A history of a few days with something of everything in it, for tests of what is sealed."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.contrib.contenttypes.models import ContentType
from django.utils import timezone

from invites import clock
from invites.models import Attempt, AuditEntry, Contact, Invitation, Invitee
from invites.models.attempt import AttemptState
from invites.models.invitee import Channel, InviteeState
from tests.factories import AttemptFactory, InviteeFactory, SentInvitationFactory


def days_ago(days: int) -> datetime:
    """Noon of a day that is over, here."""
    noon = datetime.combine(clock.today() - timedelta(days=days), datetime.min.time().replace(hour=12))
    return timezone.make_aware(noon, timezone.get_default_timezone())


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOfHistory:
    """What was on one day."""

    day: date
    invitation: Invitation
    by_union_id: Invitee
    by_phone: Invitee
    attempt: Attempt
    entry: AuditEntry


def make_day(days: int, *, nick: str = "张三丰\tthe \\ elder") -> DayOfHistory:
    """An invitation of two people, a call that failed, and an entry, on a day that was so many days ago."""
    at = days_ago(days)
    invitation = SentInvitationFactory(sent_at=at, trace_id=f"trace\n{days}")
    people = [
        InviteeFactory(invitation=invitation, value=f"person-{days}", nick=nick, state=InviteeState.FAILED),
        InviteeFactory(
            invitation=invitation,
            channel=Channel.PHONE,
            value=f"+86138000000{days:02}",
            nick="Guest",
            state=InviteeState.FAILED,
        ),
    ]
    attempt = AttemptFactory(
        invitation=invitation,
        sent_to=people,
        people=2,
        state=AttemptState.FAILED,
        error_code="unknownUserError",
        error_message=f"unknown user\tperson-{days} \\ {nick}",
        response_excerpt='{"code": "unknownUserError"}',
        started_at=at + timedelta(microseconds=120_000),
    )
    entry = AuditEntry.objects.create(
        content_type=ContentType.objects.get_for_model(Contact),
        object_pk="7",
        object_id=7,
        object_repr=nick,
        action=AuditEntry.Action.UPDATE,
        changes={"nick": ["before", nick], "é": [None, 'quote " and \\ and \x7f'], "b": [1, True]},
        additional_data={"people": 3, "ab": {"z": [], "é": "ü", "c": None}},
        timestamp=at,
        day=clock.day_of(at),
    )
    return DayOfHistory(
        day=clock.day_of(at),
        invitation=invitation,
        by_union_id=people[0],
        by_phone=people[1],
        attempt=attempt,
        entry=entry,
    )
