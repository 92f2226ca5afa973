"""Asking the sandbox about conferences over HTTP: what is stored, what is refused, and what is asked only once."""

import threading
import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from invites.conferring import close, create, find, outcome_of, refresh, register, running
from invites.conferring.facts import safe_link
from invites.conferring.finding import MOST_NAMED
from invites.connecting import close_clients
from invites.dingtalk.sandbox import DEMO_ORGANIZER, SandboxServer
from invites.dingtalk.sandbox.routes import Operation
from invites.errors import (
    AppUnavailable,
    ConferenceTaken,
    CreationUnderWay,
    DemoPersonRefused,
    DingTalkRefused,
    FormAlreadyUsed,
    InviteError,
)
from invites.models import App, Conference, ConferenceCreation, User
from invites.models.conference import ConferenceStatus, CreationState
from tests.dingtalk.loopback import Recorder, recording_server
from tests.factories import AppFactory, ConferenceFactory

pytestmark = pytest.mark.django_db

PLANNING = "5a9db0c000000000000000a1"
KICK_OFF = "5a9db0c000000000000000a4"
HOST = DEMO_ORGANIZER.union_id


@pytest.fixture
def dingtalk() -> Iterator[Recorder]:
    """A server that answers everything with what a test gives it, where the sandbox has no such meetings."""
    with recording_server() as recorder:
        yield recorder
    close_clients()


def asked(sandbox: SandboxServer, operation: Operation) -> int:
    """How often an operation reached the sandbox."""
    return sum(received.operation is operation for received in sandbox.received)


def make(user: User, app: App, key: uuid.UUID | None = None, title: str = "Weekly review") -> Conference:
    return create(user=user, app=app, key=key or uuid.uuid4(), title=title, union_id="operator-1")


class TestCreate:
    def test_what_dingtalk_answers_is_stored(
        self, sandbox: SandboxServer, sandbox_app: App, organizer: User
    ) -> None:
        conference = make(organizer, sandbox_app)
        told = sandbox.received[-1]
        assert told.operation is Operation.CREATE
        assert told.body == {"confTitle": "Weekly review", "userId": "operator-1"}
        assert (conference.owner, conference.app) == (organizer, sandbox_app)
        assert (conference.title, conference.status) == ("Weekly review", ConferenceStatus.OPEN)
        assert conference.room_code.isdecimal()
        assert conference.external_link_url.endswith(conference.room_code)
        assert conference.creator_union_id == "operator-1"

    def test_creator_can_ask_not_to_be_called(
        self, sandbox: SandboxServer, sandbox_app: App, organizer: User
    ) -> None:
        create(
            user=organizer,
            app=sandbox_app,
            key=uuid.uuid4(),
            title="Quiet",
            union_id="operator-1",
            invite_caller=False,
        )
        body = sandbox.received[-1].body
        assert isinstance(body, dict)
        assert body["inviteCaller"] is False

    def test_union_id_is_remembered(self, sandbox_app: App, organizer: User) -> None:
        make(organizer, sandbox_app)
        organizer.refresh_from_db()
        assert organizer.union_id == "operator-1"

    def test_refused_creation_is_on_record_and_remembers_nothing(
        self, sandbox: SandboxServer, sandbox_app: App, organizer: User
    ) -> None:
        sandbox.add_fault("code:orgAccessForbidden", operation="create")
        with pytest.raises(DingTalkRefused) as refusal:
            make(organizer, sandbox_app)
        assert (refusal.value.code, refusal.value.is_unsure) == ("orgAccessForbidden", False)
        assert refusal.value.request_id
        creation = ConferenceCreation.objects.get()
        assert (creation.state, creation.error_code) == (CreationState.FAILED, "orgAccessForbidden")
        organizer.refresh_from_db()
        assert organizer.union_id == "operator-of-organizer"

    @pytest.mark.parametrize("fault", ["html_502", "cut_json", "html", "code:systemError"])
    def test_unsure_answer_points_to_the_running_meetings(
        self, sandbox: SandboxServer, sandbox_app: App, organizer: User, fault: str
    ) -> None:
        sandbox.add_fault(fault, operation="create", effect="after")
        with pytest.raises(DingTalkRefused) as refusal:
            make(organizer, sandbox_app)
        assert refusal.value.is_unsure
        assert "may have been created" in str(refusal.value)
        assert ConferenceCreation.objects.get().state == CreationState.UNKNOWN
        assert not Conference.objects.exists()

    def test_unknown_person_is_told_about_their_union_id(
        self, sandbox: SandboxServer, sandbox_app: App, organizer: User
    ) -> None:
        sandbox.add_fault("code:unknownUserError", operation="create")
        with pytest.raises(DingTalkRefused, match="does not know this unionId"):
            make(organizer, sandbox_app)

    def test_unreachable_dingtalk_creates_nothing(self, organizer: User) -> None:
        with pytest.raises(DingTalkRefused, match="could not be reached") as refusal:
            make(organizer, AppFactory())
        assert (refusal.value.code, refusal.value.is_unsure) == ("notConnected", False)

    def test_disabled_app_is_not_asked(
        self, sandbox: SandboxServer, sandbox_app: App, organizer: User
    ) -> None:
        sandbox_app.enabled = False
        with pytest.raises(AppUnavailable):
            make(organizer, sandbox_app)
        assert not sandbox.received
        assert not ConferenceCreation.objects.exists()

    def test_demo_person_creates_nothing_through_a_real_app(self, organizer: User) -> None:
        with pytest.raises(DemoPersonRefused):
            create(user=organizer, app=AppFactory(), key=uuid.uuid4(), title="Weekly", union_id=HOST)
        assert not ConferenceCreation.objects.exists()


