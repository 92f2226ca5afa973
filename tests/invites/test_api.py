"""The HTTP API: who may ask for what, what is told and in which pages, and what becomes of people who are invited."""

from http import HTTPStatus
from typing import Any, cast

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

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
    SignInPolicy,
    User,
)
from invites.models.api_token import Scope
from invites.models.invitation import InvitationSource, InvitationState
from invites.models.invitee import Channel, InviteeState
from invites.models.user import Role
from tests.conftest import SignedIn
from tests.dingtalk.loopback import recording_server
from tests.factories import (
    AddressBookFactory,
    AppFactory,
    AttemptFactory,
    ConferenceFactory,
    ContactFactory,
    ContactGroupFactory,
    InviteeFactory,
    MarkedContactFactory,
    SentInvitationFactory,
)
from tests.invites.programs import API, Program, code_of, expire, fields_of, token_of

pytestmark = pytest.mark.django_db

UNION_ID = "exxxxxxxxQiE"
NUMBER = "+8613800138000"


def invite_into(conference: Conference) -> str:
    return f"/conferences/{conference.pk}/invitations"


def deliver(answer: Any) -> None:
    delivering.deliver(invitation_id=answer.json()["id"], policy=delivering.WORKER)


def pages(program: Program, path: str, name: str, **query: Any) -> list[dict[str, Any]]:
    """Every row of a list, page after page."""
    rows: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = program.get(path, cursor=cursor, **query).json()
        rows += page[name]
        if page["next"] is None:
            return rows
        cursor = page["next"]


@pytest.fixture
def program(organizer: User) -> Program:
    return Program(organizer)


@pytest.fixture
def book(conference: Conference, organizer: User) -> AddressBook:
    return AddressBookFactory(app=conference.app, owner=organizer)


@pytest.fixture
def called(organizer: User) -> Invitee:
    """Somebody who was called by phone."""
    invitation = SentInvitationFactory(conference__owner=organizer)
    person = InviteeFactory(
        invitation=invitation,
        channel=Channel.PHONE,
        value=NUMBER,
        nick="Jane",
        state=InviteeState.INVITED,
    )
    attempt = AttemptFactory(invitation=invitation, sent_to=[person], error_message=f"called {NUMBER}")
    Invitee.objects.filter(pk=person.pk).update(last_attempt=attempt)
    return person


