"""What stands in a file of the history: the same bytes from every database, harmless, and as far as one may see it."""

import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from openpyxl import load_workbook

from invites import phone_numbers
from invites.extracting import reading
from invites.extracting.cells import Manner, as_csv, as_plain
from invites.extracting.columns import COLUMNS
from invites.extracting.contents import Calls, Contents, worded
from invites.extracting.writing import csv_by_row, write
from invites.files.formulas import phone_cell
from invites.models import Attempt, Conference
from invites.models.attempt import AttemptState
from invites.models.history_export import ExportFormat, ExportRows
from invites.models.invitee import Channel, InviteeState
from tests.factories import AttemptFactory, ConferenceFactory, InviteeFactory, SentInvitationFactory

NOON = datetime(2026, 3, 29, 12, 0, 0, 123_456, tzinfo=UTC)
NUMBER = "+8613812345678"
# What no database keeps is NUL and halves of characters.
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
NASTY = st.one_of(
    TEXTS,
    st.sampled_from(
        ["=1+1", "+1", "-1", "@a", "＝1", "'", "''", '"', 'a"b', "a,b", "a\nb", "a\r\nb", "\t", "\\.", "\\N"]
    ),
    st.sampled_from(
        ["1", "1E4", "1.5", "12:30", "１２", "1٣", "TRUE", "false", "falſe", "😀", "tel 13812345678"]
    ),
    st.text("0123456789.,:/ +-eE%'=", max_size=6),
)


def contents(
    *,
    rows_are: ExportRows = ExportRows.PEOPLE,
    zone: str = "UTC",
    numbers: bool = True,
    until: datetime = NOON + timedelta(days=1),
) -> Calls:
    return Calls(
        attempts=Attempt.objects.all(),
        columns=worded(rows_are),
        manner=Manner(zone=ZoneInfo(zone), with_phone_numbers=numbers),
        until=until,
    )


def file_of(what: Contents, file_format: ExportFormat, **options: int) -> bytes:
    return b"".join(part.data for part in write(what, file_format, **options))


def rows_of(what: Contents) -> list[dict[str, Any]]:
    """The rows of a file of JSON Lines."""
    return [json.loads(line) for line in file_of(what, ExportFormat.JSONL).splitlines()]


def csv_of(what: Contents) -> str:
    return file_of(what, ExportFormat.CSV).decode()


def called(*people: dict[str, str], conference: Conference | None = None, **facts: Any) -> Attempt:
    """An attempt at these people."""
    conference = conference or ConferenceFactory()
    invitation = SentInvitationFactory(conference=conference)
    invitees = [
        InviteeFactory(invitation=invitation, state=InviteeState.INVITED, **person)
        for person in people or [{}]
    ]
    facts = {"started_at": NOON, "sent_to": invitees, "people": len(invitees)} | facts
    return AttemptFactory(invitation=invitation, **facts)


ANNA = {"channel": Channel.UNION_ID, "value": "anna1", "nick": "Anna"}
BO = {"channel": Channel.PHONE, "value": NUMBER, "nick": "Bo"}


