"""Nobody does what costs others something more often than anybody presses."""

import threading
from http import HTTPStatus

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings
from pytest_django.asserts import assertContains

from invites import limiting, pacing
from invites.errors import TooOften
from invites.limiting import Kind
from invites.models import AddressBook, Conference, Invitation, Pace, User
from tests.conftest import SignedIn, htmx
from tests.factories import (
    AddressBookFactory,
    ConferenceFactory,
    InvitationFactory,
    InviteeFactory,
    UserFactory,
)

SAID = "This was done very often within a short time"


def allow(settings: Settings, **limits: tuple[int, int]) -> None:
    settings.LIMITS = settings.LIMITS | limits


@pytest.mark.django_db
class TestSpending:
    def test_so_often_and_then_no_more_until_there_is_room_again(
        self, organizer: User, settings: Settings
    ) -> None:
        allow(settings, sending=(3, 300))
        for _time in range(3):
            limiting.spend(organizer, Kind.SENDING)
        with pytest.raises(TooOften) as refusal:
            limiting.spend(organizer, Kind.SENDING)
        assert 90 < refusal.value.seconds <= 100
        assert f"Please try again in {refusal.value.seconds} seconds." in str(refusal.value)

    def test_what_was_refused_is_not_counted(self, organizer: User, settings: Settings) -> None:
        allow(settings, sending=(1, 60))
        limiting.spend(organizer, Kind.SENDING)
        before = Pace.objects.get(pk=f"user:{organizer.pk}:sending").state
        for _time in range(3):
            with pytest.raises(TooOften):
                limiting.spend(organizer, Kind.SENDING)
        assert Pace.objects.get(pk=f"user:{organizer.pk}:sending").state == before

    def test_people_and_kinds_do_not_wait_for_each_other(self, organizer: User, settings: Settings) -> None:
        allow(settings, sending=(1, 60), exporting=(1, 60))
        limiting.spend(organizer, Kind.SENDING)
        limiting.spend(organizer, Kind.EXPORTING)
        limiting.spend(UserFactory(), Kind.SENDING)

    def test_every_kind_has_its_limit(self, organizer: User) -> None:
        for kind in Kind:
            limiting.spend(organizer, kind)

    def test_calls_of_apps_are_told_without_what_people_did(self, organizer: User) -> None:
        limiting.spend(organizer, Kind.SENDING)
        assert pacing.waits() == []


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_no_more_go_through_than_may(organizer: User, settings: Settings) -> None:
    allow(settings, sending=(5, 600))
    gone, together = [], threading.Barrier(12)

    def press() -> None:
        try:
            together.wait()
            limiting.spend(organizer, Kind.SENDING)
            gone.append(1)
        except TooOften:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=press) for _number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(gone) == 5


@pytest.mark.django_db
class TestPages:
    """What somebody sees who has used up what may be done."""

    @pytest.fixture(autouse=True)
    def used_up(self, organizer: User, settings: Settings) -> None:
        allow(settings, **{kind.value: (1, 600) for kind in Kind})
        for kind in Kind:
            limiting.spend(organizer, kind)

    @pytest.fixture
    def client(self, organizer: User, signed_in: SignedIn) -> Client:
        return signed_in(organizer)

    @pytest.fixture
    def conference(self, organizer: User) -> Conference:
        conference: Conference = ConferenceFactory(owner=organizer)
        return conference

    @pytest.fixture
    def book(self, organizer: User) -> AddressBook:
        book: AddressBook = AddressBookFactory(owner=organizer)
        return book

    def test_nobody_is_sent_anything_and_the_list_stays(self, client: Client, conference: Conference) -> None:
        draft = InvitationFactory(conference=conference)
        InviteeFactory(invitation=draft)
        press = {"draft": str(draft.pk), "revision": str(draft.revision)}
        answer = client.post(f"/conferences/{conference.pk}/draft/send/", press)
        assertContains(answer, SAID, status_code=HTTPStatus.TOO_MANY_REQUESTS)
        assert 0 < int(answer["Retry-After"]) <= 600
        assert Invitation.objects.get().is_draft

    def test_htmx_gets_a_toast_and_keeps_what_it_shows(self, client: Client, conference: Conference) -> None:
        answer = client.post(f"/conferences/{conference.pk}/draft/send/", {}, headers=htmx("draft_bar"))
        assertContains(answer, SAID, status_code=HTTPStatus.TOO_MANY_REQUESTS)
        assert answer["HX-Reswap"] == "none"
        assert 'hx-swap-oob="beforeend:#messages"' in answer.content.decode()

    def test_presses_that_ring_export_import_and_ask_are_refused_and_looking_is_free(
        self, client: Client, conference: Conference, book: AddressBook
    ) -> None:
        presses = [
            f"/conferences/{conference.pk}/draft/schedule/",
            f"/conferences/{conference.pk}/scheduled/1/send/",
            "/invitations/1/ring/",
            "/invitations/1/again/",
            "/conferences/new/",
            "/conferences/new/running/",
            "/conferences/new/number/",
            "/conferences/new/id/",
            f"/books/{book.pk}/import/",
            f"/books/{book.pk}/directory/refresh/",
            "/history/exports/",
        ]
        answers = {address: client.post(address).status_code for address in presses}
        assert answers == dict.fromkeys(presses, HTTPStatus.TOO_MANY_REQUESTS)
        asked = [
            f"/books/{book.pk}/directory/choose/",
            f"/books/{book.pk}/export/?format=csv",
            f"/conferences/{conference.pk}/draft/directory/?q=an",
        ]
        answers = {address: client.get(address).status_code for address in asked}
        assert answers == dict.fromkeys(asked, HTTPStatus.TOO_MANY_REQUESTS)
        for address in ("/conferences/new/", f"/books/{book.pk}/import/", "/history/exports/"):
            assert client.get(address).status_code == HTTPStatus.OK

    def test_apps_are_not_tested_without_end(
        self, administrator: User, signed_in: SignedIn, conference: Conference
    ) -> None:
        limiting.spend(administrator, Kind.TESTING)
        for step in ("", "elsewhere/"):
            answer = signed_in(administrator).post(f"/settings/apps/{conference.app_id}/test/{step}")
            assert answer.status_code == HTTPStatus.TOO_MANY_REQUESTS

    def test_who_may_not_do_it_at_all_is_told_that(self, auditor: User, signed_in: SignedIn) -> None:
        assert signed_in(auditor).post("/conferences/new/").status_code == HTTPStatus.FORBIDDEN
