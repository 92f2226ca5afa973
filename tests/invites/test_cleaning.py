"""How the cells of a row are cleaned, where other programs have spoilt them."""

import pytest

from invites.absorbing.cleaning import Person, Refusal, cleaner
from invites.absorbing.problems import row_problem
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
