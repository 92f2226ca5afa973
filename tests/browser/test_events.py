"""Events in a real browser: a live page shows who joins, and nobody asks DingTalk for the members."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from invites.dingtalk.sandbox import SandboxServer
from invites.dingtalk.sandbox.routes import Operation
from invites.management.streams import Streams
from invites.models import App, Conference, Observation, User
from invites.sending import send
from tests.browser.conftest import SignIn
from tests.browser.test_invitation import wait_until
from tests.factories import InvitationFactory, InviteeFactory


@pytest.fixture
def listener(worker: None) -> Iterator[None]:
    """What ``manage.py dingtalk_stream`` does, in a thread, until the test ends."""
    stopping, loop = asyncio.Event(), asyncio.new_event_loop()
    thread = threading.Thread(
        target=lambda: loop.run_until_complete(Streams().keep(stopping)), name="listener"
    )
    thread.start()
    yield
    loop.call_soon_threadsafe(stopping.set)
    thread.join()
    loop.close()


class TestLivePage:
    def test_it_shows_who_joins_and_declines_without_asking_for_the_members(
        self,
        page: Page,
        sign_in: SignIn,
        organizer: User,
        conference: Conference,
        sandbox: SandboxServer,
        listener: None,
    ) -> None:
        now = timezone.now()
        # As after the first reading and the first event.
        Observation.objects.create(conference=conference, read_at=now, event_at=now)
        sign_in(organizer)
        page.goto("/")
        wait_until(page, App.objects.filter(stream_seen_at__isnull=False).exists)
        draft = InvitationFactory(conference=conference)
        for position, value in enumerate(("somebody-0", "declines-7")):
            InviteeFactory(invitation=draft, position=position, value=value, nick=value)
        sent = send(invitation=draft, revision=0, user=organizer)
        page.goto(f"/invitations/{sent.pk}/")
        expect(page.locator("#people_progress")).to_contain_text("1 of 2 joined", timeout=30_000)
        expect(page.get_by_text("Did not join").first).to_be_visible(timeout=30_000)
        assert not any(each.operation is Operation.MEMBERS for each in sandbox.received)
