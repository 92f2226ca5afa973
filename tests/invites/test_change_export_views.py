"""Files of changes on record: who may have one, and that it holds what the list shows."""

import csv
import io
import json
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
from django.http import StreamingHttpResponse
from django.test import Client
from django.utils import timezone, translation
from openpyxl import load_workbook
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains, assertRedirects

from invites import curating
from invites.extracting import reading
from invites.models import App, AuditEntry, Conference, Contact, HistoryExport, User
from invites.models.history_export import PAGE_SIZE, ExportRows, ExportState
from invites.models.user import Role
from tests.conftest import SignedIn, htmx
from tests.factories import AddressBookFactory, AppFactory, ConferenceFactory
from tests.keeping import tampering

ORDER = "/history/changes/export/"
CHOICE = {"file_format": "csv", "time_zone": "UTC"}
pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(auditor: User, signed_in: SignedIn) -> Client:
    return signed_in(auditor)


@pytest.fixture
def app() -> App:
    return AppFactory(name="Sales")


def ordered(client: Client, query: str = "", **choice: str) -> HistoryExport:
    """What a press of the button puts on record."""
    response = client.post(f"{ORDER}?{query}", CHOICE | choice)
    export = HistoryExport.objects.latest("pk")
    assertRedirects(response, f"/history/exports/{export.pk}/")
    return export


def fetched(client: Client, export: HistoryExport) -> bytes:
    response: StreamingHttpResponse = client.get(f"/history/exports/{export.pk}/file/")  # type: ignore[assignment]
    assert response.status_code == HTTPStatus.OK
    return response.getvalue()


def rows(client: Client, query: str = "", **choice: str) -> list[dict[str, Any]]:
    """The rows of a file of JSON Lines."""
    export = ordered(client, query, **({"file_format": "jsonl"} | choice))
    return [json.loads(line) for line in fetched(client, export).splitlines()]


class TestOrdering:
    def test_it_is_reached_from_the_changes_with_their_filters(self, reader: Client, app: App) -> None:
        assertContains(reader.get("/history/changes/?kind=app"), f'href="{ORDER}?kind=app"')
        fragment = reader.get("/history/changes/?kind=app", headers=htmx("entries"))
        assertContains(fragment, f'href="{ORDER}?kind=app"')

    def test_page_says_what_the_file_holds_and_leads_back(self, reader: Client) -> None:
        assertContains(reader.get(ORDER), "all changes on record")
        narrowed = reader.get(f"{ORDER}?kind=app")
        assertContains(narrowed, 'href="/history/changes/?kind=app"')
        assert "rows_are" not in narrowed.context["form"].fields

    def test_press_puts_it_on_record_with_its_filters(self, reader: Client, auditor: User) -> None:
        export = ordered(reader, "kind=app&person=", time_zone="Asia/Shanghai")
        assert (export.user, export.query, export.rows_are) == (auditor, "kind=app", ExportRows.CHANGES)
        assert AuditEntry.objects.filter(object_pk=str(export.pk), actor=auditor).exists()
        page = reader.get(f"/history/exports/{export.pk}/")
        assertContains(page, 'href="/history/changes/?kind=app"')
        assertContains(page, "A row for each change")

    def test_wrong_choice_is_told_at_its_field(self, reader: Client) -> None:
        response = reader.post(ORDER, CHOICE | {"file_format": "exe"})
        assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
        assert list(response.context["form"].errors) == ["file_format"]
        assert not HistoryExport.objects.exists()

    def test_wrong_filters_are_told_by_the_list(self, reader: Client) -> None:
        assert reader.get(f"{ORDER}?kind=fox")["Location"] == "/history/changes/?kind=fox"

    def test_way_to_older_exports_leaves_the_filters(self, reader: Client, auditor: User) -> None:
        for _each in range(PAGE_SIZE + 1):
            HistoryExport.objects.create(user=auditor, file_format="csv", time_zone="UTC")
        assertContains(reader.get(f"{ORDER}?kind=app"), f'href="{ORDER}?kind=app&amp;before=')

    def test_organizer_may_not(self, organizer: User, signed_in: SignedIn) -> None:
        client = signed_in(organizer)
        assert client.get(ORDER).status_code == HTTPStatus.FORBIDDEN
        assert client.post(ORDER, CHOICE).status_code == HTTPStatus.FORBIDDEN
        assert client.post("/history/exports/", CHOICE | {"rows_are": "changes"}).status_code == (
            HTTPStatus.UNPROCESSABLE_ENTITY
        )
        assert not HistoryExport.objects.exists()


