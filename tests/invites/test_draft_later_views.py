"""A set time in the composer and beside it, ringing again by itself, and what the bar says of costs and seats."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects, assertTemplateUsed

from invites import composing, scheduling
from invites.models import App, CallCount, Conference, Invitation, Invitee, Member, User
from invites.models.conference import ConferenceStatus
from invites.models.invitation import InvitationState, ScheduleProblem
from invites.models.member import Attendance
from invites.models.spending import quota_month
from tests.conftest import SignedIn
from tests.factories import (
    ConferenceFactory,
    ContactFactory,
    InvitationFactory,
    InviteeFactory,
    MemberFactory,
)
from tests.invites.composer import BAR, CHANGE, at, fill, page_of, seen, send

pytestmark = pytest.mark.django_db

# 15:00 in Shanghai, the zone of the tests.
NOW = datetime(2026, 11, 25, 7, 0, tzinfo=UTC)
IN_AN_HOUR = {"at": "2026-11-25T16:00"}


@pytest.fixture(autouse=True)
def now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def conference(organizer: User) -> Conference:
    return ConferenceFactory(owner=organizer, title="Weekly review")


@pytest.fixture
def draft(conference: Conference) -> Invitation:
    return InvitationFactory(conference=conference)


@pytest.fixture
def person(draft: Invitation) -> Invitee:
    return InviteeFactory(invitation=draft, nick="Jane", position=0)


@pytest.fixture
def scheduled(person: Invitee, organizer: User) -> Invitation:
    return scheduling.schedule(
        invitation=person.invitation, revision=0, at=NOW + timedelta(hours=1), user=organizer
    )


class TestDraftSchedule:
    def test_list_is_put_aside_and_the_composer_is_free(
        self, browser: Client, conference: Conference, person: Invitee, organizer: User
    ) -> None:
        answer = browser.post(
            at("draft_schedule", conference), {**seen(person.invitation), **IN_AN_HOUR}, headers=CHANGE
        )
        assertContains(answer, "1 person will be called at 16:00.")
        assertContains(answer, "Scheduled for 16:00 · 1 person")
        assertContains(answer, "Add at least one person first.")
        invitation = Invitation.objects.get()
        assert invitation.is_put_aside
        assert (invitation.scheduled_for, invitation.scheduled_by) == (NOW + timedelta(hours=1), organizer)

    def test_without_script_it_leads_back_to_the_page(
        self, browser: Client, conference: Conference, person: Invitee
    ) -> None:
        data = {**seen(person.invitation), **IN_AN_HOUR}
        assertRedirects(browser.post(at("draft_schedule", conference), data), page_of(conference))
        assertContains(browser.get(page_of(conference)), "Scheduled for 16:00 · 1 person")

    def test_time_is_meant_in_the_viewers_zone(
        self, browser: Client, conference: Conference, person: Invitee
    ) -> None:
        browser.cookies["timezone"] = "Europe/Berlin"
        browser.post(at("draft_schedule", conference), {**seen(person.invitation), **IN_AN_HOUR})
        assert Invitation.objects.get().scheduled_for == datetime(2026, 11, 25, 15, 0, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("moment", "sentence"),
        [
            ("", "Enter a date and a time."),
            ("soon", "This is not a date and a time"),
            ("2026-02-30T10:00", "This is not a date and a time"),
            ("2026-11-25T14:59", "This time has passed already."),
            ("2026-11-25T15:00", "This time has passed already."),
            ("0001-01-01T00:00", "This time has passed already."),
            ("2027-11-27T15:00", "This is more than a year away."),
            ("9999-12-31T23:59", "This is more than a year away."),
            ("2027-03-28T02:30", "The clocks are changed then"),
            ("2027-10-31T02:30", "The clocks are changed then"),
        ],
    )
    def test_bad_time_is_refused_at_its_field_and_nothing_is_lost(
        self, browser: Client, conference: Conference, person: Invitee, moment: str, sentence: str
    ) -> None:
        browser.cookies["timezone"] = "Europe/Berlin" if moment.startswith("2027") else "Asia/Shanghai"
        data = {**seen(person.invitation), "at": moment}
        for headers in (CHANGE, {}):
            answer = browser.post(at("draft_schedule", conference), data, headers=headers)
            assertContains(answer, sentence, status_code=HTTPStatus.UNPROCESSABLE_ENTITY)
            assertContains(
                answer, f'value="{moment}"' if moment else "at", status_code=HTTPStatus.UNPROCESSABLE_ENTITY
            )
        assert Invitation.objects.get().is_draft

    def test_page_with_the_error_still_knows_which_list_was_seen(
        self, browser: Client, conference: Conference, person: Invitee
    ) -> None:
        data = {**seen(person.invitation), "at": ""}
        answer = browser.post(at("draft_schedule", conference), data)
        assertTemplateUsed(answer, "invites/draft_schedule.html")
        assertContains(answer, f'name="draft" value="{person.invitation_id}"', status_code=422)
        assertContains(answer, 'name="revision" value="0"', status_code=422)

    def test_list_that_changed_after_it_was_seen_is_shown_instead(
        self, browser: Client, conference: Conference, person: Invitee, organizer: User
    ) -> None:
        data = {**seen(person.invitation), **IN_AN_HOUR}
        composing.add_text(draft=person.invitation, text="Kim, 13800138000", user=organizer)
        answer = browser.post(at("draft_schedule", conference), data, headers=CHANGE)
        assertContains(answer, "The list has changed", status_code=HTTPStatus.CONFLICT)
        assertContains(answer, "Kim", status_code=HTTPStatus.CONFLICT)
        assert browser.post(at("draft_schedule", conference), data).status_code == HTTPStatus.CONFLICT
        assert Invitation.objects.get().is_draft

    def test_old_page_neither_sends_nor_changes_what_was_put_aside(
        self, browser: Client, conference: Conference, scheduled: Invitation
    ) -> None:
        data = {"draft": scheduled.pk, "revision": 0, "text": "Kim, 13800138000"}
        for address, headers in (("draft_send", BAR), ("draft_add", CHANGE), ("draft_send", {})):
            answer = browser.post(at(address, conference), data, headers=headers)
            assertContains(answer, "put aside", status_code=HTTPStatus.CONFLICT)
        scheduled.refresh_from_db()
        assert scheduled.is_put_aside

    def test_conference_of_somebody_else_is_not_there(
        self, signed_in: SignedIn, other_organizer: User, conference: Conference, scheduled: Invitation
    ) -> None:
        stranger = signed_in(other_organizer)
        answers = [
            stranger.post(at("draft_schedule", conference), IN_AN_HOUR),
            stranger.post(at("draft_put_aside", conference)),
            stranger.post(at("draft_unschedule", conference)),
            stranger.post(at("draft_ring_again", conference), {"again": "on", "minutes": 3}),
            stranger.post(at("scheduled_change", conference, scheduled.pk)),
            stranger.post(at("scheduled_send", conference, scheduled.pk), {"revision": 1}),
            stranger.post(at("scheduled_remove", conference, scheduled.pk)),
        ]
        assert {answer.status_code for answer in answers} == {HTTPStatus.NOT_FOUND}
        assert Invitation.objects.get().is_put_aside

    def test_auditor_may_not(self, signed_in: SignedIn, auditor: User, conference: Conference) -> None:
        answer = signed_in(auditor).post(at("draft_schedule", conference), IN_AN_HOUR)
        assert answer.status_code == HTTPStatus.FORBIDDEN


class TestScheduledOnThePage:
    def test_co_organizer_sees_it_and_sends_it_now(
        self,
        signed_in: SignedIn,
        other_organizer: User,
        conference: Conference,
        scheduled: Invitation,
    ) -> None:
        conference.co_organizers.add(other_organizer)
        browser = signed_in(other_organizer)
        assertContains(browser.get(page_of(conference)), "Scheduled for 16:00 · 1 person")
        browser.post(at("scheduled_send", conference, scheduled.pk), {"revision": scheduled.revision})
        scheduled.refresh_from_db()
        assert (scheduled.state, scheduled.sent_by) == (InvitationState.SENDING, other_organizer)

    def test_another_day_is_named(
        self, browser: Client, conference: Conference, scheduled: Invitation
    ) -> None:
        Invitation.objects.update(scheduled_for=NOW + timedelta(days=2))
        assertContains(browser.get(page_of(conference)), "Scheduled for Nov. 27, 2026 15:00 · 1 person")

    def test_change_brings_it_back_with_its_time(
        self, browser: Client, conference: Conference, scheduled: Invitation
    ) -> None:
        answer = browser.post(at("scheduled_change", conference, scheduled.pk), headers=CHANGE)
        assertContains(answer, "Jane")
        assertContains(answer, "This list is sent by itself at 16:00.")
        assertNotContains(answer, "Scheduled for")

    @pytest.mark.parametrize("headers", [CHANGE, {}])
    def test_change_is_refused_with_words_while_the_composer_has_people(
        self, browser: Client, conference: Conference, scheduled: Invitation, headers: dict[str, str]
    ) -> None:
        InviteeFactory(invitation=composing.open_draft(conference=conference))
        answer = browser.post(at("scheduled_change", conference, scheduled.pk), headers=headers)
        assertContains(answer, "There are people in the list already.", status_code=HTTPStatus.CONFLICT)

    def test_time_is_removed_from_the_list_in_the_composer(
        self, organizer: User, browser: Client, conference: Conference, scheduled: Invitation
    ) -> None:
        draft = scheduling.take_back(invitation=scheduled, user=organizer)
        answer = browser.post(at("draft_unschedule", conference), seen(draft), headers=CHANGE)
        assertNotContains(answer, "sent by itself at")
        draft.refresh_from_db()
        assert (draft.scheduled_for, draft.is_draft) == (None, True)

    def test_list_in_the_composer_is_put_aside_again(
        self, organizer: User, browser: Client, conference: Conference, scheduled: Invitation
    ) -> None:
        draft = scheduling.take_back(invitation=scheduled, user=organizer)
        answer = browser.post(at("draft_put_aside", conference), seen(draft), headers=CHANGE)
        assertContains(answer, "Scheduled for 16:00 · 1 person")

    def test_removing_asks_once(self, browser: Client, conference: Conference, scheduled: Invitation) -> None:
        address = at("scheduled_remove", conference, scheduled.pk)
        assertContains(browser.get(address), "a list with 1 person")
        assert Invitation.objects.exists()
        assertRedirects(browser.post(address), page_of(conference))
        assert not Invitation.objects.exists()

    def test_sending_many_now_asks_once(
        self, browser: Client, conference: Conference, scheduled: Invitation
    ) -> None:
        fill(scheduled, 60, start=1)
        address = at("scheduled_send", conference, scheduled.pk)
        assertContains(browser.post(address, {"revision": 1}), "The phones of 61 people would ring now.")
        browser.post(address, {"revision": 1, "confirmed": "yes"})
        scheduled.refresh_from_db()
        assert scheduled.state == InvitationState.SENDING

    def test_locked_meeting_is_warned_of_and_nothing_can_be_sent_now(
        self, browser: Client, conference: Conference, scheduled: Invitation
    ) -> None:
        Conference.objects.update(locked_at=NOW)
        page = browser.get(page_of(conference))
        assertContains(page, "The meeting is locked. Nobody is called unless it is unlocked by then.")
        assertContains(page, '<button class="btn btn-sm" disabled>')

    def test_what_could_not_be_sent_says_why_and_what_to_do(
        self, browser: Client, conference: Conference, scheduled: Invitation
    ) -> None:
        App.objects.update(enabled=False)
        with time_machine.travel(NOW + timedelta(hours=1)):
            scheduling.send_due()
        page = browser.get(page_of(conference))
        assertContains(page, "Not sent · 1 person")
        assertContains(page, ScheduleProblem.APP_UNAVAILABLE.label)

    def test_list_in_the_composer_says_why_its_time_passed(
        self, organizer: User, browser: Client, conference: Conference, scheduled: Invitation
    ) -> None:
        draft = scheduling.take_back(invitation=scheduled, user=organizer)
        with time_machine.travel(NOW + timedelta(hours=3)):
            scheduling.send_due()
        assertContains(browser.get(page_of(conference)), ScheduleProblem.TOO_LATE.label)
        answer = browser.post(at("draft_unschedule", conference), seen(draft), headers=CHANGE)
        assertNotContains(answer, ScheduleProblem.TOO_LATE.label)

    def test_ended_conference_warns(
        self, browser: Client, conference: Conference, scheduled: Invitation
    ) -> None:
        Conference.objects.update(status=ConferenceStatus.ENDED)
        assertContains(browser.get(page_of(conference)), "Nobody is called unless it runs again by then.")

    def test_open_page_looks_again_when_the_time_has_come(
        self, browser: Client, conference: Conference, scheduled: Invitation
    ) -> None:
        assertContains(browser.get(page_of(conference)), 'hx-trigger="load delay:3604s"')

    def test_number_of_queries_does_not_grow_with_what_is_put_aside(
        self,
        browser: Client,
        conference: Conference,
        scheduled: Invitation,
        organizer: User,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        browser.get(page_of(conference))
        with CaptureQueriesContext(connection) as few:
            browser.get(page_of(conference))
        for _number in range(5):
            more = InviteeFactory(invitation__conference=conference).invitation
            scheduling.schedule(invitation=more, revision=0, at=NOW + timedelta(hours=2), user=organizer)
        with django_assert_num_queries(len(few)):
            browser.get(page_of(conference))


class TestRingAgain:
    def test_it_is_kept_with_the_list(self, browser: Client, conference: Conference, person: Invitee) -> None:
        data = {**seen(person.invitation), "again": "on", "minutes": "5"}
        answer = browser.post(at("draft_ring_again", conference), data, headers=CHANGE)
        assertContains(answer, "Whoever does not join is rung again after 5 minutes.")
        draft = Invitation.objects.get()
        assert (draft.rings_left, draft.ring_again_minutes, draft.revision) == (3, 5, 1)
        assertContains(browser.get(page_of(conference)), "Rings again up to 3 times, every 5 minutes")

    def test_it_is_switched_off_again(
        self, organizer: User, browser: Client, conference: Conference, person: Invitee
    ) -> None:
        composing.ring_again(draft=person.invitation, minutes=5, user=organizer)
        browser.post(at("draft_ring_again", conference), {**seen(person.invitation), "minutes": "5"})
        draft = Invitation.objects.get()
        assert (draft.rings_left, draft.ring_again_minutes) == (0, 0)

    @pytest.mark.parametrize("minutes", ["", "0", "1", "4", "x", "99999999999"])
    def test_other_minutes_are_refused(
        self, browser: Client, conference: Conference, person: Invitee, minutes: str
    ) -> None:
        for headers in (CHANGE, {}):
            data = {"again": "on", "minutes": minutes}
            answer = browser.post(at("draft_ring_again", conference), data, headers=headers)
            assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert Invitation.objects.get().rings_left == 0

    def test_page_that_missed_a_change_gets_the_whole_list(
        self, browser: Client, conference: Conference, person: Invitee, organizer: User
    ) -> None:
        data = {**seen(person.invitation), "again": "on", "minutes": "5"}
        composing.add_text(draft=person.invitation, text="Kim, 13800138000", user=organizer)
        assertContains(browser.post(at("draft_ring_again", conference), data, headers=CHANGE), "Kim")

    def test_sent_list_is_not_changed(
        self, browser: Client, conference: Conference, person: Invitee, organizer: User
    ) -> None:
        data = {**seen(person.invitation), "again": "on", "minutes": "5"}
        send(person.invitation, organizer)
        answer = browser.post(at("draft_ring_again", conference), data, headers=CHANGE)
        assert answer.status_code == HTTPStatus.CONFLICT
        assert Invitation.objects.get().rings_left == 0


class TestCost:
    def spend(self, conference: Conference, calls: int) -> None:
        CallCount.objects.create(
            app=conference.app, operation="InviteUsers", month=quota_month(), calls=calls
        )
        CallCount.objects.create(
            app=conference.app, operation="GetAccessToken", month=quota_month(), calls=90, is_exempt=True
        )

    def test_bar_says_calls_and_what_the_month_has_left(
        self, browser: Client, conference: Conference, draft: Invitation
    ) -> None:
        fill(draft, 101)
        self.spend(conference, 1234)
        page = browser.get(page_of(conference))
        assertContains(page, "2 calls")
        assertContains(page, "1,234 of 5,000 calls used this month")

    def test_calls_are_counted_in_the_size_that_dingtalk_takes(
        self, browser: Client, conference: Conference, draft: Invitation
    ) -> None:
        fill(draft, 101)
        App.objects.update(largest_batch=20)
        assertContains(browser.get(page_of(conference)), "6 calls")

    def test_from_four_fifths_on_it_warns(
        self, browser: Client, conference: Conference, person: Invitee
    ) -> None:
        self.spend(conference, 3999)
        assertNotContains(browser.get(page_of(conference)), "calls are left")
        CallCount.objects.filter(is_exempt=False).update(calls=4000)
        assertContains(
            browser.get(page_of(conference)),
            "Only 1,000 of this month's 5,000 calls are left.",
        )

    def test_more_than_is_left_is_asked_about_once_and_then_done(
        self, browser: Client, conference: Conference, person: Invitee
    ) -> None:
        self.spend(conference, 5000)
        assertContains(browser.get(page_of(conference)), "This takes more calls than are left")
        answer = browser.post(at("draft_send", conference), seen(person.invitation), headers=BAR)
        assertContains(answer, "This takes 1 call, and 0 of this month's 5,000 are left.")
        assert Invitation.objects.get().is_draft
        browser.post(at("draft_send", conference), {**seen(person.invitation), "confirmed": "yes"})
        assert not Invitation.objects.get().is_draft

    def test_app_without_a_limit_says_nothing(
        self, browser: Client, conference: Conference, person: Invitee
    ) -> None:
        App.objects.update(monthly_quota=0)
        self.spend(conference, 10**6)
        assertNotContains(browser.get(page_of(conference)), "this month")
        browser.post(at("draft_send", conference), seen(person.invitation))
        assert not Invitation.objects.get().is_draft


class TestCapacity:
    def test_those_who_will_not_fit_are_asked_about(
        self, browser: Client, conference: Conference, draft: Invitation
    ) -> None:
        fill(draft, 3)
        Member.objects.bulk_create(
            Member(
                conference=conference,
                key=f"m{number}",
                attendance=Attendance.JOINED if number < 499 else Attendance.LEFT,
                read_at=NOW,
                changed_at=NOW,
            )
            for number in range(510)
        )
        answer = browser.post(at("draft_send", conference), seen(draft), headers=BAR)
        assertContains(
            answer,
            "A meeting holds 500 people, and 499 are in it now: if everybody comes, 2 people will not fit.",
        )

    def test_whoever_is_in_the_meeting_already_needs_no_room(
        self, browser: Client, conference: Conference, person: Invitee, settings: Settings
    ) -> None:
        settings.MEETING_HOLDS = 2
        InviteeFactory(
            invitation=person.invitation,
            channel="phone",
            value="+8613800138000",
            contact=ContactFactory(union_id="in-the-book"),
        )
        for union_id in (person.value, "in-the-book"):
            MemberFactory(conference=conference, union_id=union_id)
        browser.post(at("draft_send", conference), seen(person.invitation))
        assert not Invitation.objects.get().is_draft

    def test_whoever_fits_is_not_asked_about(
        self, browser: Client, conference: Conference, person: Invitee
    ) -> None:
        browser.post(at("draft_send", conference), seen(person.invitation))
        assert not Invitation.objects.get().is_draft


class TestLocked:
    def test_composer_says_so_and_sending_is_refused(
        self, browser: Client, conference: Conference, person: Invitee
    ) -> None:
        Conference.objects.update(locked_at=timezone.now())
        assertContains(browser.get(page_of(conference)), "Unlock it to invite.")
        answer = browser.post(at("draft_send", conference), seen(person.invitation))
        assertContains(answer, "This meeting is locked", status_code=HTTPStatus.CONFLICT)
        assert Invitation.objects.get().is_draft


class TestNotKnownToDingTalk:
    def test_row_says_when(self, browser: Client, conference: Conference, draft: Invitation) -> None:
        contact = ContactFactory(book__app=conference.app, refused_at=NOW - timedelta(days=1))
        InviteeFactory(invitation=draft, contact=contact, value=contact.union_id)
        assertContains(browser.get(page_of(conference)), "Not known to DingTalk on November 24")

    def test_adding_says_so_at_once_and_still_adds(
        self, browser: Client, conference: Conference, draft: Invitation, organizer: User
    ) -> None:
        contact = ContactFactory(
            book__app=conference.app, book__owner=organizer, refused_at=NOW - timedelta(days=1)
        )
        answer = browser.post(
            at("draft_pick", conference), {**seen(draft), "contact": contact.pk}, headers=CHANGE
        )
        assertContains(answer, "Not known to DingTalk on November 24")
        assert draft.invitees.count() == 1

    def test_number_of_the_same_person_is_another_matter(
        self, browser: Client, conference: Conference, draft: Invitation
    ) -> None:
        contact = ContactFactory(
            book__app=conference.app, phone_number="+8613800138000", refused_at=NOW - timedelta(days=1)
        )
        InviteeFactory(invitation=draft, contact=contact, channel="phone", value=contact.phone_number)
        assertNotContains(browser.get(page_of(conference)), "Not known to DingTalk on")
