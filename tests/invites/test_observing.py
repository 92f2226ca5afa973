"""Reading the members of a conference from a real sandbox: what is stored, and how long until the next time."""

import time
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from invites import observing
from invites.connecting import client_for
from invites.delivering import APP_UNAVAILABLE
from invites.dingtalk.sandbox import SandboxServer
from invites.models import App, Conference, Invitee, Member, Observation, Pace
from invites.models.conference import ConferenceStatus
from invites.models.member import Attendance
from invites.observing import pausing
from tests.factories import AttemptFactory, MemberFactory, SentInvitationFactory
from tests.invites.conftest import QUIET_CONFERENCE, Clock
from tests.invites.observed import about, ask, asked, attendances, read, ring, seconds_until_next

pytestmark = pytest.mark.django_db


class TestWhatIsStored:
    def test_every_status_is_told_in_our_words(
        self, timed_sandbox: SandboxServer, quiet: Conference, clock: Clock
    ) -> None:
        ring(timed_sandbox, "joins-1", "declines-7", "rings-out-8", "leaves-9", "removed-2")
        clock.ahead += 90
        timed_sandbox._exchange.state.remove(QUIET_CONFERENCE, ["removed-2"])
        ring(timed_sandbox, "called-6")
        clock.ahead += 1
        ring(timed_sandbox, "about-to-be-called-5")
        read(quiet)
        assert attendances(quiet) == {
            "joins-1": "joined",
            "declines-7": "declined",
            "rings-out-8": "declined",
            "leaves-9": "left",
            "removed-2": "removed",
            "called-6": "calling",
            "about-to-be-called-5": "not_known",
        }
        clock.ahead += 10
        read(quiet)
        assert attendances(quiet)["called-6"] == "joined"

    def test_times_and_facts_are_those_of_the_list(
        self, timed_sandbox: SandboxServer, quiet: Conference, clock: Clock
    ) -> None:
        ring(timed_sandbox, "sandbox-organizer-00", "+442079460068", "stays-1")
        clock.ahead += 30
        read(quiet)
        host, guest, stays = Member.objects.of(quiet).order_by("pk")
        assert host.is_host
        assert not guest.is_host
        assert (guest.union_id, guest.by_phone, guest.nick) == ("", True, "N +442079460068")
        assert not stays.by_phone
        assert stays.joined_at is not None
        assert stays.joined_at.timestamp() == pytest.approx(clock.begun + 3, abs=0.01)
        assert stays.left_at is None

    def test_change_is_dated_when_attendance_changes_and_not_before(
        self, timed_sandbox: SandboxServer, quiet: Conference, clock: Clock
    ) -> None:
        ring(timed_sandbox, "declines-7")
        read(quiet)
        first = Member.objects.get(conference=quiet)
        clock.ahead += 30
        read(quiet)
        second = Member.objects.get(conference=quiet)
        read(quiet)
        third = Member.objects.get(conference=quiet)
        assert first.changed_at < second.changed_at == third.changed_at
        assert first.read_at < second.read_at < third.read_at
        assert (first.let_be_since, second.let_be_since) == (None, second.changed_at)
        assert third.let_be_since == second.let_be_since

    def test_who_is_rung_again_was_still_once_let_be(
        self, timed_sandbox: SandboxServer, quiet: Conference, clock: Clock
    ) -> None:
        ring(timed_sandbox, "rings-out-8")
        clock.ahead += 30
        read(quiet)
        ring(timed_sandbox, "rings-out-8")
        clock.ahead += 30
        read(quiet)
        member = Member.objects.get(conference=quiet)
        assert member.attendance == Attendance.JOINED
        assert member.let_be_since is not None

    @pytest.mark.parametrize(("people", "calls"), [(129, 1), (500, 1), (501, 2)])
    def test_every_page_is_read_in_as_few_calls_as_possible(
        self, timed_sandbox: SandboxServer, quiet: Conference, people: int, calls: int
    ) -> None:
        ring(timed_sandbox, *(f"person-{n}-1" for n in range(people)))
        App.objects.update(calls_per_second=100)
        read(quiet)
        assert Member.objects.of(quiet).count() == people
        assert asked(timed_sandbox) == calls

    @pytest.mark.parametrize("code", ["paramError", "paramsError"])
    def test_where_large_pages_are_refused_it_goes_on_with_the_usual_ones(
        self, timed_sandbox: SandboxServer, quiet: Conference, code: str
    ) -> None:
        ring(timed_sandbox, *(f"person-{n}-1" for n in range(300)))
        App.objects.update(calls_per_second=100)
        timed_sandbox.add_fault(f"code:{code}", operation="members")
        read(quiet)
        assert Member.objects.of(quiet).count() == 300
        assert asked(timed_sandbox) == 1 + 3
        read(quiet)
        assert asked(timed_sandbox) == 1 + 3 + 3

    def test_guests_of_the_same_name_are_as_many_as_they_are(
        self, timed_sandbox: SandboxServer, quiet: Conference, clock: Clock
    ) -> None:
        ring(timed_sandbox, "+442079460068", "+12025550169", nick="Guest")
        clock.ahead += 30
        read(quiet)
        read(quiet)
        assert Member.objects.of(quiet).count() == 2

    def test_cost_is_flat_however_many_there_are(
        self, timed_sandbox: SandboxServer, quiet: Conference
    ) -> None:
        App.objects.update(calls_per_second=500)
        invitation = SentInvitationFactory(conference=quiet)
        read(quiet)
        queries = []
        # Each page is a call, with a token, a turn and a count.
        of_calls = (
            "SAVEPOINT",
            "invites_pace",
            "invites_callcount",
            "invites_cachedtoken",
            "clock_timestamp",
            "synchronous_commit",
        )
        for people in (10, 500):
            values = [f"person-{n}-1" for n in range(people)]
            ring(timed_sandbox, *values)
            for position, value in enumerate(values):
                Invitee.objects.get_or_create(
                    invitation=invitation, position=position, channel="union_id", value=value, nick="N"
                )
            ask(quiet)
            with CaptureQueriesContext(connection) as captured:
                observing.read(quiet.pk)
            assert Invitee.objects.filter(member__isnull=False).count() == people
            queries.append([q["sql"] for q in captured if not any(name in q["sql"] for name in of_calls)])
        few, many = map(len, queries)
        assert few == many <= 9

    def test_list_that_shrinks_takes_nobody_away(
        self, timed_sandbox: SandboxServer, quiet: Conference, clock: Clock
    ) -> None:
        gone_in, gone_ringing = (
            MemberFactory(conference=quiet, attendance=attendance) for attendance in ("joined", "calling")
        )
        gone_declined = MemberFactory(conference=quiet, attendance="declined")
        ring(timed_sandbox, "stays-1")
        clock.ahead += 30
        read(quiet)
        for member, attendance in (
            (gone_in, Attendance.NOT_KNOWN),
            (gone_ringing, Attendance.NOT_KNOWN),
            (gone_declined, Attendance.DECLINED),
        ):
            member.refresh_from_db()
            assert member.attendance == attendance
        assert [member.union_id for member in Member.objects.of(quiet).in_meeting()] == ["stays-1"]

    def test_conference_that_people_are_in_is_open(
        self, timed_sandbox: SandboxServer, quiet: Conference, clock: Clock
    ) -> None:
        Conference.objects.update(status=ConferenceStatus.UNKNOWN)
        read(quiet)
        quiet.refresh_from_db()
        assert quiet.status == ConferenceStatus.UNKNOWN
        ring(timed_sandbox, "joins-1")
        clock.ahead += 30
        read(quiet)
        quiet.refresh_from_db()
        assert quiet.status == ConferenceStatus.OPEN


