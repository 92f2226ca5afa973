"""Every address of the history, and who gets in: one table that has to name each of them."""

from http import HTTPStatus

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from invites.models import Attempt, User
from invites.models.invitee import InviteeState
from tests.conftest import SignedIn
from tests.factories import (
    AttemptFactory,
    ConferenceFactory,
    InviteeFactory,
    SentInvitationFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

NOBODY, ANYBODY, OWN, ALL = -1, 0, 1, 2
"""What somebody must be allowed to read: nothing, as long as they are signed in; this conference; everything."""
PAGES = {
    "attempt_list": ANYBODY,
    "attempt_detail": OWN,
    "person_detail": OWN,
    "conference_history": OWN,
    "organizer_history": OWN,
}
MAY = {
    "anonymous": NOBODY,
    "stranger": ANYBODY,
    "former co-organizer": ANYBODY,
    "owner": OWN,
    "co-organizer": OWN,
    "auditor": ALL,
    "auditor with numbers": ALL,
    "administrator": ALL,
}
NUMBER = "+8613812345678"


@pytest.fixture
def attempt(organizer: User) -> Attempt:
    """A call that the organizer ordered, of somebody with a number."""
    conference = ConferenceFactory(owner=organizer)
    sent = SentInvitationFactory(conference=conference)
    person = InviteeFactory(
        invitation=sent, channel="phone", value=NUMBER, nick="Guest", state=InviteeState.INVITED
    )
    made: Attempt = AttemptFactory(invitation=sent, sent_to=[person])
    return made


@pytest.fixture
def visitors(
    attempt: Attempt, signed_in: SignedIn, organizer: User, auditor: User, administrator: User
) -> dict[str, Client]:
    """Everybody who might come."""
    people: dict[str, User] = {
        "stranger": UserFactory(),
        "former co-organizer": UserFactory(),
        "owner": organizer,
        "co-organizer": UserFactory(),
        "auditor": auditor,
        "auditor with numbers": UserFactory(role=auditor.role, may_see_phone_numbers=True),
        "administrator": administrator,
    }
    attempt.conference.co_organizers.add(people["co-organizer"], people["former co-organizer"])
    attempt.conference.co_organizers.remove(people["former co-organizer"])
    return {"anonymous": Client()} | {name: signed_in(user) for name, user in people.items()}


def address(page: str, attempt: Attempt) -> str:
    """The address of ``page`` for what ``attempt`` has of its noun."""
    keys = {
        "attempt_detail": attempt.pk,
        "person_detail": attempt.people_sent.get().person_id,
        "conference_history": attempt.conference_id,
        "organizer_history": attempt.organizer_id,
    }
    return reverse(f"invites:{page}", args=[keys[page]] if page in keys else [])


def visit(client: Client, page: str, attempt: Attempt) -> HttpResponse:
    """What ``page`` answers; nothing that it does lasts."""
    with transaction.atomic():
        answer: HttpResponse = client.get(address(page, attempt))
        transaction.set_rollback(True)
    return answer


class TestRights:
    @pytest.mark.parametrize("visitor", MAY)
    def test_everybody_gets_where_they_may_and_nowhere_else(
        self, attempt: Attempt, visitors: dict[str, Client], visitor: str
    ) -> None:
        wrong = []
        for page, needed in PAGES.items():
            answer = visit(visitors[visitor], page, attempt)
            if visitor == "anonymous":
                is_right = answer.status_code == HTTPStatus.FOUND
                is_right = is_right and answer["Location"].startswith(reverse("login"))
            else:
                gets_in = answer.status_code == HTTPStatus.OK
                is_right = gets_in is (MAY[visitor] >= needed)
                is_right = is_right and (gets_in or answer.status_code == HTTPStatus.NOT_FOUND)
            if not is_right:
                wrong.append((page, answer.status_code))
        assert wrong == []

    @pytest.mark.parametrize("visitor", ["stranger", "former co-organizer"])
    def test_list_shows_nothing_to_whoever_may_see_nothing(
        self, attempt: Attempt, visitors: dict[str, Client], visitor: str
    ) -> None:
        page = visitors[visitor].get(reverse("invites:attempt_list")).content.decode()
        assert f'href="/history/{attempt.pk}/"' not in page
        assert "Guest" not in page

    @pytest.mark.parametrize("visitor", [name for name in MAY if MAY[name] >= OWN])
    def test_numbers_are_shown_to_those_who_may_see_them(
        self, attempt: Attempt, visitors: dict[str, Client], visitor: str
    ) -> None:
        for page in PAGES:
            text = visit(visitors[visitor], page, attempt).content.decode()
            told = "13812345678" in text.replace(" ", "")
            assert not (visitor == "auditor" and told), page

    def test_nothing_of_the_history_can_be_posted_to_its_pages(
        self, attempt: Attempt, visitors: dict[str, Client]
    ) -> None:
        for page in PAGES:
            answer = visitors["administrator"].post(address(page, attempt))
            assert answer.status_code == HTTPStatus.METHOD_NOT_ALLOWED, page

    def test_what_is_not_there_is_not_there(self, visitors: dict[str, Client]) -> None:
        for page in PAGES:
            if page != "attempt_list":
                missing = reverse(f"invites:{page}", args=[10**12])
                assert visitors["administrator"].get(missing).status_code == HTTPStatus.NOT_FOUND, page
