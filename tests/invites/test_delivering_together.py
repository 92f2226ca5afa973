"""Many senders at once, with halving, shut-outs, leaving out, recovery and inviting again between them."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from django.db import connections, transaction
from django.utils import timezone
from pytest_django import Settings

from invites import delivering
from invites.connecting import close_clients
from invites.delivering import WORKER
from invites.dingtalk.sandbox import SandboxServer
from invites.errors import AlreadySent, ConferenceEnded, NobodyToInvite
from invites.models import App, Attempt, Batch, Conference, Invitation, Invitee, User
from invites.models.app import AppKind
from invites.models.attempt import AttemptState
from invites.models.invitation import InvitationState
from invites.models.invitee import InviteeState
from invites.recovering import recover
from invites.sending import invite_again
from tests.invites.conftest import RUNNING_CONFERENCE
from tests.invites.test_delivering import sent

pytestmark = pytest.mark.django_db(transaction=True)
INVITATIONS = 3


@pytest.fixture
def busy_sandbox(settings: Settings) -> Iterator[SandboxServer]:
    """A sandbox that takes its time, refuses some calls, and shuts the address out now and then."""
    with SandboxServer(pace=0.01, latency_ms=10) as server:
        for fault, skips in {
            "throttled": (3, 9, 20),
            "shut_out_html": (15, 16, 30),
            "code:confClosed": (70,),
        }.items():
            for skip in skips:
                server.add_fault(fault, skip=skip)
        settings.DINGTALK_SANDBOX_URL = server.base_url
        yield server
    close_clients()


@pytest.fixture
def invitations(busy_sandbox: SandboxServer, organizer: User) -> list[Invitation]:
    app = App.objects.create(name="sandbox", kind=AppKind.SANDBOX, batch_size=3)
    conference = Conference.objects.create(app=app, owner=organizer, conference_id=RUNNING_CONFERENCE)
    made = []
    for number in range(INVITATIONS):
        values = [f"person-{number}-{n}" for n in range(30)] + [f"unknown-{number}-{n}" for n in range(3)]
        random.shuffle(values)
        made.append(sent(conference, organizer, *values))
    return made


def over_and_over(*acts: Callable[[], object], until: Callable[[], bool]) -> list[Exception]:
    """Does each act in a thread of its own, again and again, until all is done; returns what was raised."""
    stop, raised = threading.Event(), []

    def run(act: Callable[[], object]) -> None:
        try:
            while not stop.is_set():
                act()
                time.sleep(0.005)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
            raised.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 30
    while not until() and not raised and time.monotonic() < deadline:
        time.sleep(0.05)
    stop.set()
    for thread in threads:
        thread.join()
    return raised


class TestManyAtOnce:
    def test_nobody_waits_for_ever_and_nobody_is_called_twice(
        self, busy_sandbox: SandboxServer, invitations: list[Invitation], organizer: User
    ) -> None:
        def send() -> None:
            delivering.deliver(invitation_id=random.choice(invitations).pk, policy=WORKER)

        def let_time_pass() -> None:
            with transaction.atomic():
                app = App.objects.lock_that_of(invitations[0].pk)
                App.objects.filter(pk=app.pk).update(rests_until=None)
                Batch.objects.filter(pk__in=Batch.objects.waiting().lock()).update(not_before=timezone.now())

        def leave_out() -> None:
            time.sleep(0.3)
            delivering.leave_out_waiting(invitations[-1].pk, because="cancelled")

        def again() -> None:
            try:
                invite_again(
                    invitation=random.choice(invitations), states=[InviteeState.FAILED], user=organizer
                )
            except (AlreadySent, NobodyToInvite, ConferenceEnded):
                time.sleep(0.05)

        keys = [invitation.pk for invitation in invitations]
        under_way = Invitation.objects.filter(pk__in=keys).exclude(state=InvitationState.FINISHED)
        raised = over_and_over(
            *[send] * 5,
            let_time_pass,
            recover,
            recover,
            leave_out,
            again,
            until=lambda: not under_way.exists(),
        )
        assert raised == []
        assert not under_way.exists()
        assert not Attempt.objects.filter(state=AttemptState.STARTED).exists()
        waiting = Invitee.objects.with_states([InviteeState.PENDING, InviteeState.SENDING])
        assert not waiting.filter(invitation__state=InvitationState.FINISHED).exists()
        rung = Counter(
            person.value for post in busy_sandbox.invitations if post.status == 200 for person in post.people
        )
        assert set(rung.values()) == {1}
        invited = Invitee.objects.with_state(InviteeState.INVITED).values_list("value", flat=True)
        assert sorted(invited) == sorted(rung)
