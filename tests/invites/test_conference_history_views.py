"""The history of one conference and of one organizer."""

from datetime import timedelta
from http import HTTPStatus

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains, assertNotContains

from invites.models import Attempt, Conference, Turnout, User
from invites.models.attempt import AttemptState
from invites.models.invitee import InviteeState
from invites.models.member import Attendance
from invites.models.user import Role
from invites.views.conference_history import INVITATIONS_SHOWN, PEOPLE_SHOWN
from tests.conftest import SignedIn, htmx
from tests.factories import (
    AttemptFactory,
    ConferenceFactory,
    InviteeFactory,
    MemberFactory,
    SentInvitationFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

NOW = timezone.now()


@pytest.fixture
def conference(organizer: User) -> Conference:
    return ConferenceFactory(owner=organizer, title="Weekly review")


@pytest.fixture
def address(conference: Conference) -> str:
    return f"/history/conferences/{conference.pk}/"


def called(conference: Conference, **fields: object) -> Attempt:
    sent = SentInvitationFactory(conference=conference)
    person = InviteeFactory(invitation=sent, state=InviteeState.INVITED)
    attempt: Attempt = AttemptFactory(invitation=sent, sent_to=[person], **fields)
    return attempt


class TestConferenceHistory:
    def test_facts_and_counts_by_outcome_stand_there(
        self, browser: Client, conference: Conference, address: str
    ) -> None:
        called(conference)
        called(conference)
        called(conference, state=AttemptState.FAILED, error_code="confClosed")
        Turnout.objects.filter(conference=conference).update(observed=2, joined=1)
        page = browser.get(address)
        assertContains(page, conference.conference_id)
        assert [(count.state, count.attempts) for count in page.context["outcomes"]] == [
            (AttemptState.SUCCEEDED, 2),
            (AttemptState.FAILED, 1),
        ]
        assertContains(page, "1 of 2")
        assertContains(page, 'href="/codes/#confClosed"')
        assertContains(page, f"/history/?conference={conference.pk}&amp;outcome=failed")

    def test_invitations_say_how_many_people_are_in_which_state(
        self, browser: Client, conference: Conference, address: str
    ) -> None:
        sent = called(conference).invitation
        InviteeFactory(invitation=sent, state=InviteeState.SKIPPED)
        (row,) = browser.get(address).context["invitations"]
        assert (row.people, row.states) == (2, {InviteeState.INVITED: 1, InviteeState.SKIPPED: 1})

    def test_drafts_are_not_history(self, browser: Client, conference: Conference, address: str) -> None:
        InviteeFactory(invitation__conference=conference)
        assertContains(browser.get(address), "Nobody has been invited into this conference.")

    def test_older_invitations_are_on_further_pages(
        self, browser: Client, conference: Conference, address: str
    ) -> None:
        sent = [
            SentInvitationFactory(conference=conference, sent_at=NOW - timedelta(minutes=number // 2))
            for number in range(INVITATIONS_SHOWN + 3)
        ]
        pages = [browser.get(address)]
        pages.append(browser.get(address, {"before": pages[0].context["older"]}, headers=htmx("invitations")))
        assert pages[1].content.decode().lstrip().startswith('<section id="invitations"')
        shown = [row.invitation.pk for page in pages for row in page.context["invitations"]]
        by_time = sorted(sent, key=lambda each: (each.sent_at, each.pk), reverse=True)
        assert shown == [each.pk for each in by_time]

    def test_whoever_came_is_told_in_the_order_of_coming(
        self, browser: Client, conference: Conference, address: str
    ) -> None:
        late, early = (
            MemberFactory(conference=conference, nick=nick, joined_at=NOW - timedelta(minutes=minutes))
            for nick, minutes in (("Late", 1), ("Early", 30))
        )
        left = MemberFactory(
            conference=conference, attendance=Attendance.LEFT, changed_at=NOW - timedelta(minutes=2)
        )
        MemberFactory(conference=conference, nick="Absent", attendance=Attendance.DECLINED)
        page = browser.get(address)
        assert page.context["people"] == [early, left, late]
        assertContains(page, "not invited from here")
        assertNotContains(page, "Absent")

    def test_whoever_was_invited_leads_to_all_that_happened_to_them(
        self, browser: Client, conference: Conference, address: str
    ) -> None:
        attempt = called(conference)
        attempt.invitation.invitees.update(member=MemberFactory(conference=conference))
        person = attempt.people_sent.get().person_id
        assertContains(browser.get(address), f'href="/history/people/{person}/"')

    def test_many_people_go_on_on_the_next_page(
        self, browser: Client, conference: Conference, address: str
    ) -> None:
        members = [
            MemberFactory(conference=conference, joined_at=NOW - timedelta(seconds=500 - number // 3))
            for number in range(PEOPLE_SHOWN + 4)
        ]
        first = browser.get(address)
        second = browser.get(address, {"after": first.context["later"]}, headers=htmx("people"))
        assert second.content.decode().lstrip().startswith('<section id="people"')
        assert [*first.context["people"], *second.context["people"]] == members

    @pytest.mark.parametrize("rows", [1, INVITATIONS_SHOWN + 5])
    def test_number_of_queries_does_not_grow(
        self,
        rows: int,
        browser: Client,
        conference: Conference,
        address: str,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        for _number in range(rows):
            attempt = called(conference)
            attempt.invitation.invitees.update(member=MemberFactory(conference=conference))
        # Session, user, the conference; outcomes, codes, turnout, whether it may be opened; invitations and their
        # states; members and who they were; and the banner's two.
        with django_assert_num_queries(13):
            browser.get(address)

    def test_auditor_reads_it_and_is_not_led_where_they_may_not_go(
        self, signed_in: SignedIn, auditor: User, conference: Conference, address: str
    ) -> None:
        page = signed_in(auditor).get(address)
        assertContains(page, "Weekly review")
        assertNotContains(page, f'href="/conferences/{conference.pk}/"')

    def test_conference_of_somebody_else_is_not_there(self, browser: Client) -> None:
        assert browser.get(f"/history/conferences/{ConferenceFactory().pk}/").status_code == 404


class TestOrganizerHistory:
    def test_calls_and_conferences_stand_there(
        self, browser: Client, organizer: User, conference: Conference
    ) -> None:
        attempt = called(conference)
        page = browser.get(f"/history/organizers/{organizer.pk}/")
        assertContains(page, f'href="/history/{attempt.pk}/"')
        assertContains(page, f'href="/history/conferences/{conference.pk}/"')
        assert page.context["lately"] == {AttemptState.SUCCEEDED: 1}
        assertContains(page, "Organizer")

    def test_newest_call_stands_first_and_pages_go_on(self, browser: Client, organizer: User) -> None:
        conference = ConferenceFactory(owner=organizer)
        attempts = [
            AttemptFactory(invitation__conference=conference, started_at=NOW - timedelta(minutes=number))
            for number in range(53)
        ]
        address = f"/history/organizers/{organizer.pk}/"
        first = browser.get(address).context["page"]
        assert first.rows == attempts[:50]
        second = browser.get(address, {"before": first.older}, headers=htmx("calls"))
        assert second.context["page"].rows == attempts[50:]
        assert second.content.decode().lstrip().startswith('<section id="calls"')
        beyond = browser.get(address, {"before": attempts[-1].pk}).context["page"]
        assert beyond.rows == []
        assert browser.get(address, {"after": beyond.newer}).context["page"].rows == attempts[3:]

    def test_without_a_call_it_says_so(self, browser: Client, organizer: User) -> None:
        assertContains(browser.get(f"/history/organizers/{organizer.pk}/"), "No call has been made yet.")

    def test_of_somebody_else_one_sees_what_went_into_own_conferences(
        self, browser: Client, organizer: User, other_organizer: User, conference: Conference
    ) -> None:
        address = f"/history/organizers/{other_organizer.pk}/"
        foreign = called(ConferenceFactory(owner=other_organizer, title="Board"))
        assert browser.get(address).status_code == HTTPStatus.NOT_FOUND
        conference.co_organizers.add(other_organizer)
        sent = SentInvitationFactory(conference=conference, sent_by=other_organizer)
        shared = AttemptFactory(invitation=sent)
        page = browser.get(address)
        assertContains(page, f'href="/history/{shared.pk}/"')
        assertNotContains(page, f'href="/history/{foreign.pk}/"')
        assertNotContains(page, "Board")

    def test_co_organizers_of_the_same_conference_find_each_other(
        self, browser: Client, organizer: User, other_organizer: User
    ) -> None:
        shared = ConferenceFactory()
        shared.co_organizers.add(organizer, other_organizer)
        attempt = AttemptFactory(invitation=SentInvitationFactory(conference=shared, sent_by=other_organizer))
        page = browser.get(f"/history/organizers/{other_organizer.pk}/")
        assertContains(page, f'href="/history/{attempt.pk}/"')
        assertContains(browser.get(f"/history/organizers/{shared.owner.pk}/"), "No call has been made yet.")

    def test_auditor_sees_everything_of_everybody(
        self, signed_in: SignedIn, auditor: User, organizer: User, conference: Conference
    ) -> None:
        called(conference)
        page = signed_in(auditor).get(f"/history/organizers/{organizer.pk}/")
        assertContains(page, "Weekly review")
        idle = UserFactory(role=Role.AUDITOR)
        assertContains(
            signed_in(auditor).get(f"/history/organizers/{idle.pk}/"), "No call has been made yet."
        )

    def test_number_of_queries_does_not_grow(
        self, browser: Client, organizer: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        address = f"/history/organizers/{organizer.pk}/"
        called(ConferenceFactory(owner=organizer))
        with CaptureQueriesContext(connection) as few:
            browser.get(address)
        for _number in range(30):
            called(ConferenceFactory(owner=organizer))
        with django_assert_num_queries(len(few)):
            browser.get(address)
