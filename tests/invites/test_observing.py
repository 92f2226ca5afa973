"""Reading the members of a conference from a real sandbox: what is stored, who is found, how long until the next time."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
import time_machine
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from invites import delivering, observing
from invites.connecting import close_clients
from invites.delivering import WORKER
from invites.dingtalk.sandbox import SandboxServer
from invites.dingtalk.sandbox.events import Channel as RemoteChannel
from invites.dingtalk.sandbox.events import Person
from invites.dingtalk.sandbox.routes import Operation
from invites.models import App, Conference, Invitation, Invitee, Member, Observation, User
from invites.models.conference import ConferenceStatus
from invites.models.invitation import InvitationState
from invites.models.invitee import Channel, InviteeState
from invites.models.member import Attendance, key_of
from invites.observing import pausing
from invites.observing.matching import match
from tests.factories import (
    AttemptFactory,
    ContactFactory,
    InvitationFactory,
    InviteeFactory,
    MemberFactory,
    SentInvitationFactory,
)
from tests.invites.test_delivering import sent

pytestmark = pytest.mark.django_db
QUIET = "c0ffee"


class Clock:
    """The time of the sandbox, which a test moves."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sandbox(settings: Settings, clock: Clock) -> Iterator[SandboxServer]:
    """A sandbox in which time passes only when a test says so."""
    with SandboxServer(clock=clock) as server:
        settings.DINGTALK_SANDBOX_URL = server.base_url
        yield server
    close_clients()


@pytest.fixture
def quiet(sandbox: SandboxServer, sandbox_app: App, organizer: User) -> Conference:
    """A conference that nobody has been called into."""
    sandbox.add_conference(conference_id=QUIET)
    return Conference.objects.create(app=sandbox_app, owner=organizer, conference_id=QUIET, status="open")


def ask(conference: Conference) -> None:
    """As `invites.watching` does when somebody looks and a reading is due."""
    now = timezone.now()
    Observation.objects.begin(conference.pk)
    Observation.objects.of(conference.pk).update(
        watched_at=now, next_read_at=now, leased_until=now + timedelta(seconds=20)
    )


def read(conference: Conference) -> Observation:
    ask(conference)
    observing.read(conference.pk)
    return Observation.objects.get(pk=conference.pk)


def ring(sandbox: SandboxServer, *people: str, nick: str = "") -> None:
    """Calls people into the quiet conference without a request; a plus sign makes a phone number."""
    sandbox._exchange.state.ring(
        QUIET,
        [
            Person(
                channel=RemoteChannel.PHONE if value.startswith("+") else RemoteChannel.UNION_ID,
                value=value,
                nick=nick or f"N {value}",
            )
            for value in people
        ],
    )


def attendances(conference: Conference) -> dict[str, str]:
    return dict(Member.objects.of(conference).values_list("union_id", "attendance"))


def asked(sandbox: SandboxServer, operation: Operation = Operation.MEMBERS) -> int:
    return sum(received.operation is operation for received in sandbox.received)


def seconds_until_next(observation: Observation) -> float:
    assert observation.next_read_at is not None
    return (observation.next_read_at - timezone.now()).total_seconds()


class TestWhatIsStored:
    def test_every_status_is_told_in_our_words(
        self, sandbox: SandboxServer, quiet: Conference, clock: Clock
    ) -> None:
        ring(sandbox, "joins-1", "declines-7", "rings-out-8", "leaves-9", "removed-2")
        clock.ahead += 90
        sandbox._exchange.state.remove(QUIET, ["removed-2"])
        ring(sandbox, "called-6")
        clock.ahead += 1
        ring(sandbox, "about-to-be-called-5")
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
        self, sandbox: SandboxServer, quiet: Conference, clock: Clock
    ) -> None:
        ring(sandbox, "sandbox-organizer-00", "+442079460068", "stays-1")
        joins = timezone.now() + timedelta(seconds=3)
        clock.ahead += 30
        read(quiet)
        host, guest, stays = Member.objects.of(quiet).order_by("pk")
        assert host.is_host
        assert not guest.is_host
        assert (guest.union_id, guest.by_phone, guest.nick) == ("", True, "N +442079460068")
        assert not stays.by_phone
        assert stays.joined_at is not None
        assert abs(stays.joined_at - joins) < timedelta(seconds=1)
        assert stays.left_at is None

    def test_change_is_dated_when_attendance_changes_and_not_before(
        self, sandbox: SandboxServer, quiet: Conference, clock: Clock
    ) -> None:
        ring(sandbox, "declines-7")
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
        self, sandbox: SandboxServer, quiet: Conference, clock: Clock
    ) -> None:
        ring(sandbox, "rings-out-8")
        clock.ahead += 30
        read(quiet)
        ring(sandbox, "rings-out-8")
        clock.ahead += 30
        read(quiet)
        member = Member.objects.get(conference=quiet)
        assert member.attendance == Attendance.JOINED
        assert member.let_be_since is not None

    @pytest.mark.parametrize("people", [128, 129, 300])
    def test_every_page_is_read(self, sandbox: SandboxServer, quiet: Conference, people: int) -> None:
        ring(sandbox, *(f"person-{n}-1" for n in range(people)))
        App.objects.update(calls_per_second=100)
        read(quiet)
        assert Member.objects.of(quiet).count() == people
        assert asked(sandbox) == -(-people // 128)

    def test_guests_of_the_same_name_are_as_many_as_they_are(
        self, sandbox: SandboxServer, quiet: Conference, clock: Clock
    ) -> None:
        ring(sandbox, "+442079460068", "+12025550169", nick="Guest")
        clock.ahead += 30
        read(quiet)
        read(quiet)
        assert Member.objects.of(quiet).count() == 2

    def test_cost_is_flat_however_many_there_are(self, sandbox: SandboxServer, quiet: Conference) -> None:
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
        )
        of_calls += ("synchronous_commit",)
        for people in (10, 500):
            values = [f"person-{n}-1" for n in range(people)]
            ring(sandbox, *values)
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
        self, sandbox: SandboxServer, quiet: Conference, clock: Clock
    ) -> None:
        gone_in, gone_ringing = (
            MemberFactory(conference=quiet, attendance=attendance) for attendance in ("joined", "calling")
        )
        gone_declined = MemberFactory(conference=quiet, attendance="declined")
        ring(sandbox, "stays-1")
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
        self, sandbox: SandboxServer, quiet: Conference, clock: Clock
    ) -> None:
        Conference.objects.update(status=ConferenceStatus.UNKNOWN)
        read(quiet)
        quiet.refresh_from_db()
        assert quiet.status == ConferenceStatus.UNKNOWN
        ring(sandbox, "joins-1")
        clock.ahead += 30
        read(quiet)
        quiet.refresh_from_db()
        assert quiet.status == ConferenceStatus.OPEN
