"""However often, by whomever and from however many tabs the same list is sent: one invitation."""

import threading
from collections import Counter
from http import HTTPStatus

import pytest
from django.db import connection
from django.test import Client

from invites.models import Batch, Conference, Invitation, User
from tests.factories import InvitationFactory, InviteeFactory, UserFactory
from tests.invites.composer import BAR

PRESSES = 50
PEOPLE = 30

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def colleague(conference: Conference) -> User:
    user: User = UserFactory.create()
    conference.co_organizers.add(user)
    return user


@pytest.fixture
def draft(conference: Conference) -> Invitation:
    draft: Invitation = InvitationFactory.create(conference=conference)
    for position in range(PEOPLE):
        InviteeFactory.create(invitation=draft, position=position, value=f"person{position}")
    return draft


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def press(client: Client, draft: Invitation, *, in_place: bool = False) -> int:
    """Presses Invite on a page that shows ``draft`` as it is, and returns the status of the answer."""
    answer = client.post(
        f"/conferences/{draft.conference_id}/draft/send/",
        {"draft": draft.pk, "revision": draft.revision, "confirmed": "yes"},
        headers=BAR if in_place else {},
    )
    return answer.status_code


class TestOncePerPress:
    def test_fifty_presses_at_the_same_moment_by_two_people_send_once(
        self, draft: Invitation, organizer: User, colleague: User
    ) -> None:
        clients = [signed_in(user) for user in (organizer, colleague) * (PRESSES // 2)]
        together = threading.Barrier(PRESSES)
        answers: Counter[int] = Counter()

        def run(number: int) -> None:
            try:
                together.wait()
                answers[press(clients[number], draft, in_place=number % 3 == 0)] += 1
            finally:
                connection.close()

        threads = [threading.Thread(target=run, args=[number]) for number in range(PRESSES)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(answers.values()) == PRESSES
        assert answers[HTTPStatus.FOUND] + answers[HTTPStatus.OK] == 1
        assert answers[HTTPStatus.CONFLICT] == PRESSES - 1
        invitation = Invitation.objects.sent().get()
        assert invitation.sent_by in {organizer, colleague}
        assert sum(Batch.objects.of(invitation.pk).values_list("people", flat=True)) == PEOPLE

    def test_the_back_button_and_a_second_tab_send_nothing(self, draft: Invitation, organizer: User) -> None:
        client = signed_in(organizer)
        assert press(client, draft) == HTTPStatus.FOUND
        assert press(client, draft) == HTTPStatus.CONFLICT
        # Another tab, in which the next list has been begun meanwhile.
        InviteeFactory.create(
            invitation=InvitationFactory.create(conference=draft.conference), value="another"
        )
        assert press(client, draft) == HTTPStatus.CONFLICT
        assert Invitation.objects.sent().count() == 1

    def test_a_list_that_somebody_changed_meanwhile_is_not_sent(
        self, draft: Invitation, organizer: User, colleague: User
    ) -> None:
        signed_in(colleague).post(
            f"/conferences/{draft.conference_id}/draft/add/", {"text": "Somebody else, other1"}
        )
        assert press(signed_in(organizer), draft) == HTTPStatus.CONFLICT
        assert not Invitation.objects.sent().exists()