class TestWhoAsks:
    @pytest.mark.parametrize(
        "header",
        ["", "Bearer", "Bearer ci_", "Bearer ci_" + "0" * 64, "Basic YTpi", "Bearer ä", "{}", "Bearer  x y"],
    )
    def test_nobody_without_a_valid_token(self, header: str, organizer: User) -> None:
        token_of(organizer)
        answer = Client().get(f"{API}/conferences", headers={"Authorization": header} if header else {})
        assert (answer.status_code, code_of(answer)) == (HTTPStatus.UNAUTHORIZED, "unauthorized")
        assert answer["WWW-Authenticate"] == "Bearer"
        assert "Access-Control-Allow-Origin" not in answer

    def test_nobody_by_a_session_or_by_a_token_that_is_over(
        self, organizer: User, signed_in: SignedIn
    ) -> None:
        assert signed_in(organizer).get(f"{API}/conferences").status_code == HTTPStatus.UNAUTHORIZED
        program = Program(organizer)
        assert program.get("/conferences").status_code == HTTPStatus.OK
        expire(program.token)
        assert program.get("/conferences").status_code == HTTPStatus.UNAUTHORIZED

    def test_token_opens_what_it_is_for_and_nothing_else(
        self, organizer: User, conference: Conference
    ) -> None:
        for scope, opens in {
            Scope.CONFERENCES_READ: "/conferences",
            Scope.CONTACTS_READ: "/books",
            Scope.INVITATIONS_READ: "/attempts",
        }.items():
            program = Program(organizer, scope)
            for path in ("/conferences", "/books", "/attempts"):
                answer = program.get(path)
                assert answer.status_code == (HTTPStatus.OK if path == opens else HTTPStatus.FORBIDDEN)
            sent = program.post(invite_into(conference), {"inviteeList": [{"unionId": UNION_ID}]})
            assert (sent.status_code, code_of(sent)) == (HTTPStatus.FORBIDDEN, "forbidden")
        assert not Invitation.objects.exists()

    def test_rights_are_those_of_the_user_at_this_moment(
        self, organizer: User, conference: Conference, called: Invitee
    ) -> None:
        program = Program(organizer)
        organizer.role = Role.AUDITOR
        organizer.save()
        assert program.get("/attempts").status_code == HTTPStatus.OK
        for path in ("/apps", "/conferences", f"/conferences/{conference.pk}", "/books"):
            assert program.get(path).status_code == HTTPStatus.FORBIDDEN
        body = {"inviteeList": [{"unionId": UNION_ID}]}
        assert program.post(invite_into(conference), body).status_code == HTTPStatus.FORBIDDEN
        organizer.is_active = False
        organizer.save()
        assert program.get("/attempts").status_code == HTTPStatus.UNAUTHORIZED

    def test_whoever_has_to_set_up_a_second_factor_is_told_so_until_they_have_one(
        self, organizer: User, program: Program
    ) -> None:
        SignInPolicy.objects.create(second_factor_roles=[Role.ORGANIZER])
        Authenticator.objects.create(user=organizer, type=Authenticator.Type.RECOVERY_CODES, data={})
        answer = program.get("/conferences")
        assert (answer.status_code, code_of(answer)) == (HTTPStatus.FORBIDDEN, "secondFactorMissing")
        # Who signs in with DingTalk alone is asked for a factor there.
        User.objects.filter(pk=organizer.pk).update(password="!")
        assert program.get("/conferences").status_code == HTTPStatus.OK
        User.objects.filter(pk=organizer.pk).update(password=organizer.password)
        Authenticator.objects.create(user=organizer, type=Authenticator.Type.TOTP, data={"secret": "x"})
        assert program.get("/conferences").status_code == HTTPStatus.OK

    def test_what_belongs_to_others_is_not_there(
        self, other_organizer: User, conference: Conference, book: AddressBook, called: Invitee
    ) -> None:
        contact, program = ContactFactory(book=book), Program(other_organizer)
        attempt = called.invitation.attempts.get()
        for path in (
            f"/conferences/{conference.pk}",
            f"/books/{book.pk}/contacts",
            f"/books/{book.pk}/groups",
            f"/contacts/{contact.pk}",
            f"/invitations/{called.invitation_id}",
            f"/invitations/{called.invitation_id}/people",
            f"/attempts/{attempt.pk}",
        ):
            answer = program.get(path)
            assert (answer.status_code, code_of(answer)) == (HTTPStatus.NOT_FOUND, "notFound")
        assert program.patch(f"/contacts/{contact.pk}", {"nick": "Mine"}).status_code == HTTPStatus.NOT_FOUND
        assert program.post(f"/books/{book.pk}/contacts", {"nick": "A", "unionId": "a"}).status_code == 404
        assert program.post(invite_into(conference), {"contactIds": [contact.pk]}).status_code == 404
        for path in ("/conferences", "/books", "/invitations", "/attempts"):
            assert not next(iter(program.get(path).json().values()))

    def test_contacts_of_others_cannot_be_invited(self, program: Program, conference: Conference) -> None:
        theirs = ContactFactory(book__app=conference.app)
        group = ContactGroupFactory(book=theirs.book)
        answer = program.post(invite_into(conference), {"contactIds": [theirs.pk], "groupIds": [group.pk]})
        assert fields_of(answer) == {"contactIds.0": "missing", "groupIds.0": "missing"}

    def test_too_many_requests_are_told_when_to_come_back(
        self, program: Program, conference: Conference, settings: Settings
    ) -> None:
        settings.LIMITS = settings.LIMITS | {"sending": (1, 60)}
        body = {"inviteeList": [{"unionId": UNION_ID}]}
        assert program.post(invite_into(conference), body, key="a").status_code == HTTPStatus.CREATED
        refused = program.post(invite_into(conference), body, key="b")
        assert (refused.status_code, code_of(refused)) == (HTTPStatus.TOO_MANY_REQUESTS, "tooManyRequests")
        assert int(refused["Retry-After"]) > 0
        assert program.post(invite_into(conference), body, key="a")["Idempotent-Replayed"] == "true"
        settings.LIMITS = settings.LIMITS | {"api": (1, 60)}
        answer = program.get("/apps")
        assert answer.status_code == HTTPStatus.TOO_MANY_REQUESTS
        assert answer["RateLimit-Policy"] == '"api";q=1;w=60'


