"""A sent invitation on its way: claimed, posted to a real sandbox, recorded."""

import signal
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest
from django.db import connection, connections
from django.utils import timezone
from pytest_django import Settings

from invites import delivering
from invites.connecting import client_for
from invites.delivering.claiming import claim_next_batch
from invites.delivering.outcomes import WORKER, NextStep, Outcome, outcome_of_process_death
from invites.delivering.recording import record
from invites.dingtalk.sandbox import SandboxServer
from invites.models import App, Attempt, Batch, Conference, Invitation, Invitee, User
from invites.models.app import AppKind
from invites.models.attempt import AttemptState
from invites.models.conference import ConferenceStatus
from invites.models.invitation import InvitationState
from invites.models.invitee import Channel, InviteeState
from invites.sending import send
from tests.factories import AppFactory, ConferenceFactory, InvitationFactory, InviteeFactory
from tests.keeping import tampering


def sent(conference: Conference, user: User, *values: str, operator: str = "") -> Invitation:
    """An invitation of people with these unionIds (or, with a plus sign, numbers), sent but not yet delivered."""
    draft = InvitationFactory(conference=conference, operator_union_id=operator)
    for position, value in enumerate(values):
        channel = Channel.PHONE if value.startswith("+") else Channel.UNION_ID
        InviteeFactory(invitation=draft, position=position, value=value, channel=channel, nick=f"N {value}")
    return send(invitation=draft, revision=draft.revision, user=user)


def deliver(invitation: Invitation) -> Invitation:
    """Delivers to the end as a patient worker would, without waiting out the pauses."""
    for _round in range(40):
        if delivering.deliver(invitation_id=invitation.pk, policy=WORKER) is None:
            break
        Batch.objects.update(not_before=timezone.now())
        App.objects.update(rests_until=None)
    invitation.refresh_from_db()
    return invitation


def states(invitation: Invitation) -> dict[str, str]:
    return dict(invitation.invitees.values_list("value", "state"))


@pytest.fixture
def settled(db: None) -> Iterator[None]:
    yield
    assert not Attempt.objects.filter(state=AttemptState.STARTED).exists()


