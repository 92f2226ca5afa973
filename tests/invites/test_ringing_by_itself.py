"""Ringing again by itself: who is rung and who never is, how often, on what news, and not in quiet hours."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta

import pytest
import time_machine
from cryptography.fernet import Fernet
from django.utils import timezone
from pytest_django import Settings

from invites.delivering import WORKER, deliver
from invites.dingtalk.sandbox import SandboxServer
from invites.models import App, Conference, Invitation, Invitee, Member, Observation, User
from invites.models.conference import ConferenceStatus
from invites.models.invitation import InvitationState
from invites.models.invitee import Channel, InviteeState
from invites.models.member import Attendance
from invites.models.user import Role
from invites.observing import read
from invites.ringing_again import (
    MOST_WAITS,
    next_ring,
    ring_due,
    stop_ringing,
)
from invites.sending import send
from tests.factories import (
    ConferenceFactory,
    InvitationFactory,
    InviteeFactory,
    SentInvitationFactory,
)
from tests.invites.rung import AGES_AGO, NOW, all_at_once, called, press, rung, sent_ages_ago

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    """Stands still at `NOW`, but for what a test moves it."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def invitation(organizer: User) -> Invitation:
    return sent_ages_ago(organizer)


@pytest.fixture
def timed(invitation: Invitation) -> Invitation:
    """One whose people are to be rung again by themselves now, and twice more."""
    Invitation.objects.update(rings_left=3, ring_again_minutes=3, ring_again_at=NOW)
    invitation.refresh_from_db()
    return invitation


def ring_of(invitation: Invitation) -> Invitation:
    return invitation.repeated_by.get()


def has_stopped(invitation: Invitation) -> bool:
    invitation.refresh_from_db()
    return next_ring(invitation) is None


class TestWhomItRingsByItself:
    @pytest.mark.parametrize("attendance", [Attendance.CALLING, Attendance.NOT_KNOWN, None])
    def test_whoever_did_not_answer(self, timed: Invitation, attendance: Attendance | None) -> None:
        person = called(timed, attendance)
        assert ring_due() == 1
        assert rung(ring_of(timed)) == {person.value}

    @pytest.mark.parametrize(
        "attendance", [Attendance.JOINED, Attendance.DECLINED, Attendance.LEFT, Attendance.REMOVED]
    )
    def test_nobody_who_has_joined_declined_left_or_was_removed(
        self, timed: Invitation, attendance: Attendance
    ) -> None:
        called(timed, attendance)
        assert ring_due() == 0
        assert has_stopped(timed)

    def test_nobody_who_declined_an_earlier_invitation_and_was_called_again_by_hand(
        self, timed: Invitation
    ) -> None:
        called(timed, Attendance.CALLING, let_be_since=AGES_AGO)
        assert ring_due() == 0

    def test_nobody_who_was_in_the_meeting_and_is_not_on_the_list_any_more(self, timed: Invitation) -> None:
        called(timed, Attendance.NOT_KNOWN, joined_at=AGES_AGO)
        assert ring_due() == 0

    def test_nobody_who_is_only_probably_somebody(self, timed: Invitation) -> None:
        called(timed, Attendance.CALLING, probably=True, channel=Channel.PHONE, value="+8613800000001")
        assert ring_due() == 0

    def test_nobody_by_phone_who_cannot_be_matched(self, timed: Invitation) -> None:
        called(timed, channel=Channel.PHONE, value="+8613800000001")
        assert ring_due() == 0
        assert has_stopped(timed)

    def test_somebody_by_phone_who_is_certainly_one_of_the_members(self, timed: Invitation) -> None:
        phone = called(timed, Attendance.CALLING, channel=Channel.PHONE, value="+8613800000001")
        assert ring_due() == 1
        assert rung(ring_of(timed)) == {phone.value}

    @pytest.mark.parametrize("state", sorted(set(InviteeState) - {InviteeState.INVITED}))
    def test_nobody_whom_dingtalk_did_not_take(self, timed: Invitation, state: InviteeState) -> None:
        called(timed, state=state)
        assert ring_due() == 0

    def test_also_somebody_who_was_only_taken_when_invited_again(self, timed: Invitation) -> None:
        person = called(timed, state=InviteeState.FAILED)
        again = SentInvitationFactory(conference=timed.conference, repeats=timed)
        called(again, value=person.value)
        assert ring_due() == 1
        (ring,) = timed.repeated_by.filter(is_automatic=True)
        assert rung(ring) == {person.value}

    def test_whoever_was_rung_by_hand_a_moment_ago_is_passed_over_and_the_next_ring_stands(
        self, timed: Invitation, organizer: User
    ) -> None:
        called(timed)
        press(timed, organizer)
        assert ring_due() == 0
        timed.refresh_from_db()
        assert (timed.rings_left, timed.ring_again_at) == (2, NOW + timedelta(minutes=3))


