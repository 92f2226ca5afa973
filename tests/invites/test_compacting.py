"""Adding up the counts of days that are over: nothing is lost, also where somebody counts meanwhile."""

from datetime import date, timedelta
from threading import Thread

import pytest
from django.db import connection, transaction

from invites import clock, surveying
from invites.models import App, AppCount, ConferenceCount, DayTurnout
from tests.factories import AppFactory, AttemptFactory, ConferenceFactory, SentInvitationFactory

pytestmark = pytest.mark.django_db

DAY = date(2026, 3, 2)


def counted(
    app: App, *, shard: int, day: date = DAY, attempts: int = 1, slowest: tuple[int, int] = (0, 0)
) -> None:
    AppCount.objects.create(
        app=app,
        day=day,
        state="succeeded",
        shard=shard,
        attempts=attempts,
        people=2 * attempts,
        ms_100=attempts,
        slowest_ms=slowest[0],
        slowest_attempt=slowest[1],
    )


class TestCompacting:
    """One round of it."""

    def test_sqlite_counts_in_one_row_anyway(self) -> None:
        AttemptFactory()
        surveying.compact()
        assert AppCount.objects.get().attempts == 1

    def test_rows_of_a_day_that_is_over_become_one(self) -> None:
        if connection.vendor != "postgresql":
            return
        app = AppFactory()
        counted(app, shard=0, attempts=5, slowest=(100, 1))
        counted(app, shard=3, attempts=7, slowest=(900, 2))
        counted(app, shard=4, attempts=9, slowest=(300, 3))
        surveying.compact()
        row = AppCount.objects.get()
        assert (row.shard, row.attempts, row.people, row.ms_100) == (0, 21, 42, 21)
        assert (row.slowest_ms, row.slowest_attempt) == (900, 2)

    def test_today_is_left_as_it_is(self) -> None:
        if connection.vendor != "postgresql":
            return
        app = AppFactory()
        counted(app, shard=3, day=clock.today())
        surveying.compact()
        assert AppCount.objects.get().shard == 3

    def test_conferences_and_days_are_added_up_too(self) -> None:
        if connection.vendor != "postgresql":
            return
        conference = ConferenceFactory()
        for shard in (0, 1, 2):
            ConferenceCount.objects.create(
                conference=conference,
                day=DAY,
                state="failed",
                error_code="x",
                shard=shard,
                attempts=1,
                people=1,
            )
            DayTurnout.objects.create(day=DAY, shard=shard, invitations=2, observed=-1 + shard)
        surveying.compact()
        assert ConferenceCount.objects.get().attempts == 3
        assert DayTurnout.objects.get().invitations == 6
        assert DayTurnout.objects.get().observed == 0

    @pytest.mark.django_db(transaction=True)
    def test_attempt_that_ends_late_is_not_lost(self) -> None:
        if connection.vendor != "postgresql":
            return
        yesterday = clock.today() - timedelta(days=1)
        invitation = SentInvitationFactory()
        app = invitation.conference.app
        counted(app, shard=connection.connection.info.backend_pid % 16 or 1, day=yesterday)
        counted(app, shard=99, day=yesterday)
        with transaction.atomic():
            AttemptFactory(invitation=invitation, day=yesterday)
            beside = Thread(target=_compact_beside)
            beside.start()
        beside.join()
        surveying.compact()
        assert sum(AppCount.objects.values_list("attempts", flat=True)) == 3
        assert AppCount.objects.get().shard == 0


def _compact_beside() -> None:
    surveying.compact()
    connection.close()
