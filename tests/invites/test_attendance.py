"""What pages ask about who picked up: queries over members, and over invitees with their members."""

from datetime import timedelta

import pytest
from django.utils import timezone

from invites.models import Invitation, Invitee, Member, Observation
from invites.models.invitee import InviteeState
from invites.models.member import Attendance
from tests.factories import InviteeFactory, MemberFactory, SentInvitationFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def invitation() -> Invitation:
    return SentInvitationFactory(sent_at=timezone.now() - timedelta(minutes=5))


def read(invitation: Invitation, *, ago: timedelta = timedelta()) -> None:
    Observation.objects.create(conference=invitation.conference, read_at=timezone.now() - ago)


def attendance_of(person: Invitee) -> str:
    return Invitee.objects.with_member().get(pk=person.pk).attendance


class TestAttendance:
    @pytest.mark.parametrize("attendance", Attendance.values)
    def test_it_is_that_of_the_member(self, invitation: Invitation, attendance: str) -> None:
        member = MemberFactory(conference=invitation.conference, attendance=attendance)
        person = InviteeFactory(invitation=invitation, member=member)
        assert attendance_of(person) == attendance

    @pytest.mark.parametrize("state", InviteeState.values)
    def test_nothing_is_said_before_the_first_reading(self, invitation: Invitation, state: str) -> None:
        assert attendance_of(InviteeFactory(invitation=invitation, state=state)) == ""

    @pytest.mark.parametrize("state", InviteeState.values)
    def test_whom_dingtalk_took_and_nobody_can_find_is_not_known(
        self, invitation: Invitation, state: str
    ) -> None:
        read(invitation)
        expected = Attendance.NOT_KNOWN if state == InviteeState.INVITED else ""
        assert attendance_of(InviteeFactory(invitation=invitation, state=state)) == expected

    def test_a_reading_before_the_invitation_says_nothing(self, invitation: Invitation) -> None:
        read(invitation, ago=timedelta(minutes=6))
        assert attendance_of(InviteeFactory(invitation=invitation, state=InviteeState.INVITED)) == ""

    def test_a_reading_before_the_call_says_nothing(self, invitation: Invitation) -> None:
        read(invitation, ago=timedelta(minutes=1))
        person = InviteeFactory(invitation=invitation, state=InviteeState.INVITED, changed_at=timezone.now())
        assert attendance_of(person) == ""

    def test_people_are_counted_and_chosen_by_it(self, invitation: Invitation) -> None:
        read(invitation)
        for attendance, people in ((Attendance.JOINED, 3), (Attendance.DECLINED, 2)):
            for _person in range(people):
                member = MemberFactory(conference=invitation.conference, attendance=attendance)
                InviteeFactory(invitation=invitation, member=member, state=InviteeState.INVITED)
        InviteeFactory(invitation=invitation, state=InviteeState.INVITED)
        InviteeFactory(invitation=invitation, state=InviteeState.FAILED)
        for reported, number in {"joined": 3, "declined": 2, "not_known": 1, "": 1}.items():
            chosen = invitation.invitees.with_attendance(reported).with_member()
            assert [person.attendance for person in chosen] == [reported] * number


class TestMembers:
    def test_those_whom_nobody_invited_are_told_apart(self, invitation: Invitation) -> None:
        conference = invitation.conference
        known, stranger = MemberFactory.create_batch(2, conference=conference, attendance="joined")
        absent = MemberFactory(conference=conference, attendance="left")
        MemberFactory(attendance="joined")
        InviteeFactory(invitation=invitation, member=known)
        of_conference = Member.objects.of(conference)
        assert set(of_conference) == {known, stranger, absent}
        assert set(of_conference.in_meeting()) == {known, stranger}
        assert list(of_conference.in_meeting().nobody_invited()) == [stranger]
        assert set(of_conference.nobody_invited().by_name()) == {stranger, absent}
