"""The pages of conferences: the list, one conference, and what may be done to it."""

from http import HTTPStatus

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects, assertTemplateUsed

from invites.dingtalk.sandbox import DEMO_ORGANIZER, SandboxServer
from invites.errors import AppUnavailable
from invites.forms.conference import PAGE_SIZE
from invites.models import App, Conference, Invitation, User
from invites.models.conference import ConferenceStatus
from invites.models.invitee import InviteeState
from invites.views.invitation import INVITATIONS_SHOWN
from tests.conftest import SignedIn, htmx
from tests.factories import (
    AppFactory,
    ConferenceFactory,
    InvitationFactory,
    InviteeFactory,
    SentInvitationFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

HOST = DEMO_ORGANIZER.union_id
PAGES = ("conference_detail", "conference_edit", "conference_close", "conference_co_organizers")


def at(name: str, conference: Conference, *more: int) -> str:
    return reverse(f"invites:{name}", args=[conference.pk, *more])


def sent_invitation(conference: Conference, *, sent_by: User | None = None) -> Invitation:
    invitation: Invitation = SentInvitationFactory(conference=conference, sent_by=sent_by)
    for state in (InviteeState.INVITED, InviteeState.SKIPPED):
        InviteeFactory(invitation=invitation, state=state)
    return invitation


class TestWhoMaySeeConferences:
    def test_anonymous_visitor_is_sent_to_sign_in(self, client: Client) -> None:
        conference = ConferenceFactory()
        for address in (reverse("invites:conference_list"), *(at(page, conference) for page in PAGES)):
            assertRedirects(client.get(address), f"{reverse('login')}?next={address}")

    def test_auditor_may_not(self, signed_in: SignedIn, auditor: User) -> None:
        conference, browser = ConferenceFactory(), signed_in(auditor)
        for address in (reverse("invites:conference_list"), *(at(page, conference) for page in PAGES)):
            assert browser.get(address).status_code == HTTPStatus.FORBIDDEN

    def test_conference_of_somebody_else_is_not_there(self, browser: Client) -> None:
        conference = ConferenceFactory()
        for page in PAGES:
            assert browser.get(at(page, conference)).status_code == HTTPStatus.NOT_FOUND
            assert browser.post(at(page, conference)).status_code in {
                HTTPStatus.NOT_FOUND,
                HTTPStatus.METHOD_NOT_ALLOWED,
            }
        assert browser.post(at("conference_refresh", conference)).status_code == HTTPStatus.NOT_FOUND
        assertNotContains(browser.get(reverse("invites:conference_list")), conference.title)

    def test_co_organizer_and_administrator_see_all_of_it(
        self, signed_in: SignedIn, other_organizer: User, administrator: User
    ) -> None:
        conference = ConferenceFactory()
        conference.co_organizers.add(other_organizer)
        for user in (other_organizer, administrator):
            for page in PAGES:
                assert signed_in(user).get(at(page, conference)).status_code == HTTPStatus.OK


class TestConferenceList:
    address = "/conferences/"

    def test_whole_page_shows_open_ones_first(self, browser: Client, organizer: User) -> None:
        ended = ConferenceFactory(owner=organizer, title="Over", status=ConferenceStatus.ENDED)
        running = ConferenceFactory(owner=organizer, title="Running", room_code="900000101")
        response = browser.get(self.address)
        assertTemplateUsed(response, "base.html")
        assert list(response.context["conferences"]) == [running, ended]
        assertContains(response, "900000101")

    def test_fragment_is_the_list_alone(self, browser: Client, organizer: User) -> None:
        ConferenceFactory(owner=organizer, title="Running")
        response = browser.get(self.address, {"q": "runn"}, headers=htmx("conferences"))
        assertContains(response, "Running")
        assertContains(response, "1 conference shown.")
        assertNotContains(response, "<html")

    def test_unknown_target_gets_the_whole_page(self, browser: Client) -> None:
        assertContains(browser.get(self.address, headers=htmx("elsewhere")), "<html")

    def test_empty_list_offers_the_first_step(self, browser: Client) -> None:
        assertContains(browser.get(self.address), "No conference yet")

    def test_search_without_a_match_leads_back_to_all(self, browser: Client, organizer: User) -> None:
        ConferenceFactory(owner=organizer, title="Running")
        response = browser.get(self.address, {"q": "nothing like it"})
        assertContains(response, "No conference fits")
        assertNotContains(response, "Running")

    def test_state_and_search_narrow_together(self, browser: Client, organizer: User) -> None:
        ConferenceFactory(owner=organizer, title="Review one", status=ConferenceStatus.ENDED)
        ConferenceFactory(owner=organizer, title="Review two")
        response = browser.get(self.address, {"q": "review", "state": "ended"})
        assertContains(response, "Review one")
        assertNotContains(response, "Review two")

    def test_next_page_keeps_the_filters(self, browser: Client, organizer: User) -> None:
        for _number in range(PAGE_SIZE + 1):
            ConferenceFactory(owner=organizer, title="Review")
        response = browser.get(self.address, {"q": "review"})
        assert "q=review" in response.context["next_page"]
        last = browser.get(response.context["next_page"])
        assert len(last.context["conferences"]) == 1
        assert (last.context["next_page"], bool(last.context["first_page"])) == ("", True)

    def test_app_is_named_only_where_there_are_several(self, browser: Client, organizer: User) -> None:
        conference = ConferenceFactory(owner=organizer, app=AppFactory(name="First app"))
        assertNotContains(browser.get(self.address), '<td data-label="App"')
        AppFactory()
        assertContains(browser.get(self.address), conference.app.name)

    def test_markup_in_a_title_is_text(self, browser: Client, organizer: User) -> None:
        ConferenceFactory(owner=organizer, title="<img src=x>")
        assertContains(browser.get(self.address), "&lt;img src=x&gt;")

    @pytest.mark.parametrize("rows", [1, 20])
    def test_number_of_queries_does_not_grow(
        self,
        browser: Client,
        organizer: User,
        rows: int,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        for _row in range(rows):
            sent_invitation(ConferenceFactory(owner=organizer))
        with django_assert_max_num_queries(7):
            browser.get(self.address)


class TestConferenceDetail:
    def test_shows_title_state_number_link_and_id(self, browser: Client, conference: Conference) -> None:
        Conference.objects.update(room_code="900000101", external_link_url="https://meeting.example/1")
        response = browser.get(at("conference_detail", conference))
        for text in (
            "Weekly planning",
            "Open",
            "900000101",
            "https://meeting.example/1",
            conference.conference_id,
        ):
            assertContains(response, text)

    def test_conference_without_a_title_goes_by_its_id(self, browser: Client, organizer: User) -> None:
        conference = ConferenceFactory(owner=organizer, title="")
        assertContains(
            browser.get(at("conference_detail", conference)), f"<bdi>{conference.conference_id}</bdi>"
        )

    def test_ended_conference_says_so_and_offers_no_end(
        self, browser: Client, conference: Conference
    ) -> None:
        Conference.objects.update(status=ConferenceStatus.ENDED)
        response = browser.get(at("conference_detail", conference))
        assertContains(response, "This conference has ended")
        assertNotContains(response, at("conference_close", conference))

    def test_latest_invitation_shows_its_people_and_earlier_ones_a_line(
        self, browser: Client, conference: Conference, organizer: User
    ) -> None:
        earlier = sent_invitation(conference, sent_by=organizer)
        latest = sent_invitation(conference)
        response = browser.get(at("conference_detail", conference))
        assert response.context["latest"] == latest
        assert response.context["earlier"] == [earlier]
        for person in latest.invitees.all():
            assertContains(response, person.nick)
        assertContains(response, reverse("invites:invitation_detail", args=[earlier.pk]))
        assertContains(response, "Left out")

    def test_long_past_leads_to_the_history(self, browser: Client, conference: Conference) -> None:
        for _number in range(INVITATIONS_SHOWN + 1):
            sent_invitation(conference)
        history = f"{reverse('invites:attempt_list')}?conference={conference.pk}"
        assertNotContains(browser.get(at("conference_detail", conference)), history)
        sent_invitation(conference)
        response = browser.get(at("conference_detail", conference))
        assert len(response.context["earlier"]) == INVITATIONS_SHOWN
        assertContains(response, history)

    def test_page_says_beforehand_that_the_app_cannot_be_used(
        self, browser: Client, conference: Conference
    ) -> None:
        address = at("conference_detail", conference)
        assertNotContains(browser.get(address), str(AppUnavailable()))
        App.objects.filter(pk=conference.app_id).update(enabled=False)
        assertContains(browser.get(address), str(AppUnavailable()))

    def test_draft_is_no_invitation_yet(self, browser: Client, conference: Conference) -> None:
        InvitationFactory(conference=conference)
        assert browser.get(at("conference_detail", conference)).context["latest"] is None

    def test_number_of_queries_does_not_grow_with_its_past(
        self, browser: Client, conference: Conference, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        sent_invitation(conference)
        sent_invitation(conference)
        browser.get(at("conference_detail", conference))
        with CaptureQueriesContext(connection) as few:
            browser.get(at("conference_detail", conference))
        for _number in range(20):
            sent_invitation(conference)
        with django_assert_num_queries(len(few)):
            browser.get(at("conference_detail", conference))


class TestConferenceEdit:
    def test_title_is_changed(self, browser: Client, conference: Conference) -> None:
        response = browser.post(at("conference_edit", conference), {"title": "季度复盘"}, follow=True)
        assertContains(response, "季度复盘")
        conference.refresh_from_db()
        assert conference.title == "季度复盘"

    def test_title_that_is_too_long_stays_to_be_mended(self, browser: Client, conference: Conference) -> None:
        response = browser.post(at("conference_edit", conference), {"title": "x" * 51})
        assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assertContains(response, "x" * 51, status_code=HTTPStatus.UNPROCESSABLE_ENTITY)
        conference.refresh_from_db()
        assert conference.title == "Weekly planning"

    def test_form_that_is_sent_empty_is_wrong(self, browser: Client, conference: Conference) -> None:
        response = browser.post(at("conference_edit", conference), {})
        assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY


class TestConferenceRefresh:
    def test_page_shows_what_dingtalk_says_now(
        self, browser: Client, conference: Conference, sandbox: SandboxServer
    ) -> None:
        sandbox.close_conference(conference.conference_id)
        response = browser.post(at("conference_refresh", conference), follow=True)
        assertContains(response, "DingTalk says that this conference has ended.")

    def test_refusal_is_told_with_its_code(
        self, browser: Client, conference: Conference, sandbox: SandboxServer
    ) -> None:
        sandbox.add_fault("throttled", operation="info")
        response = browser.post(at("conference_refresh", conference))
        assertContains(response, "Try again in a minute.", status_code=HTTPStatus.CONFLICT)

    def test_reading_the_address_asks_nothing(
        self, browser: Client, conference: Conference, sandbox: SandboxServer
    ) -> None:
        assert browser.get(at("conference_refresh", conference)).status_code == HTTPStatus.METHOD_NOT_ALLOWED
        assert not sandbox.received


class TestConferenceClose:
    def test_asks_first_and_names_the_meeting_and_its_host(
        self, browser: Client, conference: Conference, sandbox: SandboxServer
    ) -> None:
        Conference.objects.update(creator_union_id=HOST)
        response = browser.get(at("conference_close", conference))
        assertContains(response, "End “Weekly planning”?")
        assertContains(response, HOST)
        assert not sandbox.received

    def test_ends_the_meeting(self, browser: Client, conference: Conference, sandbox: SandboxServer) -> None:
        response = browser.post(at("conference_close", conference), {"union_id": HOST}, follow=True)
        assertContains(response, "The meeting has ended.")
        conference.refresh_from_db()
        assert conference.has_ended

    def test_refusal_keeps_what_was_typed_and_shows_the_code(
        self, browser: Client, conference: Conference, sandbox: SandboxServer
    ) -> None:
        response = browser.post(at("conference_close", conference), {"union_id": "not-the-host"})
        for text in ("not-the-host", "noPermission", "only the host may close the conference"):
            assertContains(response, text, status_code=HTTPStatus.CONFLICT)
        conference.refresh_from_db()
        assert conference.is_open

    def test_union_id_with_a_blank_asks_nothing(
        self, browser: Client, conference: Conference, sandbox: SandboxServer
    ) -> None:
        response = browser.post(at("conference_close", conference), {"union_id": "a b"})
        assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert not sandbox.received


class TestConferenceCoOrganizers:
    def test_owner_adds_somebody_who_then_sees_it(
        self, browser: Client, conference: Conference, other_organizer: User, signed_in: SignedIn
    ) -> None:
        response = browser.post(
            at("conference_co_organizers", conference), {"username": "other"}, follow=True
        )
        assertContains(response, "other is a co-organizer now.")
        other = signed_in(other_organizer)
        assert other.get(at("conference_detail", conference)).status_code == HTTPStatus.OK

    def test_unknown_name_stays_to_be_mended(self, browser: Client, conference: Conference) -> None:
        response = browser.post(at("conference_co_organizers", conference), {"username": "ghost"})
        assertContains(response, "ghost", status_code=HTTPStatus.UNPROCESSABLE_ENTITY)
        assertContains(response, "Nobody signs in", status_code=HTTPStatus.UNPROCESSABLE_ENTITY)

    def test_co_organizer_reads_the_list_but_adds_nobody(
        self, conference: Conference, other_organizer: User, signed_in: SignedIn
    ) -> None:
        conference.co_organizers.add(other_organizer)
        third = UserFactory()
        other = signed_in(other_organizer)
        page = other.get(at("conference_co_organizers", conference))
        assertNotContains(page, "Add co-organizer")
        response = other.post(at("conference_co_organizers", conference), {"username": third.username})
        assert response.status_code == HTTPStatus.NOT_FOUND
        assert not conference.co_organizers.contains(third)

    def test_owner_removes_somebody(
        self, browser: Client, conference: Conference, other_organizer: User
    ) -> None:
        conference.co_organizers.add(other_organizer)
        address = at("conference_co_organizer_remove", conference, other_organizer.pk)
        assertRedirects(browser.post(address), at("conference_co_organizers", conference))
        assert not conference.co_organizers.exists()

    def test_co_organizer_removes_themselves_but_nobody_else(
        self, conference: Conference, other_organizer: User, signed_in: SignedIn
    ) -> None:
        third = UserFactory()
        conference.co_organizers.add(other_organizer, third)
        other = signed_in(other_organizer)
        refused = other.post(at("conference_co_organizer_remove", conference, third.pk))
        assert refused.status_code == HTTPStatus.NOT_FOUND
        left = other.post(at("conference_co_organizer_remove", conference, other_organizer.pk))
        assertRedirects(left, reverse("invites:conference_list"))
        assert list(conference.co_organizers.all()) == [third]

    def test_somebody_who_is_none_cannot_be_removed(self, browser: Client, conference: Conference) -> None:
        third = UserFactory()
        response = browser.post(at("conference_co_organizer_remove", conference, third.pk))
        assert response.status_code == HTTPStatus.NOT_FOUND
