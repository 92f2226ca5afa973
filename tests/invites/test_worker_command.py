"""The worker as a process: it delivers, says that it is alive, and ends when it is told to."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from pytest_django import Settings

from invites.dingtalk.sandbox import SandboxServer
from invites.management.commands.worker import Caretaker
from invites.models import Attempt, Conference, Invitation, ReceivedEvent, User, Worker
from invites.models.invitation import InvitationState
from invites.models.received_event import KEPT, EventOutcome, EventWay
from invites.sending import send
from tests.factories import InvitationFactory, InviteeFactory
from tests.services.processes import environment_of

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def worker(sandbox: SandboxServer) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "worker"],
        cwd=ROOT,
        env=environment_of(connection) | {"DINGTALK_SANDBOX_URL": sandbox.base_url},
    )
    yield process
    process.kill()
    process.wait()


def wait_for(what: str, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.05)


class TestWorker:
    def test_it_delivers_what_is_sent(
        self, worker: subprocess.Popen[bytes], conference: Conference, organizer: User
    ) -> None:
        draft = InvitationFactory(conference=conference)
        InviteeFactory(invitation=draft, value="abc")
        invitation = send(invitation=draft, revision=0, user=organizer)
        finished = Invitation.objects.filter(pk=invitation.pk, state=InvitationState.FINISHED)
        wait_for("the delivery", finished.exists)
        assert Attempt.objects.get().state == "succeeded"

    def test_it_is_seen_while_it_runs_and_takes_leave(self, worker: subprocess.Popen[bytes]) -> None:
        wait_for("the heartbeat", Worker.objects.alive().exists)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=20) == 0
        assert not Worker.objects.exists()

    def test_it_outlives_a_database_that_fails_for_a_while(
        self, worker: subprocess.Popen[bytes], conference: Conference, organizer: User
    ) -> None:
        wait_for("the heartbeat", Worker.objects.alive().exists)
        table = DBTaskResult._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} RENAME TO away")
            time.sleep(1.5)
            cursor.execute(f"ALTER TABLE away RENAME TO {table}")
        draft = InvitationFactory(conference=conference)
        InviteeFactory(invitation=draft, value="abc")
        invitation = send(invitation=draft, revision=0, user=organizer)
        finished = Invitation.objects.filter(pk=invitation.pk, state=InvitationState.FINISHED)
        wait_for("the delivery", finished.exists)
        assert worker.poll() is None

    def test_it_recovers_at_its_start(
        self, sandbox: SandboxServer, conference: Conference, organizer: User, worker: subprocess.Popen[bytes]
    ) -> None:
        draft = InvitationFactory(conference=conference)
        InviteeFactory(invitation=draft, value="abc")
        invitation = send(invitation=draft, revision=0, user=organizer)
        # As if the bell had been lost: nothing rings, and the last ring is long ago.
        Invitation.objects.filter(pk=invitation.pk).update(rung_at=timezone.now() - timedelta(minutes=2))
        finished = Invitation.objects.filter(pk=invitation.pk, state=InvitationState.FINISHED)
        wait_for("the recovery", finished.exists)
        assert len(sandbox.invitations) == 1

    def test_it_forgets_events_that_are_refused_by_their_age(
        self, conference: Conference, settings: Settings
    ) -> None:
        settings.HEARTBEAT_SECONDS = 0.05
        ReceivedEvent.objects.create(
            app=conference.app,
            event_id="old",
            event_type="suite_ticket",
            way=EventWay.STREAM,
            outcome=EventOutcome.APPLIED,
            received_at=timezone.now() - 3 * KEPT,
        )
        with Caretaker("caretaker"):
            wait_for("the forgetting", lambda: not ReceivedEvent.objects.exists())
