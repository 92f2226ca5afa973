"""The page of seals: what was sealed day by day, and whether it was found to be so."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from invites import removing, sealing
from invites.models import SealedDay, User, Verification
from tests.conftest import SignedIn, htmx
from tests.invites.sealed import make_day

PAGE = "/history/seals/"


def verified(**facts: object) -> Verification:
    return Verification.objects.create(started_at=timezone.now(), **facts)


class TestSealList:
    def test_each_day_stands_there_with_its_counts_digest_and_key(
        self, auditor: User, signed_in: SignedIn
    ) -> None:
        make_day(2)
        sealing.seal_due()
        page = signed_in(auditor).get(PAGE).content.decode()
        for day in SealedDay.objects.all():
            assert f'id="seal-{day.day}"' in page
            assert bytes(day.digest).hex() in page
            assert day.key_id[:8] in page

    def test_newest_day_stands_first(self, auditor: User, signed_in: SignedIn) -> None:
        make_day(3)
        sealing.seal_due()
        shown = [day.day for day, _rows in signed_in(auditor).get(PAGE).context["days"]]
        assert shown == sorted(shown, reverse=True)
        assert len(shown) == 3

    def test_older_days_are_a_page_further(
        self, auditor: User, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("invites.views.seal.DAYS_A_PAGE", 2)
        make_day(3)
        sealing.seal_due()
        client = signed_in(auditor)
        older = client.get(PAGE).context["older"]
        assert f'href="?before={older}"' in client.get(PAGE).content.decode()
        (only,) = client.get(f"{PAGE}?before={older}").context["days"]
        assert only[0].day == older - timedelta(days=1)

    def test_day_that_is_none_begins_at_the_newest(self, auditor: User, signed_in: SignedIn) -> None:
        make_day(1)
        sealing.seal_due()
        assert len(signed_in(auditor).get(f"{PAGE}?before=yesterday").context["days"]) == 1

    def test_removed_day_says_by_whom_and_why(self, administrator: User, signed_in: SignedIn) -> None:
        day = make_day(2).day
        sealing.seal_due()
        removing.order(day + timedelta(days=1), by=administrator, because="Two years are over")
        page = signed_in(administrator).get(PAGE).content.decode()
        assert "Two years are over" in page
        assert "Removed by" in page

    def test_key_that_is_not_set_up_is_told(
        self, auditor: User, signed_in: SignedIn, settings: Settings
    ) -> None:
        settings.HISTORY_KEYS = ["a" * 32]
        make_day(1)
        sealing.seal_due()
        client = signed_in(auditor)
        assert "not set up here" not in client.get(PAGE).content.decode()
        settings.HISTORY_KEYS = []
        assert "not set up here" in client.get(PAGE).content.decode()

    def test_nothing_sealed_says_when_it_will_be(self, auditor: User, signed_in: SignedIn) -> None:
        assert "No day has been sealed yet" in signed_in(auditor).get(PAGE).content.decode()

    def test_fragment_is_the_table_alone(self, auditor: User, signed_in: SignedIn) -> None:
        page = signed_in(auditor).get(PAGE, headers=htmx("seals")).content.decode()
        assert page.lstrip().startswith('<div id="seals"')
        assert "<html" not in page

    def test_unknown_target_gets_the_whole_page(self, auditor: User, signed_in: SignedIn) -> None:
        assert "<html" in signed_in(auditor).get(PAGE, headers=htmx("other")).content.decode()

    @pytest.mark.parametrize("days", [1, 20])
    def test_number_of_queries_does_not_grow_with_days(
        self,
        days: int,
        auditor: User,
        signed_in: SignedIn,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        make_day(days)
        sealing.seal_due(seconds=60)
        client = signed_in(auditor)
        # Session, user, days, their sections, the last verification, and the banner's two.
        with django_assert_num_queries(7):
            client.get(PAGE)

    def test_organizer_may_not_read_it(self, organizer: User, signed_in: SignedIn) -> None:
        assert signed_in(organizer).get(PAGE).status_code == 403

    def test_anonymous_visitor_is_sent_to_sign_in(self, client: Client, db: None) -> None:
        assert client.get(PAGE)["Location"] == f"/sign-in/?next={PAGE}"


class TestVerification:
    def test_history_that_nobody_has_checked_says_so(self, auditor: User, signed_in: SignedIn) -> None:
        page = signed_in(auditor).get(PAGE).content.decode()
        assert "Not verified yet" in page
        assert "verify_history" in page

    def test_history_that_fits_says_when_and_how_much_was_checked(
        self, auditor: User, signed_in: SignedIn
    ) -> None:
        verified(days=31, rows=12345)
        page = signed_in(auditor).get(PAGE).content.decode()
        assert "Everything is as it was sealed: 31 days, 12,345 rows." in page

    @pytest.mark.parametrize("problem", sealing.Problem)
    def test_what_does_not_fit_is_said_in_words(
        self, problem: sealing.Problem, auditor: User, signed_in: SignedIn
    ) -> None:
        verified(problem=problem, where="Attempt 17")
        response = signed_in(auditor).get(PAGE)
        assert response.context["problem"]
        assert "Attempt 17" in response.content.decode()
        assert "Something does not fit" in response.content.decode()
