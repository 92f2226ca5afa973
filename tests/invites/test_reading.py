"""Reading pasted text: who stands in a line, and why a line is of no use."""

import re
import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from invites.characters import is_visible, plain, tidy
from invites.composing import fields
from invites.composing.reading import LINE_LENGTH, BadLine, Entry, line_of, read
from invites.likeness import Likeness, likeness
from invites.models.contact import NICK_LENGTH
from invites.models.draft_line import LineProblem
from invites.models.invitee import Channel

UNION_ID = "exxxxxxxxQiE"
OTHER_UNION_ID = "qzR1abcdefiEiE"
NUMBER = "+8613800138000"
OTHER_NUMBER = "+8613900139000"
# Several times what it takes; work that grows with the square of the text takes minutes.
FEW_SECONDS = 5


def entries(text: str, country: str = "CN") -> list[tuple[str, str, str]]:
    items = read(text, country=country)
    assert all(isinstance(item, Entry) for item in items), items
    return [(item.nick, item.union_id, item.phone_number) for item in items if isinstance(item, Entry)]


def problem(text: str) -> LineProblem:
    (item,) = read(text, country="CN")
    assert isinstance(item, BadLine), item
    return item.problem


class TestNameAndUnionId:
    @pytest.mark.parametrize(
        "line",
        [
            f"Jane Doe, {UNION_ID}",
            f"Jane Doe，{UNION_ID}",
            f"Jane Doe;{UNION_ID}",
            f"Jane Doe；{UNION_ID}",
            f"Jane Doe\t{UNION_ID}",
            f"Jane Doe | {UNION_ID}",
            f"Jane Doe/{UNION_ID}",
            f"Jane Doe   {UNION_ID}",
            f"Jane Doe: {UNION_ID}",
            f"Jane Doe：{UNION_ID}",
            f"Jane Doe {UNION_ID}",
            f"{UNION_ID}, Jane Doe",
            f"{UNION_ID} Jane Doe",
            f'"Jane Doe", "{UNION_ID}"',
            f"Jane Doe <{UNION_ID}>",
            f'"Jane Doe" <{UNION_ID}>',
            f"“Jane Doe” {UNION_ID}",
            f"  Jane  Doe  ,\u00a0{UNION_ID}  ",
            f"\ufeffJane Doe, {UNION_ID}\u200b",
            f"1. Jane Doe, {UNION_ID}",
            f"- Jane Doe, {UNION_ID}",
            f"12\tJane Doe\t{UNION_ID}",
            f"Jane Doe, jane@example.com, {UNION_ID}",
            f"姓名：Jane Doe unionId：{UNION_ID}",
            f"Jane Doe, {UNION_ID}, Sales",
        ],
    )
    def test_every_usual_separator_and_order_is_understood(self, line: str) -> None:
        assert entries(line) == [("Jane Doe", UNION_ID, "")]

    @pytest.mark.parametrize(
        ("line", "nick", "union_id"),
        [
            ("Jane, user1", "Jane", "user1"),
            ("user1: Jane", "Jane", "user1"),
            ("Jane, some_union_id", "Jane", "some_union_id"),
            ("张三 sandbox-person-01", "张三", "sandbox-person-01"),
            ("sandbox-person, Jane", "Jane", "sandbox-person"),
            ("Jane, -abcDEF123iEiE", "Jane", "-abcDEF123iEiE"),
            ("Jane, _abcDEF123iEiE", "Jane", "_abcDEF123iEiE"),
            ("Player99 | exxxxxxxxQiE", "Player99", "exxxxxxxxQiE"),
            ("Jane, ｅｘｘｘｘｘｘｘｘＱｉＥ", "Jane", "exxxxxxxxQiE"),
            ('"Doe, Jane" <manager>', "Doe, Jane", "manager"),
            ("unionId: manager, Jane", "Jane", "manager"),
            ("user1, user2", "user1", "user2"),
        ],
    )
    def test_unusual_union_ids_are_told_from_names(self, line: str, nick: str, union_id: str) -> None:
        assert entries(line) == [(nick, union_id, "")]

    @pytest.mark.parametrize(
        "name",
        [
            "Doe, Jane",
            "Jane (Sales)",
            'Jane "JJ" Doe',
            "O'Connor",
            "陈小明",
            "مثال تجريبي",
            "👩‍👩‍👧 Family",
            "Zoë",
            "Jean-Baptiste",
            "A" * NICK_LENGTH,
        ],
    )
    def test_names_stay_as_they_are(self, name: str) -> None:
        assert entries(line_of(nick=name, channel=Channel.UNION_ID, value=UNION_ID)) == [(name, UNION_ID, "")]
        assert entries(line_of(nick=name, channel=Channel.PHONE, value=NUMBER)) == [(name, "", NUMBER)]

    def test_direction_marks_and_control_characters_leave_a_name(self) -> None:
        assert entries(f"\u202eJane\u202c\x07 Doe, {UNION_ID}") == [("Jane Doe", UNION_ID, "")]

    def test_name_of_invisible_characters_is_none(self) -> None:
        assert entries(f"\u3164\u200d, {UNION_ID}") == [("", UNION_ID, "")]


