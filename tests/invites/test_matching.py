"""Finding the people of a conference's invitations among its members."""

import threading

import pytest
from django.db import connection, transaction
from django.forms import model_to_dict
from django.test.utils import CaptureQueriesContext

from invites.dingtalk.sandbox import SandboxServer
from invites.models import Conference, Contact, Invitation, Invitee, Member
from invites.models.invitee import Channel, InviteeState
from invites.models.member import Attendance
from invites.observing.matching import match
from tests.factories import (
    ConferenceFactory,
    ContactFactory,
    InvitationFactory,
    InviteeFactory,
    MemberFactory,
    SentInvitationFactory,
)
from tests.invites.conftest import Clock
from tests.invites.observed import read, ring

pytestmark = pytest.mark.django_db
NUMBER, OTHER_NUMBER = "+8613800138000", "+8613800138001"


@pytest.fixture
def conference(db: None) -> Conference:
    return ConferenceFactory()


@pytest.fixture
def invitation(conference: Conference) -> Invitation:
    return SentInvitationFactory(conference=conference)


def by_phone(
    invitation: Invitation, nick: str, number: str = NUMBER, contact: Contact | None = None
) -> Invitee:
    return InviteeFactory(
        invitation=invitation, channel=Channel.PHONE, value=number, nick=nick, contact=contact
    )


def phone_member(conference: Conference, nick: str, number: int = 1) -> Member:
    """Somebody who dialled in and has no unionId that DingTalk knows."""
    return MemberFactory(
        conference=conference, union_id="", key=f"name:{number}:{nick}", nick=nick, by_phone=True
    )


def found(person: Invitee) -> tuple[Member | None, bool]:
    person.refresh_from_db()
    return person.member, person.member_is_probable


NOBODY = (None, False)


class TestByUnionId:
    def test_it_is_certain(self, conference: Conference, invitation: Invitation) -> None:
        person = InviteeFactory(invitation=invitation, value="u1")
        other = InviteeFactory(invitation=invitation, value="u2")
        member = MemberFactory(conference=conference, union_id="u1")
        match(conference)
        assert found(person) == (member, False)
        assert found(other) == NOBODY

    @pytest.mark.parametrize("state", InviteeState.values)
    def test_whatever_became_of_the_call(
        self, conference: Conference, invitation: Invitation, state: str
    ) -> None:
        person = InviteeFactory(invitation=invitation, value="u1", state=state)
        member = MemberFactory(conference=conference, union_id="u1")
        match(conference)
        assert found(person) == (member, False)
        assert person.state == state

    def test_on_every_sent_invitation_and_on_no_draft(self, conference: Conference) -> None:
        sent = [
            InviteeFactory(invitation=SentInvitationFactory(conference=conference), value="u1")
            for _invitation in range(3)
        ]
        draft = InviteeFactory(invitation=InvitationFactory(conference=conference), value="u1")
        member = MemberFactory(conference=conference, union_id="u1")
        match(conference)
        assert [found(person) for person in sent] == [(member, False)] * 3
        assert found(draft) == NOBODY

    def test_members_and_people_of_other_conferences_are_others(
        self, conference: Conference, invitation: Invitation
    ) -> None:
        person = InviteeFactory(invitation=invitation, value="u1")
        elsewhere = InviteeFactory(invitation=SentInvitationFactory(), value="u2")
        MemberFactory(union_id="u1")
        MemberFactory(conference=conference, union_id="u2")
        match(conference)
        assert found(person) == found(elsewhere) == NOBODY

    def test_number_that_looks_like_a_union_id_is_none(
        self, conference: Conference, invitation: Invitation
    ) -> None:
        person = by_phone(invitation, "Wei", number="+861")
        MemberFactory(conference=conference, union_id="+861")
        match(conference)
        assert found(person) == NOBODY

    def test_phone_is_found_through_the_contact(self, conference: Conference, invitation: Invitation) -> None:
        person = by_phone(invitation, "Wei", contact=ContactFactory(union_id="u1"))
        member = MemberFactory(conference=conference, union_id="u1", nick="Another name")
        match(conference)
        assert found(person) == (member, False)

    def test_contact_without_union_id_leads_to_nobody(
        self, conference: Conference, invitation: Invitation
    ) -> None:
        contact = ContactFactory(union_id="", phone_number=NUMBER)
        person = by_phone(invitation, "Wei", contact=contact)
        MemberFactory(conference=conference, union_id="", key="user:")
        match(conference)
        assert found(person) == NOBODY


