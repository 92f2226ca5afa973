"""Fixtures that every test may ask for, and what a request of htmx says."""

import gc
import os
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from django.test import Client
from django.utils import timezone, translation
from hypothesis import settings as hypothesis_settings
from pytest_django import DjangoDbBlocker

from invites.models import User, Worker
from invites.models.user import Role
from tests.databases import Template, own_database, spare_database, template_database
from tests.factories import UserFactory
from tests.keeping import let_tests_end_quickly

# What a test asks for that has to do with a database, also one that other processes use.
DATABASE_FIXTURES = {"db", "transactional_db", "database_url", "migrated_database_url"}
# Of the several that share the tests.
PROCESS = os.environ.get("PYTEST_XDIST_WORKER", "alone")
BROWSER_TESTS = Path(__file__).parent / "browser"

# How long an example takes says more about what else the machine does than about the code.
hypothesis_settings.register_profile("tests", deadline=None)
hypothesis_settings.load_profile("tests")

type SignedIn = Callable[[User], Client]


def htmx(target: str) -> dict[str, str]:
    """The headers of a request whose answer htmx puts in the place of the element ``target``."""
    return {"HX-Request": "true", "HX-Target": target}


def confirmed(client: Client) -> Client:
    """``client``, whose user has just shown who they are, as a sign-in with a password does."""
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "password", "at": time.time()}]
    session.save()
    return client


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Spares the collector of garbage what stays: thousands of tests, which it would walk through again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
        gc.set_threshold(50_000, 20, 20)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests of the browser and those of a database, and lets the browser's run last.

    Playwright keeps an event loop in this thread from its first test on.
    """
    for item in items:
        if item.path.is_relative_to(BROWSER_TESTS):
            item.add_marker("browser")
        elif item.get_closest_marker("django_db") or DATABASE_FIXTURES & set(
            getattr(item, "fixturenames", ())
        ):
            item.add_marker("database")
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(autouse=True)
def language_of_its_own() -> Iterator[None]:
    """Each test begins in English: a thread keeps the language of the last request that was answered in it."""
    yield
    translation.deactivate()


@pytest.fixture(scope="session")
def migrated_database(
    django_test_environment: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Template]:
    """The migrated database of which this run's databases are copies."""
    folder = tmp_path_factory.getbasetemp()
    shared = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    with django_db_blocker.unblock(), template_database(shared, PROCESS) as template:
        yield template


@pytest.fixture(scope="session")
def django_db_setup(migrated_database: Template, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """In place of pytest-django's, which migrates in each process; tests leave the database as they found it."""
    with django_db_blocker.unblock(), own_database(migrated_database, PROCESS):
        let_tests_end_quickly()
        yield


@pytest.fixture
def database_url(tmp_path: Path) -> Iterator[str]:
    """The DATABASE_URL of an empty database of the kind under test, for processes of their own."""
    with spare_database(tmp_path, None) as url:
        yield url


@pytest.fixture
def migrated_database_url(tmp_path: Path, migrated_database: Template) -> Iterator[str]:
    """As ``database_url``, of one with every table and nobody in it."""
    with spare_database(tmp_path, migrated_database) as url:
        yield url


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


@pytest.fixture
def alive_worker(db: None) -> Worker:
    """One that was seen just now."""
    now = timezone.now()
    return Worker.objects.create(name="worker", started_at=now, seen_at=now)
