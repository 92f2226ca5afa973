"""The filters of the history in the address: what each finds, how they are taken off, counted and kept."""

import zoneinfo
from datetime import datetime, timedelta
from http import HTTPStatus

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from invites.models import Attempt, SavedFilter, User
from invites.models.attempt import AttemptState
from invites.models.invitee import Channel
from tests.conftest import SignedIn, htmx
from tests.factories import (
    AppFactory,
    AttemptFactory,
    ConferenceFactory,
    InviteeFactory,
    SentInvitationFactory,
    UserFactory,
)

LIST, COUNTS, NEW = "/history/", "/history/counts/", "/history/filters/new/"
SHANGHAI = zoneinfo.ZoneInfo("Asia/Shanghai")
TOKYO = zoneinfo.ZoneInfo("Asia/Tokyo")


def shown(client: Client, query: str) -> list[int]:
    """The attempts in the list at an address, in their order."""
    response = client.get(f"{LIST}?{query}")
    assert response.status_code == HTTPStatus.OK
    return [attempt.pk for attempt in response.context["attempts"]]


def failed(**facts: object) -> Attempt:
    return AttemptFactory(
        **{"state": AttemptState.FAILED, "error_code": "confClosed", "http_status": 400} | facts
    )


@pytest.fixture
def client(auditor: User, signed_in: SignedIn) -> Client:
    return signed_in(auditor)


class TestWhatEachFinds:
    def test_organizer_and_command_line(self, client: Client) -> None:
        ordered = AttemptFactory()
        by_command = AttemptFactory(invitation__sent_by=None)
        assert shown(client, f"organizer={ordered.organizer_id}") == [ordered.pk]
        assert shown(client, "organizer=0") == [by_command.pk]

    def test_app(self, client: Client) -> None:
        wanted, _other = AttemptFactory.create_batch(2)
        assert shown(client, f"app={wanted.app_id}") == [wanted.pk]

    def test_channel_finds_those_with_both_as_well(self, client: Client) -> None:
        invitation = SentInvitationFactory()
        by_phone = InviteeFactory(invitation=invitation, channel=Channel.PHONE, value="+8613812345678")
        in_app = InviteeFactory(invitation=invitation)
        phone = AttemptFactory(invitation=invitation, sent_to=[by_phone])
        both = AttemptFactory(invitation=invitation, sent_to=[in_app, by_phone])
        app = AttemptFactory(invitation=invitation, sent_to=[in_app])
        assert shown(client, "channel=phone") == [both.pk, phone.pk]
        assert shown(client, "channel=union_id") == [app.pk, both.pk]

    @pytest.mark.parametrize("text", ["张三", "zhangsan", "zs", "三", "union-of-zhang", "of-zh"])
    def test_person_by_name_pinyin_initials_and_union_id(self, text: str, client: Client) -> None:
        invitation = SentInvitationFactory()
        zhang = InviteeFactory(invitation=invitation, nick="张三", value="union-of-zhang")
        wanted = AttemptFactory(invitation=invitation, sent_to=[zhang])
        AttemptFactory(sent_to=[InviteeFactory()])
        assert shown(client, f"person={text}") == [wanted.pk]

    def test_text_of_the_message_whatever_its_capitals(self, client: Client) -> None:
        wanted = failed(error_message="The Conference is over")
        failed(error_message="gateway")
        assert shown(client, "text=conference IS") == [wanted.pk]
        assert shown(client, "text=is") == [wanted.pk]

    def test_request_id_of_dingtalk_and_of_ours(self, client: Client) -> None:
        theirs, ours = AttemptFactory(request_id="REQ-1"), AttemptFactory(trace_id="trace-1")
        assert shown(client, "request=REQ-1") == [theirs.pk]
        assert shown(client, "request=trace-1") == [ours.pk]
        assert shown(client, "request=REQ") == []

    def test_organizer_finds_nobody_who_shares_nothing_with_them(
        self, organizer: User, signed_in: SignedIn
    ) -> None:
        stranger, colleague = UserFactory(), UserFactory()
        ConferenceFactory(owner=colleague).co_organizers.add(organizer)
        client = signed_in(organizer)
        assert client.get(f"{LIST}?organizer={stranger.pk}").status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        page = client.get(f"{LIST}?organizer={colleague.pk}")
        assert page.status_code == HTTPStatus.OK
        assert f'value="{stranger.pk}"' not in page.content.decode()


