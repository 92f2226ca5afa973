"""Which column of a file holds what."""

import pytest
from django.utils import translation

from invites.files import HEADINGS, Field, Line, recognise
from invites.files.cells import Mark, join_groups, mark_cell, read_day, read_mark, split_groups

NICK, PHONE, UNION_ID, GROUPS = Field.NICK, Field.PHONE_NUMBER, Field.UNION_ID, Field.GROUPS


def lines(*rows: tuple[str, ...]) -> list[Line]:
    return [Line(number, row) for number, row in enumerate(rows, start=2)]


class TestHeadings:
    """Columns that say what they hold."""

    @pytest.mark.parametrize(
        ("headings", "fields"),
        [
            (["Name", "Phone number", "unionId"], [NICK, PHONE, UNION_ID]),
            (["姓名", "手机号", "部门", "备注"], [NICK, PHONE, GROUPS, None]),
            (["*姓名（必填）", "联系电话", "钉钉unionid", "标签"], [NICK, PHONE, UNION_ID, GROUPS]),
            (["full_name", "MOBILE", "Group", "e-mail"], [NICK, PHONE, GROUPS, None]),
            (["姓名", "办公电话", "手机", "分组", "部门"], [NICK, None, PHONE, GROUPS, None]),
            (["员工UserID", "姓名", "工号", "手机号码", "主管"], [None, NICK, None, PHONE, None]),
            (["氏名", "電話番号"], [NICK, PHONE]),
            (["手机", "手机", "姓名", "姓名"], [PHONE, None, NICK, None]),
            (
                ["nick", "doNotInvite", "doNotInviteUntil"],
                [NICK, Field.DO_NOT_INVITE, Field.DO_NOT_INVITE_UNTIL],
            ),
            (["", "", ""], [None, None, None]),
            ([], []),
        ],
    )
    def test_usual_headings_are_known(self, headings: list[str], fields: list[Field | None]) -> None:
        assert recognise(headings, [], country="CN") == fields

    @pytest.mark.parametrize("language", ["en", "zh-hans"])
    def test_our_own_headings_are_known_in_every_language(self, language: str) -> None:
        with translation.override(language):
            headings = [str(heading) for heading in HEADINGS.values()]
            assert recognise([*headings, translation.gettext("What is wrong")], [], country="CN") == [
                *Field,
                None,
            ]

    def test_heading_that_nobody_knows_is_judged_by_what_is_beneath(self) -> None:
        rows = lines(("Alex", "010 0000 0001"), ("Kim", "010 0000 0002"))
        assert recognise(["Wer", "Wo erreichbar"], rows, country="CN") == [None, PHONE]

    def test_numbers_beneath_a_known_heading_of_something_else_are_left_alone(self) -> None:
        rows = lines(("张三", "010 0000 0001"))
        assert recognise(["姓名", "工号"], rows, country="CN") == [NICK, None]


class TestCells:
    """Columns without headings."""

    def test_columns_are_told_by_what_their_cells_look_like(self) -> None:
        rows = lines(
            ("1", "张三", "010 0000 0001", "qzR1abcdefiEiE"),
            ("2", "Kim Specimen", "+44 20 7946 0033", "exxxxxxxxQiE9"),
            ("3", "王五", "", ""),
        )
        assert recognise([""] * 4, rows, country="CN") == [None, NICK, PHONE, UNION_ID]

    def test_country_decides_what_is_a_phone_number(self) -> None:
        rows = lines(("Pat", "(202) 555-0136"))
        assert recognise(["", ""], rows, country="US") == [NICK, PHONE]
        assert recognise(["", ""], rows, country="NO") == [NICK, None]

    def test_column_of_which_less_than_half_are_numbers_is_none(self) -> None:
        rows = lines(("a", "010 0000 0001"), ("b", "none"), ("c", "none"))
        assert recognise(["", ""], rows, country="CN") == [NICK, None]

    def test_ragged_lines_are_no_trouble(self) -> None:
        assert recognise(["", "", ""], lines(("a",), ()), country="CN") == [NICK, None, None]


class TestGroupCells:
    """Several groups in one cell."""

    @pytest.mark.parametrize(
        ("text", "names"),
        [
            ("", []),
            ("研发", ["研发"]),
            ("研发;产品；市场,a，b、c|d\ne", ["研发", "产品", "市场", "a", "b", "c", "d", "e"]),
            (' "Sales, EMEA" ;b; b ;;', ["Sales, EMEA", "b"]),
            ('5" disks', ['5" disks']),
            ('"open', ['"open']),
            ("公司/研发", ["公司/研发"]),
        ],
    )
    def test_cells_are_split(self, text: str, names: list[str]) -> None:
        assert split_groups(text) == names

    def test_names_with_separators_and_quotes_come_back(self) -> None:
        names = ['a"b', "c;d", '"', "e, f", "g\nh", "x"]
        assert split_groups(join_groups(names)) == names


class TestMarkCells:
    """The mark "do not invite" and its last day."""

    @pytest.mark.parametrize(
        ("text", "mark"),
        [
            ("", Mark(is_set=False)),
            ("否", Mark(is_set=False)),
            ("0", Mark(is_set=False)),
            ("YES", Mark(is_set=True)),
            ("是", Mark(is_set=True)),
            ("✓", Mark(is_set=True)),
            ("on leave", Mark(is_set=True, reason="on leave")),
            ("yes: no", Mark(is_set=True, reason="no")),
        ],
    )
    def test_cells_are_understood(self, text: str, mark: Mark) -> None:
        assert read_mark(text) == mark

    @pytest.mark.parametrize("reason", ["", "yes", "no", "yes: yes", "休假"])
    def test_marks_come_back(self, reason: str) -> None:
        assert read_mark(mark_cell(Mark(is_set=True, reason=reason))) == Mark(is_set=True, reason=reason)

    @pytest.mark.parametrize(
        "text", ["2026-01-31", "2026/1/31", "2026年1月31日", "2026-01-31 00:00:00", " 2026.01.31"]
    )
    def test_days_are_understood(self, text: str) -> None:
        day = read_day(text)
        assert day is not None
        assert day.isoformat() == "2026-01-31"

    @pytest.mark.parametrize("text", ["", "2026-02-30", "31.01.2026", "13800138000", "soon"])
    def test_anything_else_is_no_day(self, text: str) -> None:
        assert read_day(text) is None
