"""Who in a refused batch is unknown: asked of the directory, or else found by halving."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from invites import delivering
from invites.delivering import isolating
from invites.delivering.isolating import find_unknown, give_up_overdue
from invites.delivering.marking import clear_marks, mark_refused_alone
from invites.delivering.outcomes import WORKER
from invites.dingtalk.sandbox import SandboxServer
from invites.dingtalk.sandbox.routes import Operation
from invites.models import App, Batch, Conference, Contact, Invitation, Invitee, User
from invites.models.attempt import AttemptState
from invites.models.batch import BatchState
from invites.models.invitation import InvitationState
from invites.models.invitee import Channel, InviteeState
from invites.models.spending import CallCount
from invites.sending import send
from tests.factories import (
    AddressBookFactory,
    AttemptFactory,
    BatchFactory,
    ContactFactory,
    InvitationFactory,
    InviteeFactory,
    SentInvitationFactory,
)

CODE = "unknownUserError"
REFUSED = "code:Forbidden.AccessDenied.AccessTokenPermissionDenied"


def refused(conference: Conference, *values: str, operator: str = "", number: int = 1) -> Batch:
    """A batch that DingTalk has refused for one of these people, and that waits for somebody to find out for whom."""
    invitation = SentInvitationFactory(
        conference=conference,
        operator_union_id=operator,
        state=InvitationState.SENDING,
        finished_at=None,
    )
    batch = BatchFactory(
        invitation=invitation,
        number=number,
        people=len(values),
        state=BatchState.LOOKING_UP,
        not_before=timezone.now() + timedelta(seconds=30),
        first_tried_at=timezone.now() - timedelta(seconds=1),
    )
    attempt = AttemptFactory(
        invitation=invitation,
        batch=batch,
        people=len(values),
        state=AttemptState.FAILED,
        people_state=InviteeState.PENDING,
        error_code=CODE,
        http_status=400,
    )
    for position, value in enumerate(values):
        channel = Channel.PHONE if value.startswith("+") else Channel.UNION_ID
        InviteeFactory(
            invitation=invitation,
            batch=batch,
            position=position,
            value=value,
            channel=channel,
            last_attempt=attempt,
        )
    return batch


def states(batch: Batch) -> dict[str, str]:
    return dict(batch.invitation.invitees.values_list("value", "state"))


def parts(batch: Batch) -> list[list[str]]:
    """The people of each batch that was made of ``batch``, in the order of their numbers."""
    return [
        list(part.invitees.in_order().values_list("value", flat=True))
        for part in batch.halves.order_by("number")
    ]


def lookups(sandbox: SandboxServer) -> list[str]:
    return [
        each.target.rpartition("/")[2] for each in sandbox.received if each.operation is Operation.CONTACT_GET
    ]


@pytest.fixture(autouse=True)
def in_a_hurry(request: pytest.FixtureRequest) -> None:
    """Lookups need not be spaced in a test."""
    if "sandbox_app" in request.fixturenames:
        app: App = request.getfixturevalue("sandbox_app")
        App.objects.filter(pk=app.pk).update(calls_per_second=500)
        app.refresh_from_db()


class TestFindUnknown:
    def test_those_who_are_unknown_fail_and_the_others_wait_together(
        self, sandbox: SandboxServer, conference: Conference
    ) -> None:
        batch = refused(conference, "a1", "unknown-1", "+8613800138000", "a2", "unknown-2", operator="op")
        find_unknown(batch.pk)
        assert states(batch) == {
            "a1": "pending",
            "unknown-1": "failed",
            "+8613800138000": "pending",
            "a2": "pending",
            "unknown-2": "failed",
        }
        assert parts(batch) == [["a1", "+8613800138000", "a2"]]
        rest = batch.halves.get()
        assert (rest.state, rest.number, rest.people) == (BatchState.WAITING, 2, 3)
        assert rest.not_before <= timezone.now()
        assert rest.first_tried_at == Batch.objects.get(pk=batch.pk).first_tried_at
        assert Batch.objects.get(pk=batch.pk).state == BatchState.TAKEN

    def test_each_person_is_asked_about_once_and_that_is_counted(
        self, sandbox: SandboxServer, conference: Conference
    ) -> None:
        batch = refused(conference, "a1", "op", "unknown-1", operator="op")
        find_unknown(batch.pk)
        find_unknown(batch.pk)
        # The first one alone, then several at a time: those arrive in any order.
        first, *others = lookups(sandbox)
        assert (first, sorted(others)) == ("op", ["a1", "unknown-1"])
        assert Invitation.objects.get(pk=batch.invitation_id).lookups == 3

    def test_those_who_were_asked_about_are_not_asked_about_again(self, conference: Conference) -> None:
        batch = refused(conference, "a1", "unknown-1", operator="op")
        find_unknown(batch.pk)
        assert batch.halves.get().was_looked_up

    def test_reason_stays_that_of_the_refused_call(self, conference: Conference) -> None:
        batch = refused(conference, "a1", "unknown-1", operator="op")
        find_unknown(batch.pk)
        culprit = Invitee.objects.with_last_attempt().get(value="unknown-1")
        assert culprit.problem_code == CODE
        assert culprit.changed_at is not None

    def test_whom_the_directory_named_is_told_from_whoever_only_was_in_the_call(
        self, conference: Conference
    ) -> None:
        batch = refused(conference, "a1", "a2", "unknown-1", operator="op")
        find_unknown(batch.pk)
        assert Invitee.objects.with_last_attempt().get(value="unknown-1").is_singled_out
        batch.halves.get().invitees.update(state=InviteeState.FAILED)
        assert not Invitee.objects.with_last_attempt().get(value="a1").is_singled_out

    def test_nobody_but_unknown_people_ends_the_invitation(self, conference: Conference) -> None:
        batch = refused(conference, "unknown-1", "unknown-2", operator="op")
        find_unknown(batch.pk)
        assert set(states(batch).values()) == {"failed"}
        assert Invitation.objects.get(pk=batch.invitation_id).state == InvitationState.FINISHED

    def test_unknown_operator_is_nobody_else_s_fault(self, conference: Conference) -> None:
        batch = refused(conference, "a1", "a2", operator="unknown-op")
        other = BatchFactory(invitation=batch.invitation, number=2, state=BatchState.WAITING)
        InviteeFactory(invitation=batch.invitation, batch=other, value="a3", position=5)
        find_unknown(batch.pk)
        assert set(states(batch).values()) == {"skipped"}
        reasons = set(batch.invitation.invitees.values_list("skipped_because", flat=True))
        assert reasons == {"unknownOperator"}
        assert Invitation.objects.get(pk=batch.invitation_id).state == InvitationState.FINISHED

    def test_batch_is_halved_where_everybody_is_known(self, conference: Conference) -> None:
        batch = refused(conference, "a1", "a2", "a3", operator="op")
        find_unknown(batch.pk)
        assert parts(batch) == [["a1", "a2"], ["a3"]]
        assert set(states(batch).values()) == {"pending"}
        assert all(part.was_looked_up for part in batch.halves.all())

    def test_directory_that_knows_nobody_is_not_believed(self, conference: Conference) -> None:
        batch = refused(conference, "unknown-1", "unknown-2", operator="unknown-op")
        find_unknown(batch.pk)
        assert parts(batch) == [["unknown-1"], ["unknown-2"]]
        assert set(states(batch).values()) == {"pending"}

    def test_unionid_that_cannot_stand_in_a_path_is_passed_over(
        self, sandbox: SandboxServer, conference: Conference
    ) -> None:
        batch = refused(conference, "..", "a1", "unknown-1")
        find_unknown(batch.pk)
        assert lookups(sandbox) == ["a1", "unknown-1"]
        assert parts(batch) == [["..", "a1"]]

    def test_batch_that_somebody_else_has_taken_is_left_alone(
        self, sandbox: SandboxServer, conference: Conference
    ) -> None:
        batch = refused(conference, "a1", "unknown-1", operator="op")
        Batch.objects.update(state=BatchState.TAKEN)
        find_unknown(batch.pk)
        assert lookups(sandbox) == []
        assert set(states(batch).values()) == {"pending"}

    def test_answers_that_come_too_late_change_nothing(self, conference: Conference) -> None:
        batch = refused(conference, "a1", "a2", operator="op")
        slow = Batch.objects.looking_up().with_app().get()
        find_unknown(batch.pk)
        isolating._conclude(slow, isolating._Answers(known={"a1"}, unknown={"a2"}))
        assert states(batch) == {"a1": "pending", "a2": "pending"}
        assert batch.halves.count() == 2


class TestDirectoryThatDoesNotTell:
    def test_refusal_is_remembered_and_the_batch_is_halved(
        self, sandbox: SandboxServer, conference: Conference
    ) -> None:
        sandbox.add_fault(REFUSED, operation="contact_get", times=None)
        first, second = refused(conference, "a1", "unknown-1"), refused(conference, "a2", "unknown-2")
        find_unknown(first.pk)
        find_unknown(second.pk)
        assert len(lookups(sandbox)) == 1
        assert parts(first) == [["a1"], ["unknown-1"]]
        assert parts(second) == [["a2"], ["unknown-2"]]
        assert not first.halves.filter(was_looked_up=True).exists()

    def test_it_is_asked_again_after_a_day(self, sandbox: SandboxServer, conference: Conference) -> None:
        App.objects.update(lookup_refused_at=timezone.now() - timedelta(hours=25))
        batch = refused(conference, "a1", "unknown-1")
        find_unknown(batch.pk)
        assert parts(batch) == [["a1"]]

    def test_app_that_must_not_ask_asks_nobody(self, sandbox: SandboxServer, conference: Conference) -> None:
        App.objects.update(looks_up_unknown_people=False)
        batch = refused(conference, "a1", "unknown-1")
        find_unknown(batch.pk)
        assert lookups(sandbox) == []
        assert parts(batch) == [["a1"], ["unknown-1"]]

    @pytest.mark.parametrize("fault", ["throttled", "html_502", "drop"])
    def test_passing_trouble_is_not_remembered(
        self, sandbox: SandboxServer, conference: Conference, fault: str
    ) -> None:
        sandbox.add_fault(fault, operation="contact_get", times=None)
        batch = refused(conference, "a1", "unknown-1")
        find_unknown(batch.pk)
        assert parts(batch) == [["a1"], ["unknown-1"]]
        assert App.objects.get().lookup_refused_at is None

    @pytest.mark.parametrize("fault", ["html", "empty_object", "code:someNewCode"])
    def test_answer_that_says_nothing_about_the_person_is_remembered(
        self, sandbox: SandboxServer, conference: Conference, fault: str
    ) -> None:
        sandbox.add_fault(fault, operation="contact_get", times=None)
        batch = refused(conference, "a1", "unknown-1")
        find_unknown(batch.pk)
        assert parts(batch) == [["a1"], ["unknown-1"]]
        assert App.objects.get().lookup_refused_at is not None

    def test_those_found_before_it_fell_silent_are_found(
        self, sandbox: SandboxServer, conference: Conference, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Of those asked about at the same time any may be the one that is not told of.
        monkeypatch.setattr(isolating, "ASKED_AT_ONCE", 1)
        sandbox.add_fault("throttled", operation="contact_get", skip=2, times=None)
        batch = refused(conference, "a1", "unknown-1", "a2", "unknown-2")
        find_unknown(batch.pk)
        assert states(batch)["unknown-1"] == "failed"
        assert parts(batch) == [["a1", "a2", "unknown-2"]]

    def test_batch_that_takes_too_long_to_ask_about_is_halved_first(
        self, sandbox: SandboxServer, conference: Conference
    ) -> None:
        App.objects.update(calls_per_second=1)
        batch = refused(conference, *(f"a{n}" for n in range(21)))
        find_unknown(batch.pk)
        assert lookups(sandbox) == []
        assert [len(part) for part in parts(batch)] == [11, 10]

    def test_app_that_was_switched_off_asks_nobody(
        self, sandbox: SandboxServer, conference: Conference
    ) -> None:
        App.objects.update(enabled=False)
        batch = refused(conference, "a1", "unknown-1")
        find_unknown(batch.pk)
        assert lookups(sandbox) == []
        assert len(parts(batch)) == 2


class TestGiveUpOverdue:
    def test_batch_whose_process_died_is_halved(self, sandbox: SandboxServer, conference: Conference) -> None:
        dead, alive = refused(conference, "a1", "unknown-1"), refused(conference, "a2", "unknown-2")
        Batch.objects.filter(pk=dead.pk).update(not_before=timezone.now() - timedelta(seconds=1))
        assert give_up_overdue() == 1
        assert parts(dead) == [["a1"], ["unknown-1"]]
        assert all(part.not_before <= timezone.now() for part in dead.halves.all())
        assert Batch.objects.get(pk=alive.pk).state == BatchState.LOOKING_UP
        assert lookups(sandbox) == []

    def test_nothing_is_done_where_none_is_overdue(
        self, db: None, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(1):
            assert give_up_overdue() == 0


class TestMarks:
    @pytest.fixture
    def contact(self, conference: Conference) -> Contact:
        return ContactFactory(book=AddressBookFactory(app=conference.app), union_id="unknown-1")

    def invited(self, batch: Batch, contact: Contact) -> Invitee:
        batch.invitation.invitees.filter(value="unknown-1").update(contact=contact)
        return batch.invitation.invitees.get(value="unknown-1")

    def test_contact_who_is_unknown_is_marked(self, conference: Conference, contact: Contact) -> None:
        batch = refused(conference, "a1", "unknown-1", operator="op")
        self.invited(batch, contact)
        find_unknown(batch.pk)
        contact.refresh_from_db()
        assert contact.refused_code == CODE
        assert contact.is_not_known

    def test_contact_who_has_another_unionid_by_now_is_not_marked(
        self, conference: Conference, contact: Contact
    ) -> None:
        batch = refused(conference, "a1", "unknown-1", operator="op")
        self.invited(batch, contact)
        Contact.objects.update(union_id="person-1")
        find_unknown(batch.pk)
        assert not Contact.objects.not_known().exists()

    def test_contact_who_was_refused_alone_is_marked_where_the_operator_is_known(
        self, conference: Conference, contact: Contact
    ) -> None:
        batch = refused(conference, "unknown-1", operator="op")
        self.invited(batch, contact)
        mark_refused_alone(batch.invitation, batch.invitees.all(), code=CODE)
        assert not Contact.objects.not_known().exists()
        AttemptFactory(
            invitation=SentInvitationFactory(conference=conference, operator_union_id="op"),
            state=AttemptState.SUCCEEDED,
        )
        mark_refused_alone(batch.invitation, batch.invitees.all(), code=CODE)
        assert Contact.objects.not_known().get() == contact

    def test_contact_who_was_refused_alone_without_an_operator_is_marked(
        self, conference: Conference, contact: Contact
    ) -> None:
        batch = refused(conference, "unknown-1")
        self.invited(batch, contact)
        mark_refused_alone(batch.invitation, batch.invitees.all(), code=CODE)
        assert Contact.objects.not_known().get() == contact

    def test_mark_goes_when_dingtalk_takes_the_person(
        self, conference: Conference, contact: Contact, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        batch = refused(conference, "a1", "unknown-1")
        self.invited(batch, contact)
        mark_refused_alone(batch.invitation, batch.invitees.filter(value="unknown-1"), code=CODE)
        clear_marks(batch.invitees.filter(value="a1"))
        assert Contact.objects.not_known().exists()
        clear_marks(batch.invitees.all())
        contact.refresh_from_db()
        assert (contact.refused_at, contact.refused_code) == (None, "")


class TestDelivery:
    """From the refused call to the end."""

    @pytest.fixture
    def book_contact(self, conference: Conference) -> Contact:
        return ContactFactory(book=AddressBookFactory(app=conference.app), union_id="unknown-1")

    def sent(self, conference: Conference, user: User, contact: Contact, *values: str) -> Invitation:
        draft = InvitationFactory(conference=conference, operator_union_id="op")
        for position, value in enumerate(values):
            InviteeFactory(
                invitation=draft,
                position=position,
                value=value,
                contact=contact if value == contact.union_id else None,
            )
        return send(invitation=draft, revision=draft.revision, user=user)

    def test_one_unknown_person_costs_one_more_call_and_is_marked(
        self, sandbox: SandboxServer, conference: Conference, organizer: User, book_contact: Contact
    ) -> None:
        people = [*(f"a{n}" for n in range(9)), "unknown-1"]
        invitation = self.sent(conference, organizer, book_contact, *people)
        assert delivering.deliver(invitation_id=invitation.pk, policy=WORKER) is None
        invitation.refresh_from_db()
        assert invitation.state == InvitationState.FINISHED
        assert sorted(invitation.invitees.values_list("state", flat=True)) == ["failed"] + ["invited"] * 9
        assert len(sandbox.invitations) == 2
        assert invitation.lookups == 11
        assert dict(CallCount.objects.values_list("operation", "calls")) == {
            "GetAccessToken": 1,
            "GetUser": 11,
            "InviteUsers": 2,
        }
        assert CallCount.objects.of(conference.app).spent() == 2
        book_contact.refresh_from_db()
        assert book_contact.refused_code == CODE

    def test_contact_who_is_taken_later_loses_the_mark(
        self, sandbox: SandboxServer, conference: Conference, organizer: User, book_contact: Contact
    ) -> None:
        Contact.objects.update(union_id="a1", refused_at=timezone.now(), refused_code=CODE)
        book_contact.refresh_from_db()
        invitation = self.sent(conference, organizer, book_contact, "a1")
        delivering.deliver(invitation_id=invitation.pk, policy=WORKER)
        assert not Contact.objects.not_known().exists()

    def test_contact_who_is_refused_alone_is_marked(
        self, sandbox: SandboxServer, conference: Conference, organizer: User, book_contact: Contact
    ) -> None:
        self.sent(conference, organizer, book_contact, "a1")
        for invitation in (
            Invitation.objects.get(),
            self.sent(conference, organizer, book_contact, "unknown-1"),
        ):
            delivering.deliver(invitation_id=invitation.pk, policy=WORKER)
        assert Contact.objects.not_known().get() == book_contact

    def test_nobody_is_marked_for_an_operator_who_was_never_known(
        self, sandbox: SandboxServer, conference: Conference, organizer: User, book_contact: Contact
    ) -> None:
        invitation = self.sent(conference, organizer, book_contact, "unknown-1")
        delivering.deliver(invitation_id=invitation.pk, policy=WORKER)
        assert invitation.invitees.get().state == InviteeState.FAILED
        assert not Contact.objects.not_known().exists()

    def test_where_the_directory_does_not_tell_halving_finds_the_person(
        self, sandbox: SandboxServer, conference: Conference, organizer: User, book_contact: Contact
    ) -> None:
        sandbox.add_fault(REFUSED, operation="contact_get", times=None)
        people = ["a1", "a2", "a3", "unknown-1"]
        invitation = self.sent(conference, organizer, book_contact, *people)
        delivering.deliver(invitation_id=invitation.pk, policy=WORKER)
        assert dict(invitation.invitees.values_list("value", "state")) == {
            "a1": "invited",
            "a2": "invited",
            "a3": "invited",
            "unknown-1": "failed",
        }
        assert len(lookups(sandbox)) == 1
        assert Contact.objects.not_known().get() == book_contact
