"""Charts of columns as shapes."""

import pytest

from dashboard.charts import stacked


class TestStacked:
    """Values of a day on each other."""

    def test_columns_stand_beside_and_series_on_each_other(self) -> None:
        chart = stacked(("a", "b"), [(3, 1), (0, 0), (2, 0)])
        assert chart.top == 4
        assert chart.middle == 2
        assert chart.shapes == {"a": "M1 250h8v750h-8zM21 500h8v500h-8z", "b": "M1 0h8v250h-8z"}
        assert chart.places == ("0", "10", "20")
        assert chart.width == "30"

    def test_a_little_beside_much_is_seen(self) -> None:
        assert stacked(("a", "b"), [(1_000_000, 1)]).shapes["b"] == "M1 488h8v12h-8z"

    def test_nothing_reaches_beyond_the_top(self) -> None:
        assert stacked(("a", "b"), [(1_999_999, 1)]).shapes["b"] == "M1 0h8v1h-8z"

    def test_nothing_is_empty(self) -> None:
        assert stacked(("a",), [(0,)]).is_empty
        assert stacked(("a",), []).is_empty

    @pytest.mark.parametrize(
        ("most", "top"), [(0, 2), (1, 2), (2, 2), (3, 4), (7, 8), (11, 20), (61, 80), (99, 100), (101, 200)]
    )
    def test_scale_ends_at_a_number_that_people_read(self, most: int, top: int) -> None:
        assert stacked(("a",), [(most,)]).top == top
