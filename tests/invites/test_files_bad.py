"""Bad files of contacts: each has a clear answer, memory is bounded, and nothing but `Unreadable` comes out."""

import io
import itertools
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

import pytest
import xlsxwriter
from django.utils import translation
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from invites.files import LONGEST_CELL, MOST_BYTES, MOST_ROWS, PROBLEMS, Unreadable, explain, read, sniff
from tests.invites.test_files import FILES, file_of, workbook

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:openpyxl")

MEGABYTE = 1024 * 1024


def problem_with(file: io.BytesIO, *, name: str = "") -> Unreadable:
    """What is said about ``file``, at the latest when its last line is read."""
    with pytest.raises(Unreadable) as caught:
        for _line in read(file, sniff(file, name=name)):
            pass
    assert str(caught.value) == explain(caught.value.code, caught.value.detail)
    return caught.value


@contextmanager
def at_most(megabytes: int) -> Iterator[None]:
    """What is done inside must not need more memory than that."""
    tracemalloc.start()
    try:
        yield
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < megabytes * MEGABYTE, f"{peak / MEGABYTE:.0f} MB"


def repacked(file: io.BytesIO, **members: bytes | None) -> io.BytesIO:
    """An XLSX file with other members in the place of ``members``, named without folder and ending; without None."""
    changed = io.BytesIO()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            stem = Path(name).stem
            data = members.get(stem, old.read(name))
            if data is not None:
                new.writestr(name, data)
    return changed


SHEET = '<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
ROW = (
    '<row r="{0}"><c r="A{0}" t="inlineStr"><is><t>张三</t></is></c><c r="B{0}"><v>13800138000</v></c></row>'
)


def sheet(rows: str, *, before: str = "", after: str = "") -> bytes:
    return f"{SHEET}{before}<sheetData>{rows}</sheetData>{after}</worksheet>".encode()


@pytest.fixture(scope="module")
def book() -> bytes:
    return workbook([["name", "phone"], ["张三", "1"]]).getvalue()


