"""What programs bring about through the HTTP API: people who are invited, conferences, contacts."""

from http import HTTPStatus
from typing import Any, cast

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from invites import delivering
from invites.connecting import close_clients
from invites.dingtalk.sandbox import SandboxServer
from invites.dingtalk.sandbox.people import UNION_ID_PREFIX
from invites.models import (
    AddressBook,
    AuditEntry,
    Conference,
    Contact,
    ContactGroup,
    Invitation,
    Invitee,
    User,
)
from invites.models.invitation import InvitationSource, InvitationState
from invites.models.invitee import Channel
from tests.dingtalk.loopback import recording_server
from tests.factories import (
    AddressBookFactory,
    AppFactory,
    ConferenceFactory,
    ContactFactory,
    ContactGroupFactory,
    InviteeFactory,
    MarkedContactFactory,
)
from tests.invites.programs import NUMBER, UNION_ID, Program, code_of, fields_of, invite_into, pages

pytestmark = pytest.mark.django_db


def deliver(answer: Any) -> None:
    delivering.deliver(invitation_id=answer.json()["id"], policy=delivering.WORKER)


@pytest.fixture
def program(organizer: User) -> Program:
    return Program(organizer)


@pytest.fixture
def book(conference: Conference, organizer: User) -> AddressBook:
    return AddressBookFactory(app=conference.app, owner=organizer)


