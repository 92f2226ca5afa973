"""The process that keeps the Stream connections, over real sockets: what it takes in, and what it outlives."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection

from invites.connecting import StreamAccount
from invites.dingtalk.hosts import Reach
from invites.dingtalk.sandbox import SandboxServer
from invites.dingtalk.sandbox.events import Channel, Person
from invites.dingtalk.sandbox.people import SANDBOX_CORP_ID, SANDBOX_SUITE_KEY, SANDBOX_SUITE_SECRET
from invites.dingtalk.sandbox.routes import Operation
from invites.management.streams import Streams
from invites.models import App, Conference, Member, Observation, ReceivedEvent
from invites.models.app import AppKind, EventMode
from invites.models.conference import ConferenceStatus
from tests.factories import ConferenceFactory
from tests.services.processes import environment_of

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.django_db(transaction=True)

type Listen = Callable[[], subprocess.Popen[bytes]]


def wait_for(what: str, condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.05)


@pytest.fixture
def listen(sandbox: SandboxServer) -> Iterator[Listen]:
    """Starts ``manage.py dingtalk_stream`` and waits until its connection stands."""
    started: list[subprocess.Popen[bytes]] = []

    def listen() -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "dingtalk_stream"],
            cwd=ROOT,
            env=environment_of(connection) | {"DINGTALK_SANDBOX_URL": sandbox.base_url},
        )
        started.append(process)
        wait_for("the connection", sandbox.gateway.connected)
        return process

    yield listen
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def meeting(sandbox: SandboxServer, sandbox_app: App) -> Conference:
    sandbox.add_conference(conference_id="c0ffee")
    conference: Conference = ConferenceFactory(
        app=sandbox_app, conference_id="c0ffee", status=ConferenceStatus.UNKNOWN
    )
    return conference


def call(sandbox: SandboxServer, union_id: str) -> None:
    """Calls somebody into the meeting, who joins at once."""
    person = Person(channel=Channel.UNION_ID, value=union_id, nick="Somebody")
    assert sandbox._exchange.state.ring("c0ffee", [person])


class TestListener:
    def test_it_takes_in_who_joins_and_that_the_meeting_ends(
        self, sandbox: SandboxServer, listen: Listen, meeting: Conference
    ) -> None:
        process = listen()
        call(sandbox, "joins-1")
        wait_for("the joining", Member.objects.filter(attendance="joined").exists)
        sandbox.close_conference("c0ffee")
        wait_for("the end", Conference.objects.filter(status=ConferenceStatus.ENDED).exists)
        assert Observation.objects.get().event_at is not None
        wait_for("the beat", App.objects.filter(stream_seen_at__isnull=False).exists)
        wait_for("the last word", lambda: not sandbox.gateway.unconfirmed())
        assert not any(each.operation is Operation.MEMBERS for each in sandbox.received)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0

    def test_what_happens_while_it_is_dead_comes_when_it_is_back_and_once(
        self, sandbox: SandboxServer, listen: Listen, meeting: Conference
    ) -> None:
        first = listen()
        first.kill()
        first.wait()
        wait_for("the death", lambda: not sandbox.gateway.connected())
        call(sandbox, "joins-1")
        sandbox.announcer.look()
        assert not ReceivedEvent.objects.exists()
        listen()
        wait_for("the joining", Member.objects.filter(attendance="joined").exists)
        wait_for("the rest", lambda: not sandbox.gateway.unconfirmed())
        received = ReceivedEvent.objects.count()
        sandbox.announcer.replay()
        wait_for("the repetition", lambda: not sandbox.gateway.unconfirmed())
        assert ReceivedEvent.objects.count() == received

    def test_apps_that_are_added_and_switched_off_are_noticed(
        self, sandbox: SandboxServer, listen: Listen, sandbox_app: App
    ) -> None:
        listen()
        suite = App.objects.create(
            name="suite",
            kind=AppKind.THIRD_PARTY,
            base_url=sandbox.base_url,
            client_id=SANDBOX_SUITE_KEY,
            client_secret=SANDBOX_SUITE_SECRET,
            auth_corp_id=SANDBOX_CORP_ID,
            suite_ticket="first",
            event_mode=EventMode.STREAM,
        )
        wait_for("its connection", lambda: sandbox.gateway.connected(SANDBOX_SUITE_KEY))
        sandbox.issue_ticket("second")
        wait_for("the ticket", lambda: App.objects.get(pk=suite.pk).suite_ticket == "second")
        App.objects.filter(pk=suite.pk).update(enabled=False)
        wait_for("its end", lambda: not sandbox.gateway.connected(SANDBOX_SUITE_KEY))
        assert sandbox.gateway.connected()


class TestStreams:
    def test_event_that_comes_while_credentials_change_is_left_to_the_next_connection(self) -> None:
        former = StreamAccount(
            base_url="http://127.0.0.1:9", client_id="a", reach=Reach.LOOPBACK, secrets=("b",)
        )
        assert not asyncio.run(Streams()._take_in(former, {}))
