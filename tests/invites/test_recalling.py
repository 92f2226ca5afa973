"""When people of an address book were last invited, and what became of it."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains, assertNotContains

from invites import recalling
from invites.models import AddressBook, Conference, Contact, Invitee, User
from invites.models.invitee import LOOKED_BACK, Channel, InviteeState
from invites.models.member import Attendance
from tests.conftest import SignedIn, htmx
from tests.factories import (
    ConferenceFactory,
    ContactFactory,
    InvitationFactory,
    InviteeFactory,
    MemberFactory,
    SentInvitationFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

NUMBER = "+8613800138000"


@pytest.fixture
def conference(organizer: User, book: AddressBook) -> Conference:
    return ConferenceFactory(owner=organizer, app=book.app, title="Weekly review")


def invited(conference: Conference, value: str, **fields: object) -> Invitee:
    channel = Channel.PHONE if value.startswith("+") else Channel.UNION_ID
    fields = {"state": InviteeState.INVITED} | fields
    invitation = SentInvitationFactory(conference=conference)
    return InviteeFactory(invitation=invitation, channel=channel, value=value, **fields)


def last(contact: Contact, *, user: User) -> Invitee | None:
    recalling.recall([contact], book=contact.book, user=user)
    return contact.last_invitee


class TestLastInvited:
    @pytest.fixture
    def ada(self, book: AddressBook) -> Contact:
        return ContactFactory(book=book, nick="Ada", union_id="u-ada", phone_number=NUMBER)

    def test_whoever_was_never_invited_has_nothing(self, ada: Contact, organizer: User) -> None:
        assert last(ada, user=organizer) is None

    @pytest.mark.parametrize("values", [("u-ada", NUMBER), (NUMBER, "u-ada"), ("u-ada", "u-ada")])
    def test_the_latest_counts_whichever_way_it_reached_them(
        self, ada: Contact, organizer: User, conference: Conference, values: tuple[str, str]
    ) -> None:
        *_earlier, latest = [invited(conference, value) for value in values]
        assert last(ada, user=organizer) == latest

    def test_list_that_was_not_sent_does_not_count(
        self, ada: Contact, organizer: User, conference: Conference
    ) -> None:
        InviteeFactory(invitation=InvitationFactory(conference=conference), value="u-ada")
        assert last(ada, user=organizer) is None

    def test_unionid_means_nobody_in_another_app(self, ada: Contact, organizer: User) -> None:
        invited(ConferenceFactory(owner=organizer), "u-ada")
        assert last(ada, user=organizer) is None

    def test_conference_of_somebody_else_stays_hidden(self, ada: Contact, book: AddressBook) -> None:
        hidden = ConferenceFactory(app=book.app)
        mine = ConferenceFactory(app=book.app, owner=book.owner)
        seen = invited(mine, "u-ada")
        invited(hidden, "u-ada")
        assert last(ada, user=book.owner) == seen
        assert last(ada, user=UserFactory()) is None
        assert last(ada, user=hidden.owner) != seen

    def test_administrator_sees_every_conference(
        self, ada: Contact, administrator: User, conference: Conference
    ) -> None:
        latest = invited(conference, "u-ada")
        assert last(ada, user=administrator) == latest

    def test_no_further_back_than_it_costs_the_same_for_everybody(
        self, ada: Contact, organizer: User, conference: Conference
    ) -> None:
        mine = invited(conference, "u-ada")
        hidden = ConferenceFactory(app=ada.book.app)
        for _time in range(LOOKED_BACK - 1):
            invited(hidden, "u-ada")
        assert last(ada, user=organizer) == mine
        invited(hidden, "u-ada")
        assert last(ada, user=organizer) is None


class TestInTheBook:
    @pytest.fixture
    def browser(self, signed_in: SignedIn, organizer: User) -> Client:
        return signed_in(organizer)

    def test_row_says_when_and_what_became_of_it(
        self, browser: Client, book: AddressBook, conference: Conference
    ) -> None:
        ContactFactory(book=book, union_id="u-ada")
        invitee = invited(conference, "u-ada", state=InviteeState.FAILED)
        page = browser.get(f"/books/{book.pk}/")
        for text in (
            "Last invited",
            'data-state="failed"',
            "just now",
            f"/invitations/{invitee.invitation_id}/",
        ):
            assertContains(page, text)

    def test_row_says_who_came_where_that_is_known(
        self, browser: Client, book: AddressBook, conference: Conference
    ) -> None:
        ContactFactory(book=book, union_id="u-ada")
        member = MemberFactory(
            conference=conference,
            attendance=Attendance.DECLINED,
            changed_at=timezone.now() - timedelta(hours=3),
        )
        invited(conference, "u-ada", member=member)
        page = browser.get(f"/books/{book.pk}/")
        assertContains(page, 'data-state="declined"')
        assertNotContains(page, 'data-state="invited"')

    def test_row_keeps_it_when_its_form_is_called_off(
        self, browser: Client, book: AddressBook, conference: Conference
    ) -> None:
        contact = ContactFactory(book=book, union_id="u-ada")
        invited(conference, "u-ada")
        target = htmx(f"contact-{contact.pk}")
        assertContains(browser.get(f"/contacts/{contact.pk}/row/", headers=target), 'data-state="invited"')

    @pytest.mark.parametrize("people", [1, 50])
    def test_number_of_queries_is_the_same_for_everybody(
        self,
        organizer: User,
        book: AddressBook,
        conference: Conference,
        people: int,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        contacts = ContactFactory.create_batch(people, book=book)
        for contact in contacts:
            invited(conference, contact.union_id)
        with django_assert_max_num_queries(2):
            recalling.recall(contacts, book=book, user=organizer)
        with django_assert_max_num_queries(0):
            assert {str(contact.last_invitee.invitation.conference) for contact in contacts} == {
                "Weekly review"
            }
