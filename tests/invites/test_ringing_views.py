"""What pages offer of ringing again, what a press of it does, and stopping what rings by itself."""

from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from invites.models import Conference, Invitation, Observation, User
from invites.models.invitation import InvitationState
from invites.models.invitee import Channel
from invites.models.member import Attendance
from invites.ringing_again import ring_due
from tests.conftest import SignedIn, htmx
from tests.invites.rung import AGES_AGO, NOW, called, sent_ages_ago

pytestmark = pytest.mark.django_db

PHONE = "+8613800000001"


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def invitation(organizer: User) -> Invitation:
    return sent_ages_ago(organizer)


def url(invitation: Invitation, name: str = "detail") -> str:
    return reverse(f"invites:invitation_{name}", args=[invitation.pk])


class TestWhatPagesOffer:
    def test_one_press_for_those_who_have_not_joined(self, browser: Client, invitation: Invitation) -> None:
        called(invitation, Attendance.DECLINED)
        called(invitation, Attendance.CALLING)
        called(invitation, Attendance.JOINED)
        page = browser.get(url(invitation))
        assertContains(page, "Ring again: 2 people who have not joined")
        assertNotContains(page, "may be in the meeting")

    def test_another_under_details_for_those_of_whom_it_is_not_known(
        self, browser: Client, invitation: Invitation
    ) -> None:
        called(invitation, channel=Channel.PHONE, value=PHONE)
        page = browser.get(url(invitation))
        assertContains(page, "Ring again: 1 person who may be in the meeting or not")
        assertNotContains(page, "who has not joined")

    def test_the_same_beside_the_composer(self, browser: Client, invitation: Invitation) -> None:
        called(invitation)
        page = browser.get(reverse("invites:conference_detail", args=[invitation.conference_id]))
        assertContains(page, "Ring again: 1 person who has not joined")
        assertContains(page, f"{url(invitation, 'ring')}?on=conference")

    @pytest.mark.parametrize("changes", [{"status": "ended"}, {"locked_at": NOW}])
    def test_nothing_where_nobody_gets_in(
        self, browser: Client, invitation: Invitation, changes: dict[str, object]
    ) -> None:
        called(invitation)
        Conference.objects.update(**changes)
        assertNotContains(browser.get(url(invitation)), "Ring again:")

    def test_nothing_while_the_calls_are_being_made(self, browser: Client, invitation: Invitation) -> None:
        called(invitation)
        Invitation.objects.update(state=InvitationState.SENDING, finished_at=None)
        assertNotContains(browser.get(url(invitation)), "Ring again:")

    def test_nothing_for_whoever_only_reads(
        self, signed_in: SignedIn, auditor: User, invitation: Invitation
    ) -> None:
        called(invitation)
        Invitation.objects.update(rings_left=2, ring_again_minutes=3, ring_again_at=NOW)
        page = signed_in(auditor).get(url(invitation))
        assertNotContains(page, "Ring again:")
        assertNotContains(page, "Stop ringing")

    def test_when_it_rings_by_itself_on_each_invitation_of_the_chain(
        self, browser: Client, invitation: Invitation
    ) -> None:
        called(invitation)
        Invitation.objects.update(rings_left=3, ring_again_minutes=3, ring_again_at=NOW)
        # 09:00 UTC is 17:00 in Shanghai.
        assertContains(browser.get(url(invitation)), "Rings again by itself at 17:00 (3 rings left)")
        ring_due()
        for each in (invitation, invitation.repeated_by.get()):
            assertContains(browser.get(url(each)), "Rings again by itself at 17:03 (2 rings left)")
        assertContains(browser.get(url(invitation.repeated_by.get())), "Nobody pressed for this")

    def test_a_page_learns_of_them_without_being_loaded_again(
        self, browser: Client, invitation: Invitation
    ) -> None:
        person = called(invitation, Attendance.JOINED)
        page = browser.get(url(invitation))
        ask = page.context["seen"]
        assert person.member is not None
        type(person.member).objects.update(attendance=Attendance.DECLINED)
        news = browser.get(url(invitation, "live"), {"seen": str(ask)}, headers={"HX-Request": "true"})
        assertContains(news, 'id="people_ring" class="people-actions" hx-swap-oob="true"')
        assertContains(news, "Ring again: 1 person who has not joined")