class TestByName:
    def test_unique_name_is_probable(self, conference: Conference, invitation: Invitation) -> None:
        person = by_phone(invitation, "Wei")
        member = phone_member(conference, "Wei")
        match(conference)
        assert found(person) == (member, True)

    def test_same_number_on_two_invitations_is_one_person(
        self, conference: Conference, invitation: Invitation
    ) -> None:
        again = SentInvitationFactory(conference=conference)
        people = [by_phone(invitation, "Wei"), by_phone(again, "Wei")]
        member = phone_member(conference, "Wei")
        match(conference)
        assert [found(person) for person in people] == [(member, True)] * 2

    def test_two_members_of_that_name_are_nobody(
        self, conference: Conference, invitation: Invitation
    ) -> None:
        person = by_phone(invitation, "Wei")
        phone_member(conference, "Wei", 1)
        phone_member(conference, "Wei", 2)
        match(conference)
        assert found(person) == NOBODY

    def test_two_people_of_that_name_are_nobody(self, conference: Conference, invitation: Invitation) -> None:
        people = [by_phone(invitation, "Wei"), by_phone(invitation, "Wei", OTHER_NUMBER)]
        phone_member(conference, "Wei")
        match(conference)
        assert [found(person) for person in people] == [NOBODY, NOBODY]

    def test_somebody_who_joined_in_dingtalk_is_not_taken_for_a_caller(
        self, conference: Conference, invitation: Invitation
    ) -> None:
        person = by_phone(invitation, "Wei")
        MemberFactory(conference=conference, nick="Wei", by_phone=False)
        match(conference)
        assert found(person) == NOBODY

    def test_name_is_nothing_for_whom_dingtalk_itself_calls(
        self, conference: Conference, invitation: Invitation
    ) -> None:
        person = InviteeFactory(invitation=invitation, value="u1", nick="Wei")
        phone_member(conference, "Wei")
        match(conference)
        assert found(person) == NOBODY

    def test_member_who_is_certainly_somebody_else_is_not_taken(
        self, conference: Conference, invitation: Invitation
    ) -> None:
        colleague = InviteeFactory(invitation=invitation, value="u1", nick="Wei")
        person = by_phone(invitation, "Wei")
        member = MemberFactory(conference=conference, union_id="u1", nick="Wei", by_phone=True)
        match(conference)
        assert found(colleague) == (member, False)
        assert found(person) == NOBODY

    def test_what_was_probable_is_undone_when_a_namesake_comes(
        self, conference: Conference, invitation: Invitation
    ) -> None:
        person = by_phone(invitation, "Wei")
        phone_member(conference, "Wei", 1)
        match(conference)
        phone_member(conference, "Wei", 2)
        match(conference)
        assert found(person) == NOBODY

    def test_what_is_certain_takes_its_place(self, conference: Conference, invitation: Invitation) -> None:
        contact = ContactFactory(union_id="", phone_number=NUMBER)
        person = by_phone(invitation, "Wei", contact=contact)
        phone_member(conference, "Wei")
        match(conference)
        assert found(person)[1]
        Contact.objects.update(union_id="u1")
        member = MemberFactory(conference=conference, union_id="u1")
        match(conference)
        assert found(person) == (member, False)

    def test_what_is_certain_is_not_undone(self, conference: Conference, invitation: Invitation) -> None:
        contact = ContactFactory(union_id="u1", phone_number=NUMBER)
        person = by_phone(invitation, "Wei", contact=contact)
        member = MemberFactory(conference=conference, union_id="u1")
        match(conference)
        contact.delete()
        phone_member(conference, "Wei")
        match(conference)
        assert found(person) == (member, False)


