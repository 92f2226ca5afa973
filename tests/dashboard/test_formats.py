"""Numbers in the form of the language."""

import pytest
from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils import translation


class TestNumbers:
    @pytest.mark.parametrize("language", ["en", "zh-hans"])
    def test_thousands_are_set_apart(self, language: str) -> None:
        with translation.override(language):
            assert intcomma(1_234_567) == "1,234,567"