class TestAPress:
    def test_rings_and_leads_to_the_new_invitation(self, browser: Client, invitation: Invitation) -> None:
        person = called(invitation)
        response = browser.post(url(invitation, "ring"), {"whom": "not_joined", "seen": "0"}, follow=True)
        ring = invitation.repeated_by.get()
        assertRedirects(response, url(ring))
        assertContains(response, "1 person is being rung again.")
        assert ring.invitees.get().value == person.value

    def test_beside_the_composer_leads_back_there(self, browser: Client, invitation: Invitation) -> None:
        called(invitation)
        response = browser.post(f"{url(invitation, 'ring')}?on=conference", {"whom": "not_joined"})
        assertRedirects(response, reverse("invites:conference_detail", args=[invitation.conference_id]))

    def test_on_a_page_that_is_out_of_date_is_refused(self, browser: Client, invitation: Invitation) -> None:
        called(invitation)
        for status in (HTTPStatus.FOUND, HTTPStatus.CONFLICT):
            response = browser.post(url(invitation, "ring"), {"whom": "not_joined", "seen": "0"})
            assert response.status_code == status
        assert invitation.repeated_by.count() == 1

    def test_with_nobody_left_is_refused_in_words(self, browser: Client, invitation: Invitation) -> None:
        response = browser.post(url(invitation, "ring"), {"whom": "not_joined"})
        assertContains(response, "Nobody is left to ring", status_code=HTTPStatus.CONFLICT)

    @pytest.mark.parametrize(
        "fields",
        [{}, {"whom": "everybody"}, {"whom": "not_joined", "seen": "x"}, {"whom": "not_joined", "seen": -1}],
    )
    def test_of_nonsense_rings_nobody(
        self, browser: Client, invitation: Invitation, fields: dict[str, object]
    ) -> None:
        called(invitation)
        assert browser.post(url(invitation, "ring"), fields).status_code == HTTPStatus.BAD_REQUEST
        assert not invitation.repeated_by.exists()

    def test_on_the_invitation_of_somebody_else_finds_nothing(
        self, signed_in: SignedIn, other_organizer: User, invitation: Invitation
    ) -> None:
        called(invitation)
        for name in ("ring", "stop_ringing"):
            response = signed_in(other_organizer).post(url(invitation, name), {"whom": "not_joined"})
            assert response.status_code == HTTPStatus.NOT_FOUND

    def test_by_whoever_only_reads_is_forbidden(
        self, signed_in: SignedIn, auditor: User, invitation: Invitation
    ) -> None:
        for name in ("ring", "stop_ringing"):
            response = signed_in(auditor).post(url(invitation, name), {"whom": "not_joined"})
            assert response.status_code == HTTPStatus.FORBIDDEN

    def test_without_signing_in_leads_to_the_sign_in(self, client: Client, invitation: Invitation) -> None:
        response = client.post(url(invitation, "ring"), {"whom": "not_joined"})
        assert response.status_code == HTTPStatus.FOUND
        assert response["Location"].startswith(reverse("login"))

    def test_is_never_a_page_that_is_read(self, browser: Client, invitation: Invitation) -> None:
        for name in ("ring", "stop_ringing"):
            assert browser.get(url(invitation, name)).status_code == HTTPStatus.METHOD_NOT_ALLOWED


class TestStop:
    def test_stops_the_rings_and_says_so(self, browser: Client, invitation: Invitation) -> None:
        called(invitation)
        later = NOW + timedelta(minutes=3)
        Invitation.objects.update(rings_left=2, ring_again_minutes=3, ring_again_at=later)
        page = browser.post(url(invitation, "stop_ringing"), follow=True)
        assertRedirects(page, url(invitation))
        assertContains(page, "Nobody is rung again by itself.")
        assertNotContains(page, "Stop ringing")
        invitation.refresh_from_db()
        assert (invitation.ring_again_at, invitation.rings_left) == (None, 0)

    def test_a_second_time_does_no_harm(self, browser: Client, invitation: Invitation) -> None:
        assert browser.post(url(invitation, "stop_ringing")).status_code == HTTPStatus.FOUND


class TestCost:
    @pytest.mark.parametrize("people", [3, 60])
    def test_a_page_costs_as_many_queries_however_many_people_there_are(
        self, browser: Client, invitation: Invitation, people: int, django_assert_max_num_queries: object
    ) -> None:
        for _person in range(people):
            called(invitation, at=AGES_AGO)
        Observation.objects.update(watched_at=NOW, next_read_at=NOW + timedelta(seconds=60))
        Invitation.objects.update(ring_again_minutes=3)
        headers = htmx("people")
        with django_assert_max_num_queries(12):  # type: ignore[operator]
            browser.get(url(invitation), headers=headers)