class TestSecondPressOfTheSameForm:
    def test_gets_the_conference_of_the_first(
        self, sandbox: SandboxServer, sandbox_app: App, organizer: User
    ) -> None:
        key = uuid.uuid4()
        assert make(organizer, sandbox_app, key) == make(organizer, sandbox_app, key)
        assert asked(sandbox, Operation.CREATE) == 1

    def test_gets_the_refusal_of_the_first(
        self, sandbox: SandboxServer, sandbox_app: App, organizer: User
    ) -> None:
        sandbox.add_fault("code:waterLimitError", operation="create")
        key = uuid.uuid4()
        refusals = []
        for _press in range(2):
            with pytest.raises(DingTalkRefused) as refusal:
                make(organizer, sandbox_app, key)
            refusals.append(refusal.value)
        first, second = refusals
        assert str(first) == str(second)
        assert (first.request_id, first.remote_message) == (second.request_id, second.remote_message)
        assert asked(sandbox, Operation.CREATE) == 1

    def test_with_something_else_in_it_creates_nothing(
        self, sandbox: SandboxServer, sandbox_app: App, organizer: User
    ) -> None:
        key = uuid.uuid4()
        make(organizer, sandbox_app, key)
        with pytest.raises(FormAlreadyUsed):
            make(organizer, sandbox_app, key, title="Another")
        assert asked(sandbox, Operation.CREATE) == 1

    def test_of_somebody_else_creates_and_tells_nothing(
        self, sandbox: SandboxServer, sandbox_app: App, organizer: User, other_organizer: User
    ) -> None:
        key = uuid.uuid4()
        make(organizer, sandbox_app, key)
        with pytest.raises(FormAlreadyUsed):
            make(other_organizer, sandbox_app, key)
        assert asked(sandbox, Operation.CREATE) == 1

    def test_after_the_process_died_says_that_the_meeting_may_exist(
        self, sandbox: SandboxServer, sandbox_app: App, organizer: User
    ) -> None:
        creation = ConferenceCreation.objects.create(user=organizer, app=sandbox_app, title="Weekly review")
        ConferenceCreation.objects.update(created_at=timezone.now() - timedelta(minutes=2))
        with pytest.raises(DingTalkRefused, match="may have been created") as refusal:
            make(organizer, sandbox_app, creation.key)
        assert refusal.value.code == "processDied"
        assert not sandbox.received

    @pytest.mark.django_db(transaction=True)
    def test_many_presses_at_once_create_one_meeting(
        self, sandbox: SandboxServer, sandbox_app: App, organizer: User
    ) -> None:
        sandbox.add_fault("latency", operation="create", seconds=0.5)
        key, start = uuid.uuid4(), threading.Barrier(6)
        results: list[object] = []

        def press() -> None:
            start.wait()
            try:
                results.append(make(organizer, sandbox_app, key).pk)
            except InviteError as error:
                results.append(type(error))
            finally:
                connection.close()

        threads = [threading.Thread(target=press) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert asked(sandbox, Operation.CREATE) == 1
        conference = Conference.objects.get()
        assert conference.pk in results
        assert set(results) <= {conference.pk, CreationUnderWay}


class TestOutcomeOf:
    def test_nothing_while_dingtalk_is_being_asked(self, organizer: User) -> None:
        creation = ConferenceCreation.objects.create(user=organizer, app=AppFactory(), title="Weekly")
        assert creation.is_under_way
        assert outcome_of(creation) is None

    def test_refusal_on_record_reads_as_it_did(self, organizer: User) -> None:
        creation = ConferenceCreation(
            user=organizer,
            app=AppFactory(),
            title="Weekly",
            state=CreationState.FAILED,
            error_code="paramsTitleError",
            error_message="the title is unfit",
            request_id="RQ-1",
        )
        refusal = outcome_of(creation)
        assert refusal is not None
        assert "did not accept the title" in str(refusal.what)
        assert "RQ-1" in refusal.for_support


class TestRunning:
    def test_lists_the_meetings_of_a_person_with_their_titles(
        self, sandbox: SandboxServer, sandbox_app: App, organizer: User
    ) -> None:
        found = running(user=organizer, app=sandbox_app, union_id=HOST)
        assert {meeting.title for meeting in found} >= {"Weekly planning · 每周例会"}
        assert all(meeting.status == ConferenceStatus.OPEN for meeting in found)
        assert KICK_OFF not in {meeting.conference_id for meeting in found}
        organizer.refresh_from_db()
        assert organizer.union_id == HOST

    def test_meetings_that_cannot_be_named_stay_choosable(
        self, sandbox: SandboxServer, sandbox_app: App, organizer: User
    ) -> None:
        sandbox.add_fault("quota", operation="info", times=None)
        found = running(user=organizer, app=sandbox_app, union_id=HOST)
        assert PLANNING in {meeting.conference_id for meeting in found}
        assert {meeting.title for meeting in found} == {""}
        assert asked(sandbox, Operation.INFO) == 1

    def test_id_that_is_no_path_segment_is_left_out(self, dingtalk: Recorder, organizer: User) -> None:
        dingtalk.answer = {
            "onGoingConfIdList": ["../x", "cafe01"],
            "confInfo": {"title": "Real", "status": 2},
        }
        found = running(user=organizer, app=AppFactory(base_url=dingtalk.url), union_id="operator-1")
        assert [(meeting.conference_id, meeting.title) for meeting in found] == [("cafe01", "Real")]

    def test_only_the_first_meetings_cost_a_call_each(self, dingtalk: Recorder, organizer: User) -> None:
        ids = [f"cafe{number:02}" for number in range(MOST_NAMED + 2)]
        dingtalk.answer = {"onGoingConfIdList": ids, "confInfo": {"title": "Real", "status": 2}}
        found = running(user=organizer, app=AppFactory(base_url=dingtalk.url), union_id="operator-1")
        assert [meeting.conference_id for meeting in found] == ids
        assert len(dingtalk.recorded) == 1 + MOST_NAMED

    def test_demo_person_is_not_asked_about_through_a_real_app(
        self, dingtalk: Recorder, organizer: User
    ) -> None:
        with pytest.raises(DemoPersonRefused):
            running(user=organizer, app=AppFactory(base_url=dingtalk.url), union_id=HOST)
        assert not dingtalk.recorded

    def test_wrong_union_id_is_refused_and_not_remembered(
        self, sandbox: SandboxServer, sandbox_app: App, organizer: User
    ) -> None:
        with pytest.raises(DingTalkRefused, match="does not know this unionId"):
            running(user=organizer, app=sandbox_app, union_id="sandbox-unknown-01")
        organizer.refresh_from_db()
        assert organizer.union_id == "operator-of-organizer"


class TestFind:
    def test_finds_a_meeting_by_its_number(self, sandbox: SandboxServer, sandbox_app: App) -> None:
        (meeting,) = find(app=sandbox_app, room_code="900000103")
        assert (meeting.title, meeting.creator_nick) == ("Customer call · 客户沟通", "Alex Sample")
        assert meeting.started_at is not None

    def test_finds_nothing_behind_another_number(self, sandbox: SandboxServer, sandbox_app: App) -> None:
        assert find(app=sandbox_app, room_code="123456789") == []

    def test_running_meetings_come_before_those_that_have_ended(self, dingtalk: Recorder) -> None:
        dingtalk.answer = {
            "conferenceList": [
                {"conferenceId": "yesterday", "status": 1},
                {"conferenceId": "now", "status": 2},
            ]
        }
        found = find(app=AppFactory(base_url=dingtalk.url), room_code="900000103")
        assert [meeting.conference_id for meeting in found] == ["now", "yesterday"]

    def test_throttled_search_says_when_to_try_again(self, sandbox: SandboxServer, sandbox_app: App) -> None:
        sandbox.add_fault("throttled", operation="by_room_code")
        with pytest.raises(DingTalkRefused, match="Try again in a minute"):
            find(app=sandbox_app, room_code="900000103")


class TestRegister:
    def test_takes_what_dingtalk_says(
        self, sandbox: SandboxServer, sandbox_app: App, organizer: User
    ) -> None:
        registration = register(user=organizer, app=sandbox_app, conference_id=PLANNING)
        conference = registration.conference
        assert registration.is_new
        assert (conference.owner, conference.room_code) == (organizer, "900000101")
        assert (conference.title, conference.status) == ("Weekly planning · 每周例会", ConferenceStatus.OPEN)
        assert conference.creator_union_id == HOST
        assert conference.status_read_at is not None

    def test_own_title_wins(self, sandbox: SandboxServer, sandbox_app: App, organizer: User) -> None:
        registration = register(user=organizer, app=sandbox_app, conference_id=PLANNING, title="Mine")
        assert registration.conference.title == "Mine"

    def test_conference_that_is_there_already_is_not_asked_for_again(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        registration = register(user=organizer, app=conference.app, conference_id=conference.conference_id)
        assert (registration.conference, registration.is_new) == (conference, False)
        assert not sandbox.received

    def test_conference_of_somebody_else_names_them(
        self, conference: Conference, other_organizer: User
    ) -> None:
        with pytest.raises(ConferenceTaken, match="organizer"):
            register(user=other_organizer, app=conference.app, conference_id=conference.conference_id)

    def test_conference_of_the_command_line_sends_to_an_administrator(
        self, conference: Conference, other_organizer: User
    ) -> None:
        Conference.objects.update(owner=None)
        with pytest.raises(ConferenceTaken, match="administrator"):
            register(user=other_organizer, app=conference.app, conference_id=conference.conference_id)

    def test_co_organizer_and_administrator_are_let_in(
        self, conference: Conference, other_organizer: User, administrator: User
    ) -> None:
        conference.co_organizers.add(other_organizer)
        for user in (other_organizer, administrator):
            registration = register(user=user, app=conference.app, conference_id=conference.conference_id)
            assert registration.conference == conference

    def test_same_id_of_another_app_is_another_conference(
        self, sandbox: SandboxServer, sandbox_app: App, organizer: User, other_organizer: User
    ) -> None:
        ConferenceFactory(conference_id="cafe01", owner=other_organizer)
        sandbox.add_conference(conference_id="cafe01", title="Here")
        assert register(user=organizer, app=sandbox_app, conference_id="cafe01").is_new

    def test_conference_that_dingtalk_does_not_know_is_refused(
        self, sandbox: SandboxServer, sandbox_app: App, organizer: User
    ) -> None:
        with pytest.raises(DingTalkRefused, match="finds no conference") as refusal:
            register(user=organizer, app=sandbox_app, conference_id="cafe01")
        assert refusal.value.code == "roomNotFound"
        assert not Conference.objects.exists()

    def test_conference_that_is_over_is_refused(
        self, sandbox: SandboxServer, sandbox_app: App, organizer: User
    ) -> None:
        sandbox.add_fault("code:resourceClose", operation="info")
        with pytest.raises(DingTalkRefused, match="is over"):
            register(user=organizer, app=sandbox_app, conference_id=PLANNING)
        assert not Conference.objects.exists()

    @pytest.mark.parametrize("fault", ["code:permissions.error", "html_502", "throttled", "quota"])
    def test_dingtalk_that_tells_nothing_does_not_stop_it(
        self, sandbox: SandboxServer, sandbox_app: App, organizer: User, fault: str
    ) -> None:
        sandbox.add_fault(fault, operation="info")
        registration = register(user=organizer, app=sandbox_app, conference_id=PLANNING, title="Mine")
        assert registration.refusal is not None
        conference = registration.conference
        assert (conference.status, conference.status_read_at) == (ConferenceStatus.UNKNOWN, None)

    def test_demo_conference_stays_in_the_sandbox(self, organizer: User) -> None:
        with pytest.raises(DemoPersonRefused, match="sandbox only"):
            register(user=organizer, app=AppFactory(), conference_id=PLANNING)


class TestSafeLink:
    @pytest.mark.parametrize("url", ["https://meeting.example/1", "http://127.0.0.1/1"])
    def test_web_address_is_kept(self, url: str) -> None:
        assert safe_link(url) == url

    @pytest.mark.parametrize("url", ["", "javascript:alert(1)", "dingtalk://1", "https://" + "x" * 500])
    def test_anything_else_is_left_out(self, url: str) -> None:
        assert safe_link(url) == ""


class TestRefresh:
    def test_stores_what_has_changed(self, sandbox: SandboxServer, conference: Conference) -> None:
        sandbox.close_conference(conference.conference_id)
        refreshed = refresh(conference=conference)
        assert (refreshed.status, refreshed.room_code) == (ConferenceStatus.ENDED, "900000101")
        assert refreshed.status_read_at is not None

    def test_keeps_the_title_that_people_chose(self, sandbox: SandboxServer, conference: Conference) -> None:
        assert refresh(conference=conference).title == "Weekly planning"

    def test_fills_in_a_missing_title(self, sandbox: SandboxServer, conference: Conference) -> None:
        Conference.objects.update(title="")
        assert refresh(conference=conference).title == "Weekly planning · 每周例会"

    @pytest.mark.parametrize("code", ["confClosed", "resourceClose", "conference.not.found"])
    def test_conference_that_is_over_for_dingtalk_has_ended(
        self, sandbox: SandboxServer, conference: Conference, code: str
    ) -> None:
        sandbox.add_fault(f"code:{code}", operation="info")
        assert refresh(conference=conference).has_ended

    def test_answer_that_comes_late_does_not_undo_a_later_one(
        self, sandbox: SandboxServer, conference: Conference
    ) -> None:
        later = timezone.now() + timedelta(minutes=1)
        Conference.objects.update(status=ConferenceStatus.ENDED, status_read_at=later)
        assert refresh(conference=conference).has_ended

    def test_end_that_comes_while_dingtalk_is_asked_stands(
        self, sandbox: SandboxServer, conference: Conference
    ) -> None:
        # What was loaded before it came; the clock of the machine that wrote it is behind.
        earlier = timezone.now() - timedelta(minutes=1)
        Conference.objects.update(status=ConferenceStatus.ENDED, status_read_at=earlier)
        assert refresh(conference=conference).has_ended
        # Whoever asks once more, of one that is over, learns what DingTalk says.
        assert refresh(conference=Conference.objects.get()).is_open

    def test_end_counts_whatever_was_written_by_a_clock_that_is_ahead(
        self, sandbox: SandboxServer, conference: Conference
    ) -> None:
        Conference.objects.update(status_read_at=timezone.now() + timedelta(minutes=5))
        sandbox.close_conference(conference.conference_id)
        assert refresh(conference=conference).has_ended

    def test_failure_changes_nothing(self, sandbox: SandboxServer, conference: Conference) -> None:
        sandbox.add_fault("html_503", operation="info")
        with pytest.raises(DingTalkRefused):
            refresh(conference=conference)
        conference.refresh_from_db()
        assert (conference.status, conference.status_read_at) == (ConferenceStatus.OPEN, None)


class TestClose:
    def test_ends_the_meeting_in_dingtalk_and_here(
        self, sandbox: SandboxServer, conference: Conference
    ) -> None:
        assert close(conference=conference, union_id=HOST).has_ended
        assert asked(sandbox, Operation.CLOSE) == 1
        assert refresh(conference=conference).has_ended

    def test_only_the_host_may(self, sandbox: SandboxServer, conference: Conference) -> None:
        with pytest.raises(DingTalkRefused) as refusal:
            close(conference=conference, union_id="somebody")
        assert refusal.value.code == "noPermission"
        conference.refresh_from_db()
        assert conference.is_open

    def test_meeting_that_had_ended_already_is_as_good(
        self, sandbox: SandboxServer, conference: Conference
    ) -> None:
        sandbox.close_conference(conference.conference_id)
        assert close(conference=conference, union_id=HOST).has_ended

    def test_unsure_answer_leaves_the_state_and_says_what_helps(
        self, sandbox: SandboxServer, conference: Conference
    ) -> None:
        sandbox.add_fault("html_502", operation="close", effect="after")
        with pytest.raises(DingTalkRefused, match="refresh it"):
            close(conference=conference, union_id=HOST)
        conference.refresh_from_db()
        assert conference.is_open
