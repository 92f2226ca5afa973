"""Whoever is marked "do not invite" is not called, whichever way they come into a call, and nobody else is left out."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from invites import delivering, ringing_again, scheduling, sending, sparing
from invites.errors import EverybodyMarked
from invites.explaining import DO_NOT_INVITE
from invites.models import AddressBook, App, Conference, Contact, Invitation, Invitee, Observation, User
from invites.models.address_book import Sharing
from invites.models.invitation import InvitationState, ScheduleProblem
from invites.models.invitee import Channel, InviteeState
from invites.ringing_again import Whom
from tests.factories import (
    AddressBookFactory,
    ConferenceFactory,
    ContactFactory,
    InvitationFactory,
    InviteeFactory,
    MarkedContactFactory,
    SentInvitationFactory,
    UserFactory,
)
from tests.invites.rung import AGES_AGO, NOW, called

pytestmark = pytest.mark.django_db

NUMBER = "+8613800138000"


@pytest.fixture
def conference(organizer: User) -> Conference:
    return ConferenceFactory(owner=organizer)


@pytest.fixture
def book(conference: Conference, organizer: User) -> AddressBook:
    return AddressBookFactory(app=conference.app, owner=organizer)


def marks(user: User | None, app: App, *people: sparing.Identity) -> list[str]:
    return [mark.do_not_invite_reason if mark else "" for mark in sparing.marks(people, user=user, app=app)]


def by_union_id(value: str, phone_number: str = "") -> sparing.Identity:
    return sparing.identity(channel=Channel.UNION_ID, value=value, phone_number=phone_number)


def by_phone(value: str, union_id: str = "") -> sparing.Identity:
    return sparing.identity(channel=Channel.PHONE, value=value, union_id=union_id)


class TestWhoIsCovered:
    def test_mark_covers_unionid_and_number_of_the_contact(self, book: AddressBook, organizer: User) -> None:
        MarkedContactFactory(book=book, union_id="kim", phone_number=NUMBER)
        people = [by_union_id("kim"), by_phone(NUMBER), by_union_id("lee"), by_phone("+8613900139000")]
        assert marks(organizer, book.app, *people) == ["On leave", "On leave", "", ""]

    def test_mark_on_the_number_covers_whoever_has_it_and_is_called_by_unionid(
        self, book: AddressBook, organizer: User
    ) -> None:
        MarkedContactFactory(book=book, union_id="", phone_number=NUMBER)
        assert marks(organizer, book.app, by_union_id("kim", NUMBER)) == ["On leave"]

    def test_mark_on_the_unionid_covers_whoever_has_it_and_is_called_by_phone(
        self, book: AddressBook, organizer: User
    ) -> None:
        MarkedContactFactory(book=book, union_id="kim")
        assert marks(organizer, book.app, by_phone(NUMBER, "kim")) == ["On leave"]

    def test_number_that_colleagues_share_is_not_called_but_their_unionids_are(
        self, book: AddressBook, organizer: User
    ) -> None:
        MarkedContactFactory(book=book, union_id="kim", phone_number=NUMBER)
        people = [by_union_id("lee", NUMBER), by_phone(NUMBER, "lee")]
        assert marks(organizer, book.app, *people) == ["", "On leave"]

    def test_private_books_of_others_do_not_count(self, conference: Conference, organizer: User) -> None:
        MarkedContactFactory(book=AddressBookFactory(app=conference.app), union_id="kim")
        assert marks(organizer, conference.app, by_union_id("kim")) == [""]

    @pytest.mark.parametrize("sharing", [Sharing.READ, Sharing.WRITE])
    def test_shared_books_of_others_count(
        self, conference: Conference, organizer: User, sharing: Sharing
    ) -> None:
        MarkedContactFactory(book=AddressBookFactory(app=conference.app, sharing=sharing), union_id="kim")
        assert marks(organizer, conference.app, by_union_id("kim")) == ["On leave"]

    def test_books_of_another_app_do_not_count(self, conference: Conference, organizer: User) -> None:
        MarkedContactFactory(book=AddressBookFactory(owner=organizer), union_id="kim")
        assert marks(organizer, conference.app, by_union_id("kim")) == [""]

    def test_command_line_is_bound_by_every_book_of_the_app(self, conference: Conference) -> None:
        MarkedContactFactory(book=AddressBookFactory(app=conference.app), union_id="kim")
        assert marks(None, conference.app, by_union_id("kim")) == ["On leave"]

    @pytest.mark.parametrize(
        ("now", "holds"),
        [
            (datetime(2026, 3, 31, 23, 59, tzinfo=ZoneInfo("Asia/Shanghai")), True),
            (datetime(2026, 4, 1, 0, 0, tzinfo=ZoneInfo("Asia/Shanghai")), False),
        ],
    )
    def test_mark_holds_until_the_end_of_its_last_day_by_the_clock_of_the_server(
        self, book: AddressBook, organizer: User, settings: Settings, now: datetime, holds: bool
    ) -> None:
        settings.TIME_ZONE = "Asia/Shanghai"
        contact = MarkedContactFactory(book=book, union_id="kim", do_not_invite_until=date(2026, 3, 31))
        with time_machine.travel(now, tick=False), timezone.override("America/Los_Angeles"):
            assert marks(organizer, book.app, by_union_id("kim")) == ["On leave" if holds else ""]
            assert contact.is_not_to_be_invited is holds

    def test_number_of_queries_is_the_same_for_one_and_for_five_hundred(
        self, book: AddressBook, organizer: User
    ) -> None:
        for n in range(20):
            MarkedContactFactory(book=book, union_id=f"p{n}")
        counts = []
        for people in (1, 500):
            with CaptureQueriesContext(connection) as queries:
                marks(organizer, book.app, *(by_union_id(f"p{n}") for n in range(people)))
            counts.append(len(queries))
        assert counts == [2, 2]


def placed(contact: Contact, overridden_by: User | None) -> dict[str, Any]:
    """How somebody stands on a list, who may have been put there in spite of their mark."""
    reason = contact.do_not_invite_reason if overridden_by else ""
    return {
        "contact": contact,
        "value": contact.union_id,
        "nick": contact.nick,
        "overridden_by": overridden_by,
        "overridden_reason": reason,
    }


def a_draft(user: User, contacts: Sequence[Contact], by: User | None) -> Invitation:
    draft = InvitationFactory(conference=Conference.objects.get())
    for position, contact in enumerate(contacts):
        InviteeFactory(invitation=draft, position=position, **placed(contact, by))
    return draft


def sent(user: User, contacts: Sequence[Contact], by: User | None) -> Invitation:
    """An invitation whose people DingTalk took a while ago, and who have not come."""
    invitation = SentInvitationFactory(
        conference=Conference.objects.get(), sent_at=AGES_AGO, finished_at=AGES_AGO, sent_by=user
    )
    Observation.objects.create(conference=invitation.conference, read_at=NOW - timedelta(seconds=5))
    for position, contact in enumerate(contacts):
        called(invitation, position=position, **placed(contact, by))
    return invitation


def press(user: User, contacts: Sequence[Contact], by: User | None = None) -> Invitation:
    return sending.send(invitation=a_draft(user, contacts, by), revision=0, user=user)


def at_a_set_time(user: User, contacts: Sequence[Contact], by: User | None = None) -> Invitation:
    draft = a_draft(user, contacts, by)
    scheduling.schedule(invitation=draft, revision=0, at=NOW, user=user)
    scheduling.send_due()
    draft.refresh_from_db()
    return draft


def before_its_time(user: User, contacts: Sequence[Contact], by: User | None = None) -> Invitation:
    draft = a_draft(user, contacts, by)
    scheduling.schedule(invitation=draft, revision=0, at=NOW + timedelta(hours=1), user=user)
    return scheduling.send_now(invitation=draft, revision=1, user=user)


def invited_again(user: User, contacts: Sequence[Contact], by: User | None = None) -> Invitation:
    first = sent(user, contacts, by)
    return sending.invite_again(invitation=first, states=[InviteeState.INVITED], user=user)


def rung_again(user: User, contacts: Sequence[Contact], by: User | None = None) -> Invitation:
    first = sent(user, contacts, by)
    return ringing_again.ring_again(invitation=first, whom=Whom.NOT_JOINED, seen=0, user=user)


def rung_by_itself(user: User, contacts: Sequence[Contact], by: User | None = None) -> Invitation:
    first = sent(user, contacts, by)
    Invitation.objects.update(rings_left=3, ring_again_minutes=3, ring_again_at=NOW)
    ringing_again.ring_due()
    return first.repeated_by.get()


WAYS = [press, at_a_set_time, before_its_time, invited_again, rung_again, rung_by_itself]
PRESSES = [press, before_its_time, invited_again, rung_again]

type Way = Callable[..., Invitation]


class TestSending:
    """`sending.freeze` is where every call begins."""

    @pytest.fixture(autouse=True)
    def clock(self) -> Iterator[None]:
        with time_machine.travel(NOW, tick=False):
            yield

    @pytest.fixture
    def kim(self, book: AddressBook) -> Contact:
        return MarkedContactFactory(book=book, nick="Kim")

    @pytest.fixture
    def lee(self, book: AddressBook) -> Contact:
        return ContactFactory(book=book, nick="Lee")

    @pytest.mark.parametrize("way", WAYS)
    def test_whoever_is_marked_by_then_is_left_out_with_the_reason(
        self, way: Way, organizer: User, kim: Contact, lee: Contact
    ) -> None:
        people = way(organizer, [kim, lee]).invitees.in_order()
        assert [(p.nick, p.state, p.skipped_because, p.batch is None) for p in people] == [
            ("Kim", InviteeState.SKIPPED, DO_NOT_INVITE, True),
            ("Lee", InviteeState.PENDING, "", False),
        ]

    @pytest.mark.parametrize("way", PRESSES)
    def test_nobody_is_called_where_everybody_is_marked(
        self, way: Way, organizer: User, kim: Contact
    ) -> None:
        with pytest.raises(EverybodyMarked, match="do not invite"):
            way(organizer, [kim])
        assert not Invitee.objects.with_state(InviteeState.SKIPPED).exists()

    def test_set_time_passes_with_the_reason_where_everybody_is_marked(
        self, organizer: User, kim: Contact
    ) -> None:
        draft = at_a_set_time(organizer, [kim])
        assert draft.schedule_problem == ScheduleProblem.EVERYBODY_MARKED
        assert draft.invitees.get().state == InviteeState.PENDING

    def test_nobody_is_rung_by_itself_where_everybody_is_marked(self, organizer: User, kim: Contact) -> None:
        with pytest.raises(Invitation.DoesNotExist):
            rung_by_itself(organizer, [kim])

    @pytest.mark.parametrize("way", WAYS)
    def test_whom_somebody_put_there_in_spite_of_it_is_called(
        self, way: Way, organizer: User, kim: Contact
    ) -> None:
        other = UserFactory()
        person = way(organizer, [kim], by=other).invitees.get()
        assert person.state == InviteeState.PENDING
        assert (person.overridden_by, person.overridden_reason) == (other, "On leave")

    @pytest.mark.parametrize("way", WAYS)
    def test_mark_that_is_over_keeps_nobody_out(self, way: Way, organizer: User, kim: Contact) -> None:
        Contact.objects.update(do_not_invite_until=NOW.date() - timedelta(days=1))
        assert way(organizer, [kim]).invitees.get().state == InviteeState.PENDING

    def test_batches_are_cut_over_the_others_in_their_order(self, organizer: User, book: AddressBook) -> None:
        App.objects.update(batch_size=2)
        contacts = [(MarkedContactFactory if n in {0, 2, 5} else ContactFactory)(book=book) for n in range(8)]
        invitation = press(organizer, contacts)
        numbers = [p.batch.number if p.batch else None for p in invitation.invitees.in_order()]
        assert numbers == [None, 1, None, 1, 2, None, 2, 3]
        assert [batch.people for batch in invitation.batches.order_by("number")] == [2, 2, 1]

    def test_number_of_queries_is_the_same_for_one_and_for_five_hundred(
        self, organizer: User, book: AddressBook
    ) -> None:
        counts = []
        for people in (2, 500):
            contacts = Contact.objects.bulk_create(
                Contact(book=book, nick="Lee", union_id=f"of-{people}-{n}") for n in range(people - 1)
            )
            draft = a_draft(organizer, [MarkedContactFactory(book=book), *contacts], by=None)
            with CaptureQueriesContext(connection) as queries:
                sending.send(invitation=draft, revision=0, user=organizer)
            counts.append(len(queries))
        assert counts[0] == counts[1]

    def test_invitation_ends_when_the_others_are_called(
        self, organizer: User, kim: Contact, lee: Contact
    ) -> None:
        invitation = press(organizer, [kim, lee])
        delivering.leave_out_waiting(invitation.pk, because="cancelled")
        assert Invitation.objects.get().state == InvitationState.FINISHED
        reasons = invitation.invitees.in_order().values_list("skipped_because", flat=True)
        assert list(reasons) == [DO_NOT_INVITE, "cancelled"]