class TestTime:
    def test_bounds_are_meant_to_the_minute_in_the_zone_of_the_viewer(self, client: Client) -> None:
        begin = datetime(2026, 3, 1, 10, 30, 59, tzinfo=TOKYO)
        wanted = AttemptFactory(started_at=begin)
        AttemptFactory(started_at=begin + timedelta(seconds=1))
        client.cookies["timezone"] = "Asia/Tokyo"
        query = "since=2026-03-01T10:30&until=2026-03-01T10:30"
        assert shown(client, query) == [wanted.pk]
        client.cookies["timezone"] = "Asia/Shanghai"
        assert shown(client, query) == []

    def test_address_means_the_same_to_a_colleague_in_another_zone(self, client: Client) -> None:
        wanted = AttemptFactory(started_at=datetime(2026, 3, 1, 10, 30, tzinfo=TOKYO))
        client.cookies["timezone"] = "Asia/Tokyo"
        response = client.get(f"{LIST}?until=2026-03-01T10:30", headers=htmx("attempts"))
        address = response["HX-Replace-Url"]
        assert address == f"{LIST}?until=2026-03-01T10%3A30%2B09%3A00"
        client.cookies["timezone"] = "Asia/Shanghai"
        page = client.get(f"{address}&more=on")
        assert [row.pk for row in page.context["attempts"]] == [wanted.pk]
        assert 'value="2026-03-01T09:30"' in page.content.decode()

    def test_usual_stretches_are_days_of_the_viewer(self, client: Client) -> None:
        client.cookies["timezone"] = "Asia/Tokyo"
        midnight = timezone.now().astimezone(TOKYO).replace(hour=0, minute=0, second=0, microsecond=0)
        today, yesterday, old = (
            AttemptFactory(started_at=midnight + timedelta(hours=hours)).pk for hours in (0, -1, -24 * 40)
        )
        assert shown(client, "period=today") == [today]
        assert shown(client, "period=yesterday") == [yesterday]
        assert shown(client, "period=week") == [today, yesterday]
        assert shown(client, "period=month") == [today, yesterday]
        assert shown(client, "") == [today, yesterday, old]

    @pytest.mark.parametrize(
        "query", ["since=x", "period=eternity", "since=2026-03-02T00:00&until=2026-03-01T00:00"]
    )
    def test_time_that_cannot_be_is_said_at_its_field(self, query: str, client: Client) -> None:
        response = client.get(f"{LIST}?{query}")
        assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert response.context["form"].errors