class TestFile:
    def test_row_tells_who_did_what_to_what_before_and_after(
        self, reader: Client, app: App, administrator: User
    ) -> None:
        entry = AuditEntry.objects.log_create(
            app,
            force_log=True,
            object_repr="Sales",
            actor=administrator,
            action=AuditEntry.Action.UPDATE,
            changes={"batch_size": [100, 50]},
            cid="abc-1",
        )
        (row,) = rows(reader, "kind=app&action=1")
        assert row == {
            "change": entry.pk,
            "changedAt": entry.timestamp.isoformat(timespec="milliseconds"),
            "by": administrator.username,
            "happened": "changed",
            "what": "app",
            "key": app.pk,
            "name": "Sales",
            "told": f"{administrator.display_name} changed the DingTalk app “Sales”.",
            "differences": "People per call: 100 → 50",
            "traceId": "abc-1",
            "sealedWith": entry.day.isoformat(),
        }

    def test_headings_and_words_are_those_of_the_reader(self, reader: Client, app: App) -> None:
        reader.cookies["django_language"] = "zh-hans"
        text = fetched(reader, ordered(reader, "kind=app")).decode("utf-8-sig")
        with translation.override("en"):
            headings, row = csv.reader(io.StringIO(text, newline=""))
        assert headings[:4] == ["修改", "修改时间", "操作者", "操作"]
        assert row[3] == "新增"
        assert row[7].endswith("添加了应用“Sales”。")

    def test_workbook_holds_the_same(self, reader: Client, app: App) -> None:
        file = fetched(reader, ordered(reader, "kind=app", file_format="xlsx"))
        book = load_workbook(io.BytesIO(file), read_only=True)
        assert book.sheetnames == ["Changes"]
        (_headings, row) = book.worksheets[0].iter_rows(values_only=True)
        assert (row[4], row[6]) == ("DingTalk app", "Sales")

    def test_what_happened_after_it_was_begun_is_left_out_and_its_own_order_is_in_it(
        self, reader: Client, app: App
    ) -> None:
        found = rows(reader)
        assert found[0]["what"] == "historyexport"
        assert found[0]["happened"] == "added"
        assert [row["change"] for row in found] == sorted((row["change"] for row in found), reverse=True)

    def test_pieces_join_without_a_gap_or_a_double(
        self, reader: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ConferenceFactory.create_batch(7)
        whole = [row["change"] for row in rows(reader, "kind=conference")]
        monkeypatch.setattr(reading, "CHANGES_AT_ONCE", 2)
        assert [row["change"] for row in rows(reader, "kind=conference")] == whole
        assert len(whole) == Conference.objects.count()

    def test_filters_leave_what_the_list_shows(self, reader: Client, administrator: User) -> None:
        ConferenceFactory.create_batch(3, title="Harvest")
        ConferenceFactory(title="Sowing")
        query = "kind=conference&person=harv"
        listed = reader.get(f"/history/changes/?{query}").context["entries"]
        assert [row["change"] for row in rows(reader, query)] == [told.entry.pk for told in listed]
        assert len(listed) == 3

    def test_number_is_masked_for_those_who_may_not_see_it(
        self, reader: Client, auditor: User, organizer: User
    ) -> None:
        book = AddressBookFactory(owner=organizer)
        contact = Contact(book=book, nick="Zhang", phone_number="+8613812345678")
        curating.save_contact(contact=contact, user=organizer)
        (row,) = rows(reader, "kind=contact")
        assert "12345678" not in json.dumps(row)
        auditor.may_see_phone_numbers = True
        auditor.save()
        (row,) = rows(reader, "kind=contact")
        assert "138 1234 5678" in row["differences"]

    def test_moments_stand_in_the_zone_of_choice(self, reader: Client, app: App) -> None:
        (row,) = rows(reader, "kind=app", time_zone="Asia/Shanghai")
        assert row["changedAt"].endswith("+08:00")

    def test_whoever_may_no_longer_read_all_gets_no_row(
        self, reader: Client, auditor: User, app: App
    ) -> None:
        export = ordered(reader, file_format="jsonl")
        User.objects.filter(pk=auditor.pk).update(role=Role.ORGANIZER)
        assert fetched(reader, export) == b""

    def test_number_of_queries_does_not_grow_with_rows(
        self, reader: Client, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        ConferenceFactory.create_batch(30)
        export = ordered(reader, "kind=conference")
        with django_assert_max_num_queries(22):
            fetched(reader, export)


class TestProgress:
    def test_page_says_how_far_back_it_has_got(self, reader: Client, auditor: User, app: App) -> None:
        now = timezone.now()
        with tampering():
            AuditEntry.objects.filter(object_id=app.pk).update(timestamp=now - timedelta(days=4))
        export = HistoryExport.objects.create(
            user=auditor,
            file_format="csv",
            rows_are=ExportRows.CHANGES,
            time_zone="UTC",
            state=ExportState.STARTED,
            begun_at=now,
            noted_at=now,
            rows=10,
            reached=now - timedelta(days=1),
        )
        assert reader.get(f"/history/exports/{export.pk}/").context["percent"] == 25