class TestNameAndNumber:
    @pytest.mark.parametrize(
        "line",
        [
            "Jane Doe, 13800138000",
            "13800138000, Jane Doe",
            "Jane Doe 13800138000",
            "Jane Doe 138 0013 8000",
            "Jane Doe, +86 138-0013-8000",
            "Jane Doe, 008613800138000",
            "Jane Doe, 8613800138000",
            "Jane Doe, (+86) 138.0013.8000",
            "Jane Doe, １３８００１３８０００",
            "Jane Doe（13800138000）",
            "Jane Doe - 13800138000",
            "Jane Doe <13800138000>",
            "Jane Doe, tel:13800138000",
            "Jane Doe 手机：13800138000",
            "3) Jane Doe 13800138000",
            "4、Jane Doe、13800138000",
            "Jane Doe,13800138000,Sales",
        ],
    )
    def test_every_usual_way_of_writing_is_understood(self, line: str) -> None:
        assert entries(line) == [("Jane Doe", "", NUMBER)]

    def test_number_right_behind_chinese_characters_is_found(self) -> None:
        assert entries("张三13800138000") == [("张三", "", NUMBER)]

    @pytest.mark.parametrize(
        "name", ["ZhangSan", "zhangsan01", "McDonald", "iPhone", "Ronald McDonald", "WANG"]
    )
    def test_name_that_could_be_a_union_id_is_a_name_beside_a_number(self, name: str) -> None:
        assert entries(f"{name}, 13800138000") == [(name, "", NUMBER)]

    def test_numbers_are_those_of_the_country(self) -> None:
        assert entries("Jo 020 7946 0033", "GB") == [("Jo", "", "+442079460033")]
        assert entries("Jo +44 20 7946 0033") == [("Jo", "", "+442079460033")]

    def test_union_id_and_number_are_one_person_called_by_union_id(self) -> None:
        (item,) = read(f"Jane, 13800138000, {UNION_ID}", country="CN")
        assert isinstance(item, Entry)
        assert (item.channel, item.value, item.phone_number) == (Channel.UNION_ID, UNION_ID, NUMBER)


class TestSeveralPeople:
    @pytest.mark.parametrize(
        "line",
        [
            "13800138000 13900139000",
            "13800138000, 13900139000",
            "138 0013 8000 139 0013 9000",
            "13800138000/13900139000/13800138000",
        ],
    )
    def test_bare_numbers_on_a_line_are_one_person_each(self, line: str) -> None:
        assert entries(line) == [("", "", NUMBER), ("", "", OTHER_NUMBER)]

    def test_bare_union_ids_on_a_line_are_one_person_each(self) -> None:
        assert entries(f"{UNION_ID}, {OTHER_UNION_ID}") == [("", UNION_ID, ""), ("", OTHER_UNION_ID, "")]

    @pytest.mark.parametrize(
        "line", ["Jane 13800138000; Kim 13900139000", "Jane, 13800138000； Kim, 13900139000"]
    )
    def test_complete_parts_of_a_line_are_one_person_each(self, line: str) -> None:
        assert entries(line) == [("Jane", "", NUMBER), ("Kim", "", OTHER_NUMBER)]

    def test_two_numbers_beside_one_name_need_a_look(self) -> None:
        assert problem("Jane, 13800138000, 13900139000") == LineProblem.TWO_PEOPLE

    def test_lines_keep_their_order_whatever_ends_them(self) -> None:
        text = f"Jane, {UNION_ID}\r\n\r\nKim, 13800138000\rLee, {OTHER_UNION_ID}\n"
        assert [nick for nick, _, _ in entries(text)] == ["Jane", "Kim", "Lee"]


