"""The histories that figures are measured on: as long as asked for, the same for a seed, and counted as by triggers."""

import random
from collections import Counter
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.db.models import Count, F, Sum

from invites.models import (
    AppCount,
    Attempt,
    AttemptInvitee,
    ConferenceCount,
    DayTurnout,
    Invitation,
    Invitee,
    Turnout,
)
from tests.histories.days import days
from tests.histories.filling import fill
from tests.histories.telling import Keys, Somebody, Teller, World
from tests.keeping import tampering

UNTIL = datetime(2026, 3, 4, 8, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
ATTEMPTS = 1500
PEOPLE = [
    Somebody(pk=n, channel="phone" if n % 4 == 0 else "union_id", value=f"+86{n}", nick=f"Name {n}")
    for n in range(1, 300)
]


def _told(seed: int) -> dict[str, list[str]]:
    """The lines of a history."""
    world = World(
        people=PEOPLE,
        organizers=[(1, "one"), (2, "two")],
        apps=[1, 2, 3],
        conference_type=1,
        until=UNTIL.timestamp(),
    )
    choose = random.Random(seed)
    teller = Teller(world=world, keys=Keys(), choose=choose, left=ATTEMPTS)
    for number, day in enumerate(days(choose, attempts=ATTEMPTS, until=UNTIL, zone=ZONE)):
        teller.tell(day, number=number)
    return teller.lines


class TestDays:
    def test_hold_as_many_attempts_as_asked_for_and_none_that_is_yet_to_come(self) -> None:
        told = list(days(random.Random(1), attempts=ATTEMPTS, until=UNTIL, zone=ZONE))
        moments = [moment for day in told for moment in day.moments]
        assert len(moments) == ATTEMPTS
        assert moments == sorted(moments)
        assert moments[-1] < UNTIL.timestamp()

    def test_each_moment_lies_on_its_day_by_the_clock_of_the_installation(self) -> None:
        for day in days(random.Random(1), attempts=ATTEMPTS, until=UNTIL, zone=ZONE):
            assert {datetime.fromtimestamp(moment, ZONE).date() for moment in day.moments} <= {day.day}


class TestTelling:
    def test_is_the_same_for_the_same_seed(self) -> None:
        assert _told(1) == _told(1)
        assert _told(1)["attempt"] != _told(2)["attempt"]

    def test_makes_as_many_attempts_as_asked_for(self) -> None:
        assert len(_told(1)["attempt"]) == ATTEMPTS

    def test_most_succeed_and_few_stay_unknown(self) -> None:
        states = Counter(line.split("\t")[4] for line in _told(1)["attempt"])
        assert states["succeeded"] / ATTEMPTS == pytest.approx(0.93, abs=0.03)
        assert states["unknown"] / ATTEMPTS == pytest.approx(0.02, abs=0.015)

    def test_an_attempt_carries_three_people_on_average(self) -> None:
        assert len(_told(1)["attemptinvitee"]) / ATTEMPTS == pytest.approx(3, abs=0.6)


@pytest.mark.django_db(transaction=True)
class TestFilling:
    @pytest.fixture(autouse=True)
    def _history(self) -> None:
        if connection.vendor == "postgresql":
            fill(ATTEMPTS, until=UNTIL, people=300)

    def test_what_belongs_together_fits(self) -> None:
        if connection.vendor != "postgresql":
            return
        assert Attempt.objects.count() == ATTEMPTS
        assert not Attempt.objects.exclude(batch__invitation=F("invitation")).exists()
        assert not Attempt.objects.exclude(invitation__conference=F("conference")).exists()
        assert not Attempt.objects.exclude(conference__app=F("app")).exists()
        sent = Attempt.objects.annotate(sent=Count("people_sent"))
        assert not sent.exclude(people=F("sent")).exists()
        assert not AttemptInvitee.objects.exclude(invitee__person=F("person")).exists()
        assert not AttemptInvitee.objects.exclude(attempt__started_at=F("started_at")).exists()
        assert not Invitee.objects.exclude(last_attempt__people_state=F("state")).exists()
        assert not Invitee.objects.exclude(person__nick=F("nick"), person__value=F("value")).exists()
        assert not Invitation.objects.filter(invitees__isnull=True).exists()

    def test_counts_are_those_that_the_triggers_would_have_kept(self) -> None:
        if connection.vendor != "postgresql":
            return
        filled = _counts()
        with tampering() as cursor:
            cursor.execute(
                """
                CREATE TEMPORARY TABLE attempts ON COMMIT PRESERVE ROWS AS SELECT * FROM invites_attempt ORDER BY id;
                CREATE TEMPORARY TABLE invitations AS SELECT * FROM invites_invitation;
                DELETE FROM invites_attempt; DELETE FROM invites_invitation;
                DELETE FROM invites_appcount; DELETE FROM invites_conferencecount; DELETE FROM invites_turnout;
                DELETE FROM invites_dayturnout;
                """
            )
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO invites_invitation SELECT * FROM invitations")
            cursor.execute("INSERT INTO invites_attempt SELECT * FROM attempts ORDER BY id")
            cursor.execute("DROP TABLE attempts, invitations")
        assert _counts() == filled

    def test_new_rows_have_keys_after_those_that_are_there(self) -> None:
        if connection.vendor != "postgresql":
            return
        last = Invitation.objects.order_by("-pk")[0]
        assert Invitation.objects.create(conference=last.conference).pk > last.pk


def _counts() -> list[set[tuple[object, ...]]]:
    noun = {"AppCount": "app", "ConferenceCount": "conference"}
    rows: list[set[tuple[object, ...]]] = []
    for model in (AppCount, ConferenceCount):
        own = [field.attname for field in model._meta.concrete_fields if field.attname not in {"id", "shard"}]
        assert f"{noun[model.__name__]}_id" in own
        rows.append(set(model._default_manager.values_list(*own)))
    rows.append(set(Turnout.objects.values_list("conference", "day", "invitations")))
    days_sent = DayTurnout.objects.values_list("day").annotate(n=Sum("invitations"))
    rows.append(set(days_sent.order_by()))
    return rows
