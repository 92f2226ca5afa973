"""The page of codes: what each means, and how often it came here lately."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains, assertNotContains

from invites.models import Attempt, Conference, User
from invites.models.attempt import AttemptState
from invites.models.invitee import InviteeState
from tests.conftest import SignedIn, htmx
from tests.factories import AttemptFactory, ConferenceFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def conference(organizer: User) -> Conference:
    return ConferenceFactory(owner=organizer)


def failed(conference: Conference, code: str, *, days_ago: int = 0) -> Attempt:
    attempt: Attempt = AttemptFactory(
        invitation__conference=conference,
        state=AttemptState.FAILED,
        error_code=code,
        people_state=InviteeState.FAILED,
        started_at=timezone.now() - timedelta(days=days_ago),
    )
    return attempt


class TestCodeList:
    def test_every_role_reads_every_code(self, auditor: User, signed_in: SignedIn) -> None:
        page = signed_in(auditor).get("/codes/").content.decode()
        for code in ("unknownUserError", "addressShutOut", "processDied", "http_404", "90018"):
            assert f'id="{code}"' in page
        assert "Whose move it is: An administrator" in page

    @pytest.mark.parametrize("text", ["confclosed", "conference has ENDED"])
    def test_filter_finds_codes_and_words(self, text: str, organizer: User, signed_in: SignedIn) -> None:
        page = signed_in(organizer).get(f"/codes/?q={text}").content.decode()
        assert 'id="confClosed"' in page
        assert 'id="paramsError"' not in page

    def test_status_that_is_not_listed_finds_its_kind(self, organizer: User, signed_in: SignedIn) -> None:
        page = signed_in(organizer).get("/codes/?q=http_418").content.decode()
        assert 'id="http_4xx"' in page

    def test_unknown_code_is_said_to_be_unknown(self, organizer: User, signed_in: SignedIn) -> None:
        page = signed_in(organizer).get("/codes/?q=brandNewError").content.decode()
        assert "We do not know such a code" in page

    def test_fragment_comes_alone(self, organizer: User, signed_in: SignedIn) -> None:
        response = signed_in(organizer).get("/codes/", headers=htmx("codes"))
        assert response.content.decode().lstrip().startswith('<div id="codes"')

    def test_anonymous_visitor_is_sent_to_sign_in(self, client: Client, db: None) -> None:
        assert client.get("/codes/").status_code == 302


class TestLately:
    def test_code_says_how_often_it_came_and_leads_to_these_calls(
        self, browser: Client, conference: Conference
    ) -> None:
        failed(conference, "confClosed")
        failed(conference, "confClosed", days_ago=3)
        page = browser.get("/codes/")
        assertContains(page, 'href="/history/?code=confClosed&amp;period=month"')
        assertContains(page, "2 calls")

    def test_what_is_older_than_thirty_days_does_not_count(
        self, browser: Client, conference: Conference
    ) -> None:
        failed(conference, "confClosed", days_ago=31)
        assertNotContains(browser.get("/codes/"), 'href="/history/?code=confClosed&amp;period=month"')

    def test_code_of_a_kind_stands_with_its_kind(self, browser: Client, conference: Conference) -> None:
        failed(conference, "http_418")
        page = browser.get("/codes/", {"q": "http_4xx"})
        assertContains(page, "http_418")

    def test_code_that_nobody_knows_is_listed(self, browser: Client, conference: Conference) -> None:
        failed(conference, "brand<New>Error")
        page = browser.get("/codes/")
        assertContains(page, "brand&lt;New&gt;Error")
        assertContains(page, "Came here, but nobody knows them")
        assertContains(page, "?code=brand%3CNew%3EError")
        found = browser.get("/codes/", {"q": "brand"})
        assertContains(found, "brand&lt;New&gt;Error")
        assertNotContains(found, "We do not know such a code")
        assertNotContains(browser.get("/codes/", {"q": "confClosed"}), "brand&lt;New&gt;Error")

    def test_organizer_sees_what_came_in_their_conferences(
        self, browser: Client, signed_in: SignedIn, auditor: User
    ) -> None:
        failed(ConferenceFactory(), "confClosed")
        assertNotContains(browser.get("/codes/"), "?code=confClosed")
        assertContains(signed_in(auditor).get("/codes/"), "?code=confClosed")

    def test_most_frequent_stand_first(self, browser: Client, conference: Conference) -> None:
        failed(conference, "systemError")
        for _number in range(2):
            failed(conference, "confClosed")
        page = browser.get("/codes/")
        assert [seen.code for seen in page.context["frequent"]] == ["confClosed", "systemError"]
        assert page.context["frequent"][0].attempts == 2

    @pytest.mark.parametrize("times", [1, 20])
    def test_number_of_queries_does_not_grow_with_codes(
        self,
        times: int,
        browser: Client,
        conference: Conference,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        for number in range(times):
            failed(conference, f"code{number}")
        # Session, user, own and shared conferences, the counts, and the banner's two.
        with django_assert_num_queries(7):
            browser.get("/codes/")


class TestLinks:
    """Wherever a code is shown, it leads to what it means."""

    def test_every_page_of_the_history_links_it(self, browser: Client, conference: Conference) -> None:
        attempt = failed(conference, "confClosed")
        for page in (
            f"/history/{attempt.pk}/",
            f"/history/conferences/{conference.pk}/",
            f"/history/organizers/{attempt.organizer_id}/",
            f"/invitations/{attempt.invitation_id}/",
            "/history/",
        ):
            assertContains(browser.get(page), 'href="/codes/#confClosed"')
