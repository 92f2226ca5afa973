"""What people are found by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invites import spelling


def finds(text: str, nick: str, phone_number: str = "") -> bool:
    found_by = spelling.search_text(nick=nick, phone_number=phone_number)
    return any(pattern in found_by for pattern in spelling.patterns(text))


class TestNames:
    @pytest.mark.parametrize(
        "text",
        [
            "张",
            "张三",
            "三丰",
            "丰",
            "zhang",
            "zhangsan",
            "zhangsanfeng",
            "sanfeng",
            "feng",
            "zsf",
            "zs",
            "sf",
            "z",
        ],
    )
    def test_name_is_found_by_its_characters_its_pinyin_and_its_initials(self, text: str) -> None:
        assert finds(text, "张三丰")

    @pytest.mark.parametrize("text", ["张丰", "shan", "zf", "李", "8"])
    def test_name_is_not_found_by_what_is_not_in_it(self, text: str) -> None:
        assert not finds(text, "张三")

    @pytest.mark.parametrize(
        "text", ["zhang san", "Zhang San", "ZHANGSAN", "z s", "Z.S.", "zhang  san", "ｚｓ"]
    )
    def test_pinyin_is_found_however_it_is_typed(self, text: str) -> None:
        assert finds(text, "张三")

    @pytest.mark.parametrize(
        ("nick", "text"),
        [
            ("曾国藩", "zengguofan"),
            ("单雄信", "shanxiongxin"),
            ("仇英", "qiu"),
            ("解缙", "xj"),
            ("吕布", "lvbu"),
            ("吕布", "lubu"),
        ],
    )
    def test_surname_is_found_by_each_of_its_usual_readings(self, nick: str, text: str) -> None:
        assert finds(text, nick)

    @pytest.mark.parametrize("text", ["zoe", "Zoë", "muster", "zm", "zoe m", "ust"])
    def test_accents_and_capitals_do_not_matter(self, text: str) -> None:
        assert finds(text, "Zoë Muster")

    def test_one_or_two_letters_are_found_where_a_word_begins_only(self) -> None:
        assert finds("an", "Joe Anna")
        assert not finds("na", "Joe Anna")
        assert finds("nna", "Joe Anna")

    def test_latin_and_chinese_words_stand_beside_each_other(self) -> None:
        assert all(
            finds(text, "演示组织者 Demo Organizer") for text in ("yszzz", "demo", "组织", "organizer")
        )

    def test_name_without_pinyin_is_found_by_its_own_letters(self) -> None:
        assert finds("예시", "김예시")
        assert finds("تجريبي", "مثال تجريبي")


class TestNumbers:
    @pytest.mark.parametrize(
        "text", ["8000", "138", "0013", "138 0013", "+86 138", "0086 138 0013", "(138) 0013-8000"]
    )
    def test_number_is_found_by_any_part_of_it(self, text: str) -> None:
        assert finds(text, "张三", "+8613800138000")

    def test_number_is_found_as_it_is_dialled_at_home(self) -> None:
        assert finds("010 0000 0099", "Guest", "+861000000099")
        assert finds("020 7946 0033", "Guest", "+442079460033")

    def test_two_digits_are_not_looked_for_within_numbers(self) -> None:
        assert not finds("80", "张三", "+8613800138000")


class TestBounds:
    def test_nothing_finds_nobody(self) -> None:
        assert spelling.patterns("  ") == []

    @given(st.text(max_size=100), st.sampled_from(["", "+8613800138000"]))
    def test_everybody_is_found_by_their_whole_name_and_the_text_is_bounded(
        self, nick: str, number: str
    ) -> None:
        found_by = spelling.search_text(nick=nick, phone_number=number)
        assert len(found_by) <= 600
        if folded := spelling.fold(nick):
            assert any(pattern in found_by for pattern in spelling.patterns(folded[:100]))

    @given(st.text(max_size=200))
    def test_any_text_can_be_looked_for(self, text: str) -> None:
        assert all(spelling.patterns(text))
