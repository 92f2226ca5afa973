"""Events: what they change, that each does so once and in order, and which are refused."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from invites import receiving
from invites.connecting import client_for
from invites.models import App, Conference, Invitee, Member, Observation, ReceivedEvent, Turnout
from invites.models.app import AppKind
from invites.models.batch import BatchState
from invites.models.conference import ConferenceStatus
from invites.models.invitation import InvitationState
from invites.models.invitee import InviteeState
from invites.models.member import Attendance
from invites.models.received_event import EventOutcome
from tests.factories import (
    BatchFactory,
    ConferenceFactory,
    InviteeFactory,
    MemberFactory,
    SentInvitationFactory,
)
from tests.invites.heard import envelope, hear, meeting_changed, member, members_changed
from tests.invites.rung import all_at_once, called

pytestmark = pytest.mark.django_db
APPLIED, OUTDATED, NOT_OURS = EventOutcome.APPLIED, EventOutcome.OUTDATED, EventOutcome.NOT_OURS


@pytest.fixture
def meeting() -> Conference:
    conference: Conference = ConferenceFactory()
    return conference


def attendance_of(union_id: str) -> str:
    return Member.objects.get(union_id=union_id).attendance


class TestMembers:
    def test_event_says_what_a_reading_would(
        self, meeting: Conference, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        invitation = SentInvitationFactory(conference=meeting)
        invitee = called(invitation, value="union-1")
        joined = 1_790_000_000_000
        with django_capture_on_commit_callbacks(execute=True):
            event = members_changed(meeting, member("union-1", nick="张三", joinTime=joined), sequence=5)
            assert hear(meeting.app, event) == APPLIED
        row = Member.objects.get()
        assert (row.nick, row.attendance, row.status_seq) == ("张三", Attendance.JOINED, 5)
        assert row.joined_at is not None
        assert row.joined_at.timestamp() == joined / 1000
        assert Invitee.objects.get(pk=invitee.pk).member == row
        assert Turnout.objects.filter(conference=meeting, joined=1).count() == 1
        assert Observation.objects.get().event_at is not None
        assert App.objects.get(pk=meeting.app_id).event_seen_at is not None

    def test_what_an_event_leaves_out_stays(self, meeting: Conference) -> None:
        joined = timezone.now() - timedelta(minutes=5)
        MemberFactory(
            conference=meeting, union_id="u", key="user:u", nick="Known", is_host=True, joined_at=joined
        )
        assert hear(meeting.app, members_changed(meeting, member("u", 6, nick=""))) == APPLIED
        row = Member.objects.get()
        assert (row.nick, row.is_host, row.joined_at) == ("Known", True, joined)
        assert row.attendance == Attendance.LEFT
        assert row.let_be_since is not None

    def test_others_of_the_meeting_are_left_as_they_are(self, meeting: Conference) -> None:
        MemberFactory(conference=meeting, union_id="other", key="user:other", attendance=Attendance.JOINED)
        hear(meeting.app, members_changed(meeting, member("u", 2)))
        assert attendance_of("other") == Attendance.JOINED
        assert attendance_of("u") == Attendance.CALLING

    def test_somebody_who_joins_shows_that_the_meeting_runs(self, meeting: Conference) -> None:
        Conference.objects.update(status=ConferenceStatus.UNKNOWN)
        hear(meeting.app, members_changed(meeting, member("u")))
        assert Conference.objects.get().status == ConferenceStatus.OPEN

    def test_guest_who_has_the_name_of_another_is_left_to_a_reading(self, meeting: Conference) -> None:
        hear(meeting.app, members_changed(meeting, member(nick="Guest"), member(nick="Guest")))
        assert Observation.objects.get().event_at is not None
        hear(meeting.app, members_changed(meeting, member(nick="Guest", status=6)))
        assert Observation.objects.get().event_at is None

    def test_cost_is_flat_however_many_are_in_the_meeting(self, meeting: Conference) -> None:
        hear(meeting.app, members_changed(meeting, member("first")))
        costs = []
        for people in (1, 50):
            MemberFactory.create_batch(people, conference=meeting)
            with CaptureQueriesContext(connection) as captured:
                hear(
                    meeting.app, members_changed(meeting, *(member(f"m-{people}-{n}") for n in range(people)))
                )
            costs.append(len(captured))
        assert costs[0] == costs[1]


class TestMeetings:
    def test_meeting_that_ends_leaves_out_who_waits(
        self, meeting: Conference, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        invitation = SentInvitationFactory(
            conference=meeting, state=InvitationState.SENDING, finished_at=None
        )
        waiting = InviteeFactory(
            invitation=invitation,
            batch=BatchFactory(invitation=invitation, state=BatchState.WAITING),
            state=InviteeState.PENDING,
        )
        with django_capture_on_commit_callbacks(execute=True):
            assert hear(meeting.app, meeting_changed(meeting, "conference_closed", sequence=9)) == APPLIED
        meeting.refresh_from_db()
        assert (meeting.status, meeting.status_seq) == (ConferenceStatus.ENDED, 9)
        waiting.refresh_from_db()
        assert (waiting.state, waiting.skipped_because) == (InviteeState.SKIPPED, "confClosed")

    def test_meeting_that_was_over_does_not_begin_anew(self, meeting: Conference) -> None:
        hear(meeting.app, meeting_changed(meeting, "conference_closed", sequence=2))
        assert hear(meeting.app, meeting_changed(meeting, "conference_created", sequence=1)) == OUTDATED
        assert hear(meeting.app, meeting_changed(meeting, "conference_created")) == OUTDATED
        hear(meeting.app, members_changed(meeting, member("u"), sequence=1))
        assert Conference.objects.get().status == ConferenceStatus.ENDED

    def test_meeting_begins(self, meeting: Conference) -> None:
        Conference.objects.update(status=ConferenceStatus.NOT_STARTED)
        assert hear(meeting.app, meeting_changed(meeting, "conference_created")) == APPLIED
        assert Conference.objects.get().status == ConferenceStatus.OPEN

    def test_meeting_ends_though_its_beginning_was_told_by_a_clock_that_is_ahead(
        self, meeting: Conference
    ) -> None:
        Conference.objects.update(status=ConferenceStatus.NOT_STARTED)
        hear(meeting.app, meeting_changed(meeting, "conference_created", sequence=1, born=300))
        assert hear(meeting.app, meeting_changed(meeting, "conference_closed", sequence=2)) == APPLIED
        assert Conference.objects.get().status == ConferenceStatus.ENDED


class TestClocksThatDiffer:
    """Machines that share the database do not share a clock."""

    @pytest.fixture(params=[300, -300], ids=["other machine ahead", "other machine behind"])
    def elsewhere(self, request: pytest.FixtureRequest) -> datetime:
        """What the clock of another machine says."""
        moment: datetime = timezone.now() + timedelta(seconds=request.param)
        return moment

    def test_meeting_ends_whatever_was_written_elsewhere(
        self, meeting: Conference, elsewhere: datetime
    ) -> None:
        Conference.objects.note(meeting.pk, asked_at=elsewhere, status=ConferenceStatus.OPEN)
        assert hear(meeting.app, meeting_changed(meeting, "conference_closed", sequence=2)) == APPLIED
        meeting.refresh_from_db()
        assert (meeting.status, meeting.status_seq) == (ConferenceStatus.ENDED, 2)
        assert meeting.status_read_at is not None
        assert meeting.status_read_at >= elsewhere

    def test_meeting_that_ended_stays_so_whatever_was_asked_elsewhere(
        self, meeting: Conference, elsewhere: datetime
    ) -> None:
        hear(meeting.app, meeting_changed(meeting, "conference_closed", sequence=2))
        assert not Conference.objects.note_begun(meeting.pk, at=elsewhere)
        with time_machine.travel(elsewhere):
            hear(meeting.app, members_changed(meeting, member("u"), sequence=1))
            assert hear(meeting.app, meeting_changed(meeting, "conference_created")) == OUTDATED
        assert Conference.objects.get().status == ConferenceStatus.ENDED

    def test_meeting_begins_though_it_was_read_elsewhere(
        self, meeting: Conference, elsewhere: datetime
    ) -> None:
        Conference.objects.update(status=ConferenceStatus.NOT_STARTED, status_read_at=elsewhere)
        assert hear(meeting.app, meeting_changed(meeting, "conference_created", sequence=1)) == APPLIED
        assert Conference.objects.get().status == ConferenceStatus.OPEN

    def test_member_is_heard_of_though_an_earlier_event_came_elsewhere(
        self, meeting: Conference, elsewhere: datetime
    ) -> None:
        with time_machine.travel(elsewhere):
            hear(meeting.app, members_changed(meeting, member("u", 3), sequence=1))
        assert hear(meeting.app, members_changed(meeting, member("u", 6), sequence=2)) == APPLIED
        assert attendance_of("u") == Attendance.LEFT


class TestOnce:
    def test_repeated_event_changes_nothing_and_is_answered_as_before(self, meeting: Conference) -> None:
        event = members_changed(meeting, member("u", 3), sequence=1)
        assert hear(meeting.app, event) == APPLIED
        Member.objects.update(attendance=Attendance.LEFT)
        assert hear(meeting.app, event) == APPLIED
        assert attendance_of("u") == Attendance.LEFT
        assert ReceivedEvent.objects.count() == 1

    def test_older_one_that_comes_later_changes_nothing(self, meeting: Conference) -> None:
        hear(meeting.app, members_changed(meeting, member("u", 3), sequence=7))
        assert hear(meeting.app, members_changed(meeting, member("u", 2), sequence=6)) == OUTDATED
        assert hear(meeting.app, members_changed(meeting, member("u", 2), sequence=7)) == OUTDATED
        assert attendance_of("u") == Attendance.JOINED
        hear(meeting.app, members_changed(meeting, member("u", 6), sequence=8))
        assert attendance_of("u") == Attendance.LEFT

    def test_one_that_was_born_before_the_last_reading_changes_nothing(self, meeting: Conference) -> None:
        Observation.objects.create(conference=meeting, read_at=timezone.now())
        assert hear(meeting.app, members_changed(meeting, member("u"), born=-60)) == OUTDATED
        assert hear(meeting.app, members_changed(meeting, member("u"), born=-2)) == APPLIED

    @pytest.mark.parametrize("born", [-8 * 24 * 3600, 3600])
    def test_one_of_another_time_is_refused_and_not_remembered(
        self, meeting: Conference, born: float
    ) -> None:
        assert hear(meeting.app, members_changed(meeting, member("u"), born=born)) is None
        assert not ReceivedEvent.objects.exists()
        assert not Member.objects.exists()

    def test_what_fails_while_it_is_applied_is_not_taken_for_received(
        self, meeting: Conference, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        event = members_changed(meeting, member("u"))
        with monkeypatch.context() as patch:
            patch.setattr(Member.objects.__class__, "bulk_create", None)
            with pytest.raises(TypeError):
                hear(meeting.app, event)
        assert not ReceivedEvent.objects.exists()
        assert hear(meeting.app, event) == APPLIED

    def test_ids_are_forgotten_when_age_alone_refuses_them(self, meeting: Conference) -> None:
        hear(meeting.app, members_changed(meeting, member("u"), event_id="ours"))
        Conference.objects.update(conference_id="other")
        hear(meeting.app, members_changed(meeting, member("u"), event_id="of-others"))
        for days, left in ((0, 2), (1, 1), (13, 1), (15, 0)):
            with time_machine.travel(timezone.now() + timedelta(days=days), tick=False):
                receiving.forget_old()
            assert ReceivedEvent.objects.count() == left


class TestTogether:
    @pytest.mark.django_db(transaction=True)
    def test_of_several_who_get_the_same_event_one_applies_it(self, meeting: Conference) -> None:
        event = members_changed(meeting, member("u"), sequence=1)
        assert all_at_once(lambda: hear(meeting.app, event)) == [APPLIED] * 6
        assert ReceivedEvent.objects.count() == Member.objects.count() == 1

    def test_later_one_counts_though_it_waited_for_an_earlier_one(self, meeting: Conference) -> None:
        hear(meeting.app, members_changed(meeting, member("u", 2), sequence=1))

        def apply_earlier(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
            if sql.startswith("SELECT") and '"invites_observation"' in sql:
                Member.objects.update(attendance=Attendance.JOINED, status_seq=2, read_at=timezone.now())
            return execute(sql, *rest)

        with connection.execute_wrapper(apply_earlier):
            assert hear(meeting.app, members_changed(meeting, member("u", 6), sequence=3)) == APPLIED
        assert attendance_of("u") == Attendance.LEFT

    @pytest.mark.django_db(transaction=True)
    def test_of_several_events_at_once_the_last_word_stands(self, meeting: Conference) -> None:
        numbers = iter(range(6))
        lock = threading.Lock()

        def act() -> object:
            with lock:
                number = next(numbers)
            status = 6 if number == 5 else 3
            return hear(meeting.app, members_changed(meeting, member("u", status), sequence=number))

        all_at_once(act)
        assert attendance_of("u") == Attendance.LEFT


class TestWhoseItIs:
    def test_meeting_that_is_not_here_is_nobody_s(self, meeting: Conference) -> None:
        other = Conference(app=meeting.app, conference_id="elsewhere")
        assert hear(meeting.app, members_changed(other, member("u"))) == NOT_OURS
        assert hear(ConferenceFactory().app, members_changed(meeting, member("u"))) == NOT_OURS
        assert not Member.objects.exists()

    def test_what_is_not_understood_is_noted_as_such(self, meeting: Conference) -> None:
        event = members_changed(meeting, {"userNick": ["x"]})
        assert hear(meeting.app, event) == EventOutcome.UNREADABLE

    def test_kind_without_use_is_passed_over(self, meeting: Conference) -> None:
        assert hear(meeting.app, envelope("user_add_org", {})) == NOT_OURS


class TestTickets:
    @pytest.fixture
    def suite(self) -> App:
        return App.objects.create(
            name="suite",
            kind=AppKind.THIRD_PARTY,
            base_url="http://127.0.0.1:9",
            client_id="suite-key",
            client_secret="suite-secret",
            auth_corp_id="ding1",
            suite_ticket="first",
        )

    def test_newest_ticket_is_kept_encrypted(self, suite: App) -> None:
        assert (
            hear(suite, envelope("suite_ticket", {"suiteTicket": "second", "suiteKey": "suite-key"}))
            == APPLIED
        )
        older = envelope("suite_ticket", {"suiteTicket": "older"}, born=-3600)
        assert hear(suite, older) == OUTDATED
        suite = App.objects.get(pk=suite.pk)
        assert suite.suite_ticket == "second"
        assert suite.suite_ticket_at is not None
        with connection.cursor() as cursor:
            cursor.execute("SELECT suite_ticket FROM invites_app WHERE id = %s", [suite.pk])
            assert "second" not in cursor.fetchone()[0]

    def test_token_is_not_fetched_anew_for_it(self, suite: App) -> None:
        before = client_for(suite)
        hear(suite, envelope("suite_ticket", {"suiteTicket": "second"}))
        after = client_for(App.objects.get(pk=suite.pk))
        assert after is not before
        stores = [client._tokens._store._fingerprint for client in (before, after)]  # type: ignore[attr-defined]
        assert stores[0] == stores[1]

    def test_ticket_of_another_suite_is_not_ours(self, suite: App, meeting: Conference) -> None:
        for app, key in ((suite, "another"), (meeting.app, "")):
            event = envelope("suite_ticket", {"suiteTicket": "x", "suiteKey": key})
            assert hear(app, event) == NOT_OURS
