"""Reading files of contacts: CSV, pasted tables, XLSX and vCards, as other programs make them."""

import io
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from invites.files import Field, Format, Line, Unreadable, head, read, recognise, sniff

FILES = Path(__file__).parent.parent / "files"
NICK, PHONE, UNION_ID, GROUPS = Field.NICK, Field.PHONE_NUMBER, Field.UNION_ID, Field.GROUPS


def file_of(text: str | bytes, encoding: str = "utf-8") -> io.BytesIO:
    return io.BytesIO(text if isinstance(text, bytes) else text.encode(encoding))


def cells_of(text: str | bytes, encoding: str = "utf-8", *, name: str = "") -> list[tuple[str, ...]]:
    file = file_of(text, encoding)
    return [line.cells for line in read(file, sniff(file, name=name))]


def workbook(rows: list[list[Any]], **options: Any) -> io.BytesIO:
    """A file that xlsxwriter makes of ``rows``."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True, **options})
    sheet = book.add_worksheet()
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    for at, row in enumerate(rows):
        for column, value in enumerate(row):
            if isinstance(value, datetime):
                sheet.write_datetime(at, column, value, day)
            else:
                sheet.write(at, column, value)
    book.close()
    return file


class TestRealFiles:
    """Files as LibreOffice and phones make them."""

    @pytest.mark.parametrize(
        "name",
        [
            "libreoffice.xlsx",
            "libreoffice-utf-8.csv",
            "libreoffice-gb18030.csv",
            "libreoffice-semicolon.csv",
        ],
    )
    def test_list_of_libreoffice_reads_the_same_in_every_format(self, name: str) -> None:
        with (FILES / name).open("rb") as file:
            fmt = sniff(file, name=name)
            headings, first = head(file, fmt)
            lines = {line.number: line.cells for line in read(file, fmt)}
        assert headings == ["姓名", "手机号", "unionId", "部门", "备注"]
        assert recognise(headings, first, country="CN") == [NICK, PHONE, UNION_ID, GROUPS, None]
        assert lines[2][:3] == ("张三", "+861000000001", "sandbox-person-01")
        assert lines[4][1] == "442079460033", "a number that is shown as 4.42E+11 is read to its last digit"
        assert lines[6][1] == "8610000000003"
        assert lines[7][1].startswith("2026-03-01")
        assert lines[8][0] == "孙八", "the value that a formula gave"
        assert 9 not in lines
        assert lines[11] == (
            "Demo 小明 🎧",
            "+61 2 5550 0040",
            "sandbox-person-40",
            "财务",
            '引号 " 和, 逗号; 分号',
        )

    def test_cards_of_android_are_read(self) -> None:
        lines = self.cards("android-2.1.vcf")
        assert lines[0] == ("张三", "+86 10 0000 0001", "")
        assert lines[1] == ("何测试" + "（演示）" * 8, "+861000000013", "more_numbers")
        assert lines[3] == ("Sam Placeholder", "+861000000023", "more_numbers"), "the mobile one of ten"
        assert lines[4] == ("", "", "broken_card")
        assert lines[5] == ("李四", "+861000000002", ""), "whose name is written in GBK"

    def test_cards_of_an_iphone_are_read(self) -> None:
        assert self.cards("iphone-3.0.vcf") == [
            ("王五", "+86 10 0000 0003", "more_numbers"),
            ("Zoë Muster", "(202) 555-0137", ""),
            ("客户甲 Guest A", "+861000000061", ""),
        ]

    def test_cards_of_version_4_are_read(self) -> None:
        assert self.cards("contacts-4.0.vcf") == [
            ("Lee Story", "+1-202-555-0138", "more_numbers"),
            ("مثال تجريبي", "+61 2 5550 0039", ""),
            ("Demo 小明 🎧", "+61 2 5550 0040", ""),
        ]

    def cards(self, name: str) -> list[tuple[str, str, str]]:
        with (FILES / name).open("rb") as file:
            fmt = sniff(file, name=name)
            assert fmt.kind == "vcard"
            at = [fmt.headings.index(field) for field in (NICK, PHONE)]
            return [(line.cells[at[0]], line.cells[at[1]], line.remark) for line in read(file, fmt)]


class TestEncodings:
    """The encoding is found out by the whole file."""

    LIST = "姓名,手机号\r\n张三,010 0000 0001\r\n陈示例,010 0000 0010\r\n"

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
    def test_chinese_list_is_read(self, encoding: str) -> None:
        assert cells_of(self.LIST, encoding) == [("张三", "010 0000 0001"), ("陈示例", "010 0000 0010")]

    def test_one_late_byte_decides_against_utf_8(self) -> None:
        text = "name,phone\n" + "Alex Sample,1\n" * 20_000
        cells = cells_of(text.encode() + "罗模板,2\n".encode("gb18030"))
        assert cells[0] == ("Alex Sample", "1")
        assert cells[-1] == ("罗模板", "2")

    def test_character_that_only_gb18030_has_is_read(self) -> None:
        assert cells_of("name,phone\n㐂🎧张三,1\n", "gb18030") == [("㐂🎧张三", "1")]

    @pytest.mark.parametrize(
        ("encoding", "nick"),
        [("big5", "陳大文"), ("shift_jis", "山田見本"), ("cp1252", "Zoë Muster"), ("cp1252", "Åse Prøve")],
    )
    def test_other_old_encodings_are_told_apart(self, encoding: str, nick: str) -> None:
        place = {"big5": "姓名,手機號碼,業務部門", "shift_jis": "氏名,電話番号,部署です"}.get(
            encoding, "Name,Téléphone,Département"
        )
        assert cells_of(f"{place}\r\n{nick},1,2\r\n" * 3, encoding)[0][0] == nick

    def test_undefined_bytes_are_refused(self) -> None:
        with pytest.raises(Unreadable, check=lambda error: error.code == "encoding"):
            cells_of(b"name,phone\n\x81\xff\x8d\xff,1\n")


class TestTables:
    """What separates cells, what is a heading, and lines that are not like the others."""

    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "，", "|"])
    def test_usual_delimiters_are_found(self, delimiter: str) -> None:
        text = f"name{delimiter}phone{delimiter}groups\n张三{delimiter}1{delimiter}a b\n李四{delimiter}2\n"
        assert cells_of(text) == [("张三", "1", "a b"), ("李四", "2")]

    def test_commas_in_cells_of_a_list_with_semicolons_are_no_delimiters(self) -> None:
        text = "name;phone;groups\n张三;1;a, b\n李四;2;a, b, c\n"
        assert cells_of(text) == [("张三", "1", "a, b"), ("李四", "2", "a, b, c")]

    def test_delimiter_that_a_file_names_for_excel_is_taken(self) -> None:
        file = file_of("sep=|\nname|phone\n张三|1,5\n")
        fmt = sniff(file)
        assert fmt.headings == ["name", "phone"]
        assert list(read(file, fmt)) == [Line(3, ("张三", "1,5"))]

    def test_quotes_hold_delimiters_quotes_and_line_breaks(self) -> None:
        assert cells_of('name,phone\n"Doe, ""J"" \nJane",1\n') == [('Doe, "J" \nJane', "1")]

    def test_ragged_and_empty_rows_keep_their_numbers(self) -> None:
        file = file_of("name,phone\n\n张三\n,,,\n李四,1,2,3\n")
        assert list(read(file, sniff(file))) == [Line(3, ("张三",)), Line(5, ("李四", "1", "2", "3"))]

    def test_old_mac_line_ends_are_read(self) -> None:
        assert cells_of("name,phone\r张三,1\r") == [("张三", "1")]

    def test_headings_that_come_again_are_nobody(self) -> None:
        assert cells_of("姓名,手机\n张三,1\n姓名,手机\n李四,2\n") == [("张三", "1"), ("李四", "2")]

    @pytest.mark.parametrize(
        ("text", "has_headings"),
        [
            ("张三,+861000000001\n李四,+861000000002\n", False),
            ("Wer,Wohin\nAlex,+442079460033\nKim,+442079460034\n", True),
            ("姓名（必填）,随便\n张三,x\n", True),
            ("张三\n李四\n", False),
            ("+861000000001\n", False),
        ],
    )
    def test_headings_are_told_from_people(self, text: str, has_headings: bool) -> None:
        assert sniff(file_of(text)).has_headings is has_headings

    def test_head_names_a_column_without_a_heading_by_nothing(self) -> None:
        file = file_of("name,phone\n张三,1,2\n")
        headings, lines = head(file, sniff(file))
        assert headings == ["name", "phone", ""]
        assert lines == [Line(2, ("张三", "1", "2"))]

    def test_pasted_table_of_a_spreadsheet_is_read(self) -> None:
        file = file_of("张三\t010 0000 0001\n李四\t010 0000 0002\n")
        fmt = sniff(file, is_pasted=True)
        assert fmt == Format(
            "csv", {"encoding": "utf-8", "delimiter": "\t", "has_headings": False, "headings": []}
        )

    def test_format_is_plain_data_that_can_be_kept(self) -> None:
        for kind in ("libreoffice.xlsx", "libreoffice-gb18030.csv", "iphone-3.0.vcf"):
            with (FILES / kind).open("rb") as file:
                reading = sniff(file).reading
            assert all(type(value) in {str, int, bool, list} for value in reading.values())
            assert all(type(heading) is str for heading in reading["headings"])  # type: ignore[attr-defined]


class TestWorkbooks:
    """What is in the cells of an XLSX file."""

    def cells(self, file: io.BytesIO) -> list[tuple[str, ...]]:
        return [line.cells for line in read(file, sniff(file))]

    def test_phone_number_stored_as_a_number_is_exact(self) -> None:
        file = workbook(
            [["name", "phone"], ["张三", 13800138000], ["李四", 1.38e10], ["王五", 442079460033.0]]
        )
        assert self.cells(file) == [
            ("张三", "13800138000"),
            ("李四", "13800000000"),
            ("王五", "442079460033"),
        ]

    def test_fraction_and_number_too_large_stay_as_they_are(self) -> None:
        file = workbook([["name", "phone"], ["张三", 0.5], ["李四", 1.38001380001e17]])
        assert self.cells(file) == [("张三", "0.5"), ("李四", "1.38001380001e+17")]

    def test_date_keeps_its_time_so_that_it_is_no_phone_number(self) -> None:
        file = workbook([["name", "phone"], ["张三", datetime(2026, 3, 1)]])  # noqa: DTZ001
        assert self.cells(file) == [("张三", "2026-03-01 00:00:00")]

    def test_formula_counts_with_its_last_value(self) -> None:
        file = io.BytesIO()
        book = xlsxwriter.Workbook(file, {"in_memory": True})
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["name", "phone"])
        sheet.write_formula(1, 0, '=A1&"x"', None, "张三")
        sheet.write_formula(1, 1, "=1/0", None, "#DIV/0!")
        sheet.write_formula(2, 0, '=""', None, "")
        sheet.write_boolean(3, 0, True)
        book.close()
        assert self.cells(file) == [("张三",), ("TRUE",)]

    def test_hidden_sheet_is_read_only_where_no_other_has_rows(self) -> None:
        file = io.BytesIO()
        book = xlsxwriter.Workbook(file, {"in_memory": True})
        book.add_worksheet("Empty")
        hidden, shown = book.add_worksheet("Hidden"), book.add_worksheet("Shown")
        hidden.write_row(0, 0, ["name", "secret"])
        hidden.hide()
        shown.write_row(3, 1, ["name", "phone"])
        book.close()
        fmt = sniff(file)
        assert fmt.reading["sheet"] == 2
        assert fmt.headings == ["", "name", "phone"]

    def test_escaped_characters_are_read_as_themselves(self) -> None:
        assert self.cells(workbook([["name", "phone"], ["a_x0041_b", "1"], ["a\x07b", "2"]])) == [
            ("a_x0041_b", "1"),
            ("a\x07b", "2"),
        ]

    def test_constant_memory_mode_without_shared_strings_is_read(self) -> None:
        file = workbook([["name", "phone"], ["张三", "1"]], constant_memory=True)
        assert self.cells(file) == [("张三", "1")]
