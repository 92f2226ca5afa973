"""How many of the people were observed and have come: counted by conference and day, added up by day."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from invites import clock
from invites.dingtalk.sandbox import SandboxServer
from invites.models import Conference, DayTurnout, Invitee, Turnout
from invites.models.invitee import InviteeState
from invites.models.member import Attendance
from tests.factories import (
    AttemptFactory,
    ConferenceFactory,
    InviteeFactory,
    MemberFactory,
    SentInvitationFactory,
)
from tests.invites.conftest import Clock
from tests.invites.observed import read, ring

pytestmark = pytest.mark.django_db


def invited(conference: Conference, *values: str, days_ago: int = 0) -> list[Invitee]:
    """People whom DingTalk took so many days ago."""
    at = timezone.now() - timedelta(days=days_ago)
    invitation = SentInvitationFactory(conference=conference, sent_at=at)
    people: list[Invitee] = [
        InviteeFactory(invitation=invitation, value=value, state=InviteeState.INVITED) for value in values
    ]
    attempt = AttemptFactory(invitation=invitation, sent_to=people, people=len(people), started_at=at)
    invitation.invitees.update(last_attempt=attempt)
    return people


def turnout(conference: Conference, *, days_ago: int = 0) -> tuple[int, int, int]:
    row = Turnout.objects.get(conference=conference, day=clock.today() - timedelta(days=days_ago))
    return row.invitations, row.observed, row.joined


class TestReading:
    """A reading of a conference's members."""

    def test_counts_who_is_seen_and_who_has_come(
        self, timed_sandbox: SandboxServer, quiet: Conference, clock: Clock
    ) -> None:
        invited(quiet, "joins-1", "declines-7", "stays-away-3")
        ring(timed_sandbox, "joins-1", "declines-7")
        clock.ahead += 90
        read(quiet)
        assert turnout(quiet) == (1, 2, 1)

    def test_writes_no_counts_while_nothing_is_new(
        self, timed_sandbox: SandboxServer, quiet: Conference, clock: Clock
    ) -> None:
        invited(quiet, "joins-1")
        ring(timed_sandbox, "joins-1")
        clock.ahead += 90
        read(quiet)
        Turnout.objects.update(joined=7)
        read(quiet)
        assert turnout(quiet) == (1, 1, 7)


class TestKeeping:
    """What is counted of a conference."""

    def test_who_is_called_on_two_days_belongs_to_the_later_one(self) -> None:
        conference = ConferenceFactory()
        member = MemberFactory(conference=conference, union_id="a")
        Invitee.objects.filter(pk=invited(conference, "a", days_ago=1)[0].pk).update(member=member)
        Turnout.objects.keep(conference.pk)
        assert turnout(conference, days_ago=1) == (1, 1, 1)
        Invitee.objects.filter(pk=invited(conference, "a")[0].pk).update(member=member)
        Turnout.objects.keep(conference.pk)
        assert turnout(conference, days_ago=1) == (1, 0, 0)
        assert turnout(conference) == (1, 1, 1)

    def test_whoever_has_left_has_been_there(self) -> None:
        conference = ConferenceFactory()
        member = MemberFactory(conference=conference, attendance=Attendance.LEFT)
        Invitee.objects.filter(pk=invited(conference, "a")[0].pk).update(member=member)
        Turnout.objects.keep(conference.pk)
        assert turnout(conference) == (1, 1, 1)

    def test_whoever_is_rung_and_was_not_taken_is_not_counted(self) -> None:
        conference = ConferenceFactory()
        member = MemberFactory(conference=conference)
        person = invited(conference, "a")[0]
        Invitee.objects.filter(pk=person.pk).update(member=member, state=InviteeState.UNKNOWN)
        Turnout.objects.keep(conference.pk)
        assert turnout(conference) == (1, 0, 0)

    def test_other_conferences_are_left_alone(self) -> None:
        other = ConferenceFactory()
        invited(other, "a")
        Turnout.objects.update(observed=1)
        Turnout.objects.keep(ConferenceFactory().pk)
        assert turnout(other) == (1, 1, 0)

    def test_it_is_one_statement_for_any_number_of_people(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        conference = ConferenceFactory()
        invited(conference, *(f"person-{number}" for number in range(30)))
        with django_assert_num_queries(1):
            Turnout.objects.keep(conference.pk)


class TestDays:
    """What all conferences of a day add up to."""

    def test_every_change_is_added_up(self) -> None:
        first, second = ConferenceFactory(), ConferenceFactory()
        invited(first, "a")
        invited(second, "b")
        invited(second, "c", days_ago=1)
        Turnout.objects.filter(conference=second).update(observed=3, joined=2)
        Turnout.objects.filter(conference=second).update(observed=3, joined=1)
        today = clock.today()
        assert sorted(DayTurnout.objects.between(today - timedelta(days=1), today).by_day()) == [
            (today - timedelta(days=1), 1, 3, 1),
            (today, 2, 3, 1),
        ]

    def test_counts_agree_with_those_of_conferences(self) -> None:
        conference = ConferenceFactory()
        invited(conference, "a")
        invited(conference, "b")
        assert DayTurnout.objects.all().by_day() == Turnout.objects.all().by_day()
        assert connection.vendor == "postgresql" or DayTurnout.objects.get().shard == 0