class TestWhatIsSent:
    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (b"{", HTTPStatus.BAD_REQUEST),
            (b"\xff\xfe", HTTPStatus.BAD_REQUEST),
            (b"[" * 100_000, HTTPStatus.BAD_REQUEST),
            (b'{"contactIds": [' + b"9" * 5000 + b"]}", HTTPStatus.BAD_REQUEST),
            (b'{"contactIds": [1e400]}', HTTPStatus.UNPROCESSABLE_ENTITY),
            (b'{"contactIds": [99999999999999999999]}', HTTPStatus.UNPROCESSABLE_ENTITY),
            (b'{"unionId": "\\u0000"}', HTTPStatus.UNPROCESSABLE_ENTITY),
            (b'{"unionId": "\\ud800"}', HTTPStatus.UNPROCESSABLE_ENTITY),
            (b'{"inviteeList": [{"unionId": "a", "nick": "a\\u2028b"}]}', HTTPStatus.UNPROCESSABLE_ENTITY),
            (b"[]", HTTPStatus.UNPROCESSABLE_ENTITY),
            (b"NaN", HTTPStatus.UNPROCESSABLE_ENTITY),
            (b'{"unionId": "' + b"x" * 5_000_000 + b'"}', HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
        ],
        ids=range(12),
    )
    def test_what_is_of_no_use_is_refused(
        self, body: bytes, status: int, program: Program, conference: Conference
    ) -> None:
        answer = program.post(invite_into(conference), body)
        assert answer.status_code == status
        assert answer.json()["error"]["code"]

    def test_other_kinds_of_body_other_methods_and_other_addresses_are_refused(
        self, program: Program, conference: Conference
    ) -> None:
        headers = {"Authorization": f"Bearer {program.token}", "Idempotency-Key": "a"}
        form = Client().post(API + invite_into(conference), {"unionId": "a"}, headers=headers)
        assert (form.status_code, code_of(form)) == (
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "unsupportedMediaType",
        )
        deleting = program.ask("DELETE", "/conferences")
        assert (deleting.status_code, code_of(deleting)) == (
            HTTPStatus.METHOD_NOT_ALLOWED,
            "methodNotAllowed",
        )
        assert {*deleting["Allow"].split(", ")} == {"GET", "POST"}
        for path in ("/", "/conferences/", "/nothing"):
            assert code_of(program.get(path)) == "notFound"

    @pytest.mark.parametrize("cursor", ["!", "YQ", "AAAA", "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMg"])
    @pytest.mark.parametrize("path", ["/conferences", "/books", "/invitations", "/attempts"])
    def test_cursor_that_is_none_is_refused(self, path: str, cursor: str, program: Program) -> None:
        assert list(fields_of(program.get(path, cursor=cursor))) == ["cursor"]


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