class TestInviting:
    def test_people_are_called_as_dingtalk_is_told_to(
        self, program: Program, conference: Conference, sandbox: SandboxServer, organizer: User
    ) -> None:
        body = {
            "inviteeList": [{"unionId": UNION_ID, "nick": "Test user"}],
            "phoneInviteeList": [{"phoneNumber": "138 0013 8000"}],
        }
        answer = program.post(invite_into(conference), body)
        assert answer.status_code == HTTPStatus.CREATED
        deliver(answer)
        sent = cast("dict[str, Any]", sandbox.invitations[0].body)
        assert sent["unionId"] == organizer.union_id
        assert sent["inviteeList"] == [{"unionId": UNION_ID, "nick": "Test user"}]
        assert sent["phoneInviteeList"] == [{"phoneNumber": "13800138000", "nick": "Guest 8000"}]
        told = program.get(f"/invitations/{answer.json()['id']}").json()
        assert (told["state"], told["source"], told["sentBy"]) == ("finished", "api", organizer.username)
        assert (told["people"], told["counts"]["invited"]) == (2, 2)
        assert told["requestId"] == answer["X-Request-ID"]
        people = program.get(f"/invitations/{told['id']}/people").json()["people"]
        assert [(each["unionId"], each["phoneNumber"], each["state"]) for each in people] == [
            (UNION_ID, "", "invited"),
            ("", NUMBER, "invited"),
        ]
        (call,) = program.get("/attempts", conference=conference.pk).json()["attempts"]
        assert (call["outcome"], call["people"], call["traceId"]) == ("succeeded", 2, told["requestId"])

    def test_same_person_named_in_several_ways_is_called_once(
        self, program: Program, conference: Conference, book: AddressBook
    ) -> None:
        contact: Contact = ContactFactory(book=book, union_id=UNION_ID, phone_number=NUMBER, nick="Jane")
        group: ContactGroup = ContactGroupFactory(book=book)
        group.contacts.add(contact)
        body = {
            "inviteeList": [{"unionId": UNION_ID}],
            "phoneInviteeList": [{"phoneNumber": NUMBER}],
            "contactIds": [contact.pk, contact.pk],
            "groupIds": [group.pk],
        }
        answer = program.post(invite_into(conference), body)
        (person,) = Invitee.objects.all()
        assert (person.channel, person.value, person.nick) == (Channel.UNION_ID, UNION_ID, "Jane")
        assert (person.contact, person.position) == (contact, 0)
        assert answer.json()["people"] == 1

    def test_many_groups_cost_no_more_questions_than_one(
        self, program: Program, conference: Conference, book: AddressBook
    ) -> None:
        groups = [ContactGroupFactory(book=book) for _group in range(5)]
        for group in groups:
            group.contacts.add(ContactFactory(book=book))
        program.post(invite_into(conference), {"groupIds": [group.pk for group in groups]})
        costs = []
        for named in (groups[:1], groups):
            with CaptureQueriesContext(connection) as captured:
                answer = program.post(invite_into(conference), {"groupIds": [group.pk for group in named]})
            assert answer.json()["people"] == len(named)
            costs.append(len(captured))
        assert costs[0] == costs[1]

    def test_marked_are_left_out_unless_that_was_decided_which_is_on_record(
        self, program: Program, conference: Conference, book: AddressBook, organizer: User
    ) -> None:
        marked, other = MarkedContactFactory(book=book), ContactFactory(book=book)
        body: dict[str, Any] = {"contactIds": [marked.pk, other.pk]}
        first = program.post(invite_into(conference), body).json()
        assert (first["counts"]["skipped"], first["counts"]["pending"]) == (1, 1)
        left_out = program.get(f"/invitations/{first['id']}/people", state="skipped").json()["people"]
        assert [(each["contactId"], each["code"]) for each in left_out] == [(marked.pk, "doNotInvite")]
        second = program.post(invite_into(conference), body | {"despiteDoNotInvite": True}).json()
        assert second["counts"]["pending"] == 2
        overridden = Invitee.objects.get(invitation=second["id"], contact=marked)
        assert (overridden.overridden_by, overridden.overridden_reason) == (organizer, "On leave")
        all_marked = program.post(invite_into(conference), {"contactIds": [marked.pk]})
        assert (all_marked.status_code, code_of(all_marked)) == (HTTPStatus.CONFLICT, "everybodyMarked")

    def test_each_that_cannot_be_used_is_named_with_its_position_and_nobody_is_called(
        self, program: Program, conference: Conference
    ) -> None:
        body = {
            "unionId": "a b",
            "inviteeList": [{"unionId": UNION_ID}, {"unionId": "a b"}],
            "phoneInviteeList": [{"phoneNumber": NUMBER}, {"phoneNumber": "12"}],
            "contactIds": [1, 999],
        }
        assert fields_of(program.post(invite_into(conference), body)) == {
            "unionId": "invalid",
            "inviteeList.1.unionId": "invalid",
            "phoneInviteeList.1.phoneNumber": "too_short",
            "contactIds.0": "missing",
            "contactIds.1": "missing",
        }
        assert not Invitation.objects.exists()

    def test_what_the_domain_refuses_is_told_with_its_code(
        self, program: Program, conference: Conference
    ) -> None:
        nobody = program.post(invite_into(conference), {})
        assert (nobody.status_code, code_of(nobody)) == (HTTPStatus.CONFLICT, "nobodyToInvite")
        real = ConferenceFactory(owner=conference.owner)
        demo = program.post(invite_into(real), {"inviteeList": [{"unionId": UNION_ID_PREFIX + "x"}]})
        assert (demo.status_code, code_of(demo)) == (HTTPStatus.CONFLICT, "demoPersonRefused")
        in_their_name = {"unionId": UNION_ID_PREFIX + "x", "inviteeList": [{"unionId": UNION_ID}]}
        assert code_of(program.post(invite_into(real), in_their_name)) == "demoPersonRefused"
        conference.status = "ended"
        conference.save()
        over = program.post(invite_into(conference), {"inviteeList": [{"unionId": UNION_ID}]})
        assert (over.status_code, code_of(over)) == (HTTPStatus.CONFLICT, "conferenceEnded")

    def test_the_list_in_the_composer_is_left_alone(self, program: Program, conference: Conference) -> None:
        draft = conference.invitations.create()
        InviteeFactory(invitation=draft)
        program.post(invite_into(conference), {"inviteeList": [{"unionId": UNION_ID}]})
        draft.refresh_from_db()
        assert (draft.state, draft.invitees.count(), draft.revision) == (InvitationState.DRAFT, 1, 0)
        assert conference.invitations.sent().get().source == InvitationSource.API


