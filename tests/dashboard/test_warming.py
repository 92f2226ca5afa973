"""What a web process does before its first request."""

import gc
from collections.abc import Iterator

import pytest

from dashboard.warming import warm_up


@pytest.fixture
def collector() -> Iterator[None]:
    """The garbage collector, which looks through everything again afterwards."""
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("collector")
class TestWarmUp:
    """`dashboard.warming.warm_up`, without a database."""

    def test_what_is_loaded_is_not_looked_through_again(self) -> None:
        loaded = len(gc.get_objects())
        warm_up()
        assert gc.get_freeze_count() > loaded * 0.5
        assert len(gc.get_objects()) < loaded * 0.1

    def test_garbage_of_later_is_still_collected(self) -> None:
        warm_up()
        ring: list[object] = []
        ring.append(ring)
        gc.collect()
        del ring
        assert gc.collect() >= 1