class TestPauses:
    def test_they_grow_while_nothing_happens_and_never_beyond_the_longest(self, quiet: Conference) -> None:
        pauses = [seconds_until_next(read(quiet)) for _reading in range(10)]
        expected = (4.5, 6.75, 10.125, 15.19, 22.78, 34.17, 51.26, 60, 60, 60)
        assert pauses == about(*expected)

    def test_change_makes_them_short_again(self, timed_sandbox: SandboxServer, quiet: Conference) -> None:
        Observation.objects.create(conference=quiet, calm=8, read_at=timezone.now())
        assert read(quiet).calm == 9
        ring(timed_sandbox, "joins-1")
        observation = read(quiet)
        assert observation.calm == 0
        assert [seconds_until_next(observation)] == about(3)
        assert read(quiet).calm == 1

    def test_answer_to_an_invitation_makes_them_short_again(self, quiet: Conference) -> None:
        before = timezone.now() - timedelta(seconds=5)
        Observation.objects.create(conference=quiet, calm=8, read_at=before)
        AttemptFactory(invitation=SentInvitationFactory(conference=quiet))
        assert read(quiet).calm == 0
        assert read(quiet).calm == 1

    def test_call_of_another_conference_changes_nothing(self, quiet: Conference) -> None:
        Observation.objects.create(conference=quiet, calm=8, read_at=timezone.now() - timedelta(seconds=5))
        AttemptFactory()
        assert read(quiet).calm == 9

    def test_most_patient_reader_is_still_a_number(self) -> None:
        calm = 0
        for _reading in range(2000):
            calm = pausing.calmer(calm)
        assert pausing.pause(calm) == timedelta(seconds=60)