class TestConferences:
    def test_one_is_created_in_dingtalk_in_the_name_of_the_user(
        self, program: Program, sandbox_app: object, organizer: User
    ) -> None:
        answer = program.post("/conferences", {"title": "By a program"})
        assert answer.status_code == HTTPStatus.CREATED
        made = Conference.objects.get()
        assert (made.owner, made.title, made.conference_id) == (
            organizer,
            "By a program",
            answer.json()["conferenceId"],
        )
        assert AuditEntry.objects.filter(object_pk=str(made.pk), actor=organizer).exists()
        assert program.get(f"/conferences/{made.pk}").json() == answer.json()

    def test_one_of_somebody_else_does_not_make_the_user_another_operator(
        self, program: Program, sandbox_app: object, organizer: User
    ) -> None:
        answer = program.post("/conferences", {"title": "Of a host", "unionId": UNION_ID})
        assert answer.status_code == HTTPStatus.CREATED
        assert Conference.objects.get().creator_union_id == UNION_ID
        organizer.refresh_from_db()
        assert organizer.union_id == "operator-of-organizer"

    def test_one_that_is_somebody_else_s_by_now_is_said_to_be_taken(
        self, program: Program, other_organizer: User
    ) -> None:
        with recording_server() as dingtalk:
            app = AppFactory(base_url=dingtalk.url)
            # They chose it among their running meetings in the second in which it began.
            theirs: Conference = ConferenceFactory(app=app, owner=other_organizer, title="A secret of theirs")
            dingtalk.answer = {"conferenceId": theirs.conference_id}
            for _time in range(2):
                answer = program.post("/conferences", {"title": "By a program"}, key="one")
                assert (answer.status_code, code_of(answer)) == (HTTPStatus.CONFLICT, "conferenceTaken")
                assert theirs.title not in answer.content.decode()
            assert len([each for each in dingtalk.recorded if each.method == "POST"]) == 1
        close_clients()
        registered = program.post("/conferences/register", {"conferenceId": theirs.conference_id})
        assert (registered.status_code, code_of(registered)) == (HTTPStatus.CONFLICT, "conferenceTaken")
        assert program.get(f"/conferences/{theirs.pk}").status_code == HTTPStatus.NOT_FOUND

    def test_one_is_registered_by_its_id_once(self, program: Program, conference: Conference) -> None:
        known = program.post("/conferences/register", {"conferenceId": conference.conference_id})
        assert (known.status_code, known.json()["id"]) == (HTTPStatus.OK, conference.pk)
        strange = program.post("/conferences/register", {"conferenceId": "a/b", "appId": 999})
        assert list(fields_of(strange)) == ["conferenceId"]
        other_app = program.post("/conferences/register", {"conferenceId": "ab", "appId": 999})
        assert list(fields_of(other_app)) == ["appId"]
        gone = program.post("/conferences/register", {"conferenceId": "0123456789abcdef"})
        assert (gone.status_code, code_of(gone)) == (HTTPStatus.CONFLICT, "dingTalkRefused")
        assert gone.json()["error"]["dingtalk"]["code"]


class TestContacts:
    def test_contact_is_added_changed_searched_for_and_on_record(
        self, program: Program, book: AddressBook, organizer: User
    ) -> None:
        group = ContactGroupFactory(book=book, name="Board")
        body = {"nick": "Zhang San", "phoneNumber": "138 0013 8000", "groupId": group.pk}
        added = program.post(f"/books/{book.pk}/contacts", body)
        assert added.status_code == HTTPStatus.CREATED
        told = added.json()
        assert (told["phoneNumber"], told["groups"]) == (NUMBER, ["Board"])
        changed = program.patch(f"/contacts/{told['id']}", {"unionId": "zs1"}).json()
        assert (changed["nick"], changed["unionId"], changed["phoneNumber"]) == ("Zhang San", "zs1", NUMBER)
        assert pages(program, f"/books/{book.pk}/contacts", "contacts", q="zhang") == [changed]
        assert pages(program, f"/books/{book.pk}/contacts", "contacts", group=group.pk) == [changed]
        entries = AuditEntry.objects.filter(content_type__model="contact", object_pk=str(told["id"]))
        assert [entry.actor for entry in entries] == [organizer, organizer]

    def test_what_is_wrong_with_one_stands_at_its_field(self, program: Program, book: AddressBook) -> None:
        path = f"/books/{book.pk}/contacts"
        assert list(fields_of(program.post(path, {"nick": ""}))) == ["nick", "unionId"]
        assert fields_of(program.post(path, {"nick": "A", "phoneNumber": "12"})) == {
            "phoneNumber": "too_short"
        }
        taken: Contact = ContactFactory(book=book)
        assert list(fields_of(program.post(path, {"nick": "A", "unionId": taken.union_id}))) == ["unionId"]
        assert list(fields_of(program.post(path, {"nick": "A", "unionId": "n", "groupId": 99}))) == [
            "groupId"
        ]
        assert program.patch(f"/contacts/{taken.pk}", {}).status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert Contact.objects.count() == 1

    def test_mark_is_told(self, program: Program, book: AddressBook) -> None:
        contact = MarkedContactFactory(book=book)
        assert program.get(f"/contacts/{contact.pk}").json()["doNotInvite"] == {
            "reason": "On leave",
            "until": None,
        }
