"""The HTTP API: who may ask for what, what is told and in which pages, and what becomes of people who are invited."""

from http import HTTPStatus

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from invites.models import (
    AddressBook,
    Conference,
    Invitation,
    Invitee,
    SignInPolicy,
    User,
)
from invites.models.api_token import Scope
from invites.models.invitee import Channel, InviteeState
from invites.models.user import Role
from tests.conftest import SignedIn
from tests.factories import (
    AddressBookFactory,
    AttemptFactory,
    ConferenceFactory,
    ContactFactory,
    ContactGroupFactory,
    InviteeFactory,
    SentInvitationFactory,
)
from tests.invites.programs import (
    API,
    NUMBER,
    UNION_ID,
    Program,
    code_of,
    expire,
    fields_of,
    invite_into,
    pages,
    token_of,
)

pytestmark = pytest.mark.django_db


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