class TestAgain:
    def test_second_time_changes_nothing(self, conference: Conference, invitation: Invitation) -> None:
        InviteeFactory(invitation=invitation, value="u1")
        by_phone(invitation, "Wei")
        MemberFactory(conference=conference, union_id="u1")
        phone_member(conference, "Wei")
        match(conference)
        before = list(Invitee.objects.order_by("pk").values())
        match(conference)
        assert list(Invitee.objects.order_by("pk").values()) == before

    def test_only_the_link_and_its_date_are_written(
        self, conference: Conference, invitation: Invitation
    ) -> None:
        person = InviteeFactory(invitation=invitation, value="u1")
        MemberFactory(conference=conference, union_id="u1")
        before = model_to_dict(Invitee.objects.get(pk=person.pk))
        match(conference)
        after = model_to_dict(Invitee.objects.get(pk=person.pk))
        assert {name for name, value in after.items() if before[name] != value} == {"member", "changed_at"}

    def test_cost_does_not_depend_on_the_number_of_people(
        self, conference: Conference, invitation: Invitation
    ) -> None:
        InviteeFactory.create_batch(50, invitation=invitation)
        with CaptureQueriesContext(connection) as captured:
            match(conference)
        assert len(captured) == 2

    @pytest.mark.django_db(transaction=True)
    def test_nobody_waits_for_a_sender_and_whom_it_holds_is_found_the_next_time(
        self, conference: Conference, invitation: Invitation
    ) -> None:
        held, free = (InviteeFactory(invitation=invitation, value=value) for value in ("u1", "u2"))
        members = [MemberFactory(conference=conference, union_id=value) for value in ("u1", "u2")]
        is_held, may_go_on = threading.Event(), threading.Event()

        def send() -> None:
            with transaction.atomic():
                Invitee.objects.select_for_update().get(pk=held.pk)
                is_held.set()
                may_go_on.wait(timeout=30)
            connection.close()

        sender = threading.Thread(target=send)
        # SQLite has one writer at a time, so nobody there can hold somebody.
        if connection.vendor == "postgresql":
            sender.start()
            is_held.wait(timeout=30)
            match(conference)
            assert [found(held), found(free)] == [NOBODY, (members[1], False)]
            may_go_on.set()
            sender.join()
        match(conference)
        assert [found(held), found(free)] == [(members[0], False), (members[1], False)]


class TestWithTheSandbox:
    def test_everybody_who_can_be_found_is_found_after_a_reading(
        self, timed_sandbox: SandboxServer, quiet: Conference, clock: Clock
    ) -> None:
        invitation = SentInvitationFactory(conference=quiet)
        values = ("joins-1", "declines-7", "+442079460060", "+12025550160", "sandbox-unknown-1")
        people = {
            value: InviteeFactory(
                invitation=invitation,
                value=value,
                channel=Channel.PHONE if value.startswith("+") else Channel.UNION_ID,
                nick=f"N {value}",
                state=InviteeState.INVITED,
            )
            for value in values
        }
        ring(timed_sandbox, *values[:2])
        ring(timed_sandbox, "+442079460060", nick="N +442079460060")
        # DingTalk shows this one by another name.
        ring(timed_sandbox, "+12025550160", nick="Somebody")
        ring(timed_sandbox, "sandbox-organizer-00")
        clock.ahead += 30
        read(quiet)
        seen = {person.value: person for person in invitation.invitees.with_member()}
        assert {value: seen[value].attendance for value in people} == {
            "joins-1": Attendance.JOINED,
            "declines-7": Attendance.DECLINED,
            "+442079460060": Attendance.JOINED,
            "+12025550160": Attendance.NOT_KNOWN,
            "sandbox-unknown-1": Attendance.NOT_KNOWN,
        }
        assert [value for value in values if seen[value].member_is_probable] == ["+442079460060"]
        strangers = Member.objects.of(quiet).in_meeting().nobody_invited().by_name()
        assert {member.nick for member in strangers} == {"Somebody", "N sandbox-organizer-00"}
