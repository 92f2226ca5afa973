"""Workers killed at random moments: what DingTalk received, compared with the database, person by person."""

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings

from invites.connecting import close_clients
from invites.dingtalk.sandbox import SandboxServer
from invites.models import App, Attempt, Conference, Invitation, Invitee, User, Worker
from invites.models.app import AppKind
from invites.models.invitation import InvitationState
from invites.models.invitee import InviteeState
from invites.sending import send
from tests.factories import InvitationFactory, InviteeFactory
from tests.invites.conftest import RUNNING_CONFERENCE
from tests.services.processes import environment_of

ROOT = Path(__file__).resolve().parents[2]
KILLS = 6
WORKERS = 2
BATCH_SIZE = 4
PEOPLE = 15

pytestmark = pytest.mark.django_db(transaction=True)


class Workers:
    """Worker processes that soon take each other for dead. One can be killed; another then takes its place."""

    def __init__(self, sandbox: SandboxServer) -> None:
        self._environment = environment_of(connection) | {
            "DJANGO_SETTINGS_MODULE": "tests.services.hurried",
            "DINGTALK_SANDBOX_URL": sandbox.base_url,
            "LOG_LEVEL": "ERROR",
        }
        self._processes = [self._started() for _ in range(WORKERS)]

    def at_work(self) -> list[subprocess.Popen[bytes]]:
        """Those that have come up."""
        names = Worker.objects.values_list("name", flat=True)
        pids = {int(name.rsplit("-", 2)[1]) for name in names}
        return [process for process in self._processes if process.pid in pids]

    def kill_one(self) -> None:
        """Ends one that has come up, as a power cut would."""
        victim = random.choice(self.at_work())
        victim.kill()
        victim.wait()
        self._processes.remove(victim)
        self._processes.append(self._started())

    def stop(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()

    def _started(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "manage.py", "worker"], cwd=ROOT, env=self._environment)


@pytest.fixture
def slow_sandbox(settings: Settings) -> Iterator[SandboxServer]:
    with SandboxServer(pace=0.01, latency_ms=60) as server:
        settings.DINGTALK_SANDBOX_URL = server.base_url
        yield server
    close_clients()


@pytest.fixture
def workers(slow_sandbox: SandboxServer) -> Iterator[Workers]:
    workers = Workers(slow_sandbox)
    yield workers
    workers.stop()


@pytest.fixture
def running(organizer: User) -> Conference:
    app = App.objects.create(name="sandbox", kind=AppKind.SANDBOX, batch_size=BATCH_SIZE)
    return Conference.objects.create(app=app, owner=organizer, conference_id=RUNNING_CONFERENCE)


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def all_finished() -> bool:
    return not Invitation.objects.exclude(state=InvitationState.FINISHED).exists()


def send_another(conference: Conference, user: User, number: int) -> None:
    """An invitation of people whom no other has, with somebody among them for whom batches are halved."""
    draft = InvitationFactory(conference=conference)
    values = [f"person-{number}-{n}" for n in range(PEOPLE)]
    values.insert(random.randrange(PEOPLE), f"unknown-{number}")
    for position, value in enumerate(values):
        InviteeFactory(invitation=draft, position=position, value=value)
    send(invitation=draft, revision=draft.revision, user=user)


class TestKilledWorkers:
    def test_nobody_is_called_twice_and_nobody_is_lost(
        self, slow_sandbox: SandboxServer, workers: Workers, running: Conference, organizer: User
    ) -> None:
        # With an access token at hand, most of the time that a worker can be killed in is that of a call.
        send_another(running, organizer, 0)
        wait_until(all_finished)
        for number in range(1, KILLS + 1):
            wait_until(workers.at_work)
            if number == 1:
                slow_sandbox.add_fault("throttled", skip=3)
            send_another(running, organizer, number)
            time.sleep(random.uniform(0.1, 0.9))
            workers.kill_one()
        wait_until(all_finished)

        # `status` is still None where the killed worker was not there to take the answer.
        posts = slow_sandbox.invitations
        rung = Counter(person.value for post in posts if post.status in {None, 200} for person in post.people)
        assert [value for value, times in rung.items() if times > 1] == []

        received = Counter(tuple(sorted(person.value for person in post.people)) for post in posts)
        on_record = Counter(
            tuple(sorted(sent.invitee.value for sent in attempt.people_sent.all()))
            for attempt in Attempt.objects.with_people()
        )
        assert received - on_record == Counter()

        for person in Invitee.objects.all():
            # Whose worker died in the call is unknown, rung or not; of everybody else we know the truth.
            if person.state == InviteeState.INVITED:
                assert rung[person.value] == 1
            elif person.state != InviteeState.UNKNOWN:
                assert (person.state, person.value[:8]) == (InviteeState.FAILED, "unknown-")
                assert rung[person.value] == 0
        unknown = Invitee.objects.with_state(InviteeState.UNKNOWN).count()
        assert unknown <= KILLS * BATCH_SIZE
        assert not Attempt.objects.overdue().exists()
