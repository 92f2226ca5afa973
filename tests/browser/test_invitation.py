"""A sent invitation in a real browser: it moves by itself, is paused, goes on, is cancelled, and shows who joined."""

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Request, Route, expect

from invites.dingtalk.sandbox import SandboxServer
from invites.models import App, Conference, Invitation, Invitee, Member, Observation, User
from invites.models.invitation import InvitationState
from invites.models.invitee import Channel, InviteeState
from invites.models.member import Attendance
from invites.sending import send
from tests.browser.conftest import Screenshot, SignIn
from tests.browser.looks import LOOKS, Look, settled, sideways
from tests.factories import (
    AttemptFactory,
    BatchFactory,
    InvitationFactory,
    InviteeFactory,
    MemberFactory,
    SentInvitationFactory,
)

MANY = 500
# Nearly a minute for all: however slow the machine is, there is somebody to pause and to cancel.
BATCH_SIZE = 10
# Whether somebody who looks again is told at once what is new, and not when the page would have asked next.
LOOK_AGAIN = """() => {
  delete document.hidden;
  document.dispatchEvent(new Event("visibilitychange"));
  return document.querySelector("[data-live]").matches(".htmx-request");
}"""


@pytest.fixture
def conference(conference: Conference) -> Conference:
    """A running one, and calls that take their time."""
    App.objects.update(batch_size=BATCH_SIZE, calls_per_second=1)
    return conference


@pytest.fixture
def draft(conference: Conference) -> Invitation:
    """Five hundred people."""
    draft = InvitationFactory(conference=conference)
    Invitee.objects.bulk_create(
        InviteeFactory.build(invitation=draft, position=n, value=f"somebody-{n:03}", nick=f"Person {n:03}")
        for n in range(MANY)
    )
    return draft


@pytest.fixture
def opened(page: Page, sign_in: SignIn, organizer: User, draft: Invitation) -> Page:
    """The page of the invitation, just sent."""
    sent = send(invitation=draft, revision=0, user=organizer)
    sign_in(organizer)
    page.goto(f"/invitations/{sent.pk}/")
    return page


def done(page: Page) -> int:
    """How many people the bar says are done."""
    value = page.get_by_role("progressbar", name="Progress").get_attribute("value")
    assert value is not None
    return int(value)


