"""How the cells of a row, and what the directory has of somebody, are cleaned where they are spoilt."""

import pytest

from invites.absorbing.cleaning import Person, Refusal, cleaner, colleague
from invites.absorbing.problems import row_problem
from invites.dingtalk import DirectoryPerson
from invites.files import Line

clean = cleaner(columns=["nick", "phoneNumber"], country="CN", is_sandbox=False)


class TestPhoneNumbers:
    """Numbers that a program has calculated with."""

    def test_fraction_that_is_none_is_no_part_of_the_number(self) -> None:
        person = clean(Line(2, ("张三", "13800138000.0")))
        assert isinstance(person, Person)
        assert person.phone_number == "+8613800138000"

    def test_dots_between_digits_stay_what_they_are(self) -> None:
        person = clean(Line(2, ("张三", "138.0013.8000")))
        assert isinstance(person, Person)
        assert person.phone_number == "+8613800138000"

    @pytest.mark.parametrize("text", ["1.38E+10", "1,38E+10", "1.38001e10"])
    def test_number_that_was_cut_short_is_said_to_be(self, text: str) -> None:
        refusal = clean(Line(2, ("张三", text)))
        assert isinstance(refusal, Refusal)
        assert (refusal.problem, refusal.field, refusal.cells[1]) == ("cut_short", "phoneNumber", text)
        assert "first digits" in str(row_problem(refusal.problem))


class TestColleagues:
    """People of the company directory."""

    @pytest.mark.parametrize(
        ("name", "nick"),
        [
            (" 张三 ", "张三"),
            ("Ann\tBell", "Ann Bell"),
            ("A\u200bnn", "Ann"),
            ("\n", "staff-1"),
            ("x" * 120, "x" * 100),
        ],
    )
    def test_name_is_one_that_a_contact_can_have(self, name: str, nick: str) -> None:
        found = colleague(DirectoryPerson(user_id="staff-1", union_id="u1", name=name))
        assert found is not None
        assert found.nick == nick

    @pytest.mark.parametrize("union_id", ["a b", "a\u200bb", "x" * 129])
    def test_one_with_an_id_that_none_can_have_is_passed_over(self, union_id: str) -> None:
        person = DirectoryPerson(user_id="s", union_id=union_id, name="Ann", phone_number="+447700900123")
        assert colleague(person) is None

    def test_one_without_any_way_to_be_reached_is_passed_over(self) -> None:
        assert colleague(DirectoryPerson(user_id="s", union_id=" ", name="Ann")) is None
