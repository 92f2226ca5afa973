"""The page of one person: everything that ever happened to them, for those who may know."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains, assertNotContains

from invites import chronicling, erasing
from invites.chronicling import PAGE_SIZE
from invites.explaining import CANCELLED, DO_NOT_INVITE
from invites.models import Attempt, Conference, Invitee, Person, User
from invites.models.address_book import Sharing
from invites.models.attempt import AttemptState
from invites.models.invitee import Channel, InviteeState
from invites.models.member import Attendance
from tests.conftest import SignedIn, htmx
from tests.factories import (
    AddressBookFactory,
    AttemptFactory,
    ConferenceFactory,
    ContactFactory,
    InviteeFactory,
    MemberFactory,
    SentInvitationFactory,
)

pytestmark = pytest.mark.django_db

UNION_ID = "exxxxxxxxQiE"
NUMBER = "+8613812345678"


@pytest.fixture
def conference(organizer: User) -> Conference:
    return ConferenceFactory(owner=organizer, title="Weekly review")


def called(conference: Conference, value: str = UNION_ID, **fields: object) -> Attempt:
    """A call of one person into ``conference``."""
    sent = SentInvitationFactory(conference=conference)
    channel = Channel.PHONE if value.startswith("+") else Channel.UNION_ID
    invitee = {"state": InviteeState.INVITED, "nick": "Jane"} | fields
    attempt: Attempt = AttemptFactory(
        invitation=sent, sent_to=[InviteeFactory(invitation=sent, value=value, channel=channel, **invitee)]
    )
    return attempt


def erase(person: Person) -> None:
    erasing.erase(channel=Channel(person.channel), value=person.value, by=None, because="Asked for it")


def page_of(value: str = UNION_ID, nick: str = "Jane") -> str:
    return f"/history/people/{Person.objects.get(value=value, nick=nick).pk}/"


class TestPersonDetail:
    def test_every_call_stands_there_with_its_outcome(
        self, browser: Client, conference: Conference, organizer: User
    ) -> None:
        attempt = called(conference)
        page = browser.get(page_of())
        assertContains(page, "Weekly review")
        assertContains(page, f'href="/history/{attempt.pk}/"')
        assertContains(page, f'href="/history/conferences/{conference.pk}/"')
        assertContains(page, f'href="/history/organizers/{organizer.pk}/"')
        assertContains(page, UNION_ID)

    def test_newest_stands_first(self, browser: Client, conference: Conference) -> None:
        now = timezone.now()
        for days in (3, 1):
            sent = SentInvitationFactory(conference=conference, sent_at=now - timedelta(days=days))
            AttemptFactory(invitation=sent, sent_to=[InviteeFactory(invitation=sent, value=UNION_ID)])
        rows = browser.get(page_of(nick=f"Name of {UNION_ID}")).context["told"].rows
        assert [(now - row.invitation.sent_at).days for row in rows] == [1, 3]

    def test_what_the_conference_reported_is_told_with_its_time(
        self, browser: Client, conference: Conference
    ) -> None:
        member = MemberFactory(
            conference=conference,
            attendance=Attendance.LEFT,
            joined_at=timezone.now() - timedelta(minutes=30),
            left_at=timezone.now() - timedelta(minutes=5),
        )
        called(conference, member=member, member_is_probable=True)
        page = browser.get(page_of())
        assertContains(page, Attendance.LEFT.label)
        assertContains(page, "30 min ago")
        assertContains(page, "5 min ago")
        assertContains(page, "probably")

    def test_whoever_was_left_out_is_told_with_the_reason(
        self, browser: Client, conference: Conference
    ) -> None:
        called(conference)
        sent = SentInvitationFactory(conference=conference)
        InviteeFactory(
            invitation=sent,
            value=UNION_ID,
            nick="Jane",
            state=InviteeState.SKIPPED,
            skipped_because=DO_NOT_INVITE,
        )
        Person.objects.know_invitees_of(sent.pk)
        page = browser.get(page_of())
        assert len(page.context["told"].rows) == 2
        assertContains(page, f'href="/codes/#{DO_NOT_INVITE}"')
        assertContains(page, "is marked “do not invite”")

    def test_somebody_who_was_never_called_has_a_page_too(
        self, browser: Client, conference: Conference
    ) -> None:
        sent = SentInvitationFactory(conference=conference)
        InviteeFactory(
            invitation=sent,
            value=UNION_ID,
            nick="Jane",
            state=InviteeState.SKIPPED,
            skipped_because=CANCELLED,
        )
        Person.objects.know_invitees_of(sent.pk)
        assertContains(browser.get(page_of()), CANCELLED)

    def test_drafts_are_not_history(self, browser: Client, conference: Conference) -> None:
        called(conference)
        InviteeFactory(invitation__conference=conference, value=UNION_ID)
        assert len(browser.get(page_of()).context["told"].rows) == 1

    def test_other_names_of_the_same_union_id_belong_to_it(
        self, browser: Client, conference: Conference
    ) -> None:
        called(conference)
        called(conference, nick="Jane Doe")
        page = browser.get(page_of())
        assert len(page.context["told"].rows) == 2
        assert page.context["told"].names == ["Jane Doe"]
        assertContains(page, "as “Jane Doe”")

    def test_number_that_a_contact_has_belongs_to_the_person(
        self, browser: Client, conference: Conference, organizer: User
    ) -> None:
        called(conference)
        called(conference, NUMBER, nick="Jane (mobile)")
        book = AddressBookFactory(app=conference.app, owner=organizer)
        ContactFactory(book=book, union_id=UNION_ID, phone_number=NUMBER)
        for page in (page_of(), page_of(NUMBER, "Jane (mobile)")):
            assert len(browser.get(page).context["told"].rows) == 2

    def test_book_that_one_may_not_read_tells_nothing(
        self, browser: Client, conference: Conference, other_organizer: User
    ) -> None:
        called(conference)
        called(conference, NUMBER)
        book = AddressBookFactory(owner=other_organizer, sharing=Sharing.PRIVATE)
        ContactFactory(book=book, union_id=UNION_ID, phone_number=NUMBER)
        assert len(browser.get(page_of()).context["told"].rows) == 1

    def test_same_letters_in_another_channel_are_somebody_else(
        self, browser: Client, conference: Conference
    ) -> None:
        called(conference, NUMBER)
        by_phone = Person.objects.get()
        sent = SentInvitationFactory(conference=conference)
        InviteeFactory(invitation=sent, channel=Channel.UNION_ID, value=NUMBER, nick="Jane")
        Person.objects.know_invitees_of(sent.pk)
        assert Person.objects.count() == 2
        assert len(browser.get(f"/history/people/{by_phone.pk}/").context["told"].rows) == 1

    @pytest.mark.parametrize("before", ["x", "-1", "0", "9" * 30, ""])
    def test_page_that_is_none_is_the_first(
        self, browser: Client, conference: Conference, before: str
    ) -> None:
        called(conference)
        assert len(browser.get(page_of(), {"before": before}).context["told"].rows) == 1


class TestPages:
    @pytest.fixture
    def often(self, conference: Conference) -> list[int]:
        """Somebody who was invited more often than a page holds; the keys of it, newest first."""
        for _number in range(PAGE_SIZE + 2):
            called(conference)
        return list(Invitee.objects.order_by("-pk").values_list("pk", flat=True))

    def test_older_pages_go_on_where_the_last_one_ended(self, browser: Client, often: list[int]) -> None:
        first = browser.get(page_of())
        told = first.context["told"]
        assert [row.pk for row in told.rows] == often[:PAGE_SIZE]
        assertContains(first, f'href="{page_of()}?before={told.older}"')
        second = browser.get(page_of(), {"before": told.older})
        assert [row.pk for row in second.context["told"].rows] == often[PAGE_SIZE:]
        assert second.context["told"].older is None
        assertContains(second, "Newest")

    def test_beyond_the_last_there_is_nothing(self, browser: Client, often: list[int]) -> None:
        assertContains(browser.get(page_of(), {"before": often[-1]}), "Nothing further back")

    def test_fragment_comes_alone(self, browser: Client, conference: Conference) -> None:
        called(conference)
        page = browser.get(page_of(), headers=htmx("happenings")).content.decode()
        assert page.lstrip().startswith('<div id="happenings"')
        assert "<html" in browser.get(page_of(), headers=htmx("other")).content.decode()

    def test_number_of_queries_does_not_grow(
        self, browser: Client, conference: Conference, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        called(conference)
        address = page_of()
        # Session, user, the person; their contacts, invitations and which may be seen, rows, calls and their attempts,
        # names; the banner's two.
        with django_assert_num_queries(12):
            browser.get(address)
        for _number in range(PAGE_SIZE + 1):
            called(conference)
        with django_assert_num_queries(12):
            browser.get(address)


class TestWhoMaySee:
    def test_organizer_sees_what_belongs_to_their_conferences(
        self, browser: Client, conference: Conference
    ) -> None:
        own, foreign = called(conference), called(ConferenceFactory(title="Board"), nick="Boss")
        page = browser.get(page_of())
        assertContains(page, f'href="/history/{own.pk}/"')
        assertNotContains(page, f'href="/history/{foreign.pk}/"')
        assertNotContains(page, "Board")
        assertNotContains(page, "Boss")

    def test_somebody_whom_only_others_called_is_not_there(
        self, browser: Client, conference: Conference
    ) -> None:
        called(conference)
        called(ConferenceFactory(), nick="Boss")
        assert browser.get(page_of(nick="Boss")).status_code == 404

    def test_auditor_sees_all_of_it(self, signed_in: SignedIn, auditor: User, conference: Conference) -> None:
        called(conference)
        called(ConferenceFactory())
        assert len(signed_in(auditor).get(page_of()).context["told"].rows) == 2

    def test_auditor_sees_no_number_unless_granted(
        self, signed_in: SignedIn, auditor: User, conference: Conference
    ) -> None:
        called(conference, NUMBER)
        page = signed_in(auditor).get(page_of(NUMBER))
        assert "381234" not in page.content.decode().replace(" ", "")
        assertContains(page, "•••5678")
        auditor.may_see_phone_numbers = True
        auditor.save()
        assertContains(signed_in(auditor).get(page_of(NUMBER)), "138 1234 5678")


class TestSomebodyWhomOthersCallVeryOften:
    """Only so many of their invitations are looked through for a page."""

    @pytest.fixture
    def pieces(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(chronicling, "PIECES", (2, 3))

    @pytest.mark.usefixtures("pieces")
    def test_page_ends_where_it_was_looked_and_the_next_one_goes_on(
        self, browser: Client, conference: Conference
    ) -> None:
        own = [called(conference)]
        other = ConferenceFactory()
        for _number in range(6):
            called(other)
        own.append(called(conference))
        first = browser.get(page_of())
        assert [row.invitation for row in first.context["told"].rows] == [own[1].invitation]
        assertContains(first, "So far back it was looked")
        second = browser.get(page_of(), {"before": first.context["told"].older})
        assert [row.invitation for row in second.context["told"].rows] == [own[0].invitation]
        assertNotContains(second, "So far back it was looked")

    @pytest.mark.usefixtures("pieces")
    def test_of_two_ways_none_is_shown_further_back_than_the_other(
        self, browser: Client, conference: Conference, organizer: User
    ) -> None:
        book = AddressBookFactory(app=conference.app, owner=organizer)
        ContactFactory(book=book, union_id=UNION_ID, phone_number=NUMBER)
        by_phone = called(conference, NUMBER)
        for _number in range(6):
            called(ConferenceFactory())
        newest = called(conference)
        first = browser.get(page_of())
        assert [row.invitation for row in first.context["told"].rows] == [newest.invitation]
        second = browser.get(page_of(), {"before": first.context["told"].older})
        assert [row.invitation for row in second.context["told"].rows] == [by_phone.invitation]


class TestErased:
    def test_what_is_erased_says_so_and_keeps_what_happened(
        self, signed_in: SignedIn, auditor: User, conference: Conference
    ) -> None:
        attempt = called(conference, state=InviteeState.FAILED)
        person = Person.objects.get()
        erase(person)
        page = signed_in(auditor).get(f"/history/people/{person.pk}/")
        assertContains(page, "Somebody who was erased")
        assertContains(page, f'href="/history/{attempt.pk}/"')
        assertContains(page, "erased</em>")
        assertNotContains(page, UNION_ID)

    def test_organizer_still_sees_what_they_did(self, browser: Client, conference: Conference) -> None:
        called(conference)
        person = Person.objects.get()
        erase(person)
        assertContains(browser.get(f"/history/people/{person.pk}/"), "Weekly review")

    @pytest.mark.parametrize("value", [UNION_ID, NUMBER])
    def test_call_is_told_without_them(self, browser: Client, conference: Conference, value: str) -> None:
        attempt = called(conference, value)
        erase(Person.objects.get())
        page = browser.get(f"/history/{attempt.pk}/")
        assertContains(page, "erased</em>")
        assert attempt.state == AttemptState.SUCCEEDED