@pytest.mark.django_db
class TestRows:
    """What is in a file, and in which order."""

    def test_each_person_of_a_call_has_a_row_with_all_that_is_known_of_the_call(self) -> None:
        attempt = called(
            ANNA,
            BO,
            conference=ConferenceFactory(conference_id="c0ffee", title="Weekly review", app__name="Main"),
            state=AttemptState.FAILED,
            error_code="confClosed",
            error_message="Over.",
            http_status=400,
            request_id="r-1",
            trace_id="t-1",
        )
        first, second = rows_of(contents())
        assert first == {
            "attempt": attempt.pk,
            "startedAt": "2026-03-29T12:00:00.123+00:00",
            "nick": "Anna",
            "unionId": "anna1",
            "phoneNumber": "",
            "person": attempt.people_sent.earliest("pk").person_id,
            "outcome": "failed",
            "peopleState": "invited",
            "code": "confClosed",
            "message": "Over.",
            "httpStatus": 400,
            "durationMs": 120,
            "people": 2,
            "channels": "both",
            "try": 1,
            "invitation": attempt.invitation_id,
            "conferenceId": "c0ffee",
            "confTitle": "Weekly review",
            "organizer": attempt.organizer.username,  # type: ignore[union-attr]
            "app": "Main",
            "requestId": "r-1",
            "traceId": "t-1",
            "sealedWith": "2026-03-29",
        }
        assert (second["nick"], second["unionId"], second["phoneNumber"]) == ("Bo", "", NUMBER)

    def test_or_each_call_has_one(self) -> None:
        attempt = called(ANNA, BO)
        (row,) = rows_of(contents(rows_are=ExportRows.CALLS))
        assert row["attempt"] == attempt.pk
        assert "nick" not in row

    def test_newest_stand_first_and_of_the_same_moment_the_last_written(self) -> None:
        old = called(started_at=NOON - timedelta(hours=1))
        first, second = called(), called()
        found = [row["attempt"] for row in rows_of(contents())]
        assert found == [second.pk, first.pk, old.pk]

    def test_what_began_after_the_export_is_left_out(self) -> None:
        called(started_at=NOON)
        assert rows_of(contents(until=NOON)) == []

    @pytest.mark.parametrize("rows_are", ExportRows.of_calls())
    def test_pieces_join_without_a_gap_or_a_double(
        self, rows_are: ExportRows, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for n in range(7):
            people = [{"value": f"person{n}-{m}"} for m in range(n % 3 + 1)]
            called(*people, started_at=NOON - timedelta(minutes=n // 2))
        whole = file_of(contents(rows_are=rows_are), ExportFormat.JSONL), csv_of(contents(rows_are=rows_are))
        monkeypatch.setattr(reading, "ROWS_AT_ONCE", 2)
        monkeypatch.setattr("invites.extracting.copying.ROWS_AT_ONCE", 2)
        pieces = list(write(contents(rows_are=rows_are), ExportFormat.JSONL))
        assert len(pieces) > 3
        assert b"".join(piece.data for piece in pieces) == whole[0]
        assert csv_of(contents(rows_are=rows_are)) == whole[1]
        assert sum(piece.rows for piece in pieces) == whole[0].count(b"\n")

    def test_call_whose_people_are_not_known_stands_there_all_the_same(self) -> None:
        attempt = AttemptFactory(started_at=NOON)
        (row,) = rows_of(contents())
        assert (row["attempt"], row["nick"], row["person"]) == (attempt.pk, "", None)
        assert (
            csv_of(contents()).splitlines()[1].startswith(f"{attempt.pk},2026-03-29 12:00:00.123456+00,,,,,")
        )

    def test_command_line_has_no_organizer(self) -> None:
        called(organizer=None)
        (row,) = rows_of(contents())
        assert row["organizer"] == ""
        assert csv_of(contents()).count("\n") == 2

    @pytest.mark.parametrize(
        ("zone", "moment", "in_csv"),
        [
            ("UTC", "2026-03-29T12:00:00.123+00:00", "2026-03-29 12:00:00.123456+00"),
            ("Asia/Shanghai", "2026-03-29T20:00:00.123+08:00", "2026-03-29 20:00:00.123456+08"),
            ("Europe/Berlin", "2026-03-29T14:00:00.123+02:00", "2026-03-29 14:00:00.123456+02"),
            ("Asia/Kolkata", "2026-03-29T17:30:00.123+05:30", "2026-03-29 17:30:00.123456+05:30"),
            ("America/St_Johns", "2026-03-29T09:30:00.123-02:30", "2026-03-29 09:30:00.123456-02:30"),
        ],
    )
    def test_moments_stand_in_the_zone_of_choice_with_its_offset(
        self, zone: str, moment: str, in_csv: str
    ) -> None:
        called()
        (row,) = rows_of(contents(zone=zone))
        assert row["startedAt"] == moment
        assert f",{in_csv}," in csv_of(contents(zone=zone))

    @pytest.mark.parametrize(("microsecond", "in_csv"), [(0, "12:00:00"), (120_000, "12:00:00.12")])
    def test_seconds_in_csv_have_no_zeros_at_the_end(self, microsecond: int, in_csv: str) -> None:
        called(started_at=NOON.replace(microsecond=microsecond))
        assert f",2026-03-29 {in_csv}+00," in csv_of(contents())


@pytest.mark.django_db
class TestCsv:
    """Cells of CSV."""

    def test_headings_and_words_are_those_of_the_reader(self) -> None:
        called(state=AttemptState.SUCCEEDED)
        with translation.override("en"):
            english = contents()
        assert csv_of(english).startswith("\ufeffAttempt,Started at,Name,unionId,Phone number,")
        assert ",Succeeded,Invited," in csv_of(english)

    def test_no_cell_is_a_formula_or_a_number_that_is_none(self) -> None:
        nasty = ConferenceFactory(title="=HYPERLINK(1)", conference_id="12E4")
        called({"nick": "+cmd|' /C calc'!A0", "value": "-1"}, BO, conference=nasty, request_id="007")
        text = csv_of(contents())
        for cell in ("'=HYPERLINK(1)", "'12E4", "'+cmd|' /C calc'!A0", "'-1", "'007", "(+86) 13812345678"):
            assert f",{cell}," in text

    def test_masked_numbers_stand_nowhere_not_even_in_a_message(self) -> None:
        called(
            BO,
            state=AttemptState.FAILED,
            error_code="unknownUserError",
            error_message="unknown users 13812345678, +8613812345678",
        )
        for rows_are in ExportRows.of_calls():
            what = contents(rows_are=rows_are, numbers=False)
            for text in (csv_of(what), file_of(what, ExportFormat.JSONL).decode()):
                assert "1381234" not in text
                assert "•••••••5678" in text
        assert ",(+86) •••••••5678," in csv_of(contents(numbers=False))

    @pytest.mark.parametrize("number", [NUMBER, "+14155550123", "+4930123456", "+6834002", "+3725123456"])
    def test_numbers_are_masked_and_written_as_elsewhere(self, number: str) -> None:
        columns = [column for column in COLUMNS[ExportRows.PEOPLE] if column.key == "phoneNumber"]
        masked, whole = (Manner(zone=ZoneInfo("UTC"), with_phone_numbers=shown) for shown in (False, True))
        assert as_plain([number], columns, masked) == [phone_numbers.mask(number)]
        assert as_csv([number], columns, whole) == [phone_cell(number)]

    def test_bytes_are_the_same_whoever_writes_the_lines(self) -> None:
        called(ANNA, BO, error_message='a "quoted"\nline, 13812345678')
        for rows_are in ExportRows.of_calls():
            for numbers in (True, False):
                what = contents(rows_are=rows_are, numbers=numbers, zone="Asia/Shanghai")
                lines = b"".join(part.data for part in csv_by_row(what))
                assert file_of(what, ExportFormat.CSV).split(b"\n", 1)[1] == lines


class TestNastyTexts(TestCase):
    """What the database writes and what is written row by row agree about any text."""

    @settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
    @given(
        title=NASTY,
        message=NASTY,
        nick=NASTY.filter(bool),
        value=NASTY.filter(bool),
        number=st.sampled_from([NUMBER, "+1", "+999123", "+6834002"]),
        request=NASTY,
    )
    def test_both_ways_give_the_same_bytes(
        self, title: str, message: str, nick: str, value: str, number: str, request: str
    ) -> None:
        called(
            {"nick": nick, "value": value},
            {"nick": nick, "value": number, "channel": Channel.PHONE},
            conference=ConferenceFactory(title=title),
            state=AttemptState.FAILED,
            error_code="x",
            error_message=message,
            request_id=request,
        )
        for numbers in (True, False):
            what = contents(numbers=numbers)
            lines = b"".join(part.data for part in csv_by_row(what))
            assert file_of(what, ExportFormat.CSV).split(b"\n", 1)[1] == lines
        assert rows_of(contents())[0]["message"] == message


@pytest.mark.django_db
class TestWorkbook:
    """XLSX."""

    def sheets(self, what: Contents, **options: int) -> list[list[Sequence[Any]]]:
        book = load_workbook(io.BytesIO(file_of(what, ExportFormat.XLSX, **options)))
        return [[tuple(cell.value for cell in row) for row in sheet.iter_rows()] for sheet in book.worksheets]

    def test_cells_are_text_or_numbers_and_never_formulas(self) -> None:
        attempt = called({"nick": "=1+1", "value": "1E4"}, error_message="<b>&\n_x0041_\x07")
        ((headings, row),) = self.sheets(contents())
        cells = dict(zip(headings, row, strict=True))
        assert cells["Attempt"] == attempt.pk
        assert (cells["Name"], cells["unionId"]) == ("'=1+1", "1E4")
        # Excel reads it as it was.
        assert cells["Message"] == "<b>&\n_x005F_x0041_"
        assert cells["Phone number"] is None
        assert cells["HTTP status"] == 200
        assert cells["Outcome"] == "Succeeded"

    def test_rows_go_on_in_further_sheets(self) -> None:
        for n in range(5):
            called(started_at=NOON - timedelta(minutes=n))
        sheets = self.sheets(contents(), most_rows=3)
        assert [len(sheet) for sheet in sheets] == [3, 3, 2]
        assert len({sheet[0] for sheet in sheets}) == 1

    def test_without_rows_there_are_headings(self) -> None:
        ((headings,),) = self.sheets(contents())
        assert headings[0] == "Attempt"

    def test_file_leaves_while_it_is_written(self) -> None:
        for n in range(3):
            called(started_at=NOON - timedelta(minutes=n))
        parts = list(write(contents(), ExportFormat.XLSX))
        assert len(parts) == 2
        with ZipFile(io.BytesIO(b"".join(part.data for part in parts))) as file:
            assert file.testzip() is None
