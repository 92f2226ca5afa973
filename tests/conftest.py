"""Fixtures that every test may ask for."""

from collections.abc import Callable

import pytest
from django.test import Client

from invites.models import User
from invites.models.user import Role
from tests.factories import UserFactory

type SignedIn = Callable[[User], Client]


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