class TestLinesLeftOut:
    @pytest.mark.parametrize(
        "line",
        [
            "",
            "   ",
            "\t",
            ",,,",
            "\u200b",
            "name,phone",
            "姓名,手机号",
            "Name\tunionId",
            "序号，姓名，电话",
            "姓名 手机号",
        ],
    )
    def test_blank_lines_and_column_titles_say_nothing(self, line: str) -> None:
        assert read(line, country="CN") == []


class TestProblems:
    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ("Jane", LineProblem.NOTHING_USABLE),
            ("Jane, Kim", LineProblem.NOTHING_USABLE),
            ("Alice van der Berg", LineProblem.NOTHING_USABLE),
            ("Jane <jane@example.com>", LineProblem.NOTHING_USABLE),
            ("👍", LineProblem.NOTHING_USABLE),
            ("12", LineProblem.TOO_SHORT),
            ("Jane, 123", LineProblem.TOO_SHORT),
            ("Jane 12345", LineProblem.TOO_SHORT),
            ("Jane, 138001380001380013800", LineProblem.TOO_LONG),
            ("Jane, 1380013800", LineProblem.TOO_SHORT),
            ("Jane, 12800138000", LineProblem.NO_SUCH_PREFIX),
            ("Jane, 1380013800a", LineProblem.NOT_A_NUMBER),
            ("Jane, +99913800138000", LineProblem.NOT_A_NUMBER),
            ("Jane, exxx xxxx xQiE", LineProblem.BLANK_IN_UNION_ID),
            ("Jane <exxx xQiE>", LineProblem.BLANK_IN_UNION_ID),
            (f"{'J' * (NICK_LENGTH + 1)}, 13800138000", LineProblem.NICK_TOO_LONG),
            (f"Jane, {'xY1' * 50}", LineProblem.VALUE_TOO_LONG),
        ],
    )
    def test_reason_fits_the_line(self, line: str, expected: LineProblem) -> None:
        assert problem(line) == expected

    def test_bad_line_keeps_its_text_and_stops_no_other(self) -> None:
        items = read(f"nobody\nJane, {UNION_ID}", country="CN")
        assert items[0] == BadLine(text="nobody", problem=LineProblem.NOTHING_USABLE)
        assert items[1] == Entry(nick="Jane", union_id=UNION_ID)

    def test_very_long_line_is_kept_in_pieces(self) -> None:
        items = read("nobody " * 200, country="CN")
        assert len(items) == 3
        assert (
            "".join(item.text.replace(" ", "") for item in items if isinstance(item, BadLine))
            == "nobody" * 200
        )


class TestLikeness:
    @pytest.mark.parametrize(
        ("word", "expected"),
        [
            ("Jane", Likeness.NONE),
            ("ZhangSan", Likeness.NONE),
            ("zhangSan", Likeness.NONE),
            ("Jean-Baptiste", Likeness.NONE),
            ("SALES", Likeness.NONE),
            ("13800138000", Likeness.NONE),
            ("138OO138000", Likeness.NONE),
            ("张三123456", Likeness.NONE),
            ("user1", Likeness.WEAK),
            ("some_id", Likeness.WEAK),
            ("example-union-id", Likeness.WEAK),
            ("zhangsan01", Likeness.LIKELY),
            ("person12", Likeness.LIKELY),
            (UNION_ID, Likeness.STRONG),
            (OTHER_UNION_ID, Likeness.STRONG),
            ("-abcDEF123iEiE", Likeness.STRONG),
            ("sandbox-person", Likeness.STRONG),
        ],
    )
    def test_word_looks_as_much_like_a_union_id_as_it_should(self, word: str, expected: Likeness) -> None:
        assert likeness(word) == expected


