"""Ringing again by a press those who have not joined: whom it rings, and how often."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
import time_machine

from invites.errors import (
    AlreadySent,
    AppUnavailable,
    ConferenceEnded,
    ConferenceLocked,
    InviteError,
    NobodyToInvite,
)
from invites.models import App, Conference, Invitation, Invitee, Observation, User
from invites.models.conference import ConferenceStatus
from invites.models.invitation import InvitationState
from invites.models.invitee import Channel, InviteeState
from invites.models.member import Attendance
from invites.ringing_again import (
    Whom,
    count_absent,
    newest_repetition,
)
from tests.factories import (
    ContactFactory,
    InvitationFactory,
    InviteeFactory,
    SentInvitationFactory,
)
from tests.invites.rung import AGES_AGO, JUST_NOW, NOW, all_at_once, called, press, rung, sent_ages_ago

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    """Stands still at `NOW`, but for what a test moves it."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def invitation(organizer: User) -> Invitation:
    return sent_ages_ago(organizer)


class TestWhomAPressRings:
    @pytest.mark.parametrize("attendance", [Attendance.CALLING, Attendance.DECLINED, Attendance.NOT_KNOWN])
    def test_whoever_rings_for_long_or_did_not_join(
        self, invitation: Invitation, organizer: User, attendance: Attendance
    ) -> None:
        person = called(invitation, attendance)
        assert rung(press(invitation, organizer)) == {person.value}

    def test_somebody_with_a_union_id_who_was_never_seen(
        self, invitation: Invitation, organizer: User
    ) -> None:
        person = called(invitation)
        assert rung(press(invitation, organizer)) == {person.value}

    @pytest.mark.parametrize("attendance", [Attendance.JOINED, Attendance.LEFT, Attendance.REMOVED])
    @pytest.mark.parametrize("whom", Whom)
    def test_nobody_who_is_in_the_meeting_has_left_or_was_removed(
        self, invitation: Invitation, organizer: User, attendance: Attendance, whom: Whom
    ) -> None:
        called(invitation, attendance)
        with pytest.raises(NobodyToInvite):
            press(invitation, organizer, whom)

    @pytest.mark.parametrize("state", sorted(set(InviteeState) - {InviteeState.INVITED}))
    def test_nobody_whom_dingtalk_did_not_take(
        self, invitation: Invitation, organizer: User, state: InviteeState
    ) -> None:
        called(invitation, state=state)
        with pytest.raises(NobodyToInvite):
            press(invitation, organizer)

    def test_nobody_who_was_called_within_the_last_minute(
        self, invitation: Invitation, organizer: User
    ) -> None:
        called(invitation, Attendance.DECLINED, at=JUST_NOW)
        called(invitation, at=JUST_NOW)
        with pytest.raises(NobodyToInvite):
            press(invitation, organizer)

    def test_nobody_who_has_been_ringing_for_less_than_a_minute(
        self, invitation: Invitation, organizer: User
    ) -> None:
        called(invitation, Attendance.CALLING, seen=JUST_NOW)
        with pytest.raises(NobodyToInvite):
            press(invitation, organizer)

    @pytest.mark.parametrize(
        ("state", "at"),
        [
            (InviteeState.PENDING, AGES_AGO),
            (InviteeState.SENDING, AGES_AGO),
            (InviteeState.INVITED, JUST_NOW),
            (InviteeState.UNKNOWN, JUST_NOW),
        ],
    )
    def test_nobody_whom_another_invitation_into_the_conference_calls(
        self, invitation: Invitation, organizer: User, state: InviteeState, at: datetime
    ) -> None:
        person = called(invitation)
        is_over = state not in {InviteeState.PENDING, InviteeState.SENDING}
        other = SentInvitationFactory(
            conference=invitation.conference,
            state=InvitationState.FINISHED if is_over else InvitationState.PAUSED,
            finished_at=NOW if is_over else None,
        )
        called(other, state=state, at=at, value=person.value)
        with pytest.raises(NobodyToInvite):
            press(invitation, organizer)

    def test_nobody_whose_contact_is_being_called_on_another_way(
        self, invitation: Invitation, organizer: User
    ) -> None:
        contact = ContactFactory(book__app=invitation.conference.app)
        called(invitation, contact=contact)
        other = SentInvitationFactory(conference=invitation.conference)
        called(other, at=JUST_NOW, contact=contact, channel=Channel.PHONE, value="+8613800000001")
        with pytest.raises(NobodyToInvite):
            press(invitation, organizer)

    def test_nobody_who_is_the_same_member_as_somebody_who_is_being_called(
        self, invitation: Invitation, organizer: User
    ) -> None:
        person = called(invitation, Attendance.CALLING)
        other = SentInvitationFactory(conference=invitation.conference)
        called(other, at=JUST_NOW, member=person.member, channel=Channel.PHONE, value="+8613800000001")
        with pytest.raises(NobodyToInvite):
            press(invitation, organizer)

    def test_a_failed_call_or_one_into_another_conference_keeps_nobody_from_being_rung(
        self, invitation: Invitation, organizer: User
    ) -> None:
        person = called(invitation)
        failed = SentInvitationFactory(conference=invitation.conference)
        called(failed, state=InviteeState.FAILED, at=JUST_NOW, value=person.value)
        called(SentInvitationFactory(), at=JUST_NOW, value=person.value)
        assert rung(press(invitation, organizer)) == {person.value}

    def test_the_unsent_list_in_the_composer_keeps_nobody_from_being_rung(
        self, invitation: Invitation, organizer: User
    ) -> None:
        person = called(invitation)
        InviteeFactory(invitation=InvitationFactory(conference=invitation.conference), value=person.value)
        assert rung(press(invitation, organizer)) == {person.value}

    def test_people_by_phone_without_a_match_only_when_asked_for(
        self, invitation: Invitation, organizer: User
    ) -> None:
        seen = called(invitation, Attendance.DECLINED)
        phone = called(invitation, channel=Channel.PHONE, value="+8613800000001")
        assert count_absent(invitation) == (1, 1)
        ring = press(invitation, organizer)
        assert rung(ring) == {seen.value}
        assert rung(press(invitation, organizer, Whom.NOT_KNOWN, seen=ring.pk)) == {phone.value}

    def test_people_who_are_probably_somebody_only_when_asked_for(
        self, invitation: Invitation, organizer: User
    ) -> None:
        phone = called(
            invitation,
            Attendance.DECLINED,
            probably=True,
            channel=Channel.PHONE,
            value="+8613800000001",
        )
        with pytest.raises(NobodyToInvite):
            press(invitation, organizer)
        assert rung(press(invitation, organizer, Whom.NOT_KNOWN)) == {phone.value}

    def test_nobody_who_has_probably_joined_even_when_asked_for(
        self, invitation: Invitation, organizer: User
    ) -> None:
        called(invitation, Attendance.JOINED, probably=True, channel=Channel.PHONE, value="+8613800000001")
        with pytest.raises(NobodyToInvite):
            press(invitation, organizer, Whom.NOT_KNOWN)

    def test_where_the_members_were_not_read_since_the_call_nothing_is_certain(
        self, invitation: Invitation, organizer: User
    ) -> None:
        Observation.objects.update(read_at=AGES_AGO - timedelta(minutes=1))
        called(invitation)
        assert count_absent(invitation) == (0, 1)
        Observation.objects.all().delete()
        assert count_absent(invitation) == (0, 1)

    def test_the_same_member_on_the_list_twice_is_rung_once(
        self, invitation: Invitation, organizer: User
    ) -> None:
        first = called(invitation, Attendance.DECLINED)
        called(invitation, channel=Channel.PHONE, value="+8613800000001", member=first.member)
        assert rung(press(invitation, organizer)) == {first.value}