class TestBadText:
    """Files that are no tables, or broken ones."""

    @pytest.mark.parametrize("content", [b"", b"\n\n\r\n", b",,,\n,\n", b"\xef\xbb\xbf", b"  \n\t\n"])
    def test_empty_file_is_said_to_be_empty(self, content: bytes) -> None:
        assert problem_with(file_of(content)).code == "empty"

    def test_file_too_large_is_refused_unread(self) -> None:
        class Huge(io.BytesIO):
            def seek(self, offset: int, whence: int = 0, /) -> int:
                return 200 * MEGABYTE if whence == 2 else super().seek(offset, whence)

            def read(self, size: int | None = -1, /) -> bytes:
                pytest.fail("was read")

        error = problem_with(Huge())
        assert (error.code, error.detail) == ("too_large", {"megabytes": MOST_BYTES // MEGABYTE})

    @pytest.mark.parametrize(
        "content",
        [
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 4,
            b"\x7fELF\2\1\1" + bytes(64),
            b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(range(256)) * 4,
            bytes(range(256)) * 40,
        ],
    )
    def test_binary_is_no_list(self, content: bytes) -> None:
        assert problem_with(file_of(content), name="people.csv").code == "binary"

    def test_single_nul_byte_is_shown_its_row(self) -> None:
        error = problem_with(file_of(b"name,phone\n" + b"Alex,1\n" * 20_000 + b"Ki\0m,2\n"))
        assert (error.code, error.detail) == ("nul_bytes", {"row": 20_002})

    def test_nul_character_in_utf_16_is_shown_its_row(self) -> None:
        error = problem_with(file_of("name,phone\nKi\0m,2\n", "utf-16"))
        assert (error.code, error.detail) == ("nul_bytes", {"row": 2})

    def test_nul_bytes_of_a_short_list_are_named_too(self) -> None:
        content = "姓名,手机号\n张\0三,13800138000\n李四,13800138\0002\n".encode()
        error = problem_with(file_of(content))
        assert (error.code, error.detail) == ("nul_bytes", {"row": 2})

    def test_million_rows_are_refused_at_the_first_too_many(self) -> None:
        file = file_of("name,phone\n" + "a,1\n" * 1_000_000)
        with at_most(12):
            error = problem_with(file)
        assert (error.code, error.detail) == ("too_many_rows", {"most": MOST_ROWS})
        assert "at most 200,000 can be read" in str(error)

    def test_as_many_rows_as_are_allowed_are_read(self) -> None:
        file = file_of("name,phone\n" + "a,1\n" * MOST_ROWS)
        assert sum(1 for _line in read(file, sniff(file))) == MOST_ROWS

    def test_300_columns_are_refused_with_their_row(self) -> None:
        text = "name,phone\na,1\n" + ",".join(["x"] * 300) + "\n"
        error = problem_with(file_of(text))
        assert (error.code, error.detail) == ("too_many_columns", {"row": 3, "most": 100})

    def test_300_columns_of_nothing_are_no_trouble(self) -> None:
        file = file_of("name,phone" + "," * 298 + "\n")
        assert sniff(file).headings == ["name", "phone"]

    def test_quote_that_is_never_closed_is_shown_where_it_begins(self) -> None:
        error = problem_with(file_of('name,phone\na,1\n"b,2\n' + "c,3\n" * 40_000))
        assert error.code in {"broken_csv", "long_cell"}
        assert error.detail["row"] == 3

    def test_long_cell_is_shown_its_row(self) -> None:
        error = problem_with(file_of("name,phone\n" + "x" * (LONGEST_CELL + 1) + ",1\n"))
        assert (error.code, error.detail["row"]) == ("long_cell", 2)

    def test_endless_line_does_not_fill_the_memory(self) -> None:
        file = file_of("name,phone\n" + "x" * (MOST_BYTES - 20))
        with at_most(16):
            assert problem_with(file).code == "long_line"

    def test_record_of_many_lines_does_not_fill_the_memory(self) -> None:
        # Each line ends inside of quotation marks, so that the next one belongs to the same record.
        line = '",' + "ab," * 300_000 + '"\n'
        file = file_of("name,phone\n" * 30 + '"' + line * 20)
        with at_most(48):
            assert problem_with(file).code == "long_line"

    @pytest.mark.parametrize("damaged", ["李四".encode()[:-1], "李四".encode("gb18030")])
    def test_damaged_character_never_turns_the_others_into_rubbish(self, damaged: bytes) -> None:
        content = (
            "姓名,手机\n".encode() + "张三,1\n".encode() * 3000 + damaged + b",2\n" + "王五,3\n".encode()
        )
        error = problem_with(file_of(content))
        assert (error.code, error.detail) == ("mixed_encoding", {"row": 3002})

    def test_damaged_character_never_turns_old_chinese_ones_into_rubbish(self) -> None:
        content = "姓名,手机\n".encode("gb18030") + "张三,1\n".encode("gb18030") * 3000 + b"\xff\xfe,2\n"
        error = problem_with(file_of(content))
        assert (error.code, error.detail) == ("mixed_encoding", {"row": 3002})

    @pytest.mark.parametrize("name", ["José", "Zoë Müller", "Åse Prøve"])
    def test_names_of_western_europe_are_not_taken_for_damaged_chinese_ones(self, name: str) -> None:
        file = file_of(f"name,phone\n{name},1\n", "cp1252")
        assert [line.cells[0] for line in read(file, sniff(file))] == [name]

    def test_file_with_all_kinds_of_encodings_is_refused(self) -> None:
        content = "张三,1\n".encode() + "李四,2\n".encode("utf-16") + b"\xff\xff\x81\n"
        assert problem_with(file_of(content)).code in {"encoding", "nul_bytes", "binary", "mixed_encoding"}

    def test_large_list_is_read_in_little_memory(self) -> None:
        file = file_of("姓名,手机号\n" + "张三,010 0000 0001\n" * 150_000, "gb18030")
        with at_most(8):
            assert sum(1 for _line in read(file, sniff(file))) == 150_000


class TestBadWorkbooks:
    """XLSX files that are none, or are made to do harm."""

    def test_old_excel_and_protected_files_are_told_what_to_do(self) -> None:
        assert problem_with(file_of(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000))).code == "old_excel"

    def test_archive_that_is_no_workbook_is_refused(self) -> None:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("people.csv", "name,phone\n")
        assert problem_with(file, name="people.xlsx").code == "not_a_workbook"

    def test_encrypted_archive_is_refused(self) -> None:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("[Content_Types].xml", "x")
        content = bytearray(file.getvalue())
        for signature, flags_at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
            content[content.index(signature) + flags_at] |= 1
        assert problem_with(file_of(bytes(content))).code == "encrypted"

    @pytest.mark.parametrize("cut", [4, 100, 1000, -30])
    def test_cut_workbook_is_damaged(self, book: bytes, cut: int) -> None:
        assert problem_with(file_of(book[:cut])).code == "broken_workbook"

    def test_workbook_without_rows_is_empty(self) -> None:
        assert problem_with(workbook([])).code == "empty"

    def test_zip_bomb_is_not_unpacked(self, book: bytes) -> None:
        file = repacked(io.BytesIO(book), sheet1=sheet(" " * 120 * MEGABYTE))
        with at_most(4):
            assert problem_with(file).code == "unpacks_too_large"

    def test_bomb_of_many_members_is_not_unpacked(self) -> None:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            for number in range(3000):
                archive.writestr(f"xl/worksheets/sheet{number}.xml", "")
        assert problem_with(file).code == "unpacks_too_large"

    def test_size_that_the_directory_understates_is_not_unpacked(self, book: bytes) -> None:
        packed = repacked(io.BytesIO(book), sheet1=sheet(ROW.format(1) + " " * 60 * MEGABYTE)).getvalue()
        content = bytearray(packed)
        at = content.rindex(b"xl/worksheets/sheet1.xml") - 46
        assert content[at : at + 4] == b"PK\1\2"
        content[at + 24 : at + 28] = (1000).to_bytes(4, "little")
        with at_most(4):
            assert problem_with(file_of(bytes(content))).code == "broken_workbook"

    def test_billion_laughs_are_not_expanded(self, book: bytes) -> None:
        laughs = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
        rows = sheet(ROW.format(1)).replace(b'<?xml version="1.0"?>', b'<?xml version="1.0"?>' + laughs)
        assert problem_with(repacked(io.BytesIO(book), sheet1=rows)).code == "broken_workbook"

    def test_row_of_a_million_cells_is_not_held_in_memory(self, book: bytes) -> None:
        cells = "".join(f'<c r="A1"><v>{number}</v></c>' for number in range(400_000))
        file = repacked(io.BytesIO(book), sheet1=sheet(f'<row r="1">{cells}</row>'))
        with at_most(4):
            assert problem_with(file).code == "unpacks_too_large"

    def test_texts_of_all_cells_are_bounded(self, book: bytes) -> None:
        texts = (
            b"<sst>"
            + b"".join(b"<si><t>%x</t></si>" % (n * 2654435761) for n in range(2_600_000))
            + b"</sst>"
        )
        assert len(texts) > 48 * MEGABYTE
        file = repacked(io.BytesIO(book), sharedStrings=texts)
        with at_most(4):
            assert problem_with(file).code == "unpacks_too_large"

    @pytest.mark.parametrize("part", ["styles", "workbook", "theme1", "core"])
    def test_part_that_is_read_as_a_whole_is_bounded(self, book: bytes, part: str) -> None:
        styles = (
            b"<styleSheet>"
            + b"".join(b"<x%x/>" % (n * 2654435761) for n in range(900_000))
            + b"</styleSheet>"
        )
        file = repacked(io.BytesIO(book), **{part: styles})
        with at_most(4):
            assert problem_with(file).code == "unpacks_too_large"

    def test_million_rows_are_refused_at_the_first_too_many(self, book: bytes) -> None:
        rows = "<row><c><v>1</v></c></row>" * (MOST_ROWS + 2)
        error = problem_with(repacked(io.BytesIO(book), sheet1=sheet(rows)))
        assert (error.code, error.detail) == ("too_many_rows", {"most": MOST_ROWS})

    @pytest.mark.parametrize("at", [2_000_000, 10**12])
    def test_row_beyond_every_sheet_is_refused(self, book: bytes, at: int) -> None:
        file = repacked(io.BytesIO(book), sheet1=sheet(ROW.format(1) + ROW.format(at)))
        assert problem_with(file).code == "too_many_rows"

    def test_300_columns_are_refused_with_their_row(self) -> None:
        error = problem_with(workbook([["name", "phone"], list(range(300))]))
        assert (error.code, error.detail) == ("too_many_columns", {"row": 2, "most": 100})

    @pytest.mark.parametrize("said", ["A1:A1", "A1:XFD1048576"])
    def test_size_that_a_sheet_says_of_itself_is_not_believed(self, book: bytes, said: str) -> None:
        rows = sheet(ROW.format(1) + ROW.format(3), before=f'<dimension ref="{said}"/>')
        file = repacked(io.BytesIO(book), sheet1=rows)
        lines = list(read(file, sniff(file)))
        assert [line.number for line in lines] == [1, 3]
        assert lines[0].cells == ("张三", "13800138000")

    @pytest.mark.parametrize("missing", ["sharedStrings", "workbook"])
    def test_missing_part_is_damage(self, book: bytes, missing: str) -> None:
        assert problem_with(repacked(io.BytesIO(book), **{missing: None})).code == "broken_workbook"

    def test_size_that_is_no_size_is_damage(self, book: bytes) -> None:
        rows = sheet(ROW.format(1), before='<dimension ref="nonsense"/>')
        assert problem_with(repacked(io.BytesIO(book), sheet1=rows)).code == "broken_workbook"

    def test_large_workbook_is_read_in_little_memory(self) -> None:
        file = io.BytesIO()
        large = xlsxwriter.Workbook(file, {"constant_memory": True})
        people = large.add_worksheet()
        for number in range(10_000):
            people.write_row(number, 0, [f"Person {number}", f"+8610000{number:05}", number])
        large.close()
        with at_most(24):
            assert sum(1 for _line in read(file, sniff(file))) == 10_000


class TestBadCards:
    """vCards that are broken, or made to do harm."""

    def test_file_of_another_kind_with_the_name_of_cards_is_refused(self) -> None:
        assert problem_with(file_of("name,phone\n"), name="people.vcf").code == "no_cards"

    def test_broken_cards_do_not_stop_the_others(self) -> None:
        file = file_of(
            "BEGIN:VCARD\nFN:A\nTEL:1\n"
            "BEGIN:VCARD\nFN:B\nTEL:2\nEND:VCARD\n"
            "BEGIN:VCARD\nFN;ENCODING=QUOTED-PRINTABLE:=E5=\n=BC\nEND:VCARD\n"
            "rubbish\nEND:VCARD\n"
            "begin:vcard\nfn:C\nitem1.tel:3\nend:vcard\n"
            "BEGIN:VCARD\nFN:D\n"
        )
        lines = list(read(file, sniff(file)))
        assert [(line.number, line.cells[0], line.remark) for line in lines] == [
            (1, "", "broken_card"),
            (2, "B", ""),
            (3, "", "broken_card"),
            (4, "C", ""),
            (5, "", "broken_card"),
        ]

    def test_huge_picture_does_not_fill_the_memory(self) -> None:
        picture = "\r\n ".join(["A" * 74] * 200_000)
        file = file_of(f"BEGIN:VCARD\r\nFN:A\r\nPHOTO;ENCODING=b:{picture}\r\nTEL:1\r\nEND:VCARD\r\n")
        with at_most(8):
            (line,) = read(file, sniff(file))
        assert line.cells[:3] == ("A", "", "1")

    def test_card_of_a_million_numbers_is_cut_short(self) -> None:
        file = file_of("BEGIN:VCARD\nFN:A\n" + "TEL:138\n" * 60_000 + "END:VCARD\n")
        with at_most(24):
            (line,) = read(file, sniff(file))
        assert line.remark == "broken_card"

    def test_endless_line_does_not_fill_the_memory(self) -> None:
        file = file_of("BEGIN:VCARD\nFN:" + "x" * (MOST_BYTES - 50) + "\nEND:VCARD\n")
        with at_most(16):
            list(read(file, sniff(file)))


class TestAnything:
    """Whatever comes, the answer is lines or `Unreadable`."""

    @staticmethod
    def read_all(content: bytes) -> None:
        for name, is_pasted in itertools.product(("", "x.csv", "x.vcf"), (False, True)):
            file = io.BytesIO(content)
            with suppress(Unreadable):
                fmt = sniff(file, name=name, is_pasted=is_pasted)
                for line in islice(read(file, fmt), 1000):
                    assert b"\0" not in "".join(line.cells).encode()

    @given(st.binary(max_size=600))
    @example(b"BEGIN:VCARD\nFN;CHARSET=x;ENCODING=QUOTED-PRINTABLE:=E5\nEND:VCARD")
    @example(b"BEGIN:VCARD\nFN;CHARSET=hex;ENCODING=QUOTED-PRINTABLE:=E5\nEND:VCARD")
    @example(b"\xff\xfe\xff\xfe\0")
    @example(b"PK\3\4")
    def test_any_bytes(self, content: bytes) -> None:
        self.read_all(content)

    @given(st.text(max_size=300), st.sampled_from(["utf-8", "utf-16", "gb18030", "utf-8-sig"]))
    def test_any_text(self, text: str, encoding: str) -> None:
        self.read_all(text.encode(encoding, errors="ignore"))

    @given(st.lists(st.text(alphabet='a,;\t"\n\r 1=+\'张"', max_size=12), max_size=12))
    def test_any_table(self, cells: list[str]) -> None:
        self.read_all("\n".join(cells).encode())

    @given(
        st.lists(
            st.one_of(
                st.sampled_from(
                    ["BEGIN:VCARD", "END:VCARD", " folded", "FN:A", "TEL;PREF:1", "N:a;b", "CATEGORIES:a,b"]
                ),
                st.sampled_from(
                    ["FN;ENCODING=QUOTED-PRINTABLE:=E5=", "TEL;=:;", "N", ":", "FN;CHARSET=utf-16:x", "FN:\\"]
                ),
                st.text(max_size=20),
            ),
            max_size=12,
        )
    )
    def test_any_cards(self, lines: list[str]) -> None:
        self.read_all("\n".join(["BEGIN:VCARD", *lines]).encode(errors="ignore"))

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
    @given(at=st.integers(min_value=0), with_byte=st.integers(0, 255))
    def test_any_byte_of_a_workbook_may_be_wrong(self, at: int, with_byte: int) -> None:
        content = bytearray((FILES / "libreoffice.xlsx").read_bytes())
        content[at % len(content)] = with_byte
        self.read_all(bytes(content))

    @settings(max_examples=60)
    @given(
        rows=st.text(alphabet=st.sampled_from(list("<>/rowc=\"'AB1 vtsin&;")), max_size=60),
        member=st.sampled_from(
            ["sheet1", "workbook", "styles", "sharedStrings", "[Content_Types]", "theme1"]
        ),
    )
    def test_any_xml_in_a_workbook(self, rows: str, member: str) -> None:
        file = workbook([["name", "phone"], ["张三", 1]])
        self.read_all(repacked(file, **{member: sheet(rows)}).getvalue())


class TestSentences:
    """Every problem is explained."""

    def test_each_sentence_takes_its_details_in_both_languages(self) -> None:
        for language in ("en", "zh-hans"):
            with translation.override(language):
                for code in PROBLEMS:
                    assert "%" not in explain(code, {"row": 3, "most": 100, "megabytes": 20})

    def test_code_that_is_no_longer_known_is_explained_in_general(self) -> None:
        assert explain("gone", {}) == str(PROBLEMS["binary"])
