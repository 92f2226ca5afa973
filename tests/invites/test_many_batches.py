"""Invitations of many batches through a real sandbox, in bad weather: who stops, who waits, who is called."""

import itertools
import threading
import time
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from invites import delivering, pacing
from invites.connecting import client_for, close_clients
from invites.delivering import COMMAND_LINE, WORKER
from invites.dingtalk.calls import INVITE_USERS
from invites.dingtalk.sandbox import SandboxServer
from invites.models import App, Attempt, Batch, CallCount, Conference, Invitation, User
from invites.models.app import AppKind
from invites.models.conference import ConferenceStatus
from invites.models.invitation import InvitationState
from invites.models.invitee import Channel, InviteeState
from invites.recovering import recover
from invites.sending import send
from invites.tasks import deliver_invitation
from tests.factories import InvitationFactory, InviteeFactory
from tests.keeping import tampering

PEOPLE = 40
SIZE = 5
CALLS = PEOPLE // SIZE


@pytest.fixture(autouse=True)
def many_calls(sandbox_app: App) -> None:
    App.objects.update(batch_size=SIZE, calls_per_second=500)


def sent(
    conference: Conference, user: User, people: int = PEOPLE, *, also: tuple[str, ...] = ()
) -> Invitation:
    conference.app.refresh_from_db()
    draft = InvitationFactory(conference=conference)
    values = [f"person{n}x1" for n in range(people)]
    values[: len(also)] = also
    for position, value in enumerate(values):
        InviteeFactory(invitation=draft, position=position, value=value, channel=Channel.UNION_ID)
    return send(invitation=draft, revision=draft.revision, user=user)


def step(invitation: Invitation) -> Any:
    return delivering.deliver(invitation_id=invitation.pk, policy=WORKER)


def to_the_end(invitation: Invitation) -> Invitation:
    """Delivers as a patient worker would, without waiting out the pauses."""
    for _round in range(60):
        if step(invitation) is None:
            break
        Batch.objects.update(not_before=timezone.now())
        App.objects.update(rests_until=None)
    invitation.refresh_from_db()
    return invitation


def states(invitation: Invitation) -> Counter[str]:
    return Counter(invitation.invitees.values_list("state", flat=True))


def rung(sandbox: SandboxServer) -> Counter[str]:
    return Counter(
        person.value for post in sandbox.invitations if post.status == 200 for person in post.people
    )