def wait_until(page: Page, holds: Callable[[], bool], *, seconds: float = 20) -> None:
    """Lets the page live until ``holds()``."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come true in time"
        page.wait_for_timeout(100)


class TestLive:
    def test_five_hundred_are_called_paused_resumed_and_seen_to_join(
        self, opened: Page, sandbox: SandboxServer
    ) -> None:
        wait_until(opened, lambda: done(opened) > 0)
        before = done(opened)
        wait_until(opened, lambda: done(opened) > before)
        opened.get_by_role("button", name="Pause").click()
        expect(opened.get_by_role("button", name="Resume")).to_be_focused()
        expect(opened.locator("#announcer")).to_contain_text("Paused.")
        wait_until(opened, lambda: not Invitee.objects.sending().exists())
        called = len(sandbox.invitations)
        assert called < MANY / BATCH_SIZE
        opened.wait_for_timeout(1500)
        assert len(sandbox.invitations) == called
        App.objects.update(calls_per_second=50)
        opened.get_by_role("button", name="Resume").click()
        expect(opened.locator("#people_progress")).to_contain_text("500 people", timeout=30_000)
        expect(opened.locator("#people_progress")).to_contain_text("of 500 joined", timeout=30_000)
        expect(opened.locator("#people_calls")).to_contain_text("50 calls.")
        expect(opened.locator("#people_list").get_by_text("Joined").first).to_be_visible(timeout=30_000)
        rung = [person.value for post in sandbox.invitations for person in post.people]
        assert len(rung) == len(set(rung)) == MANY

    def test_cancel_asks_once_and_leaves_the_others_out(self, opened: Page) -> None:
        opened.get_by_role("link", name="Cancel the invitation…").click()
        expect(opened.get_by_role("main")).to_contain_text("have not been called yet and will be left out")
        opened.get_by_role("button", name="Cancel the invitation").click()
        expect(opened.locator("#people_progress")).to_contain_text("Cancelled", timeout=15_000)
        expect(opened.locator("#people_chips")).to_contain_text("Left out")

    def test_nothing_is_asked_while_nobody_looks(self, opened: Page) -> None:
        asked: list[str] = []

        def note(request: Request) -> None:
            if "/live/" in request.url:
                asked.append(request.url)

        opened.on("request", note)
        wait_until(opened, lambda: len(asked) > 0)
        opened.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
        opened.wait_for_timeout(500)
        asked.clear()
        opened.wait_for_timeout(2500)
        assert asked == []
        asks = opened.evaluate(LOOK_AGAIN)
        assert asks
        wait_until(opened, lambda: len(asked) > 0)

    def test_chip_narrows_the_list_in_place(self, opened: Page, draft: Invitation) -> None:
        wait_until(opened, lambda: done(opened) > 0)
        opened.get_by_role("button", name="Pause").click()
        expect(opened.get_by_role("button", name="Resume")).to_be_visible()
        settled(opened)
        opened.locator("#people_chips a", has_text="Waiting").click()
        expect(opened.locator("#people_list li").first).to_contain_text("Waiting")
        expect(opened.locator('#people_chips a[aria-current="true"]')).to_contain_text("Waiting")
        assert opened.url.endswith(f"/invitations/{draft.pk}/?state=pending")
        opened.go_back()
        expect(opened.locator("#people_list li").first).to_contain_text("Invited")

    def test_late_answer_about_one_invitation_does_not_land_in_the_next(
        self, page: Page, sign_in: SignIn, organizer: User, conference: Conference
    ) -> None:
        earlier, later = (SentInvitationFactory(conference=conference, sent_by=organizer) for _ in range(2))
        for invitation in (earlier, later):
            InviteeFactory(invitation=invitation, state=InviteeState.INVITED, nick=f"On {invitation.pk}")
        sign_in(organizer)
        held: list[Route] = []

        def hold(route: Route) -> None:
            held.append(route)

        page.route(f"**/invitations/{earlier.pk}/live/**", hold)
        page.goto(f"/invitations/{earlier.pk}/")
        wait_until(page, lambda: len(held) > 0)
        page.evaluate(
            "url => htmx.ajax('GET', url, { target: '#people', swap: 'outerHTML' })",
            f"/invitations/{later.pk}/",
        )
        expect(page.locator("#people_list")).to_contain_text(f"On {later.pk}")
        earlier.invitees.update(state=InviteeState.FAILED)
        with page.expect_response(f"**/invitations/{earlier.pk}/live/**"):
            held[0].continue_()
        page.wait_for_timeout(300)
        expect(page.locator("#people")).not_to_contain_text("Not invited")


@pytest.mark.parametrize("look", [Look(scripts=False), Look(size="phone", scripts=False)], ids=str)
class TestWithoutScript:
    def test_it_is_paused_resumed_and_cancelled_by_plain_forms(self, opened: Page) -> None:
        opened.get_by_role("button", name="Pause").click()
        expect(opened.locator("#messages")).to_contain_text("Paused. Nobody else is called until you resume.")
        opened.get_by_role("button", name="Resume").click()
        expect(opened.locator("#messages")).to_contain_text("Resumed.")
        opened.get_by_role("link", name="Cancel the invitation…").click()
        opened.get_by_role("button", name="Cancel the invitation").click()
        expect(opened.locator("#messages")).to_contain_text("The invitation has been cancelled.")


@pytest.fixture
def fared(conference: Conference, organizer: User) -> Invitation:
    """One in every state and attendance, people with long names and by phone, and somebody uninvited."""
    invitation = SentInvitationFactory(
        conference=conference,
        state=InvitationState.PAUSED,
        sent_by=organizer,
        sent_at=timezone.now() - timedelta(minutes=3),
        finished_at=None,
        lookups=2,
    )
    attempt = AttemptFactory(
        invitation=invitation, state="failed", error_code="unknownUserError", people=1, people_state="failed"
    )
    half = BatchFactory(invitation=invitation, number=2, half_of=attempt.batch, state="waiting", people=3)
    AttemptFactory(invitation=invitation, batch=half, people=40)
    for position, state in enumerate(InviteeState.values):
        InviteeFactory(
            invitation=invitation,
            position=position,
            state=state,
            nick=f"Person {state} with a very long name that goes on and on for ever and a day",
            last_attempt=attempt if state in {"failed", "unknown"} else None,
            skipped_because="cancelled" if state == "skipped" else "",
            batch=half if state == "pending" else None,
        )
    for position, attendance in enumerate(Attendance.values, start=len(InviteeState)):
        since = timezone.now() - timedelta(minutes=position)
        member = MemberFactory(
            conference=conference, attendance=attendance, joined_at=since, changed_at=since
        )
        InviteeFactory(
            invitation=invitation,
            position=position,
            state=InviteeState.INVITED,
            channel=Channel.PHONE if attendance == "left" else Channel.UNION_ID,
            value="+8613800138000" if attendance == "left" else f"somebody-{position}",
            nick=f"人员 {attendance}",
            member=member,
            member_is_probable=attendance in {"joined", "left"},
        )
    MemberFactory(conference=conference, nick="Uninvited Host", is_host=True, joined_at=timezone.now())
    MemberFactory(conference=conference, nick="+86 someone", by_phone=True, joined_at=timezone.now())
    later = timezone.now() + timedelta(hours=1)
    Observation.objects.create(conference=conference, read_at=timezone.now(), next_read_at=later)
    assert Member.objects.nobody_invited().count() == 2
    return invitation


class TestLooks:
    @pytest.mark.parametrize("look", LOOKS, ids=str)
    def test_everything_fits(
        self, page: Page, sign_in: SignIn, organizer: User, fared: Invitation, screenshot: Screenshot
    ) -> None:
        sign_in(organizer)
        for name, path in {
            "invitation": f"/invitations/{fared.pk}/",
            "invitation-cancel": f"/invitations/{fared.pk}/cancel/",
            "conference-people": f"/conferences/{fared.conference_id}/",
        }.items():
            page.goto(path)
            assert sideways(page) == 0
            screenshot(name)