class TestChips:
    def test_each_filter_that_is_set_can_be_taken_off(self, client: Client) -> None:
        wanted = failed(conference__title="x", invitation__conference__title="Harvest")
        query = f"conference={wanted.conference_id}&outcome=failed&code=confClosed"
        page = client.get(f"{LIST}?{query}").content.decode()
        assert "3 filters" in page
        assert f'href="{LIST}?outcome=failed&amp;conference={wanted.conference_id}"' in page
        assert f'href="{LIST}?outcome=failed&amp;code=confClosed"' in page
        assert page.count("Remove this filter") == 3

    def test_filters_that_are_hidden_are_counted_and_shown(self, client: Client) -> None:
        AttemptFactory()
        assert "<details" in client.get(LIST).content.decode()
        assert client.get(f"{LIST}?channel=phone&request=x").context["form"].more_set == 2

    def test_folded_filters_come_where_they_are_asked_for(self, client: Client) -> None:
        AttemptFactory()
        folded = client.get(f"{LIST}?channel=phone").content.decode()
        assert '<input type="hidden" name="channel" value="phone">' in folded
        assert 'name="request"' not in folded
        assert f'href="{LIST}?more=on&amp;channel=phone"' in folded
        unfolded = client.get(f"{LIST}?more=on&channel=phone").content.decode()
        assert '<option value="phone" selected>' in unfolded
        assert 'name="request"' in unfolded

    def test_folded_filters_come_without_the_calls(
        self, client: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        conference = AttemptFactory().conference
        query = f"{LIST}?more=on&channel=phone&conference={conference.pk}"
        # Session, user; the conference that is set, conferences, organizers and apps to choose from; days that were
        # removed.
        with django_assert_num_queries(7):
            page = client.get(query, headers=htmx("more_filters")).content.decode()
        assert page.lstrip().startswith('<div id="more_filters"')
        assert '<option value="phone" selected>' in page
        assert f'<option value="{conference.pk}" selected>' in page
        assert 'id="attempts"' not in page

    def test_folded_filters_unfold_where_one_of_them_is_wrong(self, client: Client) -> None:
        assert 'name="request"' in client.get(f"{LIST}?app=x").content.decode()


class TestWhatStandsOutsideOfTheList:
    def test_fragment_brings_the_ways_to_export_and_to_the_changes_along(self, client: Client) -> None:
        page = client.get(f"{LIST}?request=x&outcome=failed", headers=htmx("attempts")).content.decode()
        assert 'href="/history/exports/?outcome=failed&amp;request=x"' in page
        assert 'href="/history/changes/?request=x"' in page
        assert page.count("hx-swap-oob") == 2

    def test_list_that_asks_for_itself_leaves_them_alone(self, client: Client) -> None:
        headers = htmx("attempts") | {"HX-Trigger": "attempts"}
        assert "hx-swap-oob" not in client.get(f"{LIST}?outcome=failed", headers=headers).content.decode()

    def test_whole_page_has_them_once(self, client: Client) -> None:
        page = client.get(f"{LIST}?outcome=failed", headers=htmx("content")).content.decode()
        assert page.count('id="history-export"') == 1
        assert "hx-swap-oob" not in page


class TestCounts:
    def test_they_lead_on_to_each_outcome_and_code(self, client: Client) -> None:
        AttemptFactory.create_batch(2)
        failed(error_code="http_404")
        response = client.get(COUNTS, headers=htmx("tally"))
        page = response.content.decode()
        assert page.lstrip().startswith('<div id="tally"')
        assert "3 calls" in page
        assert f'href="{LIST}?outcome=succeeded"' in page
        assert f'href="{LIST}?code=http_404"' in page

    @pytest.mark.parametrize(
        "query", ["", "outcome=failed", "code=http_", "code=confClosed", "channel=union_id"]
    )
    def test_kept_counts_and_counting_agree(
        self, query: str, client: Client, organizer: User, signed_in: SignedIn
    ) -> None:
        for conference in ConferenceFactory.create_batch(2, owner=organizer):
            invitation = SentInvitationFactory(conference=conference)
            AttemptFactory(invitation=invitation)
            failed(invitation=invitation)
            failed(invitation=invitation, error_code="http_404")
        expected = len(shown(client, query))
        for viewer in (client, signed_in(organizer)):
            tally = viewer.get(f"{COUNTS}?{query}").context["tally"]
            assert (tally["total"], tally["is_exact"]) == (expected, True)

    def test_calls_under_way_count(self, client: Client) -> None:
        AttemptFactory(state=AttemptState.STARTED, finished_at=None)
        assert "1 call" in client.get(COUNTS).content.decode()

    def test_of_many_only_so_many_are_counted(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("invites.searching.tallies.COUNTED", 2)
        monkeypatch.setattr("invites.views.attempt.COUNTED", 2)
        AttemptFactory.create_batch(3)
        page = client.get(f"{COUNTS}?channel=union_id").content.decode()
        assert "More than 2 calls" in page
        assert "2+" in page

    def test_filters_that_cannot_be_lead_to_the_list_that_says_so(self, client: Client) -> None:
        assert client.get(f"{COUNTS}?outcome=x")["Location"] == f"{LIST}?outcome=x"

    def test_organizer_counts_no_calls_of_others(self, organizer: User, signed_in: SignedIn) -> None:
        foreign = AttemptFactory()
        page = signed_in(organizer).get(COUNTS).content.decode()
        assert "0 calls" in page
        answer = signed_in(organizer).get(f"{COUNTS}?conference={foreign.conference_id}")
        assert answer.status_code == HTTPStatus.FOUND

    def test_anonymous_visitor_is_sent_to_sign_in(self, db: None) -> None:
        assert Client().get(COUNTS).status_code == HTTPStatus.FOUND


class TestSavedFilters:
    def test_they_are_kept_under_a_name_and_offered_as_links(self, client: Client, auditor: User) -> None:
        form = client.get(f"{NEW}?outcome=failed")
        assert "Failed" in form.content.decode()
        response = client.post(f"{NEW}?outcome=failed", {"name": "What failed"})
        assert response["Location"] == f"{LIST}?outcome=failed"
        assert SavedFilter.objects.get().query == "outcome=failed"
        page = client.get(LIST).content.decode()
        assert f'href="{LIST}?outcome=failed"' in page
        assert "What failed" in page

    def test_same_name_is_taken_over(self, client: Client, auditor: User) -> None:
        for query in ("outcome=failed", "outcome=unknown"):
            client.post(f"{NEW}?{query}", {"name": "Mine"})
        assert [saved.query for saved in SavedFilter.objects.of(auditor)] == ["outcome=unknown"]

    @pytest.mark.parametrize("name", ["", " ", "x" * 81])
    def test_name_that_cannot_be_is_said_at_its_field(self, name: str, client: Client) -> None:
        response = client.post(f"{NEW}?outcome=failed", {"name": name})
        assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert response.context["form"].errors["name"]
        assert not SavedFilter.objects.exists()

    @pytest.mark.parametrize("query", ["", "outcome=x"])
    def test_nothing_to_keep_leads_back_to_the_list(self, query: str, client: Client) -> None:
        assert client.get(f"{NEW}?{query}")["Location"] == f"{LIST}?{query}"

    def test_forgetting_asks_once(self, client: Client, auditor: User) -> None:
        SavedFilter.objects.keep(auditor, name="Mine", query="outcome=failed")
        address = f"/history/filters/{SavedFilter.objects.get().pk}/delete/"
        assert "Forget" in client.get(address).content.decode()
        assert SavedFilter.objects.exists()
        assert client.post(address).status_code == HTTPStatus.FOUND
        assert not SavedFilter.objects.exists()

    def test_nobody_else_sees_or_forgets_them(
        self, client: Client, auditor: User, organizer: User, signed_in: SignedIn
    ) -> None:
        SavedFilter.objects.keep(auditor, name="Mine of all", query="outcome=failed")
        other = signed_in(organizer)
        assert "Mine of all" not in other.get(LIST).content.decode()
        address = f"/history/filters/{SavedFilter.objects.get().pk}/delete/"
        assert other.post(address).status_code == HTTPStatus.NOT_FOUND
        assert Client().post(address).status_code == HTTPStatus.FOUND
        assert SavedFilter.objects.exists()


class TestLongLists:
    @pytest.mark.parametrize("count", [1, 30])
    def test_fragment_costs_the_same_number_of_queries(
        self, count: int, client: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        invitation = SentInvitationFactory(conference__app=AppFactory())
        person = InviteeFactory(invitation=invitation)
        for _row in range(count):
            failed(invitation=invitation, sent_to=[person])
        # Session, user; candidates, attempts, their people; days that were removed.
        with django_assert_num_queries(6):
            client.get(f"{LIST}?outcome=failed", headers=htmx("attempts"))

    def test_search_that_stops_early_says_how_far_it_has_looked(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("invites.searching.pages._LOOKED_AT", 2)
        monkeypatch.setattr("invites.searching.drivers._FIRST", 2)
        invitation = SentInvitationFactory()
        wanted = AttemptFactory(invitation=invitation)
        for _row in range(3):
            failed(invitation=invitation)
        page = client.get(f"{LIST}?outcome=succeeded&conference={wanted.conference_id}")
        text = page.content.decode()
        assert "Searched as far as" in text
        assert "Nothing found so far" in text
        further = client.get(page.context["older"])
        assert [row.pk for row in further.context["attempts"]] == [wanted.pk]
