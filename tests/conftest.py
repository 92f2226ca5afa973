"""Fixtures that every test may ask for."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from hypothesis import settings as hypothesis_settings

from invites.models import User
from invites.models.user import Role
from tests.factories import UserFactory

BROWSER_TESTS = Path(__file__).parent / "browser"

# How long an example takes says more about what else the machine does than about the code.
hypothesis_settings.register_profile("tests", deadline=None)
hypothesis_settings.load_profile("tests")

type SignedIn = Callable[[User], Client]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the browser's tests and lets them run last: Playwright keeps an event loop from then on."""
    for item in items:
        if item.path.is_relative_to(BROWSER_TESTS):
            item.add_marker("browser")
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture
def organizer(db: None) -> User:
    return UserFactory(username="organizer", role=Role.ORGANIZER, union_id="operator-of-organizer")


@pytest.fixture
def other_organizer(db: None) -> User:
    return UserFactory(username="other", role=Role.ORGANIZER)


@pytest.fixture
def auditor(db: None) -> User:
    return UserFactory(username="auditor", role=Role.AUDITOR)


@pytest.fixture
def administrator(db: None) -> User:
    return UserFactory(username="administrator", role=Role.ADMINISTRATOR)


@pytest.fixture
def signed_in() -> SignedIn:
    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign_in