class TestPhoneNumbers:
    def test_they_are_masked_for_whoever_may_not_see_them(self, called: Invitee, auditor: User) -> None:
        program = Program(auditor, Scope.INVITATIONS_READ)
        attempt = called.invitation.attempts.get()
        paths = {
            f"/invitations/{called.invitation_id}/people": "people",
            f"/attempts/{attempt.pk}": "invitees",
        }
        for path, name in paths.items():
            answer = program.get(path)
            assert answer.json()[name][0]["phoneNumber"] == "+86 •••••••8000"
            assert "13800138000" not in answer.content.decode()
        auditor.may_see_phone_numbers = True
        auditor.save()
        assert all(NUMBER in program.get(path).content.decode() for path in paths)


class TestLists:
    """Lists come in pages that leave nobody out, and cost the same however long they are."""

    @pytest.mark.parametrize("limit", [1, 2, 200])
    def test_pages_show_everything_once(
        self, limit: int, program: Program, conference: Conference, book: AddressBook, organizer: User
    ) -> None:
        ConferenceFactory.create_batch(2, owner=organizer, status="ended")
        AddressBookFactory.create_batch(2, owner=organizer)
        ContactFactory.create_batch(3, book=book, nick="Same name")
        ContactGroupFactory.create_batch(3, book=book)
        invitation = SentInvitationFactory(conference=conference, sent_at=timezone.now())
        people = InviteeFactory.create_batch(3, invitation=invitation, state=InviteeState.INVITED)
        for number in range(3):
            AttemptFactory(
                invitation=SentInvitationFactory(conference=conference), number=number + 1, sent_to=[]
            )
        for path, name, total in (
            ("/conferences", "conferences", 3),
            ("/books", "books", 3),
            (f"/books/{book.pk}/groups", "groups", 3),
            (f"/books/{book.pk}/contacts", "contacts", 3),
            ("/invitations", "invitations", 4),
            ("/attempts", "attempts", 3),
        ):
            keys = [row["id"] for row in pages(program, path, name, limit=limit)]
            assert len(keys) == len({*keys}) == total, path
        shown = pages(program, f"/invitations/{invitation.pk}/people", "people", limit=limit)
        assert [row["unionId"] for row in shown] == [person.value for person in people]

    def test_they_cost_the_same_for_one_and_for_many(
        self,
        program: Program,
        conference: Conference,
        book: AddressBook,
        organizer: User,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        invitation = SentInvitationFactory(conference=conference)

        def add(n: int) -> None:
            ConferenceFactory.create_batch(n, owner=organizer)
            AddressBookFactory.create_batch(n, owner=organizer)
            group = ContactGroupFactory(book=book)
            group.contacts.add(*ContactFactory.create_batch(n, book=book))
            people = InviteeFactory.create_batch(n, invitation=invitation, state=InviteeState.INVITED)
            for person in people:
                attempt = AttemptFactory(invitation=invitation, sent_to=[person])
                Invitee.objects.filter(pk=person.pk).update(last_attempt=attempt)
            SentInvitationFactory.create_batch(n, conference=conference)

        lists: dict[str, int] = {}
        add(1)
        program.get("/apps")
        paths = (
            *("/conferences", "/books", f"/books/{book.pk}/groups", f"/books/{book.pk}/contacts"),
            *("/invitations", f"/invitations/{invitation.pk}", f"/invitations/{invitation.pk}/people"),
            "/attempts",
        )
        for path in paths:
            with CaptureQueriesContext(connection) as queries:
                program.get(path)
            lists[path] = len(queries)
        add(12)
        for path, n in lists.items():
            with django_assert_num_queries(n):
                program.get(path)
        assert max(lists.values()) <= 15, lists


class TestDescription:
    def test_everybody_may_read_it_and_it_names_the_scheme_and_every_operation(self) -> None:
        described = Client().get(f"{API}/openapi.json").json()
        assert described["components"]["securitySchemes"] == {"Token": {"type": "http", "scheme": "bearer"}}
        operations = [each for path in described["paths"].values() for each in path.values()]
        assert len(operations) == 17
        for operation in operations:
            assert operation["security"] == [{"Token": []}]
            assert operation["description"]
            assert "401" in operation["responses"]