class TestWhoReads:
    def test_one_of_many_tasks(self, timed_sandbox: SandboxServer, quiet: Conference) -> None:
        ask(quiet)
        assert observing.read(quiet.pk) is not None
        assert observing.read(quiet.pk) is None
        assert asked(timed_sandbox) == 1

    def test_nobody_where_nobody_asked(self, timed_sandbox: SandboxServer, quiet: Conference) -> None:
        assert observing.read(quiet.pk) is None
        Observation.objects.begin(quiet.pk)
        assert observing.read(quiet.pk) is None
        assert timed_sandbox.received == []

    def test_nobody_where_nobody_looks_any_more(
        self, timed_sandbox: SandboxServer, quiet: Conference
    ) -> None:
        ask(quiet)
        with time_machine.travel(timezone.now() + timedelta(minutes=3)):
            assert observing.read(quiet.pk) is None
        assert timed_sandbox.received == []

    def test_task_that_waited_for_long_still_reads(
        self, timed_sandbox: SandboxServer, quiet: Conference
    ) -> None:
        ask(quiet)
        with time_machine.travel(timezone.now() + timedelta(seconds=40)):
            assert observing.read(quiet.pk) is not None
        assert asked(timed_sandbox) == 1

    def test_reading_that_somebody_else_has_begun_anew_is_dropped(
        self, timed_sandbox: SandboxServer, quiet: Conference, settings: Settings
    ) -> None:
        ring(timed_sandbox, "joins-1")
        ask(quiet)
        until = timezone.now() + timedelta(seconds=20)
        assert Observation.objects.take_up(quiet.pk, watched_after=pausing.forgotten_before(), until=until)
        slow = Observation.objects.of(quiet.pk).for_reading().get()
        later = read(quiet)
        client = client_for(quiet.app)
        assert observing._read(slow, client, until=until) is None
        assert Observation.objects.get(pk=quiet.pk).read_at == later.read_at

    def test_nobody_where_the_conference_has_ended(
        self, timed_sandbox: SandboxServer, quiet: Conference
    ) -> None:
        Conference.objects.update(status=ConferenceStatus.ENDED)
        assert read(quiet).read_at is None
        assert timed_sandbox.received == []

    def test_app_that_is_switched_off_is_left_alone(
        self, timed_sandbox: SandboxServer, quiet: Conference
    ) -> None:
        App.objects.update(enabled=False)
        observation = read(quiet)
        assert observation.problem == APP_UNAVAILABLE
        assert [seconds_until_next(observation)] == about(300)
        assert timed_sandbox.received == []

    def test_every_page_waits_for_its_turn(self, timed_sandbox: SandboxServer, quiet: Conference) -> None:
        App.objects.update(calls_per_second=1)
        ring(timed_sandbox, *(f"person-{n}-1" for n in range(501)))
        begin = time.monotonic()
        assert read(quiet).read_at is not None
        # The second page took the turn after the first.
        assert time.monotonic() - begin >= 0.8
        assert Member.objects.of(quiet).count() == 501

    def test_turn_that_is_far_away_is_not_waited_for(
        self, timed_sandbox: SandboxServer, quiet: Conference
    ) -> None:
        # What others have booked before.
        in_four_seconds = int((time.time() + 4) * 1_000_000)
        Pace.objects.create(key=f"{quiet.app_id}:QueryConferenceMembers", state=[in_four_seconds])
        observation = read(quiet)
        assert timed_sandbox.received == []
        assert (observation.read_at, observation.leased_until, observation.problem) == (None, None, "")
        assert [seconds_until_next(observation)] == about(4)
