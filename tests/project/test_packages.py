"""What is said where a program that the tests drive is missing."""

import pytest

from tests.services import packages
from tests.services.packages import Missing, Need, ensure


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A need that nothing can meet, on a machine where we may install nothing."""
    need = Need(
        title="a thing",
        is_there=lambda: False,
        packages={"apt-get": "thing-deb", "dnf": "thing-rpm", "brew": "thing-brew"},
    )
    monkeypatch.setitem(packages.NEEDS, "thing", need)
    monkeypatch.setattr("os.geteuid", lambda: 1000)


@pytest.mark.usefixtures("absent")
class TestMissing:
    """The tests stop, and the package is named as this system calls it."""

    @pytest.mark.parametrize(
        ("manager", "advice"),
        [
            ("apt-get", "sudo apt-get install thing-deb"),
            ("dnf", "sudo dnf install thing-rpm"),
            ("brew", "  brew install thing-brew"),
        ],
    )
    def test_package_is_named(self, monkeypatch: pytest.MonkeyPatch, manager: str, advice: str) -> None:
        monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}" if name == manager else None)
        with pytest.raises(Missing) as stop:
            ensure("thing")
        assert "a thing" in str(stop.value)
        assert advice in str(stop.value)

    def test_thing_is_named_where_nobody_knows_its_package(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("shutil.which", lambda name: None)
        with pytest.raises(Missing, match="a thing"):
            ensure("thing")


class TestFound:
    """What the tests themselves stand on is really there."""

    def test_nothing_is_missing_while_the_tests_run(self) -> None:
        ensure(*packages.NEEDS)
        postgres, chromium = packages.find_postgres(), packages.find_chromium()
        assert postgres is not None
        assert (postgres / "postgres").is_file()
        assert chromium is not None
