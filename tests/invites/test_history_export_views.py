"""Files of the history: who may have which, what is on record of them, and how far one has got."""

import io
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import urlencode

import pytest
import time_machine
from django.http import QueryDict, StreamingHttpResponse
from django.test import Client
from django.utils import timezone
from openpyxl import load_workbook
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains, assertNotContains, assertRedirects

from invites.extracting import MOST_AT_ONCE
from invites.models import Attempt, AuditEntry, Conference, HistoryExport, SavedFilter, User
from invites.models.history_export import PAGE_SIZE, ExportFormat, ExportRows, ExportState
from invites.models.invitee import Channel, InviteeState
from tests.conftest import SignedIn, htmx
from tests.factories import (
    AttemptFactory,
    ConferenceFactory,
    InviteeFactory,
    SentInvitationFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

LIST = "/history/exports/"
CHOICE = {"rows_are": "people", "file_format": "csv", "time_zone": "UTC"}


def page_of(export: HistoryExport) -> str:
    return f"{LIST}{export.pk}/"


def ordered(client: Client, query: str = "", **choice: str) -> HistoryExport:
    """What a press of the button puts on record."""
    response = client.post(f"{LIST}?{query}", CHOICE | choice)
    export = HistoryExport.objects.latest("pk")
    assertRedirects(response, page_of(export))
    return export


def fetch(client: Client, export: HistoryExport) -> StreamingHttpResponse:
    response: StreamingHttpResponse = client.get(f"{page_of(export)}file/")  # type: ignore[assignment]
    assert response.status_code == HTTPStatus.OK
    return response


def lines(client: Client, export: HistoryExport) -> list[str]:
    """The lines of a CSV file without its headings."""
    return fetch(client, export).getvalue().decode().splitlines()[1:]


def under_way(user: User) -> HistoryExport:
    """An export that somebody is fetching."""
    now = timezone.now()
    return HistoryExport.objects.create(
        user=user, file_format="csv", time_zone="UTC", state=ExportState.STARTED, begun_at=now, noted_at=now
    )


def call(conference: Conference, *, at_phone: bool = False, **facts: object) -> Attempt:
    """An attempt at one person."""
    how = {"channel": Channel.PHONE, "value": "+8613812345678"} if at_phone else {}
    invitation = SentInvitationFactory(conference=conference)
    person = InviteeFactory(invitation=invitation, state=InviteeState.INVITED, **how)
    return AttemptFactory(invitation=invitation, sent_to=[person], **facts)


@pytest.fixture
def conference(organizer: User) -> Conference:
    return ConferenceFactory(owner=organizer, title="Planning of the harvest")


class TestOrdering:
    """The page on which a file is ordered."""

    def test_it_is_reached_from_the_history_with_its_filters(
        self, organizer: User, conference: Conference, signed_in: SignedIn
    ) -> None:
        call(conference)
        page = signed_in(organizer).get(f"/history/?conference={conference.pk}")
        assertContains(page, f'href="{LIST}?conference={conference.pk}"')

    def test_press_puts_it_on_record_with_filters_and_choices(
        self, organizer: User, conference: Conference, signed_in: SignedIn
    ) -> None:
        export = ordered(
            signed_in(organizer),
            f"conference={conference.pk}&outcome=",
            rows_are="calls",
            file_format="jsonl",
            time_zone="Asia/Shanghai",
        )
        assert export.user == organizer
        assert export.query == f"conference={conference.pk}"
        assert (export.rows_are, export.file_format) == (ExportRows.CALLS, ExportFormat.JSONL)
        assert export.time_zone == "Asia/Shanghai"
        assert export.state == ExportState.WAITING
        assert AuditEntry.objects.filter(object_pk=str(export.pk), actor=organizer).exists()

    def test_longest_filters_are_kept_whole(self, auditor: User, signed_in: SignedIn) -> None:
        most = {"q": 100, "person": 100, "code": 128, "text": 200, "request": 128}
        filters = {name: "🦊" * length for name, length in most.items()}
        client = signed_in(auditor)
        export = ordered(client, urlencode(filters | {"since": "2026-01-01T00:00", "outcome": "succeeded"}))
        export.refresh_from_db()
        assert {name: QueryDict(export.query)[name] for name in filters} == filters
        client.post(f"/history/filters/new/?{export.query}", {"name": "Foxes"})
        assert QueryDict(SavedFilter.objects.get().query)["text"] == filters["text"]

    @time_machine.travel("2026-11-29T12:00:00+08:00", tick=False)
    def test_today_stays_the_day_on_which_it_was_ordered(
        self, organizer: User, conference: Conference, signed_in: SignedIn
    ) -> None:
        today = call(conference)
        call(conference, started_at=timezone.now() - timedelta(days=1))
        client = signed_in(organizer)
        export = ordered(client, "period=today")
        with time_machine.travel("2026-11-30T11:00:00+08:00"):
            client.force_login(organizer)
            (line,) = lines(client, export)
        assert line.startswith(f"{today.pk},")

    @pytest.mark.parametrize("wrong", ["rows_are", "file_format", "time_zone"])
    def test_wrong_choice_is_told_at_its_field_and_the_others_stay(
        self, wrong: str, organizer: User, signed_in: SignedIn
    ) -> None:
        response = signed_in(organizer).post(LIST, CHOICE | {"rows_are": "calls", wrong: "nonsense"})
        assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        form = response.context["form"]
        assert list(form.errors) == [wrong]
        if wrong != "rows_are":
            assert form["rows_are"].value() == "calls"
            assertContains(response, 'id="id_rows_are_1" checked', status_code=response.status_code)
        assert not HistoryExport.objects.exists()

    def test_wrong_filters_are_told_by_the_history(self, organizer: User, signed_in: SignedIn) -> None:
        response = signed_in(organizer).get(f"{LIST}?conference=999")
        assert response["Location"] == "/history/?conference=999"

    def test_time_zone_of_the_viewer_is_offered_with_utc(self, organizer: User, signed_in: SignedIn) -> None:
        client = signed_in(organizer)
        client.cookies["timezone"] = "Europe/Berlin"
        page = client.get(LIST)
        assertContains(page, 'value="Europe/Berlin"')
        assertContains(page, 'value="UTC"')
        assertNotContains(page, "Asia/Shanghai")

    def test_anonymous_visitor_is_sent_to_sign_in(self, client: Client) -> None:
        assert client.get(LIST)["Location"] == f"/sign-in/?next={LIST}"
        assert client.post(LIST, CHOICE).status_code == HTTPStatus.FOUND
        assert not HistoryExport.objects.exists()


class TestExportsOnRecord:
    """The list beneath."""

    def test_empty_list_says_what_belongs_there(self, organizer: User, signed_in: SignedIn) -> None:
        assertContains(signed_in(organizer).get(LIST), "Nothing has been exported yet")

    def test_organizer_sees_their_own_and_auditor_everybodys(
        self, organizer: User, other_organizer: User, auditor: User, signed_in: SignedIn
    ) -> None:
        own, other = under_way(organizer), under_way(other_organizer)
        assert list(signed_in(organizer).get(LIST).context["exports"]) == [own]
        assert list(signed_in(auditor).get(LIST).context["exports"]) == [other, own]
        assert signed_in(organizer).get(page_of(other)).status_code == HTTPStatus.NOT_FOUND
        assert signed_in(auditor).get(page_of(own)).status_code == HTTPStatus.OK

    def test_older_ones_come_as_a_fragment(self, organizer: User, signed_in: SignedIn) -> None:
        exports = HistoryExport.objects.bulk_create(
            HistoryExport(user=organizer, file_format="csv", time_zone="UTC") for _ in range(PAGE_SIZE + 1)
        )
        client = signed_in(organizer)
        cursor = client.get(LIST).context["next_cursor"]
        more = client.get(f"{LIST}?before={cursor}", headers=htmx("more_exports"))
        assert list(more.context["exports"]) == [exports[0]]
        assertNotContains(more, "<html")
        assertContains(client.get(f"{LIST}?before={cursor}", headers=htmx("unknown")), "<html")

    def test_older_ones_leave_the_filters_as_they_are(self, organizer: User, signed_in: SignedIn) -> None:
        HistoryExport.objects.bulk_create(
            HistoryExport(user=organizer, file_format="csv", time_zone="UTC") for _ in range(PAGE_SIZE + 1)
        )
        client = signed_in(organizer)
        page = client.get(f"{LIST}?outcome=failed")
        older = f"{LIST}?outcome=failed&before={page.context['next_cursor']}"
        assertContains(page, f'href="{older}"'.replace("&", "&amp;"))
        assertContains(client.get(older), f'action="{LIST}?outcome=failed"')

    @pytest.mark.parametrize("count", [1, 20])
    def test_number_of_queries_does_not_grow_with_rows(
        self,
        count: int,
        administrator: User,
        signed_in: SignedIn,
        django_assert_max_num_queries: DjangoAssertNumQueries,
    ) -> None:
        for user in UserFactory.create_batch(count):
            under_way(user)
        client = signed_in(administrator)
        with django_assert_max_num_queries(9):
            client.get(LIST)


class TestFetching:
    """The file, and what becomes of its record."""

    def test_file_holds_what_the_filters_leave(
        self, organizer: User, conference: Conference, signed_in: SignedIn
    ) -> None:
        kept = call(conference)
        call(ConferenceFactory(owner=organizer))
        client = signed_in(organizer)
        (line,) = lines(client, ordered(client, f"conference={conference.pk}"))
        assert line.startswith(f"{kept.pk},")

    def test_whole_history_is_that_which_somebody_may_read(
        self, organizer: User, auditor: User, conference: Conference, signed_in: SignedIn
    ) -> None:
        own, other = call(conference), call(ConferenceFactory())
        client = signed_in(organizer)
        assert [line.split(",")[0] for line in lines(client, ordered(client))] == [str(own.pk)]
        client = signed_in(auditor)
        assert [line.split(",")[0] for line in lines(client, ordered(client))] == [str(other.pk), str(own.pk)]

    def test_record_tells_that_it_was_fetched_whole(
        self, organizer: User, conference: Conference, signed_in: SignedIn
    ) -> None:
        call(conference)
        call(conference)
        client = signed_in(organizer)
        export = ordered(client)
        response = fetch(client, export)
        export.refresh_from_db()
        assert export.state == ExportState.STARTED
        response.getvalue()
        export.refresh_from_db()
        assert (export.state, export.rows) == (ExportState.FINISHED, 2)
        assert export.finished_at is not None
        assertContains(client.get(page_of(export)), "2 rows")

    def test_somebody_who_goes_away_breaks_it_off(
        self, organizer: User, conference: Conference, signed_in: SignedIn
    ) -> None:
        call(conference)
        client = signed_in(organizer)
        export = ordered(client)
        response = fetch(client, export)
        assert next(iter(response))
        # As a server does it when it finds that nobody listens any more.
        response._iterator.close()  # type: ignore[attr-defined]
        export.refresh_from_db()
        assert export.state == ExportState.BROKEN_OFF
        assertContains(client.get(page_of(export)), "the file is not whole")

    def test_it_is_fetched_once(self, organizer: User, conference: Conference, signed_in: SignedIn) -> None:
        client = signed_in(organizer)
        export = ordered(client)
        fetch(client, export).getvalue()
        again = client.get(f"{page_of(export)}file/")
        assertContains(again, "has been fetched already", status_code=HTTPStatus.CONFLICT)
        assertContains(client.get(page_of(export)), "Export again")

    def test_it_is_kept_for_a_day(self, organizer: User, signed_in: SignedIn) -> None:
        client = signed_in(organizer)
        export = ordered(client)
        with time_machine.travel(timezone.now() + timedelta(days=1, minutes=1)):
            client.force_login(organizer)
            response = client.get(f"{page_of(export)}file/")
            assert response.status_code == HTTPStatus.CONFLICT
            assertContains(client.get(page_of(export)), "not fetched within a day")

    def test_one_person_fetches_one_file_at_a_time(self, organizer: User, signed_in: SignedIn) -> None:
        running = under_way(organizer)
        client = signed_in(organizer)
        export = ordered(client)
        refused = client.get(f"{page_of(export)}file/")
        assertContains(refused, "Another file of yours", status_code=HTTPStatus.CONFLICT)
        # Its process died without a word.
        HistoryExport.objects.filter(pk=running.pk).update(noted_at=timezone.now() - timedelta(minutes=3))
        fetch(client, export).getvalue()
        running.refresh_from_db()
        assert running.state == ExportState.BROKEN_OFF

    def test_few_people_fetch_files_at_once(self, organizer: User, signed_in: SignedIn) -> None:
        for user in UserFactory.create_batch(MOST_AT_ONCE):
            under_way(user)
        client = signed_in(organizer)
        export = ordered(client)
        refused = client.get(f"{page_of(export)}file/")
        assertContains(refused, "Several people are fetching files", status_code=HTTPStatus.CONFLICT)

    def test_nobody_fetches_what_somebody_else_ordered(
        self, organizer: User, administrator: User, signed_in: SignedIn
    ) -> None:
        export = ordered(signed_in(organizer))
        assert signed_in(administrator).get(f"{page_of(export)}file/").status_code == HTTPStatus.NOT_FOUND

    def test_what_it_was_narrowed_to_may_be_gone(
        self, organizer: User, conference: Conference, signed_in: SignedIn
    ) -> None:
        client = signed_in(organizer)
        export = ordered(client, f"conference={conference.pk}")
        Conference.objects.filter(pk=conference.pk).update(owner=UserFactory())
        response = client.get(f"{page_of(export)}file/")
        assertContains(response, "not there any more", status_code=HTTPStatus.CONFLICT)

    def test_looking_whether_it_is_there_does_not_fetch_it(
        self, organizer: User, signed_in: SignedIn
    ) -> None:
        client = signed_in(organizer)
        export = ordered(client)
        assert client.head(f"{page_of(export)}file/").status_code == HTTPStatus.METHOD_NOT_ALLOWED
        export.refresh_from_db()
        assert export.state == ExportState.WAITING

    def test_file_has_a_name_and_is_not_squeezed(self, organizer: User, signed_in: SignedIn) -> None:
        client = signed_in(organizer)
        export = ordered(client, file_format="xlsx")
        response = client.get(f"{page_of(export)}file/", headers={"Accept-Encoding": "gzip"})
        assert response["Content-Disposition"].startswith("attachment; filename=")
        assert response["Content-Disposition"].endswith(f'{export.pk}.xlsx"')
        book = load_workbook(io.BytesIO(response.getvalue()))
        assert [cell.value for cell in book.worksheets[0][1]][:2] == ["Attempt", "Started at"]


class TestProgress:
    """The page of one file, as it asks for itself."""

    def test_nothing_is_sent_while_nothing_has_changed(self, organizer: User, signed_in: SignedIn) -> None:
        client = signed_in(organizer)
        export = ordered(client)
        page = client.get(page_of(export))
        assertContains(page, f'hx-get="{page_of(export)}?seen=waiting.0"')
        asks = {"seen": "waiting.0"}
        same = client.get(page_of(export), asks, headers=htmx("history_export"))
        assert same.status_code == HTTPStatus.NO_CONTENT
        HistoryExport.objects.filter(pk=export.pk).update(
            state=ExportState.STARTED, begun_at=timezone.now(), noted_at=timezone.now(), rows=1234
        )
        other = client.get(page_of(export), asks, headers=htmx("history_export"))
        assertContains(other, "1,234 rows")
        assertContains(other, "<progress")
        assertNotContains(other, "<html")

    def test_page_says_how_far_back_it_has_got(
        self, organizer: User, conference: Conference, signed_in: SignedIn
    ) -> None:
        now = timezone.now()
        call(conference, started_at=now - timedelta(days=10))
        export = under_way(organizer)
        HistoryExport.objects.filter(pk=export.pk).update(reached=now - timedelta(days=4), rows=5)
        assert signed_in(organizer).get(page_of(export)).context["percent"] == 40

    def test_page_stops_asking_when_it_is_over(self, organizer: User, signed_in: SignedIn) -> None:
        client = signed_in(organizer)
        export = ordered(client)
        fetch(client, export).getvalue()
        over = client.get(page_of(export), {"seen": "started.0"}, headers=htmx("history_export"))
        assertNotContains(over, "hx-trigger")
        assertContains(over, "Finished")
