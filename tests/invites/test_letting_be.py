"""Who has been in a meeting is let be, whatever the list of members says of them afterwards."""

import pytest

from invites.dingtalk.sandbox import SandboxServer
from invites.models import Conference, Invitee, Member
from invites.models.invitee import InviteeState
from invites.models.member import Attendance
from tests.factories import InviteeFactory, MemberFactory, SentInvitationFactory
from tests.invites.conftest import Clock
from tests.invites.observed import read, ring

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(timed_sandbox: SandboxServer, quiet: Conference, clock: Clock) -> Invitee:
    """Somebody who was read to be in the meeting, which they leave within a minute."""
    invited: Invitee = InviteeFactory(
        invitation=SentInvitationFactory(conference=quiet), value="leaves-9", state=InviteeState.INVITED
    )
    ring(timed_sandbox, "leaves-9")
    clock.ahead += 20
    read(quiet)
    assert Member.objects.get().attendance == Attendance.JOINED
    return invited


def test_whoever_left_and_is_called_again_between_two_readings_is_not_rung_by_itself(
    timed_sandbox: SandboxServer, quiet: Conference, clock: Clock, person: Invitee
) -> None:
    clock.ahead += 100
    ring(timed_sandbox, "leaves-9")
    clock.ahead += 1
    read(quiet)
    assert Member.objects.get().attendance == Attendance.CALLING
    assert not Invitee.objects.filter(pk=person.pk).who_may_be_rung_unasked()


def test_whoever_was_in_the_meeting_and_is_missing_from_the_list_is_not_rung_by_itself(
    quiet: Conference,
) -> None:
    # DingTalk has not said since when they were there.
    member = MemberFactory(conference=quiet, attendance=Attendance.JOINED, joined_at=None)
    InviteeFactory(invitation=SentInvitationFactory(conference=quiet), member=member)
    read(quiet)
    member.refresh_from_db()
    assert member.attendance == Attendance.NOT_KNOWN
    assert not Invitee.objects.who_may_be_rung_unasked()


def test_whoever_only_rang_and_is_missing_from_the_list_may_be_rung(quiet: Conference) -> None:
    member = MemberFactory(conference=quiet, attendance=Attendance.CALLING)
    InviteeFactory(invitation=SentInvitationFactory(conference=quiet), member=member)
    read(quiet)
    assert Invitee.objects.who_may_be_rung_unasked().exists()
