"""Writing contacts to files: harmless to spreadsheets, and the same people when they are read again."""

import csv
import io
import unicodedata
from collections.abc import Callable, Iterable
from datetime import date

import openpyxl
import pytest
import vobject
from hypothesis import example, given
from hypothesis import strategies as st

from invites import phone_numbers
from invites.files import (
    Field,
    Mark,
    Row,
    read,
    recognise,
    sniff,
    write_csv,
    write_lines_csv,
    write_vcards,
    write_xlsx,
)
from invites.files.cells import read_day, read_mark, split_groups

FORMULAS = ("=", "+", "-", "@", "\t", "\r")
NUMBERS = ("+861000000001", "+442079460033", "+12025550136", "+61255500039", "")


def as_csv(rows: Iterable[Row]) -> bytes:
    return b"".join(write_csv(rows))


def as_xlsx(rows: Iterable[Row]) -> bytes:
    file = io.BytesIO()
    write_xlsx(rows, file)
    return file.getvalue()


def as_vcards(rows: Iterable[Row]) -> bytes:
    return b"".join(write_vcards(rows))


WRITERS = [as_csv, as_xlsx, as_vcards]


def read_again(content: bytes) -> list[Row]:
    """The people of a file as an import takes them."""
    file = io.BytesIO(content)
    fmt = sniff(file)
    at = {field: column for column, field in enumerate(recognise(fmt.headings, [], country="DE"))}
    rows = []
    for line in read(file, fmt):
        cells = {
            field: line.cells[column] if column < len(line.cells) else "" for field, column in at.items()
        }
        number = cells[Field.PHONE_NUMBER]
        rows.append(
            Row(
                nick=cells[Field.NICK],
                union_id=cells[Field.UNION_ID],
                phone_number=phone_numbers.parse(number, country="DE") if number else "",
                groups=tuple(split_groups(cells[Field.GROUPS])),
                mark=read_mark(cells[Field.DO_NOT_INVITE]),
                marked_until=read_day(cells[Field.DO_NOT_INVITE_UNTIL]),
            )
        )
    return rows


def is_storable(text: str) -> bool:
    return text == text.strip() and not any(unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} for c in text)


characters = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"])
words = st.one_of(
    st.text(st.sampled_from("=+-@'\"\\,;:、；|n% a张_x0041🎧م"), min_size=1, max_size=12),
    st.text(st.sampled_from("'019.eE-+/: %"), min_size=1, max_size=6),
    st.text(characters, min_size=1, max_size=20),
).filter(lambda text: bool(text) and is_storable(text) and not set(text) & set("\ufffe\uffff\ufeff"))
marks = st.one_of(
    st.just(Mark(is_set=False)),
    st.just(Mark(is_set=True)),
    words.map(lambda reason: Mark(is_set=True, reason=reason)),
)
people = st.builds(
    Row,
    nick=words,
    union_id=st.text(st.sampled_from("=+-@'aZ09_"), min_size=1, max_size=20),
    phone_number=st.sampled_from(NUMBERS),
    groups=st.lists(words, max_size=4, unique=True).map(tuple),
    mark=marks,
    marked_until=st.one_of(st.none(), st.dates(date(2000, 1, 1), date(2999, 12, 31))),
)


class TestNothingIsLost:
    """What is written is read again as it was."""

    @pytest.mark.parametrize("write", WRITERS)
    def test_usual_people_come_back(self, write: Callable[[Iterable[Row]], bytes]) -> None:
        rows = [
            Row(
                nick="张三",
                union_id="qzR1abcdefiEiE",
                phone_number="+861000000001",
                groups=("产品", "a;b, c"),
            ),
            Row(nick="مثال تجريبي", phone_number="+61255500039", mark=Mark(is_set=True, reason="on leave")),
            Row(
                nick="Demo 小明 🎧",
                union_id="u" * 128,
                mark=Mark(is_set=True),
                marked_until=date(2027, 1, 31),
            ),
        ]
        assert read_again(write(rows)) == rows

    @given(st.lists(people, min_size=1, max_size=4))
    @example([Row(nick="'=1", union_id="'", groups=("'", '"', "=x"))])
    @example([Row(nick="''", union_id="x", mark=Mark(is_set=True, reason="yes: no"))])
    def test_people_of_any_kind_come_back_from_csv(self, rows: list[Row]) -> None:
        assert read_again(as_csv(rows)) == rows

    @given(st.lists(people, min_size=1, max_size=4))
    @example([Row(nick="_x005F_x0041_", union_id="x")])
    def test_people_of_any_kind_come_back_from_xlsx(self, rows: list[Row]) -> None:
        assert read_again(as_xlsx(rows)) == rows

    @given(st.lists(people, min_size=1, max_size=4))
    @example([Row(nick="a\\n, b\\", union_id="x", groups=("\\,", "a\\;"))])
    @example([Row(nick="长" * 100, union_id="x" * 128, groups=("a b" * 25,))])
    def test_people_of_any_kind_come_back_from_vcards(self, rows: list[Row]) -> None:
        assert read_again(as_vcards(rows)) == rows


