"""A real sandbox over HTTP and the nouns that belong to it; the organizer's browser and address book."""

import time
from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from invites.connecting import close_clients
from invites.dingtalk.sandbox import SandboxServer
from invites.models import AddressBook, App, Conference, User
from invites.models.app import AppKind
from invites.models.conference import ConferenceStatus
from tests.conftest import SignedIn
from tests.factories import AddressBookFactory

RUNNING_CONFERENCE = "5a9db0c000000000000000a1"
QUIET_CONFERENCE = "c0ffee"


@pytest.fixture
def browser(signed_in: SignedIn, organizer: User) -> Client:
    """The organizer's."""
    return signed_in(organizer)


@pytest.fixture
def book(organizer: User) -> AddressBook:
    """The organizer's, with nobody in it."""
    return AddressBookFactory(owner=organizer, name="Team")


@pytest.fixture
def sandbox(settings: Settings) -> Iterator[SandboxServer]:
    with SandboxServer(pace=0.01) as server:
        settings.DINGTALK_SANDBOX_URL = server.base_url
        yield server
    close_clients()


@pytest.fixture
def sandbox_app(sandbox: SandboxServer, db: None) -> App:
    return App.objects.create(name="sandbox", kind=AppKind.SANDBOX)


@pytest.fixture
def conference(sandbox_app: App, organizer: User) -> Conference:
    """A conference that is running in the sandbox."""
    return Conference.objects.create(
        app=sandbox_app,
        owner=organizer,
        conference_id=RUNNING_CONFERENCE,
        title="Weekly planning",
        status=ConferenceStatus.OPEN,
    )


class Clock:
    """The time of a sandbox, which stands still until a test moves it."""

    def __init__(self) -> None:
        self.begun = time.time()
        self.ahead = 0.0

    def __call__(self) -> float:
        return self.begun + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed_sandbox(settings: Settings, clock: Clock) -> Iterator[SandboxServer]:
    """A sandbox in which people take their time, which passes when a test says so."""
    with SandboxServer(clock=clock) as server:
        settings.DINGTALK_SANDBOX_URL = server.base_url
        yield server
    close_clients()


@pytest.fixture
def quiet(timed_sandbox: SandboxServer, organizer: User) -> Conference:
    """A conference of that sandbox which nobody has been called into."""
    timed_sandbox.add_conference(conference_id=QUIET_CONFERENCE)
    return Conference.objects.create(
        app=App.objects.create(name="sandbox", kind=AppKind.SANDBOX),
        owner=organizer,
        conference_id=QUIET_CONFERENCE,
        status=ConferenceStatus.OPEN,
    )
