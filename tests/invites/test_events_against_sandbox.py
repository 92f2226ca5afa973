"""Events as the sandbox posts them to a callback over real HTTP, also repeated, reordered, old and forged."""

from typing import Any

import httpx
import pytest
from pytest_django.live_server_helper import LiveServer

from invites.dingtalk.sandbox import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, SandboxServer
from invites.models import App, Conference, Member, ReceivedEvent
from invites.models.app import AppKind, EventMode
from tests.factories import ConferenceFactory

pytestmark = pytest.mark.django_db(transaction=True)
KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"


@pytest.fixture
def meeting(timed_sandbox: SandboxServer, live_server: LiveServer) -> Conference:
    """A meeting of an app to whose callback the sandbox posts."""
    app = App.objects.create(
        name="internal",
        kind=AppKind.INTERNAL,
        base_url=timed_sandbox.base_url,
        client_id=SANDBOX_CLIENT_ID,
        client_secret=SANDBOX_CLIENT_SECRET,
        event_mode=EventMode.CALLBACK,
        event_token="the-token",
        event_aes_key=KEY,
    )
    answer = httpx.post(
        f"{timed_sandbox.base_url}/_sandbox/callback",
        json={
            "url": f"{live_server.url}/dingtalk/events/{app.pk}/",
            "token": "the-token",
            "aesKey": KEY,
            "receiver": SANDBOX_CLIENT_ID,
        },
    )
    assert answer.json() == {"checked": True}
    timed_sandbox.announcer.end()
    timed_sandbox.add_conference(conference_id="c0ffee")
    conference: Conference = ConferenceFactory(app=app, conference_id="c0ffee")
    return conference


def play(sandbox: SandboxServer, action: str, **fields: object) -> dict[str, Any]:
    """Uses the sandbox's own endpoint, as somebody who tries things out does."""
    answer = httpx.post(f"{sandbox.base_url}/_sandbox/events", json={"action": action, **fields})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


class TestCallback:
    def test_people_come_and_go_however_the_events_travel(
        self, timed_sandbox: SandboxServer, meeting: Conference, clock: Any
    ) -> None:
        timed_sandbox.add_conference(conference_id="elsewhere", people=["other-1"])
        play(timed_sandbox, "hold")
        person = timed_sandbox.members("elsewhere")[0].person
        timed_sandbox._exchange.state.ring("c0ffee", [person])
        for seconds in (1, 10, 20):
            clock.ahead = seconds
            timed_sandbox.announcer.look()
        assert not Member.objects.exists()
        play(timed_sandbox, "release", backwards=True, times=2)
        assert Member.objects.get().attendance == "joined"
        pushed = timed_sandbox.pusher.pushed
        assert all((each.status, each.taken) == (200, True) for each in pushed)
        assert ReceivedEvent.objects.count() == len({each.event_id for each in pushed}) - 1
        timed_sandbox.close_conference("c0ffee")
        timed_sandbox.announcer.look()
        meeting.refresh_from_db()
        assert meeting.has_ended
        assert Member.objects.get().attendance == "left"

    def test_what_is_replayed_forged_or_old_changes_nothing(
        self, timed_sandbox: SandboxServer, meeting: Conference
    ) -> None:
        timed_sandbox.announcer.look()
        before = list(ReceivedEvent.objects.values_list("event_id", "outcome"))
        assert before
        for action, status in (("replay", 200), ("replay_old", 200), ("forge", 400)):
            play(timed_sandbox, action)
            assert timed_sandbox.pusher.pushed[-1].status == status
        assert list(ReceivedEvent.objects.values_list("event_id", "outcome")) == before

    def test_sandbox_posts_to_no_other_machine(self, timed_sandbox: SandboxServer) -> None:
        for url in ("http://192.0.2.1/", "https://example.com/", "nonsense"):
            answer = httpx.post(
                f"{timed_sandbox.base_url}/_sandbox/callback",
                json={"url": url, "token": "t", "aesKey": KEY, "receiver": "r"},
            )
            assert answer.status_code == 400