class TestAPress:
    def test_makes_a_linked_invitation_in_the_name_of_whoever_presses(
        self, invitation: Invitation, other_organizer: User
    ) -> None:
        person = called(invitation, nick="Li Na")
        ring = press(invitation, other_organizer)
        assert (ring.repeats, ring.sent_by) == (invitation, other_organizer)
        assert ring.operator_union_id == other_organizer.union_id
        assert not ring.is_automatic
        copy = ring.invitees.get()
        assert (copy.nick, copy.channel, copy.contact_id) == ("Li Na", person.channel, person.contact_id)
        assert copy.state == InviteeState.PENDING

    def test_on_the_same_page_a_second_time_rings_nobody_again_however_much_later(
        self, invitation: Invitation, organizer: User, clock: time_machine.Traveller
    ) -> None:
        called(invitation)
        press(invitation, organizer, seen=newest_repetition(invitation))
        clock.shift(timedelta(hours=1))
        Invitee.objects.filter(invitation__repeats=invitation).update(state=InviteeState.INVITED)
        with pytest.raises(AlreadySent):
            press(invitation, organizer)
        assert invitation.repeated_by.count() == 1

    def test_on_the_page_as_it_is_later_rings_the_same_people_again(
        self, invitation: Invitation, organizer: User, clock: time_machine.Traveller
    ) -> None:
        person = called(invitation)
        first = press(invitation, organizer)
        Invitee.objects.on(Invitation.objects.filter(pk=first.pk)).update(state=InviteeState.INVITED)
        clock.shift(timedelta(minutes=2))
        assert rung(press(invitation, organizer, seen=newest_repetition(invitation))) == {person.value}

    @pytest.mark.parametrize(
        ("changes", "refusal"),
        [
            ({"status": ConferenceStatus.ENDED}, ConferenceEnded),
            ({"locked_at": NOW}, ConferenceLocked),
        ],
    )
    def test_into_a_conference_that_lets_nobody_in_is_refused(
        self,
        invitation: Invitation,
        organizer: User,
        changes: dict[str, object],
        refusal: type[InviteError],
    ) -> None:
        called(invitation)
        Conference.objects.update(**changes)
        with pytest.raises(refusal):
            press(invitation, organizer)
        assert not invitation.repeated_by.exists()

    def test_through_an_app_that_is_switched_off_is_refused(
        self, invitation: Invitation, organizer: User
    ) -> None:
        called(invitation)
        App.objects.update(enabled=False)
        with pytest.raises(AppUnavailable):
            press(invitation, organizer)

    def test_changes_nothing_about_the_rings_by_themselves(
        self, invitation: Invitation, organizer: User
    ) -> None:
        called(invitation)
        at = NOW + timedelta(minutes=1)
        Invitation.objects.update(rings_left=2, ring_again_minutes=3, ring_again_at=at)
        ring = press(invitation, organizer)
        invitation.refresh_from_db()
        assert (invitation.rings_left, invitation.ring_again_at) == (2, at)
        assert (ring.rings_left, ring.ring_again_at) == (0, None)

    @pytest.mark.parametrize("people", [1, 60])
    def test_number_of_queries_does_not_grow_with_the_people(
        self,
        invitation: Invitation,
        organizer: User,
        people: int,
        django_assert_max_num_queries: Callable[..., object],
    ) -> None:
        for _person in range(people):
            called(invitation)
        with django_assert_max_num_queries(19):  # type: ignore[attr-defined]
            press(invitation, organizer)
        with django_assert_max_num_queries(2):  # type: ignore[attr-defined]
            count_absent(invitation)


@pytest.mark.django_db(transaction=True)
class TestTogether:
    def test_many_presses_at_once_ring_once(self, invitation: Invitation, organizer: User) -> None:
        called(invitation)
        results = all_at_once(lambda: press(invitation, organizer).pk)
        assert invitation.repeated_by.count() == 1
        assert results.count(AlreadySent) == 5
