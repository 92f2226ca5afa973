"""Charts of columns as numbers."""

from datetime import date

import pytest

from dashboard.charts import HEIGHT, Piece, stacked

DAYS = [date(2026, 3, 1), date(2026, 3, 2)]


class TestStacked:
    """Values of a day on each other."""

    def test_pieces_stand_on_each_other(self) -> None:
        chart = stacked(("a", "b"), [(DAYS[0], (3, 1)), (DAYS[1], (0, 0))])
        assert chart.top == 4
        assert chart.columns[0].pieces == (
            Piece(series="a", y=250, height=750),
            Piece(series="b", y=0, height=250),
        )
        assert chart.columns[1].pieces == ()
        assert (chart.first, chart.last, chart.middle) == (*DAYS, 2)

    def test_a_little_beside_much_is_seen(self) -> None:
        chart = stacked(("a", "b"), [(DAYS[0], (1_000_000, 1))])
        pieces = chart.columns[0].pieces
        assert len(pieces) == 2
        assert all(piece.height > 0 for piece in pieces[:1])
        assert all(piece.y >= 0 and piece.y + piece.height <= HEIGHT for piece in pieces)

    def test_nothing_is_empty(self) -> None:
        assert stacked(("a",), [(DAYS[0], (0,))]).is_empty

    @pytest.mark.parametrize(
        ("most", "top"), [(0, 2), (1, 2), (2, 2), (3, 4), (7, 8), (11, 20), (61, 80), (99, 100), (101, 200)]
    )
    def test_scale_ends_at_a_number_that_people_read(self, most: int, top: int) -> None:
        assert stacked(("a",), [(DAYS[0], (most,))]).top == top