LINES = st.lists(
    st.one_of(
        st.text(max_size=60),
        st.lists(
            st.sampled_from(
                [
                    UNION_ID,
                    "13800138000",
                    "+86 139",
                    "Jane",
                    "张三",
                    '"',
                    "<",
                    ">",
                    ",",
                    "；",
                    "\t",
                    "  ",
                    "1.",
                    "\u200d",
                ]
            ),
            max_size=8,
        ).map("".join),
    ),
    max_size=6,
)


class TestAnyText:
    @given(LINES)
    @example(["\ud800"])
    @example(['"' * 50])
    def test_nothing_raises_and_no_line_with_a_letter_or_digit_is_lost(self, lines: list[str]) -> None:
        for line in lines:
            for single in line.splitlines():
                items = read(single, country="CN")
                says_something = any(map(str.isalnum, single)) and not is_only_titles(single)
                assert bool(items) or not says_something
                for item in items:
                    check(item)

    @given(
        st.text(max_size=NICK_LENGTH).map(tidy).map(lambda nick: " ".join(nick.split())),
        st.sampled_from([(Channel.UNION_ID, UNION_ID), (Channel.UNION_ID, "123"), (Channel.PHONE, NUMBER)]),
    )
    def test_line_of_a_person_is_read_as_that_person(self, nick: str, reached: tuple[Channel, str]) -> None:
        channel, value = reached
        (item,) = read(line_of(nick=nick, channel=channel, value=value), country="CN")
        assert isinstance(item, Entry)
        assert (item.channel, item.value) == reached
        assert item.nick == (unicodedata.normalize("NFC", nick) if is_visible(nick) else "")

    @given(st.lists(st.integers(0, 9999), min_size=1, max_size=20, unique=True))
    def test_numbers_are_found_whatever_stands_between_them(self, ends: list[int]) -> None:
        numbers = [f"+861380013{end:04}" for end in ends]
        for separator in (" ", ", ", "；", "\t", "/", "\n"):
            assert [number for _, _, number in entries(separator.join(numbers))] == numbers


def is_only_titles(line: str) -> bool:
    """Whether the line is left out by intention."""
    titles = [
        title.strip(" 0123456789.)）")
        for title in re.split(r'[\t,，;；|｜/／:：、<>"“”]+', plain(tidy(line)))
    ]
    return all(
        title.casefold() in fields.LABELS or set(title.casefold().split()) <= fields.LABELS
        for title in titles
    )


def check(item: Entry | BadLine) -> None:
    if isinstance(item, BadLine):
        assert 0 < len(item.text) <= LINE_LENGTH
        assert "\x00" not in item.text
        item.text.encode()
    else:
        assert len(item.nick) <= NICK_LENGTH
        assert item.value
        assert item.union_id or item.phone_number.startswith("+")
        item.nick.encode()


class TestAmount:
    @pytest.mark.parametrize(
        "line", ["Person {0}, qzR{0:08}abiEiE", "人员{0}, 138{0:08}", "Person {0} somebody"]
    )
    def test_ten_thousand_lines_take_few_seconds_of_work(self, line: str) -> None:
        text = "\n".join(line.format(number) for number in range(10_000))
        before = time.process_time()
        assert len(read(text, country="CN")) == 10_000
        assert time.process_time() - before < FEW_SECONDS

    @pytest.mark.parametrize(
        "piece", ["1 ", '"', '"a"b,', ",", "<", "a-", "aB", "1(", "13800138000 ", f"{UNION_ID},"]
    )
    def test_one_endless_line_takes_no_endless_time(self, piece: str) -> None:
        before = time.process_time()
        read(piece * 20_000, country="CN")
        assert time.process_time() - before < FEW_SECONDS
