"""Who is heard first where many people wait and few threads send."""

import pytest

from invites import tasks
from invites.dingtalk.sandbox import SandboxServer
from invites.management.crew import _engine
from invites.models import App, Conference, Invitation, User
from invites.models.invitee import InviteeState
from invites.sending import send
from tests.factories import InvitationFactory, InviteeFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def short_turns(sandbox_app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "TURN_SECONDS", 0.05)
    App.objects.update(batch_size=1, calls_per_second=500)


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