class TestHowOftenItRings:
    def test_three_times_in_all_each_some_minutes_after_the_last(
        self, timed: Invitation, clock: time_machine.Traveller
    ) -> None:
        called(timed)
        moments = []
        for _second in range(120):
            if ring_due():
                moments.append(timezone.now() - NOW)
                Invitee.objects.update(state=InviteeState.INVITED)
                Invitation.objects.update(state=InvitationState.FINISHED, finished_at=timezone.now())
            clock.shift(timedelta(seconds=10))
            Observation.objects.update(read_at=timezone.now())
        assert moments == [timedelta(minutes=minutes) for minutes in (0, 3, 6)]
        assert has_stopped(timed)
        rings = timed.repeated_by.order_by("pk")
        assert [ring.is_automatic for ring in rings] == [True] * 3
        assert {ring.repeats for ring in rings} == {timed}

    def test_there_is_one_time_for_a_chain_of_rings_and_the_last_ring_holds_it(
        self, timed: Invitation
    ) -> None:
        called(timed)
        ring_due()
        timed.refresh_from_db()
        ring = ring_of(timed)
        assert (timed.rings_left, timed.ring_again_at) == (0, None)
        assert (ring.rings_left, ring.ring_again_at) == (2, NOW + timedelta(minutes=3))
        timed.refresh_from_db()
        assert next_ring(timed) == next_ring(ring) == ring

    def test_in_the_name_and_with_the_operator_of_the_first(self, timed: Invitation) -> None:
        called(timed)
        ring_due()
        ring = ring_of(timed)
        assert (ring.sent_by, ring.operator_union_id) == (timed.sent_by, "operator-of-the-first")

    def test_nobody_is_rung_before_the_time(self, timed: Invitation) -> None:
        called(timed)
        Invitation.objects.update(ring_again_at=NOW + timedelta(seconds=1))
        assert ring_due() == 0
        assert not has_stopped(timed)

    def test_stopping_stops_all_rings_wherever_one_presses(self, timed: Invitation) -> None:
        called(timed)
        ring_due()
        assert stop_ringing(invitation=timed)
        assert not stop_ringing(invitation=ring_of(timed))
        assert has_stopped(timed)

    def test_it_waits_while_the_last_calls_have_not_all_been_made(self, timed: Invitation) -> None:
        called(timed)
        Invitation.objects.update(state=InvitationState.SENDING, finished_at=None)
        assert ring_due() == 0
        timed.refresh_from_db()
        assert timed.ring_again_at == NOW + timedelta(seconds=30)
        assert timed.rings_left == 3

    @pytest.mark.parametrize(
        "changes", [{"status": ConferenceStatus.ENDED}, {"locked_at": NOW}], ids=["ended", "locked"]
    )
    def test_it_ends_with_a_conference_that_lets_nobody_in(
        self, timed: Invitation, changes: dict[str, object]
    ) -> None:
        called(timed)
        Conference.objects.update(**changes)
        assert ring_due() == 0
        assert has_stopped(timed)

    def test_it_ends_where_the_app_is_switched_off(self, timed: Invitation) -> None:
        called(timed)
        App.objects.update(enabled=False)
        assert ring_due() == 0
        assert has_stopped(timed)

    def test_it_ends_where_the_first_or_the_last_was_cancelled(self, timed: Invitation) -> None:
        called(timed)
        Invitation.objects.update(state=InvitationState.CANCELLED, cancelled_at=NOW)
        assert ring_due() == 0
        assert has_stopped(timed)

    @pytest.mark.parametrize("changes", [{"is_active": False}, {"role": Role.AUDITOR}])
    def test_it_ends_where_whoever_asked_for_it_may_no_longer_invite(
        self, timed: Invitation, changes: dict[str, object]
    ) -> None:
        called(timed)
        User.objects.update(**changes)
        assert ring_due() == 0
        assert has_stopped(timed)

    def test_it_ends_where_no_worker_ran_for_more_than_an_hour(
        self, timed: Invitation, clock: time_machine.Traveller
    ) -> None:
        called(timed)
        clock.shift(timedelta(hours=1, minutes=10))
        Observation.objects.update(read_at=timezone.now())
        assert ring_due() == 0
        assert has_stopped(timed)

    def test_app_whose_secrets_cannot_be_read_keeps_those_of_no_other_waiting(
        self, timed: Invitation, organizer: User, settings: Settings
    ) -> None:
        other = sent_ages_ago(organizer)
        App.objects.filter(conferences=other.conference).update(access_token="")
        Invitation.objects.filter(pk=other.pk).update(rings_left=3, ring_again_minutes=3, ring_again_at=NOW)
        called(timed)
        person = called(other)
        settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
        ring_due()
        assert rung(ring_of(other)) == {person.value}


