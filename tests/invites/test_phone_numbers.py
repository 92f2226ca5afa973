"""Phone numbers as people write them, as they are stored, as they are shown."""

import contextlib

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from invites.phone_numbers import display, mask, parse


class TestParse:
    @pytest.mark.parametrize(
        ("text", "country", "stored"),
        [
            ("13800138000", "CN", "+8613800138000"),
            ("138 0013-8000", "CN", "+8613800138000"),
            ("+86 138 0013 8000", "CN", "+8613800138000"),
            ("0086 13800138000", "CN", "+8613800138000"),
            ("１３８００１３８０００", "CN", "+8613800138000"),
            ("010 6552 9988", "CN", "+861065529988"),
            ("+44 20 7946 0018", "CN", "+442079460018"),
            ("020 7946 0018", "GB", "+442079460018"),
            ("tel:+1-202-555-0143", "CN", "+12025550143"),
        ],
    )
    def test_number_is_stored_as_e164(self, text: str, country: str, stored: str) -> None:
        assert parse(text, country=country) == stored

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("", "not_a_number"),
            ("nobody", "not_a_number"),
            ("138", "too_short"),
            ("138001380001234567", "too_long"),
            ("1380013", "too_short"),
            ("1380013800", "too_short"),
            ("138001380001", "too_long"),
            ("10000000000", "no_such_prefix"),
            ("22812345678", "no_such_prefix"),
            ("+800 1234 567", "too_short"),
            ("+999 123456789", "country"),
            ("+86 10 6552 9988 ext. 12", "extension"),
        ],
    )
    def test_what_is_wrong_is_said(self, text: str, code: str) -> None:
        with pytest.raises(ValidationError) as caught:
            parse(text, country="CN")
        assert caught.value.code == code

    @given(st.text(max_size=60))
    def test_any_text_is_a_number_or_refused(self, text: str) -> None:
        with contextlib.suppress(ValidationError):
            assert parse(text, country="CN").startswith("+")


class TestShown:
    def test_number_of_the_country_is_national(self) -> None:
        assert display("+8613800138000", country="CN") == "138 0013 8000"

    def test_number_of_another_country_has_its_code(self) -> None:
        assert display("+442079460018", country="CN") == "+44 20 7946 0018"

    def test_mask_leaves_the_country_and_four_digits(self) -> None:
        assert mask("+8613800138000") == "+86 •••••••8000"
