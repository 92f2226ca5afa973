"""Meetings that events tell about: how many calls that saves, and that they are read again when events stay away."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from invites import observing, receiving, watching
from invites.dingtalk.sandbox import SandboxServer
from invites.models import App, Conference, Member, Observation
from invites.models.member import Attendance
from tests.factories import AttemptFactory, SentInvitationFactory
from tests.invites.conftest import Clock
from tests.invites.heard import hear, meeting_changed, members_changed
from tests.invites.heard import member as heard
from tests.invites.observed import asked, attendances, read, ring

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = ("joins-1", "joins-6", "declines-7", "rings-out-8", "leaves-9")
LOOKS = 40
EVERY = 4.0


def look_at(conference: Conference) -> None:
    """Somebody looks: like a page, with the conference and its app as they are at that moment."""
    watching.watch(Conference.objects.with_its_app().get(pk=conference.pk))


def look_on(sandbox: SandboxServer, conference: Conference, clock: Clock, *, with_events: bool) -> int:
    """Somebody looks at a meeting into which people are called; returns how often its members were asked for."""
    seen = 0
    if with_events:
        sandbox.announcer.begin()
    for look in range(LOOKS):
        clock.ahead = look * EVERY
        with time_machine.travel(clock(), tick=True):
            if look == 1:
                ring(sandbox, *PEOPLE)
                AttemptFactory(invitation=SentInvitationFactory(conference=conference))
            if with_events:
                App.objects.note_stream([conference.app_id])
                sandbox.announcer.look()
                for announcement in sandbox.announcer.sent()[seen:]:
                    receiving.receive_frame([conference.app_id], announcement.as_frame())
                    seen += 1
            look_at(conference)
            observing.read(conference.pk)
    return asked(sandbox)


class TestCalls:
    @pytest.mark.parametrize(("with_events", "calls"), [(True, range(1, 3)), (False, range(10, 30))])
    def test_events_make_polling_needless(
        self,
        timed_sandbox: SandboxServer,
        quiet: Conference,
        clock: Clock,
        with_events: bool,
        calls: range,
    ) -> None:
        assert look_on(timed_sandbox, quiet, clock, with_events=with_events) in calls
        assert attendances(quiet) == {
            "joins-1": "joined",
            "joins-6": "joined",
            "declines-7": "declined",
            "rings-out-8": "declined",
            "leaves-9": "left",
        }


class TestGoingBack:
    @pytest.fixture
    def told(self, quiet: Conference) -> Conference:
        """One that was read once and is told by events since."""
        read(quiet)
        App.objects.note_stream([quiet.app_id])
        hear(quiet.app, members_changed(quiet, heard("u")))
        return quiet

    def wants_reading(self, conference: Conference, *, after: float, beat: bool = True) -> bool:
        """Whether somebody who looks then has the members asked for."""
        with time_machine.travel(timezone.now() + timedelta(seconds=after), tick=True):
            if beat:
                App.objects.note_stream([conference.app_id])
            look_at(conference)
        observation = Observation.objects.get()
        is_wanted = observation.leased_until is not None
        Observation.objects.update(leased_until=None, watched_at=None)
        return is_wanted

    def test_it_is_read_seldom_while_events_come(self, told: Conference) -> None:
        assert not self.wants_reading(told, after=120)
        assert self.wants_reading(told, after=601)

    def test_it_is_read_as_before_when_the_connection_falls_silent(self, told: Conference) -> None:
        assert not self.wants_reading(told, after=20, beat=False)
        assert self.wants_reading(told, after=60, beat=False)

    def test_it_is_read_as_before_where_no_event_has_come_for_it(self, quiet: Conference) -> None:
        read(quiet)
        assert self.wants_reading(quiet, after=20)

    def test_it_is_read_as_before_where_events_tell_of_the_meeting_and_of_nobody_in_it(
        self, quiet: Conference
    ) -> None:
        read(quiet)
        hear(quiet.app, meeting_changed(quiet, "conference_created"))
        assert self.wants_reading(quiet, after=20)

    def test_it_is_read_where_no_event_tells_what_became_of_an_invitation(self, told: Conference) -> None:
        AttemptFactory(invitation=SentInvitationFactory(conference=told), finished_at=timezone.now())
        assert not self.wants_reading(told, after=20)
        assert self.wants_reading(told, after=40)
        hear(told.app, members_changed(told, heard("u", 6), born=40))
        Observation.objects.update(event_at=timezone.now() + timedelta(seconds=50))
        assert not self.wants_reading(told, after=70)

    def test_it_is_read_as_before_where_events_are_not_wanted(
        self, told: Conference, settings: Settings
    ) -> None:
        settings.DINGTALK_EVENTS = "none"
        assert self.wants_reading(told, after=20)

    def test_reading_that_shows_what_no_event_told_ends_the_trust(
        self, timed_sandbox: SandboxServer, told: Conference
    ) -> None:
        Observation.objects.update(event_at=timezone.now() - timedelta(minutes=5))
        ring(timed_sandbox, "joins-1")
        assert read(told).event_at is None
        assert self.wants_reading(told, after=20)

    def test_list_of_meetings_says_when_it_was_last_learned_who_is_in(
        self, timed_sandbox: SandboxServer, quiet: Conference
    ) -> None:
        assert Conference.objects.with_reading().get().read_at is None
        hear(quiet.app, members_changed(quiet, heard("u")))
        told_at = Observation.objects.get().event_at
        assert Conference.objects.with_reading().get().read_at == told_at
        read_at = read(quiet).read_at
        assert Conference.objects.with_reading().get().read_at == read_at

    def test_list_that_was_on_its_way_does_not_undo_what_an_event_told(
        self, timed_sandbox: SandboxServer, quiet: Conference, clock: Clock
    ) -> None:
        ring(timed_sandbox, "leaves-9")
        clock.ahead = 10
        read(quiet)
        hear(quiet.app, members_changed(quiet, heard("leaves-9", 6)))
        Member.objects.update(read_at=timezone.now() + timedelta(seconds=5))
        read(quiet)
        assert Member.objects.get().attendance == Attendance.LEFT
