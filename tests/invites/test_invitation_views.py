"""The pages of a sent invitation."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from invites.models import Conference, Invitation, Invitee, User
from invites.models.conference import ConferenceStatus
from invites.models.invitation import InvitationState
from invites.sending import send
from tests.conftest import SignedIn, htmx
from tests.factories import ConferenceFactory, InvitationFactory, InviteeFactory

pytestmark = pytest.mark.django_db
PEOPLE = htmx("people")


@pytest.fixture
def invitation(organizer: User) -> Invitation:
    """Under way, three people."""
    draft = InvitationFactory(conference=ConferenceFactory(owner=organizer, title="Review"))
    for position, nick in enumerate(("Anna", "Bo", "Chen")):
        InviteeFactory(invitation=draft, position=position, nick=nick)
    return send(invitation=draft, revision=0, user=organizer)


@pytest.fixture
def finished(invitation: Invitation) -> Invitation:
    """One invited, one failed, one of whom nothing is known."""
    people = invitation.invitees.in_order()
    for person, state in zip(people, ("invited", "failed", "unknown"), strict=True):
        Invitee.objects.filter(pk=person.pk).update(state=state)
    Invitation.objects.update(state=InvitationState.FINISHED, finished_at="2026-01-01T00:00Z")
    invitation.refresh_from_db()
    return invitation


@pytest.fixture
def client(signed_in: SignedIn, organizer: User) -> Client:
    return signed_in(organizer)


def url(invitation: Invitation, name: str = "detail") -> str:
    return reverse(f"invites:invitation_{name}", args=[invitation.pk])


class TestInvitationDetail:
    def test_page_shows_everybody_with_their_state(self, client: Client, finished: Invitation) -> None:
        page = client.get(url(finished)).content.decode()
        assert "<!doctype html>" in page.lower()
        for word in ("Anna", "Invited", "Bo", "Not invited", "Chen", "Unknown"):
            assert word in page

    def test_fragment_is_the_list_alone(self, client: Client, invitation: Invitation) -> None:
        fragment = client.get(url(invitation), headers=PEOPLE).content.decode()
        assert fragment.lstrip().startswith('<div id="people"')
        assert "<html" not in fragment

    def test_unknown_target_gets_the_whole_page(self, client: Client, invitation: Invitation) -> None:
        headers = htmx("something")
        assert "<html" in client.get(url(invitation), headers=headers).content.decode()

    def test_one_state_can_be_looked_at(self, client: Client, finished: Invitation) -> None:
        page = client.get(url(finished), {"state": "failed"}, headers=PEOPLE).content.decode()
        assert "Bo" in page
        assert "Anna" not in page

    def test_what_befell_many_alike_is_explained_once(self, client: Client, finished: Invitation) -> None:
        finished.invitees.update(state="skipped", skipped_because="confClosed")
        page = client.get(url(finished), headers=PEOPLE).content.decode()
        assert page.count(">confClosed</a>") == 3
        assert page.count("Start a new conference, or add the one that runs now") == 1

    def test_next_people_come_on_a_later_page(
        self, client: Client, invitation: Invitation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("invites.views.people_shown.PEOPLE_SHOWN", 2)
        first = client.get(url(invitation), headers=PEOPLE).content.decode()
        assert "Chen" not in first
        assert "after=1" in first
        assert "Chen" in client.get(url(invitation), {"after": "1"}, headers=PEOPLE).content.decode()

    @pytest.mark.parametrize("query", [{"after": "x"}, {"after": "9" * 30}, {"state": "nonsense"}])
    def test_nonsense_in_the_address_is_harmless(
        self, client: Client, invitation: Invitation, query: dict[str, str]
    ) -> None:
        assert client.get(url(invitation), query).status_code == 200

    def test_number_of_queries_does_not_grow_with_the_people(
        self, client: Client, invitation: Invitation, django_assert_max_num_queries: Callable[..., object]
    ) -> None:
        Invitee.objects.bulk_create(
            InviteeFactory.build(invitation=invitation, position=n, value=f"many{n}") for n in range(3, 90)
        )
        # The first look has something to write down.
        client.get(url(invitation), headers=PEOPLE)
        with django_assert_max_num_queries(9):  # type: ignore[attr-defined]
            client.get(url(invitation), headers=PEOPLE)

    def test_auditor_reads_it_without_buttons_and_with_masked_numbers(
        self, signed_in: SignedIn, auditor: User, finished: Invitation
    ) -> None:
        InviteeFactory(invitation=finished, channel="phone", value="+8613800138000", nick="P", position=9)
        page = signed_in(auditor).get(url(finished)).content.decode()
        assert "+86 •" in page
        assert "13800138000" not in page.replace(" ", "")
        assert reverse("invites:invitation_again", args=[finished.pk]) not in page

    def test_draft_is_no_sent_invitation(self, client: Client, organizer: User) -> None:
        draft = InvitationFactory(conference=ConferenceFactory(owner=organizer))
        assert client.get(url(draft)).status_code == 404

    def test_other_organizers_do_not_see_it(
        self, signed_in: SignedIn, other_organizer: User, invitation: Invitation
    ) -> None:
        assert signed_in(other_organizer).get(url(invitation)).status_code == 404

    def test_co_organizer_sees_it(
        self, signed_in: SignedIn, other_organizer: User, invitation: Invitation
    ) -> None:
        invitation.conference.co_organizers.add(other_organizer)
        assert signed_in(other_organizer).get(url(invitation)).status_code == 200


class TestInvitationAgain:
    @pytest.mark.parametrize(("who", "nick"), [("failed", "Bo"), ("unknown", "Chen")])
    def test_the_chosen_are_invited_again(
        self, client: Client, finished: Invitation, who: str, nick: str
    ) -> None:
        answer = client.post(url(finished, "again"), {"who": who})
        again = Invitation.objects.get(repeats=finished)
        assert answer["Location"] == url(again)
        assert [person.nick for person in again.invitees.all()] == [nick]

    def test_press_on_the_page_of_a_conference_leads_back_there(
        self, client: Client, finished: Invitation
    ) -> None:
        there = reverse("invites:conference_detail", args=[finished.conference_id])
        assert f"{url(finished, 'again')}?on=conference" in client.get(there).content.decode()
        answer = client.post(url(finished, "again") + "?on=conference", {"who": "failed"})
        assert answer["Location"] == there

    def test_nobody_is_offered_while_the_meeting_is_locked(
        self, client: Client, finished: Invitation
    ) -> None:
        assert url(finished, "again") in client.get(url(finished)).content.decode()
        Conference.objects.update(locked_at=timezone.now())
        assert url(finished, "again") not in client.get(url(finished)).content.decode()

    def test_second_press_invites_nobody_and_says_so(self, client: Client, finished: Invitation) -> None:
        client.post(url(finished, "again"), {"who": "failed"})
        answer = client.post(url(finished, "again"), {"who": "failed"})
        assert answer.status_code == 409
        assert "already" in answer.content.decode()
        assert Invitation.objects.filter(repeats=finished).count() == 1

    def test_nobody_is_chosen_by_nonsense(self, client: Client, finished: Invitation) -> None:
        assert client.post(url(finished, "again"), {"who": "everybody"}).status_code == 409

    def test_not_into_an_ended_conference(self, client: Client, finished: Invitation) -> None:
        Conference.objects.update(status=ConferenceStatus.ENDED)
        assert client.post(url(finished, "again"), {"who": "failed"}).status_code == 409

    def test_auditor_may_not(self, signed_in: SignedIn, auditor: User, finished: Invitation) -> None:
        assert signed_in(auditor).post(url(finished, "again"), {"who": "failed"}).status_code == 403

    def test_anonymous_is_asked_to_sign_in(self, finished: Invitation) -> None:
        answer = Client().post(url(finished, "again"), {"who": "failed"})
        assert answer.status_code == 302
        assert reverse("login") in answer["Location"]

    def test_other_organizer_may_not(
        self, signed_in: SignedIn, other_organizer: User, finished: Invitation
    ) -> None:
        assert signed_in(other_organizer).post(url(finished, "again"), {"who": "failed"}).status_code == 404
