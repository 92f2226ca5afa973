"""Reading the members of a conference where something goes wrong, is odd, or has ended."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from invites import delivering
from invites.connecting import close_clients
from invites.delivering import WORKER
from invites.dingtalk.sandbox import SandboxServer
from invites.dingtalk.sandbox.routes import Operation
from invites.models import App, Conference, Invitation, Invitee, Member, Observation, User
from invites.models.invitation import InvitationState
from invites.models.invitee import InviteeState
from invites.models.member import Attendance
from tests.dingtalk.loopback import Recorder, recording_server
from tests.factories import ConferenceFactory, MemberFactory
from tests.invites.conftest import QUIET_CONFERENCE, Clock
from tests.invites.observed import about, asked, attendances, read, ring, seconds_until_next
from tests.invites.test_delivering import sent

pytestmark = pytest.mark.django_db


class TestWhatGoesWrong:
    @pytest.mark.parametrize(
        ("fault", "problem"),
        [
            ("html", "unreadableAnswer"),
            ("cut_json", "unreadableAnswer"),
            ("json_array", "unreadableAnswer"),
            ("html_502", "http_502"),
            ("drop", "connectionLost"),
            ("no_code", "http_400"),
            ("code:paramsError", "paramsError"),
            ("code:systemError", "systemError"),
            ("code:somethingNew", "somethingNew"),
        ],
    )
    def test_failure_is_noted_and_tried_again_later(
        self, timed_sandbox: SandboxServer, quiet: Conference, fault: str, problem: str
    ) -> None:
        member = MemberFactory(conference=quiet, attendance="joined")
        Observation.objects.create(conference=quiet, calm=3, asks_for_default_pages=True)
        timed_sandbox.add_fault(fault, operation="members")
        observation = read(quiet)
        assert (observation.problem, observation.calm, observation.read_at) == (problem, 4, None)
        assert observation.leased_until is None
        assert [seconds_until_next(observation)] == about(3 * 1.5**4)
        member.refresh_from_db()
        assert member.attendance == Attendance.JOINED
        assert read(quiet).problem == ""

    def test_time_out_is_noted(
        self, timed_sandbox: SandboxServer, quiet: Conference, settings: Settings
    ) -> None:
        settings.CALL_SECONDS = 0.3
        timed_sandbox.add_fault("hang", operation="members", seconds=2)
        assert read(quiet).problem == "deadline"

    def test_failure_on_a_later_page_stores_nothing(
        self, timed_sandbox: SandboxServer, quiet: Conference
    ) -> None:
        ring(timed_sandbox, *(f"person-{n}-1" for n in range(501)))
        timed_sandbox.add_fault("html", operation="members", skip=1)
        assert read(quiet).problem == "unreadableAnswer"
        assert not Member.objects.exists()

    @pytest.mark.parametrize(
        ("fault", "retry_after", "pause"),
        [
            ("throttled", None, 4.5),
            ("throttled", 17, 17),
            ("throttled", 3600, 3600),
            ("throttled_per_minute", None, 60),
            ("quota", None, 300),
            ("code:Forbidden.AccessDenied.IpNotInWhiteList", None, 300),
        ],
    )
    def test_pause_is_at_least_what_the_refusal_asks_for(
        self,
        timed_sandbox: SandboxServer,
        quiet: Conference,
        fault: str,
        retry_after: float | None,
        pause: float,
    ) -> None:
        waits = {} if retry_after is None else {"retry_after": retry_after}
        timed_sandbox.add_fault(fault, operation="members", **waits)
        assert [seconds_until_next(read(quiet))] == about(pause)

    @pytest.mark.parametrize("fault", ["throttled", "quota", "code:permissions.error"])
    def test_other_conferences_of_the_app_are_left_alone_too(
        self, timed_sandbox: SandboxServer, quiet: Conference, fault: str
    ) -> None:
        now = timezone.now()
        soon = now + timedelta(milliseconds=500)
        theirs = Observation.objects.create(
            conference=ConferenceFactory(app=quiet.app), watched_at=now, next_read_at=soon
        )
        others = Observation.objects.create(conference=ConferenceFactory(), watched_at=now, next_read_at=soon)
        timed_sandbox.add_fault(fault, operation="members")
        problem = read(quiet).problem
        theirs.refresh_from_db()
        others.refresh_from_db()
        assert theirs.problem == problem != ""
        assert seconds_until_next(theirs) > 0.6
        assert (others.problem, others.next_read_at) == ("", soon)

    def test_address_that_is_shut_out_rests_altogether(
        self, timed_sandbox: SandboxServer, quiet: Conference
    ) -> None:
        timed_sandbox.add_fault("shut_out_html", operation="members")
        observation = read(quiet)
        assert observation.problem == "addressShutOut"
        assert [seconds_until_next(observation)] == about(300)
        rests_until = App.objects.rests_until(quiet.app_id)
        assert rests_until is not None
        assert (rests_until - timezone.now()).total_seconds() == pytest.approx(300, abs=1)

    def test_stale_token_is_renewed(self, timed_sandbox: SandboxServer, quiet: Conference) -> None:
        read(quiet)
        timed_sandbox.expire_tokens()
        assert read(quiet).problem == ""


class TestOddLists:
    @pytest.fixture
    def dingtalk(self, quiet: Conference) -> Iterator[Recorder]:
        """A server that answers with whatever a test gives it."""
        with recording_server() as recorder:
            App.objects.update(kind="fixed_token", base_url=recorder.url, access_token="secret")
            quiet.app.refresh_from_db()
            yield recorder
        close_clients()

    def test_list_that_leads_in_a_circle_ends(self, dingtalk: Recorder, quiet: Conference) -> None:
        dingtalk.answer = {"memberModels": [], "nextToken": "7"}
        assert read(quiet).problem == "unreadableAnswer"
        assert len(dingtalk.recorded) == 2

    def test_somebody_with_two_devices_is_one_member(self, dingtalk: Recorder, quiet: Conference) -> None:
        dingtalk.answer = {
            "memberModels": [
                {"unionId": "u1", "userNick": "One", "attendStatus": 6},
                {"unionId": "u1", "userNick": "One", "attendStatus": 3},
                {"unionId": "u1", "userNick": "One", "attendStatus": 4},
            ]
        }
        read(quiet)
        assert attendances(quiet) == {"u1": "joined"}

    def test_names_that_no_database_takes_are_mended(self, dingtalk: Recorder, quiet: Conference) -> None:
        dingtalk.answer = {
            "memberModels": [
                {"unionId": "u1", "userNick": "a\x00b\ud800c", "attendStatus": 3},
                {"unionId": "u2", "userNick": "n" * 500, "attendStatus": 99},
                {"attendStatus": 0},
            ]
        }
        read(quiet)
        assert attendances(quiet) == {"u1": "joined", "u2": "not_known", "": "not_known"}

    def test_incomplete_list_says_nothing_of_those_who_are_not_on_it(
        self, dingtalk: Recorder, quiet: Conference
    ) -> None:
        MemberFactory(conference=quiet, union_id="u2", attendance="joined")
        listed = [{"unionId": "u1", "userNick": "One", "attendStatus": 3}]
        dingtalk.answer = {"memberModels": listed, "totalCount": 2}
        read(quiet)
        assert attendances(quiet) == {"u1": "joined", "u2": "joined"}
        dingtalk.answer = {"memberModels": listed, "totalCount": 1}
        read(quiet)
        assert attendances(quiet) == {"u1": "joined", "u2": "not_known"}


class TestEnd:
    @pytest.fixture
    def under_way(self, quiet: Conference, organizer: User) -> list[Invitation]:
        """Two invitations with people who are still to be called."""
        return [sent(quiet, organizer, "pending-1", "pending-2"), sent(quiet, organizer, "pending-3")]

    @pytest.mark.parametrize("code", ["confClosed", "resourceClose", "conference.not.found", "roomNotFound"])
    def test_whoever_was_still_to_be_called_is_left_out_with_the_reason(
        self, timed_sandbox: SandboxServer, quiet: Conference, under_way: list[Invitation], code: str
    ) -> None:
        member = MemberFactory(conference=quiet, attendance="joined")
        timed_sandbox.add_fault(f"code:{code}", operation="members")
        observation = read(quiet)
        assert (observation.next_read_at, observation.leased_until, observation.problem) == (None, None, "")
        quiet.refresh_from_db()
        assert quiet.has_ended
        for invitation in under_way:
            invitation.refresh_from_db()
            assert invitation.state == InvitationState.FINISHED
        people = Invitee.objects.values_list("state", "skipped_because")
        assert set(people) == {(InviteeState.SKIPPED, code)}
        member.refresh_from_db()
        assert member.attendance == Attendance.JOINED
        delivering.deliver(invitation_id=under_way[0].pk, policy=WORKER)
        assert timed_sandbox.invitations == []

    def test_conference_that_everybody_left_is_asked_about_and_found_ended(
        self, timed_sandbox: SandboxServer, quiet: Conference, under_way: list[Invitation], clock: Clock
    ) -> None:
        ring(timed_sandbox, "joins-1", "rings-8")
        clock.ahead += 10
        read(quiet)
        timed_sandbox.close_conference(QUIET_CONFERENCE)
        for _reading in range(3):
            read(quiet)
        quiet.refresh_from_db()
        assert quiet.has_ended
        assert attendances(quiet) == {"joins-1": "left", "rings-8": "declined"}
        assert asked(timed_sandbox, Operation.INFO) == 1
        assert set(Invitee.objects.values_list("skipped_because", flat=True)) == {"confClosed"}

    def test_empty_conference_that_runs_is_asked_about_seldom(
        self, timed_sandbox: SandboxServer, quiet: Conference
    ) -> None:
        for _reading in range(10):
            read(quiet)
        assert asked(timed_sandbox) == 10
        assert asked(timed_sandbox, Operation.INFO) == 3
        quiet.refresh_from_db()
        assert quiet.is_open

    def test_nobody_asks_about_a_conference_with_somebody_in_it(
        self, timed_sandbox: SandboxServer, quiet: Conference, clock: Clock
    ) -> None:
        ring(timed_sandbox, "joins-1")
        clock.ahead += 10
        for _reading in range(4):
            read(quiet)
        assert asked(timed_sandbox, Operation.INFO) == 0

    def test_later_word_that_it_runs_is_believed(
        self, timed_sandbox: SandboxServer, quiet: Conference, under_way: list[Invitation]
    ) -> None:
        Conference.objects.update(status_read_at=timezone.now() + timedelta(seconds=5))
        timed_sandbox.add_fault("code:confClosed", operation="members")
        read(quiet)
        quiet.refresh_from_db()
        assert quiet.is_open
        assert Invitee.objects.pending().count() == 3