@pytest.mark.django_db
class TestEverybody:
    def test_many_batches_call_everybody_once(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        invitation = to_the_end(sent(conference, organizer))
        assert states(invitation) == {InviteeState.INVITED: PEOPLE}
        assert len(sandbox.invitations) == CALLS
        assert set(rung(sandbox).values()) == {1}
        assert invitation.state == InvitationState.FINISHED

    def test_batches_are_cut_in_the_order_of_the_list(self, conference: Conference, organizer: User) -> None:
        invitation = sent(conference, organizer, 12)
        cut = [
            list(batch.invitees.in_order().values_list("position", flat=True))
            for batch in in_order(invitation)
        ]
        assert cut == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9], [10, 11]]

    def test_cutting_asks_the_database_as_often_for_many_as_for_few(
        self, conference: Conference, organizer: User
    ) -> None:
        counts = []
        for people in (10, 300):
            draft = InvitationFactory(conference=conference)
            for position in range(people):
                InviteeFactory(invitation=draft, position=position, value=f"p{draft.pk}x{position}")
            with CaptureQueriesContext(connection) as captured:
                send(invitation=draft, revision=0, user=organizer)
            counts.append(len(captured))
        assert counts[0] == counts[1]

    def test_every_call_is_counted(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        to_the_end(sent(conference, organizer))
        assert CallCount.objects.get(operation="InviteUsers").calls == CALLS

    @pytest.mark.parametrize("fault", ["throttled", "code:invalidClientIdOrSecret", "html_502"])
    def test_call_that_was_not_made_for_want_of_a_token_is_not_counted(
        self, sandbox: SandboxServer, conference: Conference, organizer: User, fault: str
    ) -> None:
        sandbox.add_fault(fault, operation="token", times=2)
        step(sent(conference, organizer, SIZE))
        assert Attempt.objects.exists()
        assert CallCount.objects.filter(operation="InviteUsers").count() == len(sandbox.invitations) == 0


def in_order(invitation: Invitation) -> list[Batch]:
    return list(Batch.objects.of(invitation.pk).order_by("number"))


@pytest.mark.django_db
class TestWhatStops:
    @pytest.mark.parametrize(
        "code",
        [
            "confClosed",
            "resourceClose",
            "Forbidden.AccessDenied.AccessTokenPermissionDenied",
            "Forbidden.AccessDenied.IpNotInWhiteList",
            "Forbidden.AccessDenied.ApiCountLimitForOrg",
        ],
    )
    def test_a_refusal_of_the_whole_is_asked_for_once(
        self, sandbox: SandboxServer, conference: Conference, organizer: User, code: str
    ) -> None:
        sandbox.add_fault(f"code:{code}", times=None, skip=2)
        invitation = to_the_end(sent(conference, organizer))
        assert len(sandbox.invitations) == 3
        assert states(invitation) == {
            InviteeState.INVITED: 2 * SIZE,
            InviteeState.FAILED: SIZE,
            InviteeState.SKIPPED: PEOPLE - 3 * SIZE,
        }
        reasons = set(
            invitation.invitees.with_state(InviteeState.SKIPPED).values_list("skipped_because", flat=True)
        )
        assert reasons == {code}

    def test_wrong_parameters_stop_it_after_a_few_smaller_tries(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        sandbox.add_fault("code:paramsError", times=None)
        invitation = to_the_end(sent(conference, organizer))
        assert len(sandbox.invitations) <= 6
        assert set(states(invitation)) == {InviteeState.FAILED, InviteeState.SKIPPED}
        assert App.objects.get().largest_batch is None

    def test_a_pasted_token_that_is_refused_costs_one_call(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        App.objects.update(kind=AppKind.FIXED_TOKEN, base_url=sandbox.base_url, access_token="nonsense")
        conference.app.refresh_from_db()
        invitation = to_the_end(sent(conference, organizer))
        assert len(sandbox.invitations) == 1
        assert states(invitation) == {InviteeState.FAILED: SIZE, InviteeState.SKIPPED: PEOPLE - SIZE}

    @pytest.mark.parametrize(
        ("fault", "state"),
        [
            ("code:systemError", InviteeState.FAILED),
            ("code:somethingNew", InviteeState.FAILED),
            ("no_code", InviteeState.FAILED),
            ("success_false", InviteeState.FAILED),
            ("html", InviteeState.UNKNOWN),
            ("html_502", InviteeState.UNKNOWN),
            ("html_503", InviteeState.UNKNOWN),
            ("html_504", InviteeState.UNKNOWN),
            ("cut_json", InviteeState.UNKNOWN),
            ("empty_object", InviteeState.UNKNOWN),
            ("empty_body", InviteeState.UNKNOWN),
            ("json_array", InviteeState.UNKNOWN),
            ("wrong_type", InviteeState.UNKNOWN),
            ("no_content", InviteeState.UNKNOWN),
            ("redirect", InviteeState.UNKNOWN),
            ("not_http", InviteeState.UNKNOWN),
            ("drop", InviteeState.UNKNOWN),
            ("reset", InviteeState.UNKNOWN),
            ("drop_mid_body", InviteeState.UNKNOWN),
        ],
    )
    def test_what_concerns_one_call_stops_no_other(
        self, sandbox: SandboxServer, conference: Conference, organizer: User, fault: str, state: str
    ) -> None:
        sandbox.add_fault(fault, skip=1)
        invitation = to_the_end(sent(conference, organizer))
        assert len(sandbox.invitations) == CALLS
        assert states(invitation) == {InviteeState.INVITED: PEOPLE - SIZE, state: SIZE}

    @pytest.mark.parametrize("fault", ["bare_401", "errcode", "code:InvalidAuthentication"])
    def test_a_stale_token_is_renewed_and_stops_nobody(
        self, sandbox: SandboxServer, conference: Conference, organizer: User, fault: str
    ) -> None:
        sandbox.add_fault(fault, skip=1)
        invitation = to_the_end(sent(conference, organizer))
        assert len(sandbox.invitations) == CALLS + 1
        assert states(invitation) == {InviteeState.INVITED: PEOPLE}

    def test_dingtalk_that_cannot_be_reached_is_tried_a_few_times_and_costs_no_call(
        self, conference: Conference, organizer: User
    ) -> None:
        App.objects.update(kind=AppKind.FIXED_TOKEN, base_url="http://127.0.0.1:9", access_token="token")
        conference.app.refresh_from_db()
        invitation = to_the_end(sent(conference, organizer))
        assert states(invitation) == {InviteeState.FAILED: PEOPLE}
        assert Attempt.objects.count() == CALLS * WORKER.max_unsent
        assert set(Attempt.objects.values_list("error_code", flat=True)) == {"notConnected"}
        assert not CallCount.objects.exists()

    def test_an_app_that_is_switched_off_meanwhile_calls_nobody_else(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        invitation = sent(conference, organizer)
        sandbox.add_fault("throttled", skip=2)
        step(invitation)
        App.objects.update(enabled=False, rests_until=None)
        Batch.objects.update(not_before=timezone.now())
        assert step(invitation) is None
        assert states(invitation) == {InviteeState.INVITED: 2 * SIZE, InviteeState.SKIPPED: PEOPLE - 2 * SIZE}

    def test_a_conference_that_was_found_to_have_ended_gets_no_call_more(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        invitation = sent(conference, organizer)
        Conference.objects.update(status=ConferenceStatus.ENDED)
        step(invitation)
        assert sandbox.invitations == []
        recover()
        assert states(invitation) == {InviteeState.SKIPPED: PEOPLE}

    def test_a_paused_invitation_outlasts_an_app_that_is_switched_off_for_a_while(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        invitation = sent(conference, organizer)
        Invitation.objects.update(state=InvitationState.PAUSED)
        App.objects.update(enabled=False)
        assert step(invitation) is None
        assert states(invitation) == {InviteeState.PENDING: PEOPLE}

    def test_a_locked_conference_gets_no_call_more(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        invitation = sent(conference, organizer)
        Conference.objects.update(locked_at=timezone.now())
        step(invitation)
        assert sandbox.invitations == []


@pytest.mark.django_db
class TestWhatWaits:
    def test_throttling_lets_everybody_of_the_app_rest(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        first, second = sent(conference, organizer), sent(conference, organizer)
        sandbox.add_fault("throttled", retry_after=20)
        due = step(first)
        assert due is not None
        assert due - timezone.now() > timedelta(seconds=19)
        also_due = step(second)
        assert also_due is not None
        assert also_due - timezone.now() > timedelta(seconds=19)
        assert len(sandbox.invitations) == 1

    def test_what_was_throttled_is_sent_afterwards_and_nobody_rings_twice(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        sandbox.add_fault("throttled", times=3, skip=2)
        invitation = to_the_end(sent(conference, organizer))
        assert states(invitation) == {InviteeState.INVITED: PEOPLE}
        assert set(rung(sandbox).values()) == {1}

    def test_a_short_rest_never_shortens_a_long_one(self, conference: Conference) -> None:
        late, soon = timezone.now() + timedelta(minutes=5), timezone.now() + timedelta(seconds=1)
        App.objects.let_rest(conference.app_id, until=late)
        App.objects.let_rest(conference.app_id, until=soon)
        assert App.objects.get().rests_until == late

    @pytest.mark.parametrize("fault", ["shut_out_html", "shut_out_json"])
    def test_an_address_that_is_shut_out_rests_five_minutes(
        self, sandbox: SandboxServer, conference: Conference, organizer: User, fault: str
    ) -> None:
        invitation = sent(conference, organizer)
        sandbox.add_fault(fault)
        due = step(invitation)
        assert due is not None
        assert timedelta(seconds=299) < due - timezone.now() < timedelta(seconds=400)
        assert states(to_the_end(invitation)) == {InviteeState.INVITED: PEOPLE}

    def test_tokens_that_expire_in_the_middle_of_many_batches_lose_nobody(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        invitation = sent(conference, organizer)
        until = timezone.now()
        for _call in range(CALLS):
            sandbox.expire_tokens()
            delivering.deliver(
                invitation_id=invitation.pk, policy=WORKER, until=until + timedelta(seconds=0.01)
            )
        to_the_end(invitation)
        assert states(invitation) == {InviteeState.INVITED: PEOPLE}
        assert set(rung(sandbox).values()) == {1}

    def test_one_call_a_second_is_kept_by_coming_back_later(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        App.objects.update(calls_per_second=1)
        invitation = sent(conference, organizer, 3 * SIZE)
        begun = timezone.now()
        while step(invitation) is not None:
            pass
        took = (timezone.now() - begun).total_seconds()
        assert states(invitation) == {InviteeState.INVITED: 3 * SIZE}
        assert took >= 2
        moments = [post.at for post in sandbox.invitations]
        assert min(b - a for a, b in itertools.pairwise(moments)) > 0.9

    def test_a_paused_invitation_is_no_worker_s_business(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        invitation = sent(conference, organizer)
        Invitation.objects.update(state=InvitationState.PAUSED, rung_at=timezone.now() - timedelta(hours=1))
        assert step(invitation) is None
        recover()
        assert sandbox.invitations == []
        invitation.refresh_from_db()
        assert invitation.state == InvitationState.PAUSED

    def test_what_was_resumed_late_is_not_too_late(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        invitation = sent(conference, organizer)
        with tampering():
            Invitation.objects.update(sent_at=timezone.now() - timedelta(hours=3), resumed_at=timezone.now())
        assert states(to_the_end(invitation)) == {InviteeState.INVITED: PEOPLE}


@pytest.mark.django_db
class TestSizes:
    def test_a_size_that_is_refused_is_made_smaller_by_itself_and_remembered(
        self, sandbox_app: App, organizer: User, settings: Settings
    ) -> None:
        close_clients()
        with SandboxServer(pace=0.01, batch_limit=30) as small:
            settings.DINGTALK_SANDBOX_URL = small.base_url
            App.objects.update(batch_size=100)
            conference = Conference.objects.create(
                app=sandbox_app, owner=organizer, conference_id="5a9db0c000000000000000a1"
            )
            invitation = to_the_end(sent(conference, organizer, 200))
            assert states(invitation) == {InviteeState.INVITED: 200}
            assert set(rung(small).values()) == {1}
            # 100, then twice 50 of the first; what still waited was cut to 50 at once, and later to 25.
            refused = [len(post.people) for post in small.invitations if post.status != 200]
            assert len(refused) <= 6
            assert App.objects.get().largest_batch == 25
            assert invitation.attempts.count_calls().to_find_unknown == 0
            again = to_the_end(sent(conference, organizer, 50))
            assert [batch.people for batch in in_order(again)] == [25, 25]
        close_clients()

    @pytest.mark.django_db(transaction=True)
    def test_a_size_that_many_senders_find_refused_at_once_does_not_stop_the_invitation(
        self, sandbox_app: App, organizer: User, settings: Settings
    ) -> None:
        close_clients()
        with SandboxServer(pace=0.01, batch_limit=30, latency_ms=300) as small:
            settings.DINGTALK_SANDBOX_URL = small.base_url
            App.objects.update(batch_size=50)
            conference = Conference.objects.create(
                app=sandbox_app, owner=organizer, conference_id="5a9db0c000000000000000a1"
            )
            invitation = sent(conference, organizer, 500)

            def sender() -> None:
                try:
                    step(invitation)
                finally:
                    connection.close()

            threads = [threading.Thread(target=sender) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert states(to_the_end(invitation)) == {InviteeState.INVITED: 500}
            assert set(rung(small).values()) == {1}
        close_clients()

    def test_one_wrong_union_id_is_no_reason_to_send_smaller_batches_for_ever(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        # The whole is refused, then one half, then a part of that, then one person.
        sandbox.add_fault("code:paramsError", times=2)
        sandbox.add_fault("code:paramsError", skip=1)
        invitation = to_the_end(sent(conference, organizer, SIZE))
        assert App.objects.get().largest_batch != SIZE
        assert states(invitation)[InviteeState.INVITED] >= SIZE - 1

    def test_one_wrong_union_id_among_many_batches_keeps_nobody_else_out(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        invitation = sent(conference, organizer)
        sandbox.add_fault("code:paramsError", skip=2)
        to_the_end(invitation)
        assert states(invitation) == {InviteeState.INVITED: PEOPLE}
        assert App.objects.get().largest_batch is None
        assert len(sandbox.invitations) == CALLS + 2
        assert invitation.attempts.count_calls().to_find_unknown == 2


@pytest.mark.django_db(transaction=True)
class TestTurns:
    def test_a_sender_lets_others_have_the_worker_after_its_turn(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        invitation = sent(conference, organizer)
        for calls in (1, 2):
            due = delivering.deliver(invitation_id=invitation.pk, policy=WORKER, until=timezone.now())
            assert due is not None
            assert len(sandbox.invitations) == calls
        deliver_invitation.func(invitation.pk)
        assert states(invitation) == {InviteeState.INVITED: PEOPLE}

    def test_a_database_that_is_away_when_a_turn_was_missed_makes_nobody_s_lot_unknown(
        self,
        sandbox: SandboxServer,
        conference: Conference,
        organizer: User,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def away(*_: object, **__: object) -> None:
            raise OperationalError

        invitation = sent(conference, organizer, SIZE)
        loaded = Invitation.objects.with_app().get(pk=invitation.pk)
        client = client_for(loaded.conference.app)
        monkeypatch.setattr(delivering, "book_turn", away)
        assert delivering.attempt_next(loaded, client, policy=WORKER, wait=-1.0)
        assert states(invitation) == {InviteeState.INVITED: SIZE}

    def test_who_missed_a_turn_takes_another_one(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        App.objects.update(calls_per_second=2)
        invitation = sent(conference, organizer, SIZE)
        loaded = Invitation.objects.with_app().get(pk=invitation.pk)
        client = client_for(loaded.conference.app)
        client.get_token_ready()
        pacing.take_turn(loaded.conference.app, INVITE_USERS, patience=0)
        begun = time.time()
        assert delivering.attempt_next(loaded, client, policy=WORKER, wait=-1.0)
        assert sandbox.invitations[0].at - begun > 0.3

    def test_many_senders_of_one_invitation_call_everybody_once(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        invitation = sent(conference, organizer, 100)
        failures: list[Exception] = []

        def sender() -> None:
            try:
                while step(invitation) is not None:
                    pass
            except Exception as failure:  # noqa: BLE001 - shown below
                failures.append(failure)
            finally:
                connection.close()

        threads = [threading.Thread(target=sender) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert states(invitation) == {InviteeState.INVITED: 100}
        assert len(sandbox.invitations) == 20
        assert set(rung(sandbox).values()) == {1}

    def test_a_clock_that_is_set_back_makes_nobody_wait_for_its_return(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        with time_machine.travel(timezone.now() + timedelta(hours=2), tick=True):
            sent(conference, organizer, SIZE)
        later = sent(conference, organizer, SIZE)
        while step(later) is not None:
            pass
        assert states(later) == {InviteeState.INVITED: SIZE}

    def test_a_clock_that_jumps_ahead_gives_up_nobody_who_was_just_sent(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        invitation = sent(conference, organizer, SIZE)
        with time_machine.travel(timezone.now() + timedelta(minutes=50), tick=True):
            assert step(invitation) is None
        assert states(invitation) == {InviteeState.INVITED: SIZE}

    def test_the_command_line_gives_way_to_the_limit_like_everybody(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        App.objects.update(calls_per_second=1)
        invitation = sent(conference, organizer, 2 * SIZE)
        due: datetime | None = timezone.now()
        while due is not None:
            due = delivering.deliver(
                invitation_id=invitation.pk, policy=COMMAND_LINE, until=timezone.now() + timedelta(seconds=10)
            )
        assert states(invitation) == {InviteeState.INVITED: 2 * SIZE}
        assert Attempt.objects.count() == 2