@pytest.mark.usefixtures("settled")
class TestOneCall:
    def test_everybody_is_invited_and_the_answer_is_on_record(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        invitation = deliver(sent(conference, organizer, "abc123", "+8613800138000", operator="op1"))
        assert states(invitation) == {"abc123": "invited", "+8613800138000": "invited"}
        attempt = invitation.attempts.get()
        assert (attempt.state, attempt.http_status, attempt.people) == (AttemptState.SUCCEEDED, 200, 2)
        assert attempt.response_excerpt == '{"success":true}'
        assert invitation.state == InvitationState.FINISHED
        [received] = sandbox.invitations
        assert received.body == {
            "inviteeList": [{"unionId": "abc123", "nick": "N abc123"}],
            "phoneInviteeList": [{"phoneNumber": "13800138000", "nick": "N +8613800138000"}],
            "unionId": "op1",
        }

    @pytest.mark.parametrize(
        ("fault", "code", "state", "posts"),
        [
            ({"fault": "success_false"}, "notSuccessful", "failed", 1),
            ({"fault": "code:systemError"}, "systemError", "failed", 1),
            ({"fault": "no_code"}, "http_400", "failed", 1),
            ({"fault": "html"}, "unreadableAnswer", "unknown", 1),
            ({"fault": "html_502"}, "http_502", "unknown", 1),
            ({"fault": "cut_json"}, "unreadableAnswer", "unknown", 1),
            ({"fault": "empty_object"}, "unreadableAnswer", "unknown", 1),
            ({"fault": "no_content"}, "http_204", "unknown", 1),
            ({"fault": "redirect"}, "redirected", "unknown", 1),
            ({"fault": "drop"}, "connectionLost", "unknown", 1),
            ({"fault": "drop_mid_body"}, "connectionLost", "unknown", 1),
        ],
        ids=lambda value: value["fault"] if isinstance(value, dict) else "",
    )
    def test_each_kind_of_answer_is_written_as_what_it_means(
        self,
        sandbox: SandboxServer,
        conference: Conference,
        organizer: User,
        fault: dict[str, object],
        code: str,
        state: str,
        posts: int,
    ) -> None:
        sandbox.add_fault(**fault)  # type: ignore[arg-type]
        invitation = deliver(sent(conference, organizer, "abc123", "def456"))
        assert states(invitation) == {"abc123": state, "def456": state}
        attempt = invitation.attempts.get()
        assert (attempt.state, attempt.error_code) == (state, code)
        assert len(sandbox.invitations) == posts


@pytest.mark.usefixtures("settled")
class TestRepeating:
    def test_throttled_call_is_repeated_and_both_are_on_record(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        sandbox.add_fault("throttled", times=2)
        invitation = deliver(sent(conference, organizer, "abc123"))
        assert states(invitation) == {"abc123": "invited"}
        assert [a.state for a in invitation.attempts.in_order_made()] == ["failed", "failed", "succeeded"]
        assert [a.number for a in invitation.attempts.in_order_made()] == [1, 2, 3]
        left = [a.people_sent.get().state for a in invitation.attempts.in_order_made()]
        assert left == ["pending", "pending", "invited"]

    def test_repetition_waits_for_its_time(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        sandbox.add_fault("throttled", retry_after=30)
        invitation = sent(conference, organizer, "abc123")
        due = delivering.deliver(invitation_id=invitation.pk, policy=WORKER)
        assert due is not None
        assert due - timezone.now() > timedelta(seconds=29)
        assert len(sandbox.invitations) == 1

    def test_expired_token_is_fetched_anew_once(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        deliver(sent(conference, organizer, "abc123"))
        sandbox.expire_tokens()
        invitation = deliver(sent(conference, organizer, "def456"))
        assert states(invitation) == {"def456": "invited"}
        first, second = invitation.attempts.in_order_made()
        assert (first.state, first.error_code) == ("failed", "InvalidAuthentication")
        assert second.state == "succeeded"

    def test_dead_address_fails_after_a_few_tries(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        deliver(sent(conference, organizer, "def456"))
        invitation = sent(conference, organizer, "abc123")
        sandbox.stop()
        deliver(invitation)
        assert states(invitation) == {"abc123": "failed"}
        assert [a.error_code for a in invitation.attempts.all()] == ["notConnected"] * WORKER.max_unsent

    def test_call_that_lacks_a_token_was_never_made_and_is_tried_again(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        # Asked for before the turn is booked, and once more when the call is made.
        sandbox.add_fault("html_502", operation="token", times=2)
        invitation = deliver(sent(conference, organizer, "abc123"))
        assert states(invitation) == {"abc123": "invited"}
        assert [a.error_code for a in invitation.attempts.in_order_made()] == ["tokenUnavailable", ""]
        assert len(sandbox.invitations) == 1

    def test_shut_out_address_lets_the_whole_app_rest(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        sandbox.add_fault("shut_out_html")
        first, second = (sent(conference, organizer, value) for value in ("abc123", "def456"))
        delivering.deliver(invitation_id=first.pk, policy=WORKER)
        due = delivering.deliver(invitation_id=second.pk, policy=WORKER)
        assert len(sandbox.invitations) == 1
        assert due is not None
        assert due - timezone.now() > timedelta(minutes=4)
        assert states(second) == {"def456": "pending"}


@pytest.mark.usefixtures("settled")
class TestHalving:
    def test_one_unknown_person_keeps_nobody_else_out(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        values = [f"person{n}" for n in range(9)]
        invitation = deliver(sent(conference, organizer, *values, "unknown-1"))
        assert states(invitation) == dict.fromkeys(values, "invited") | {"unknown-1": "failed"}
        rung = [person.value for post in sandbox.invitations for person in post.people if post.status == 200]
        assert sorted(rung) == values

    def test_number_of_extra_calls_is_bounded(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        deliver(sent(conference, organizer, "unknown-1", *[f"person{n}" for n in range(31)]))
        assert len(sandbox.invitations) <= 2 * 5 + 1

    def test_app_may_forbid_it(self, sandbox: SandboxServer, conference: Conference, organizer: User) -> None:
        App.objects.update(halve_refused_batches=False)
        invitation = deliver(sent(conference, organizer, "abc123", "unknown-1"))
        assert states(invitation) == {"abc123": "failed", "unknown-1": "failed"}
        assert len(sandbox.invitations) == 1


@pytest.mark.usefixtures("settled")
class TestBatches:
    def test_invitation_is_cut_to_the_size_of_the_app(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        App.objects.update(batch_size=2)
        conference.refresh_from_db()
        deliver(sent(conference, organizer, "a1", "b2", "c3", "d4", "e5"))
        assert [[p.value for p in post.people] for post in sandbox.invitations] == [
            ["a1", "b2"],
            ["c3", "d4"],
            ["e5"],
        ]

    def test_ended_conference_stops_what_is_left(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        App.objects.update(batch_size=1)
        conference.refresh_from_db()
        sandbox.add_fault("code:confClosed", skip=1)
        invitation = deliver(sent(conference, organizer, "a1", "b2", "c3"))
        assert states(invitation) == {"a1": "invited", "b2": "failed", "c3": "skipped"}
        assert invitation.invitees.get(value="c3").problem_code == "confClosed"
        conference.refresh_from_db()
        assert conference.status == ConferenceStatus.ENDED

    def test_disabled_app_leaves_everybody_out_with_the_reason(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        invitation = sent(conference, organizer, "a1")
        App.objects.update(enabled=False)
        deliver(invitation)
        assert invitation.invitees.get().problem_code == delivering.APP_UNAVAILABLE
        assert sandbox.invitations == []

    def test_nobody_is_called_an_hour_late(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        invitation = sent(conference, organizer, "a1")
        with tampering():
            Invitation.objects.update(sent_at=timezone.now() - timedelta(minutes=61))
        deliver(invitation)
        assert invitation.invitees.get().problem_code == delivering.TOO_LATE
        assert sandbox.invitations == []


class TestRecording:
    def test_finished_attempt_is_never_touched_again(self, conference: Conference, organizer: User) -> None:
        invitation = sent(conference, organizer, "a1")
        claim = claim_next_batch(invitation)
        assert claim is not None
        assert record(claim.attempt, outcome_of_process_death())
        late = Outcome(attempt=AttemptState.SUCCEEDED, invitee=InviteeState.INVITED, http_status=200)
        assert not record(claim.attempt, late)
        assert Attempt.objects.get().state == AttemptState.UNKNOWN
        assert Invitee.objects.get().state == InviteeState.UNKNOWN

    def test_claimed_batch_is_not_claimed_twice(self, conference: Conference, organizer: User) -> None:
        invitation = sent(conference, organizer, "a1")
        assert claim_next_batch(invitation) is not None
        assert claim_next_batch(invitation) is None


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C interrupts, also where a shell that runs the tests in the background has them ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class TestLeavesNothingUnderWay:
    """What once left an attempt or an invitation under way for ever."""

    def test_answer_with_a_zero_byte_is_written_down(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        claim = claim_next_batch(sent(conference, organizer, "a1"))
        assert claim is not None
        answer = Outcome(
            attempt=AttemptState.UNKNOWN, invitee=InviteeState.UNKNOWN, code="http_502", excerpt="\x00<html>"
        )
        assert record(claim.attempt, answer)
        assert Attempt.objects.get().response_excerpt == "\ufffd<html>"

    @pytest.mark.parametrize("damage", [{"base_url": "ftp://nowhere"}, {"client_secret": "no token"}])
    def test_app_that_cannot_be_used_leaves_everybody_out_with_the_reason(
        self, organizer: User, damage: dict[str, str]
    ) -> None:
        app = AppFactory(kind=AppKind.INTERNAL, client_id="id", client_secret="secret")
        invitation = sent(ConferenceFactory(app=app, owner=organizer), organizer, "a1")
        [(column, value)] = damage.items()
        with connection.cursor() as cursor:  # beneath the field, which would encrypt it
            cursor.execute(f"UPDATE invites_app SET {column} = %s", [value])  # noqa: S608
        assert delivering.deliver(invitation_id=invitation.pk, policy=WORKER) is None
        assert invitation.invitees.get().problem_code == delivering.APP_UNAVAILABLE
        assert Invitation.objects.filter(state=InvitationState.FINISHED).count() == 1

    @pytest.mark.usefixtures("interruptible")
    def test_interrupted_call_is_unknown_at_once(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        invitation = sent(conference, organizer, "a1")
        sandbox.add_fault("hang")
        main_thread = threading.get_ident()

        def interrupt() -> None:
            while not sandbox.invitations:
                time.sleep(0.01)
            signal.pthread_kill(main_thread, signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            delivering.deliver(invitation_id=invitation.pk, policy=WORKER)
        thread.join()
        assert (Attempt.objects.get().state, states(invitation)) == (AttemptState.UNKNOWN, {"a1": "unknown"})
        assert Invitation.objects.filter(state=InvitationState.FINISHED).count() == 1


class TestSendsNothingLate:
    def test_call_that_was_held_up_past_its_time_never_leaves(
        self, sandbox: SandboxServer, conference: Conference, organizer: User, settings: Settings
    ) -> None:
        settings.CALL_SECONDS = 0.0  # as if the process had been stopped for so long after the claim
        invitation = sent(conference, organizer, "a1")
        delivering.deliver(invitation_id=invitation.pk, policy=WORKER)
        assert sandbox.invitations == []
        assert Attempt.objects.get().error_code in {"tokenUnavailable", "noTimeLeft"}
        assert states(invitation) == {"a1": "pending"}

    def test_app_switched_off_between_two_calls_stops_the_second(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        App.objects.update(batch_size=1)
        conference.refresh_from_db()
        invitation = sent(conference, organizer, "a1", "b2")
        loaded = Invitation.objects.select_related("conference__app").get(pk=invitation.pk)
        client = client_for(loaded.conference.app)
        assert delivering.attempt_next(loaded, client, policy=WORKER)
        App.objects.update(enabled=False)
        assert not delivering.attempt_next(loaded, client, policy=WORKER)
        deliver(invitation)
        assert states(invitation) == {"a1": "invited", "b2": "skipped"}

    @pytest.mark.parametrize("step", [NextStep.REPEAT, NextStep.HALVE])
    def test_what_goes_back_into_the_queue_of_a_resting_app_rests_too(
        self, sandbox: SandboxServer, conference: Conference, organizer: User, step: NextStep
    ) -> None:
        invitation = sent(conference, organizer, "a1", "b2")
        claim = claim_next_batch(invitation)
        assert claim is not None
        rest = timezone.now() + timedelta(minutes=5)
        App.objects.update(rests_until=rest)  # another sender has met the shut-out meanwhile
        record(
            claim.attempt,
            Outcome(attempt=AttemptState.FAILED, invitee=InviteeState.PENDING, code="x", next_step=step),
        )
        assert delivering.deliver(invitation_id=invitation.pk, policy=WORKER) == rest
        assert sandbox.invitations == []


class Onlooker(BaseHTTPRequestHandler):
    """A server that looks into the database, through a connection of its own, when the first byte arrives."""

    seen: ClassVar[list[tuple[str, str]]] = []

    def do_POST(self) -> None:
        other = connections.create_connection("default")
        try:
            with other.cursor() as cursor:
                cursor.execute(
                    "SELECT a.state, i.state FROM invites_attempt a JOIN invites_invitee i ON i.last_attempt_id = a.id"
                )
                self.seen.extend(cursor.fetchall())
        finally:
            other.close()
        self.send_response(200)
        self.send_header("Content-Length", "16")
        self.end_headers()
        self.wfile.write(b'{"success":true}')

    def log_message(self, *_args: object) -> None:
        """Says nothing."""


@pytest.mark.django_db(transaction=True)
class TestRecordBeforeYouSend:
    def test_attempt_is_committed_before_the_first_byte_leaves(self, organizer: User) -> None:
        Onlooker.seen.clear()
        server = HTTPServer(("127.0.0.1", 0), Onlooker)
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        try:
            app = AppFactory(base_url=f"http://127.0.0.1:{server.server_port}")
            invitation = sent(ConferenceFactory(app=app, owner=organizer), organizer, "a1")
            deliver(invitation)
        finally:
            thread.join()
            server.server_close()
        assert Onlooker.seen == [("started", "sending")]
        assert states(invitation) == {"a1": "invited"}


class Breaker(BaseHTTPRequestHandler):
    """A server that breaks the sender's connection to the database while the sender waits for the answer."""

    process: ClassVar[int]

    def do_POST(self) -> None:
        other = connections.create_connection("default")
        with other.cursor() as cursor:
            if other.vendor == "postgresql":
                cursor.execute("SELECT pg_terminate_backend(%s)", [self.process])
            else:
                cursor.execute("BEGIN EXCLUSIVE")
        self.send_response(200)
        self.send_header("Content-Length", "16")
        self.end_headers()
        self.wfile.write(b'{"success":true}')
        self.wfile.flush()
        time.sleep(0.3)
        other.close()

    def log_message(self, *_args: object) -> None:
        """Says nothing."""


@pytest.mark.django_db(transaction=True)
class TestRecordAfterYouHear:
    def test_answer_survives_a_database_that_is_away_for_a_moment(self, organizer: User) -> None:
        server = HTTPServer(("127.0.0.1", 0), Breaker)
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SELECT pg_backend_pid()")
                Breaker.process = cursor.fetchone()[0]
            else:
                cursor.execute("PRAGMA busy_timeout = 50")
        thread = threading.Thread(target=server.handle_request)
        app = AppFactory(base_url=f"http://127.0.0.1:{server.server_port}")
        invitation = sent(ConferenceFactory(app=app, owner=organizer), organizer, "a1")
        thread.start()
        try:
            deliver(invitation)
        finally:
            thread.join()
            server.server_close()
        assert (Attempt.objects.get().state, states(invitation)) == (
            AttemptState.SUCCEEDED,
            {"a1": "invited"},
        )
