"""Where a search has found somebody: in the name, by its pinyin or initials, in the unionId, in the number."""

import pytest
from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st

from invites import highlighting, phone_numbers, spelling
from tests.factories import ContactFactory


def found(nick: str, text: str) -> list[str]:
    return [nick[start:end] for start, end in highlighting.in_name(nick, text)]


def digits_found(e164: str, text: str, *, country: str = "CN") -> list[str]:
    shown = phone_numbers.display(e164, country=country)
    return [shown[start:end] for start, end in highlighting.in_number(shown, text, e164=e164)]


class TestInName:
    @pytest.mark.parametrize(
        ("nick", "text", "marked"),
        [
            ("Jane Doe", "ja", ["Ja"]),
            ("Jane Doe", "DOE", ["Doe"]),
            ("Jane Doe", "ane", ["ane"]),
            ("Zoë Müller", "zoe mul", ["Zoë Mül"]),
            ("ab ab", "ab", ["ab", "ab"]),
            ("张三丰", "三丰", ["三丰"]),
            ("مثال", "مث", ["مث"]),
        ],
    )
    def test_name_is_marked_as_it_is_written(self, nick: str, text: str, marked: list[str]) -> None:
        assert found(nick, text) == marked

    @pytest.mark.parametrize(
        ("nick", "text", "marked"),
        [
            ("张三", "zhangsan", ["张三"]),
            ("张三", "zhang san", ["张三"]),
            ("张三丰", "sanf", ["三丰"]),
            ("张三", "angs", ["张三"]),
            ("曾三", "zengs", ["曾三"]),
            ("曾三", "cengs", ["曾三"]),
            ("吕布", "lvbu", ["吕布"]),
        ],
    )
    def test_characters_are_marked_by_their_pinyin(self, nick: str, text: str, marked: list[str]) -> None:
        assert found(nick, text) == marked

    @pytest.mark.parametrize(
        ("nick", "text", "marked"),
        [("张三", "zs", ["张三"]), ("张三丰", "sf", ["三丰"]), ("Jane Doe", "j.d.", ["J", "D"])],
    )
    def test_characters_are_marked_by_their_initials(self, nick: str, text: str, marked: list[str]) -> None:
        assert found(nick, text) == marked

    def test_name_that_is_found_by_its_letters_is_not_marked_by_initials(self) -> None:
        assert found("李 zs", "zs") == ["zs"]

    @pytest.mark.parametrize(
        ("nick", "text"), [("Jane", "an"), ("Ada", "z"), ("", "a"), ("Ada", ""), ("Ada", " ")]
    )
    def test_what_finds_nothing_marks_nothing(self, nick: str, text: str) -> None:
        assert found(nick, text) == []

    @given(nick=st.text(max_size=30), text=st.text(max_size=10))
    def test_stretches_lie_inside_the_name_one_after_the_other(self, nick: str, text: str) -> None:
        places = [place for stretch in highlighting.in_name(nick, text) for place in stretch]
        assert places == sorted(places)
        assert all(0 <= place <= len(nick) for place in places)

    @given(nick=st.text(alphabet="张三丰曾吕布重庆 abAB", min_size=1, max_size=6), length=st.integers(1, 6))
    def test_whoever_is_found_by_the_beginning_of_the_name_is_marked(self, nick: str, length: int) -> None:
        if text := nick.strip()[:length].strip():
            assert spelling.patterns(text)
            assert found(nick, text)


class TestInNumber:
    @pytest.mark.parametrize(
        ("e164", "text", "marked"),
        [
            ("+8613800138000", "3800", ["3 800"]),
            ("+8613800138000", "8000", ["8000"]),
            ("+8613800138000", "0013 8", ["0013 8"]),
            ("+8613800138000", "86138", ["138"]),
            ("+8613800138000", "+86", []),
            ("+8613800138000", "999", []),
            ("+8613800138000", "zs", []),
            ("+861065529988", "1065", ["10 65"]),
            ("+442083661177", "4420", ["44 20"]),
        ],
    )
    def test_digits_are_marked_across_blanks(self, e164: str, text: str, marked: list[str]) -> None:
        assert digits_found(e164, text) == marked


class TestInUnionId:
    def test_only_a_beginning_of_three_characters_or_more_is_marked(self) -> None:
        assert highlighting.in_union_id("abcdef", " abc ") == [(0, 3)]
        assert highlighting.in_union_id("abcdef", "ab") == []
        assert highlighting.in_union_id("abcdef", "bcd") == []


class TestTags:
    def show(self, tag: str, **context: object) -> str:
        template = Template("{% load found %}" + tag)
        return template.render(Context({"may_see_phone_numbers": True} | context))

    def test_name_is_escaped_around_and_inside_the_mark(self) -> None:
        shown = self.show("{% found_name nick text %}", nick="<b>x</b>&'", text="<b>")
        assert shown == "<mark>&lt;b&gt;</mark>x&lt;/b&gt;&amp;&#x27;"

    def test_text_itself_is_never_shown(self) -> None:
        shown = self.show("{% found_name nick text %}", nick="Ada", text="<script>")
        assert shown == "Ada"

    def test_missing_text_marks_nothing(self) -> None:
        assert self.show("{% found_name nick request.GET.q %}", nick="Ada") == "Ada"

    def test_number_is_masked_for_whom_may_not_see_it(self) -> None:
        shown = self.show(
            '{% found_number number "CN" text %}',
            number="+8613800138000",
            text="13800138",
            may_see_phone_numbers=False,
        )
        assert "138001" not in shown
        assert "<mark>" not in shown

    def test_number_shows_beside_the_unionid_where_it_is_what_was_found(self) -> None:
        contact = ContactFactory.build(book=None, union_id="u-ada", phone_number="+8613800138000")
        shown = self.show('{% found_reach contact "CN" text %}', contact=contact, text="8000")
        assert "u-ada" in shown
        assert "138 0013 <mark>8000</mark>" in shown
        shown = self.show('{% found_reach contact "CN" text %}', contact=contact, text="ada")
        assert "138" not in shown
