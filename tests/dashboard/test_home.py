"""The home page: figures, what is open, what needs attention, and how it refreshes itself."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from invites import clock
from invites.models import App, AppCount, Conference, Observation, Turnout, User, Worker
from invites.models.attempt import AttemptState
from invites.models.conference import ConferenceStatus
from invites.models.invitee import InviteeState
from tests.conftest import SignedIn, htmx
from tests.factories import (
    AppFactory,
    AttemptFactory,
    ConferenceFactory,
    InviteeFactory,
    MemberFactory,
    SentInvitationFactory,
)

LIVE = re.compile(r'hx-get="(/live/\?seen=[^"]+)"')


def text(body: str) -> str:
    """What one reads, on one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def called(conference: Conference, state: AttemptState = AttemptState.SUCCEEDED, **more: object) -> None:
    """A call for two people."""
    code = "" if state == AttemptState.SUCCEEDED else str(more.pop("error_code", "systemError"))
    AttemptFactory(
        invitation=SentInvitationFactory(conference=conference),
        state=state,
        error_code=code,
        people=2,
        **more,
    )


class TestHome:
    """The whole page."""

    def test_anonymous_visitor_is_asked_to_sign_in(self, db: None) -> None:
        assert Client().get("/")["Location"] == "/sign-in/?next=/"

    def test_empty_home_offers_the_first_step(self, organizer: User, signed_in: SignedIn) -> None:
        body = signed_in(organizer).get("/").content.decode()
        assert "No conference is open" in body
        assert body.count('href="/conferences/new/"') == 2
        assert "An administrator sets one up in the settings." in body
        assert body.count("Nothing in these days yet.") == 2

    def test_empty_home_leads_an_administrator_to_the_apps(
        self, administrator: User, signed_in: SignedIn
    ) -> None:
        body = signed_in(administrator).get("/").content.decode()
        assert "Set one up, and people can be invited." in body

    def test_empty_home_leads_an_auditor_to_the_history(self, auditor: User, signed_in: SignedIn) -> None:
        body = signed_in(auditor).get("/").content.decode()
        assert "Whoever was invited earlier stands in the history." in body
        assert "/conferences/" not in body

    def test_own_conferences_are_listed_and_those_of_others_are_not(
        self, organizer: User, other_organizer: User, signed_in: SignedIn
    ) -> None:
        mine = ConferenceFactory(owner=organizer, title="Mine <b>", status=ConferenceStatus.UNKNOWN)
        shared = ConferenceFactory(owner=other_organizer, title="Shared")
        shared.co_organizers.add(organizer)
        ConferenceFactory(owner=organizer, title="Over", status=ConferenceStatus.ENDED)
        ConferenceFactory(owner=other_organizer, title="Theirs")
        body = signed_in(organizer).get("/").content.decode()
        assert f'href="/conferences/{mine.pk}/"' in body
        assert "Mine &lt;b&gt;" in body
        assert body.index("Shared") < body.index("Mine &lt;b&gt;")
        assert "Theirs" not in body
        assert "Over" not in body

    def test_auditor_finds_the_history_of_an_open_conference(
        self, auditor: User, signed_in: SignedIn
    ) -> None:
        conference = ConferenceFactory()
        body = signed_in(auditor).get("/").content.decode()
        assert f'href="/history/conferences/{conference.pk}/"' in body

    def test_open_conference_tells_how_many_have_come(self, organizer: User, signed_in: SignedIn) -> None:
        conference = ConferenceFactory(owner=organizer)
        invitation = SentInvitationFactory(conference=conference)
        member = MemberFactory(conference=conference)
        for person in (member, None):
            invitee = InviteeFactory(invitation=invitation, state=InviteeState.INVITED)
            AttemptFactory(invitation=invitation, sent_to=[invitee])
            invitee.member = person
            invitee.save(update_fields=["member"])
        client = signed_in(organizer)
        assert "2 invited" in text(client.get("/").content.decode())
        Observation.objects.create(conference=conference, read_at=timezone.now())
        assert "1 of 2 joined · just now" in text(client.get("/").content.decode())

    @pytest.mark.parametrize("rows", [1, 50])
    def test_number_of_queries_does_not_grow(
        self,
        organizer: User,
        signed_in: SignedIn,
        rows: int,
        alive_worker: Worker,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        for conference in ConferenceFactory.create_batch(rows, owner=organizer):
            called(conference, AttemptState.FAILED)
        client = signed_in(organizer)
        # session, user, the banner's worker; own conferences and shared ones; those of late, counts by day and by code,
        # slowest and their calls, turnouts; open ones, their people; worker, tasks, people due, quota, apps, throttles,
        # calls that are unknown, and imports
        with django_assert_num_queries(21):
            client.get("/")


class TestFigures:
    """Today and the last 30 days."""

    def test_numbers_of_today_and_of_thirty_days(self, auditor: User, signed_in: SignedIn) -> None:
        conference = ConferenceFactory()
        called(conference)
        called(conference, AttemptState.FAILED)
        called(conference, started_at=timezone.now() - timedelta(days=20))
        called(conference, started_at=timezone.now() - timedelta(days=60))
        Turnout.objects.filter(conference=conference).update(observed=8, joined=5)
        body = text(signed_in(auditor).get("/").content.decode())
        assert "Invitations 4 today 4 in 30 days" in body
        assert "People invited 2 today 4 in 30 days" in body
        assert "Calls that succeeded 50% of 2 today 66% of 3 in 30 days" in body
        assert "Joined, of those observed 62% of 8 today 62% of 8 in 30 days" in body

    def test_organizer_sees_those_of_own_conferences_alone(
        self, organizer: User, signed_in: SignedIn
    ) -> None:
        called(ConferenceFactory(owner=organizer))
        called(ConferenceFactory(), AttemptState.FAILED, error_code="confClosed")
        body = signed_in(organizer).get("/").content.decode()
        assert "Calls that succeeded 100% of 1 today" in text(body)
        assert "confClosed" not in body

    def test_counts_stay_when_the_attempt_is_gone(self, auditor: User, signed_in: SignedIn) -> None:
        called(ConferenceFactory())
        AppCount.objects.update(slowest_attempt=10**9)
        assert "Removed from the history" in signed_in(auditor).get("/").content.decode()

    def test_code_leads_to_what_it_means_and_to_its_calls(self, auditor: User, signed_in: SignedIn) -> None:
        called(ConferenceFactory(), AttemptState.FAILED, error_code="confClosed")
        body = signed_in(auditor).get("/").content.decode()
        assert 'href="/codes/#confClosed"' in body
        assert 'href="/history/?code=confClosed&amp;period=month"' in body

    def test_days_are_a_table_too(self, auditor: User, signed_in: SignedIn) -> None:
        called(ConferenceFactory())
        body = signed_in(auditor).get("/").content.decode()
        table = body[body.index("<tbody>") : body.index("</tbody>")]
        assert table.count("<tr>") == 30
        assert body.count("<svg class=") > 1
        assert 'role="img" aria-label="A column for the people of each day' in body


class TestAttention:
    """What needs attention."""

    def test_nothing_does(self, auditor: User, signed_in: SignedIn, alive_worker: Worker) -> None:
        assert "Nothing needs attention" in signed_in(auditor).get("/").content.decode()

    def test_link_to_settings_is_for_administrators(
        self, administrator: User, organizer: User, signed_in: SignedIn
    ) -> None:
        bodies = [signed_in(user).get("/").content.decode() for user in (administrator, organizer)]
        assert all("No worker runs, so nobody is called." in body for body in bodies)
        assert ['id="home_alarm_1" href="/settings/about/"' in body for body in bodies] == [True, False]

    def test_unknown_call_leads_to_the_history(
        self, organizer: User, signed_in: SignedIn, alive_worker: Worker
    ) -> None:
        called(ConferenceFactory(owner=organizer), AttemptState.UNKNOWN, error_code="readTimeout")
        called(ConferenceFactory(), AttemptState.UNKNOWN, error_code="readTimeout")
        body = signed_in(organizer).get("/").content.decode()
        assert "1 call of the last 7 days ended without an answer." in text(body)
        assert "Whose move it is: You" in text(body)
        assert 'href="/history/?outcome=unknown"' in body

    def test_day_that_is_not_sealed_leads_to_the_seals(
        self, auditor: User, signed_in: SignedIn, alive_worker: Worker
    ) -> None:
        day = clock.today() - timedelta(days=3)
        AppCount.objects.create(app=AppFactory(), day=day, state="succeeded", attempts=1)
        assert 'href="/history/seals/">Seals</a>' in signed_in(auditor).get("/").content.decode()


class TestRefresh:
    """How an open page learns what is new."""

    def asks(self, body: str) -> str:
        found = LIVE.search(body)
        assert found
        return found[1]

    def test_nothing_is_sent_while_nothing_is_new(
        self, organizer: User, signed_in: SignedIn, alive_worker: Worker
    ) -> None:
        client = signed_in(organizer)
        called(ConferenceFactory(owner=organizer))
        address = self.asks(client.get("/").content.decode())
        response = client.get(address, headers=htmx("home_live"))
        assert (response.status_code, response.content) == (204, b"")

    def test_parts_that_differ_are_sent_alone(
        self, organizer: User, signed_in: SignedIn, alive_worker: Worker
    ) -> None:
        client = signed_in(organizer)
        conference = ConferenceFactory(owner=organizer)
        address = self.asks(client.get("/").content.decode())
        called(conference)
        body = client.get(address, headers=htmx("home_live")).content.decode()
        assert set(re.findall(r'id="(home_\w+)"[^>]*hx-swap-oob', body)) == {
            "home_figures",
            "home_people",
            "home_days",
            "home_slowest",
        }
        assert "<html" not in body
        assert client.get(self.asks(body), headers=htmx("home_live")).status_code == 204

    def test_nonsense_is_answered_with_everything(self, organizer: User, signed_in: SignedIn) -> None:
        body = signed_in(organizer).get("/live/?seen=x", headers=htmx("home_live")).content.decode()
        assert body.count("hx-swap-oob") == 9

    def test_address_is_no_page_of_its_own(self, organizer: User, signed_in: SignedIn) -> None:
        assert signed_in(organizer).get("/live/")["Location"] == "/"

    def test_anonymous_visitor_is_asked_to_sign_in(self, db: None) -> None:
        assert Client().get("/live/").status_code == 302

    def test_it_takes_no_posts(self, organizer: User, signed_in: SignedIn) -> None:
        assert signed_in(organizer).post("/live/").status_code == 405


def test_app_without_a_limit_says_so(auditor: User, signed_in: SignedIn) -> None:
    AppFactory(name="Free", monthly_quota=0)
    assert App.objects.count() == 1
    assert "Free 0 calls, without a limit" in text(signed_in(auditor).get("/").content.decode())
