"""Ringing again in a real browser: whoever let the first call ring out is rung once more and joins; and its looks."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from invites.dingtalk.sandbox import SandboxServer
from invites.models import Conference, Invitation, Observation, User
from invites.models.invitee import Channel
from invites.models.member import Attendance
from invites.sending import send
from tests.browser.conftest import Screenshot, SignIn
from tests.browser.looks import LOOKS, Look, sideways
from tests.factories import InvitationFactory, InviteeFactory, SentInvitationFactory
from tests.invites.rung import called


@pytest.fixture
def ringing(conference: Conference) -> Invitation:
    """One that has been read, rings by itself in two minutes, and has people of every kind."""
    now = timezone.now()
    before = now - timedelta(minutes=3)
    sent: Invitation = SentInvitationFactory(
        conference=conference,
        sent_at=before,
        finished_at=before,
        rings_left=2,
        ring_again_minutes=5,
        ring_again_at=now + timedelta(minutes=2),
    )
    Observation.objects.create(conference=conference, read_at=now, next_read_at=now + timedelta(hours=1))
    for number, attendance in enumerate(Attendance):
        called(sent, attendance, at=before, seen=before, nick=f"Person {number}")
    called(sent, at=before, channel=Channel.PHONE, value="+861000000099", nick="By phone")
    return sent


class TestRingingAgain:
    def test_whoever_let_the_first_call_ring_out_joins_after_the_second(
        self,
        page: Page,
        sign_in: SignIn,
        organizer: User,
        conference: Conference,
        sandbox: SandboxServer,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        # The sandbox lets a call ring out after three: until then another one is no second call.
        monkeypatch.setattr("invites.ringing_again.CALL_LASTS", timedelta(seconds=4))
        draft = InvitationFactory(conference=conference)
        for position, value in enumerate(("somebody-0", "declines-7", "absent-8")):
            InviteeFactory(invitation=draft, position=position, value=value, nick=value)
        sent = send(invitation=draft, revision=0, user=organizer)
        sign_in(organizer)
        page.goto(f"/invitations/{sent.pk}/")
        again = page.get_by_role("button", name="Ring again: 2 people who have not joined")
        expect(again).to_be_visible(timeout=30_000)
        again.click()
        expect(page.locator("#messages")).to_contain_text("2 people are being rung again.")
        expect(page.locator("#people_progress")).to_contain_text("1 of 2 joined", timeout=30_000)
        rung = [person.value for post in sandbox.invitations for person in post.people]
        assert sorted(rung) == sorted(["somebody-0", *["declines-7", "absent-8"] * 2])

    def test_what_rings_by_itself_is_stopped(
        self, page: Page, sign_in: SignIn, organizer: User, ringing: Invitation
    ) -> None:
        sign_in(organizer)
        page.goto(f"/invitations/{ringing.pk}/")
        expect(page.get_by_text("(2 rings left)")).to_be_visible()
        page.get_by_role("button", name="Stop ringing").click()
        expect(page.locator("#messages")).to_contain_text("Nobody is rung again by itself.")
        expect(page.get_by_text("rings left")).to_have_count(0)


class TestLock:
    def test_meeting_is_locked_and_unlocked(
        self, page: Page, sign_in: SignIn, organizer: User, conference: Conference
    ) -> None:
        sign_in(organizer)
        page.goto(f"/conferences/{conference.pk}/")
        page.get_by_role("link", name="Lock meeting").click()
        page.get_by_role("button", name="Lock the meeting").click()
        expect(page.get_by_role("heading", name="This meeting is locked")).to_be_visible()
        page.get_by_role("button", name="Unlock meeting").click()
        expect(page.get_by_role("link", name="Lock meeting")).to_be_visible()


class TestLooks:
    @pytest.mark.parametrize("look", LOOKS, ids=str)
    def test_nothing_is_cut_off(
        self,
        page: Page,
        sign_in: SignIn,
        organizer: User,
        ringing: Invitation,
        screenshot: Screenshot,
        look: Look,
    ) -> None:
        sign_in(organizer)
        address = f"/conferences/{ringing.conference_id}/"
        for path, name in (
            (f"/invitations/{ringing.pk}/", "ringing-again"),
            (address, "ringing-again-beside-the-composer"),
            (f"{address}lock/", "lock"),
        ):
            page.goto(path)
            screenshot(name)
            assert sideways(page) == 0
        Conference.objects.update(locked_at=timezone.now())
        page.goto(address)
        screenshot("locked")
        assert sideways(page) == 0