DANGEROUS = [
    Row(
        nick=f"{sign}cmd|' /C calc'!A0",
        union_id=f"{sign}SUM(A1)",
        phone_number=number,
        groups=(f"{sign}1",),
    )
    for sign in ("=", "+", "-", "@")
    for number in NUMBERS
]


class TestCards:
    """Cards as other programs read them."""

    @given(people)
    def test_another_reader_finds_the_same_person(self, row: Row) -> None:
        card = vobject.readOne(as_vcards([row]).decode())
        assert card.fn.value == row.nick
        assert card.n.value.given == row.nick
        if row.phone_number:
            assert card.tel.value == row.phone_number
            assert card.tel.type_param == "CELL"

    def test_no_line_is_longer_than_the_standard_allows(self) -> None:
        content = as_vcards([Row(nick="🎧" * 100, union_id="x" * 128, groups=("研发 " * 26,) * 9)])
        assert max(map(len, content.split(b"\r\n"))) <= 75


class TestFormulas:
    """A spreadsheet calculates nothing of what is written."""

    def test_no_cell_of_csv_begins_like_a_formula(self) -> None:
        text = as_csv(DANGEROUS).decode("utf-8-sig")
        for cells in csv.reader(io.StringIO(text, newline="")):
            assert not [cell for cell in cells if cell.startswith(FORMULAS)]

    def test_phone_number_in_csv_is_no_number_to_a_spreadsheet(self) -> None:
        assert "(+86) 1000000001" in as_csv([Row(nick="a", phone_number="+861000000001")]).decode()

    @pytest.mark.parametrize("text", ["007123456789012345678", "12E4", "1.5", "TRUE", "2026-01-31", "50 %"])
    def test_name_or_id_that_looks_like_a_number_is_none_to_a_spreadsheet(self, text: str) -> None:
        rows = [Row(nick=text, union_id=text, groups=(text,))]
        assert as_csv(rows).decode().count(f"'{text}") == 3
        assert read_again(as_csv(rows)) == rows
        assert text in as_csv([Row(nick=f"{text} x")]).decode().splitlines()[1]

    def test_every_cell_of_xlsx_is_text(self) -> None:
        book = openpyxl.load_workbook(io.BytesIO(as_xlsx(DANGEROUS)))
        cells = [cell for row in book.worksheets[0].iter_rows() for cell in row if cell.value is not None]
        assert {cell.data_type for cell in cells} == {"s"}

    def test_csv_shows_chinese_in_excel(self) -> None:
        assert as_csv([]).startswith(b"\xef\xbb\xbf")

    def test_nobody_leaves_the_headings_alone(self) -> None:
        assert as_csv([]).decode("utf-8-sig").count("\n") == 1
        assert openpyxl.load_workbook(io.BytesIO(as_xlsx([]))).worksheets[0].max_row == 1
        assert as_vcards([]) == b""


class TestRefusedLines:
    """Lines that are given back to be mended."""

    def test_lines_come_back_as_they_were_with_their_problem_last(self) -> None:
        content = b"".join(
            write_lines_csv(["姓名", "手机"], [(("=张三", "123"), "Too short"), (("李四",), "No number")])
        )
        file = io.BytesIO(content)
        fmt = sniff(file)
        assert recognise(fmt.headings, [], country="CN") == [Field.NICK, Field.PHONE_NUMBER, None]
        assert [line.cells for line in read(file, fmt)] == [
            ("=张三", "123", "Too short"),
            ("李四", "", "No number"),
        ]
        assert b"'=" in content

    def test_lines_without_headings_get_none(self) -> None:
        content = b"".join(write_lines_csv(["", ""], [(("张三", "123", "more"), "Too short")]))
        assert content.decode("utf-8-sig") == "张三,'123,Too short\r\n"
