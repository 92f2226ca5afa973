"""All that stands in a file is found, also where no list of people is read from it."""

import io
from pathlib import Path

import pytest

from invites import files
from tests.invites.test_files import workbook

CARD = (
    "BEGIN:VCARD\nVERSION:3.0\nFN:Ann\nTEL;TYPE=CELL:13812345678\n"
    "TEL;TYPE=HOME:010 8888 9999\nNOTE:ask Bob\nEND:VCARD\n"
)


def all_of(content: bytes, name: str = "") -> str:
    file = io.BytesIO(content)
    return "\n".join(files.texts(file, files.sniff(file, name=name)))


class TestTexts:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
    def test_list_is_found_in_any_encoding(self, encoding: str) -> None:
        assert "张三|13812345678" in all_of("姓名,手机\n张三,13812345678\n".encode(encoding))

    def test_second_number_and_remark_of_a_card_are_found(self) -> None:
        found = all_of(CARD.encode())
        assert "010 8888 9999" in found
        assert "ask Bob" in found

    def test_number_that_a_spreadsheet_calculates_with_is_found(self) -> None:
        assert "13812345678" in all_of(workbook([["name", "phone"], ["Ann", 13812345678.0]]).getvalue())

    def test_lines_behind_one_that_cannot_be_read_are_found(self) -> None:
        good = "name,phone\n" + "Ann,13812345678\n" * 30
        file = io.BytesIO(good.encode())
        form = files.sniff(file)
        broken = io.BytesIO((good + "x" * 1_100_000 + "\nBob,13912345678\n").encode())
        assert "13912345678" in "\n".join(files.texts(broken, form))

    def test_number_across_two_pieces_is_found(self) -> None:
        content = f"name,phone\n{'Ann,1\n' * 174_761}Bob,13912345678\n"
        assert any("13912345678" in text for text in files.texts(io.BytesIO(content.encode()), files.Format(
            "csv", {"encoding": "utf-8", "delimiter": ",", "has_headings": True}
        )))  # fmt: skip

    @pytest.mark.parametrize("name", ["libreoffice.xlsx", "android-2.1.vcf", "libreoffice-gb18030.csv"])
    def test_files_of_other_programs_are_looked_through(self, name: str) -> None:
        content = (Path(__file__).parents[1] / "files" / name).read_bytes()
        assert len(all_of(content, name)) > 100