class TestNews:
    @pytest.fixture(autouse=True)
    def old_news(self, timed: Invitation) -> None:
        called(timed)
        Observation.objects.update(read_at=NOW - timedelta(seconds=21))

    def test_without_fresh_news_it_asks_for_them_and_comes_back_in_a_few_seconds(
        self, timed: Invitation, django_capture_on_commit_callbacks: Callable[..., object]
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
            assert ring_due() == 0
        observation = Observation.objects.get()
        assert observation.watched_at == NOW
        assert observation.leased_until is not None
        timed.refresh_from_db()
        assert (timed.rings_left, timed.ring_again_at) == (3, NOW + timedelta(seconds=5))

    def test_when_they_come_it_rings(self, timed: Invitation, clock: time_machine.Traveller) -> None:
        ring_due()
        clock.shift(timedelta(seconds=5))
        Observation.objects.update(read_at=timezone.now())
        assert ring_due() == 1

    def test_when_they_do_not_come_this_ring_is_left_out_and_the_next_comes_at_its_time(
        self, timed: Invitation, clock: time_machine.Traveller
    ) -> None:
        for _look in range(MOST_WAITS + 1):
            assert ring_due() == 0
            clock.shift(timedelta(seconds=5))
        timed.refresh_from_db()
        assert (timed.rings_left, timed.ring_again_waits) == (2, 0)
        assert timed.ring_again_at is not None
        assert timed.ring_again_at > timezone.now() + timedelta(minutes=2)

    def test_when_they_never_come_it_ends(self, timed: Invitation, clock: time_machine.Traveller) -> None:
        for _look in range(200):
            assert ring_due() == 0
            clock.shift(timedelta(seconds=5))
        assert has_stopped(timed)


class TestQuietHours:
    @pytest.mark.parametrize(
        ("begins", "ends", "now", "until"),
        [
            (None, None, "12:00", None),
            ("12:00", "14:00", "11:59", None),
            ("12:00", "14:00", "12:00", "2026-11-25 14:00"),
            ("12:00", "14:00", "13:59", "2026-11-25 14:00"),
            ("12:00", "14:00", "14:00", None),
            ("22:00", "07:00", "21:59", None),
            ("22:00", "07:00", "22:00", "2026-11-26 07:00"),
            ("22:00", "07:00", "00:30", "2026-11-25 07:00"),
            ("22:00", "07:00", "06:59", "2026-11-25 07:00"),
            ("22:00", "07:00", "07:00", None),
        ],
    )
    def test_they_go_by_the_clock_of_the_server_and_over_midnight(
        self, begins: str | None, ends: str | None, now: str, until: str | None
    ) -> None:
        app = App(
            quiet_from=begins and time.fromisoformat(begins), quiet_until=ends and time.fromisoformat(ends)
        )
        zone = timezone.get_default_timezone()
        moment = datetime.fromisoformat(f"2026-11-25 {now}").replace(tzinfo=zone).astimezone(UTC)
        expected = until and datetime.fromisoformat(until).replace(tzinfo=zone)
        assert app.end_of_quiet_hours(moment) == (expected or None)

    def test_a_ring_in_them_comes_at_their_end_where_that_is_soon(
        self, timed: Invitation, clock: time_machine.Traveller
    ) -> None:
        called(timed)
        # 09:00 UTC is 17:00 in Shanghai.
        App.objects.update(quiet_from=time(12), quiet_until=time(17, 30))
        assert ring_due() == 0
        timed.refresh_from_db()
        assert timed.ring_again_at == NOW + timedelta(minutes=30)
        assert timed.rings_left == 3
        clock.shift(timedelta(minutes=30))
        Observation.objects.update(read_at=timezone.now())
        assert ring_due() == 1

    def test_a_ring_in_them_is_given_up_where_they_last_for_long(self, timed: Invitation) -> None:
        called(timed)
        App.objects.update(quiet_from=time(16), quiet_until=time(8))
        assert ring_due() == 0
        assert has_stopped(timed)

    def test_a_press_rings_in_them_all_the_same(self, timed: Invitation, organizer: User) -> None:
        person = called(timed)
        App.objects.update(quiet_from=time(16), quiet_until=time(8))
        assert rung(press(timed, organizer)) == {person.value}


class TestFreezing:
    def test_the_time_of_the_first_ring_counts_from_the_sending(self, organizer: User) -> None:
        draft = InvitationFactory(
            conference=ConferenceFactory(owner=organizer), rings_left=3, ring_again_minutes=4
        )
        InviteeFactory(invitation=draft)
        send(invitation=draft, revision=0, user=organizer)
        draft.refresh_from_db()
        assert draft.ring_again_at == NOW + timedelta(minutes=4)


class TestAgainstTheSandbox:
    """From the sending to the last ring, with real calls, real readings and a clock that is moved."""

    def drive(self, clock: time_machine.Traveller, *, seconds: int) -> None:
        """What workers do in so many seconds."""
        for _step in range(0, seconds, 10):
            clock.shift(timedelta(seconds=10))
            ring_due()
            for invitation in Invitation.objects.under_way():
                deliver(invitation_id=invitation.pk, policy=WORKER)
            for observation in Observation.objects.all():
                Observation.objects.update(
                    watched_at=timezone.now(), leased_until=None, next_read_at=timezone.now()
                )
                Observation.objects.update(leased_until=timezone.now() + timedelta(seconds=1))
                read(observation.conference_id)

    def calls_of(self, sandbox: SandboxServer, union_id: str) -> int:
        bodies: Sequence[object] = [each.body for each in sandbox.invitations]
        return sum(union_id in str(body) for body in bodies)

    @pytest.fixture
    def slow_sandbox(self, settings: Settings) -> object:
        # Everything takes a hundred times longer: who joins does so after some minutes.
        with SandboxServer(pace=100) as server:
            settings.DINGTALK_SANDBOX_URL = server.base_url
            yield server

    def test_who_declines_is_rung_once_who_does_not_answer_three_times_more(
        self,
        slow_sandbox: SandboxServer,
        organizer: User,
        clock: time_machine.Traveller,
    ) -> None:
        app = App.objects.create(name="sandbox", kind="sandbox")
        remote = slow_sandbox.add_conference()
        conference = ConferenceFactory(app=app, owner=organizer, conference_id=remote.conference_id)
        draft = InvitationFactory(conference=conference, rings_left=3, ring_again_minutes=10)
        for digit in (0, 7, 8):
            InviteeFactory(invitation=draft, value=f"person-{digit}", position=digit)
        Observation.objects.create(conference=conference)
        send(invitation=draft, revision=0, user=organizer)
        self.drive(clock, seconds=3600)
        calls = {digit: self.calls_of(slow_sandbox, f"person-{digit}") for digit in (0, 7, 8)}
        # Within ten minutes 0 has joined (200 s) and 7 has declined (500 s); 8 rings for 3,000 s.
        assert calls == {0: 1, 7: 1, 8: 4}
        assert Member.objects.get(union_id="person-7").let_be_since is not None
        assert has_stopped(draft)


@pytest.mark.django_db(transaction=True)
class TestTogether:
    def test_many_workers_at_once_ring_once(self, invitation: Invitation) -> None:
        called(invitation)
        Invitation.objects.update(rings_left=3, ring_again_minutes=3, ring_again_at=NOW)
        results = all_at_once(ring_due)
        assert sorted(results, key=str) == [0, 0, 0, 0, 0, 1]
        assert invitation.repeated_by.count() == 1
