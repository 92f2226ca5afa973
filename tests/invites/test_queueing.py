"""Who is heard first where many people wait and few threads send."""

import threading
import time

import pytest
from django.tasks import task

from invites import tasks
from invites.dingtalk.sandbox import SandboxServer
from invites.management.crew import Crew, _engine
from invites.models import App, Conference, Invitation, User
from invites.models.invitee import InviteeState
from invites.sending import send
from tests.factories import InvitationFactory, InviteeFactory

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 30
list_is_read, list_may_end = threading.Event(), threading.Event()


@task(queue_name=tasks.LISTS)
def read_long_list() -> None:
    list_is_read.set()
    list_may_end.wait(PATIENCE)


@pytest.fixture(autouse=True)
def short_turns(sandbox_app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "TURN_SECONDS", 0.05)
    App.objects.update(batch_size=1, calls_per_second=500)


@pytest.fixture
def long_lists() -> None:
    """Three lists that wait to be read, of which the first takes as long as the test wants."""
    list_is_read.clear()
    list_may_end.clear()
    for _list in range(3):
        read_long_list.enqueue()


def sent(conference: Conference, user: User, people: int) -> Invitation:
    conference.app.refresh_from_db()
    draft = InvitationFactory(conference=conference)
    for position in range(people):
        InviteeFactory(invitation=draft, position=position)
    return send(invitation=draft, revision=0, user=user)


def work(*, times: int) -> None:
    """What one thread does in so many tasks."""
    engine = _engine("one")
    engine.max_tasks = times
    engine.run()


@pytest.mark.parametrize("turns", [0, 3, 40])
def test_few_who_are_needed_now_do_not_wait_behind_a_very_long_list(
    sandbox: SandboxServer, conference: Conference, organizer: User, turns: int
) -> None:
    long = sent(conference, organizer, 1500)
    if turns:
        work(times=turns)
    short = sent(conference, organizer, 1)
    work(times=2)
    assert short.invitees.get().state == InviteeState.INVITED
    assert long.invitees.pending().exists()


def test_nobody_waits_for_lists_that_are_read(
    long_lists: None, sandbox: SandboxServer, conference: Conference, organizer: User
) -> None:
    with Crew(name="crew", size=1) as crew:
        try:
            crew.look()
            assert list_is_read.wait(PATIENCE)
            short = sent(conference, organizer, 1)
            crew.look()
            until = time.monotonic() + PATIENCE
            while short.invitees.pending().exists() and time.monotonic() < until:
                time.sleep(0.05)
            assert not list_may_end.is_set()
            assert not short.invitees.pending().exists()
        finally:
            list_may_end.set()


def test_lists_that_wait_for_the_one_that_is_read_wake_nobody(long_lists: None) -> None:
    with Crew(name="crew", size=1) as crew:
        try:
            crew.look()
            assert list_is_read.wait(PATIENCE)
            wakings = crew._wakings
            crew.look()
            assert crew._wakings == wakings
        finally:
            list_may_end.set()
