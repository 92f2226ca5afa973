"""Locking a conference from here, and what becomes of those who are still waiting when nobody gets in any more."""

from http import HTTPStatus

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains

from invites.conferring import close, lock, refresh, unlock
from invites.delivering import WORKER, deliver, leave_out_the_late
from invites.dingtalk.sandbox import DEMO_ORGANIZER, SandboxServer
from invites.dingtalk.sandbox.routes import Operation
from invites.errors import AppUnavailable, ConferenceLocked, DingTalkRefused
from invites.explaining import CONFERENCE_LOCKED
from invites.models import App, Conference, Invitation, User
from invites.models.conference import ConferenceStatus
from invites.models.invitation import InvitationState
from invites.models.invitee import InviteeState
from invites.sending import invite_again, send
from invites.steering import pause
from tests.conftest import SignedIn
from tests.factories import InvitationFactory, InviteeFactory

pytestmark = pytest.mark.django_db


def sent_into(conference: Conference, user: User, *, people: int = 2) -> Invitation:
    draft = InvitationFactory(conference=conference)
    for position in range(people):
        InviteeFactory(invitation=draft, position=position)
    return send(invitation=draft, revision=0, user=user)


def lots(invitation: Invitation) -> set[tuple[str, str]]:
    """In which states the people of an invitation are, and why."""
    return set(invitation.invitees.values_list("state", "skipped_because"))


class TestLock:
    def test_dingtalk_lets_nobody_else_in_and_the_time_is_stored(
        self, sandbox: SandboxServer, conference: Conference
    ) -> None:
        locked = lock(conference=conference)
        told = sandbox.received[-1]
        assert (told.operation, told.body) == (Operation.LOCK, {"action": "lock"})
        assert locked.locked_at is not None

    def test_whoever_still_waits_on_any_invitation_is_left_out_at_once(
        self, conference: Conference, organizer: User
    ) -> None:
        invitations = [sent_into(conference, organizer), sent_into(conference, organizer)]
        pause(invitation=invitations[1], user=organizer)
        lock(conference=conference)
        for invitation in invitations:
            invitation.refresh_from_db()
            assert lots(invitation) == {(InviteeState.SKIPPED, CONFERENCE_LOCKED)}
            assert invitation.state == InvitationState.FINISHED

    def test_half_way_through_what_was_sent_stays_and_nothing_more_is_sent(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        App.objects.update(batch_size=1)
        conference.refresh_from_db()
        invitation = sent_into(conference, organizer, people=3)
        first = invitation.batches.get(number=1)
        invitation.batches.exclude(pk=first.pk).update(not_before="2100-01-01T00:00Z")
        deliver(invitation_id=invitation.pk, policy=WORKER)
        lock(conference=conference)
        invitation.batches.update(not_before="2026-01-01T00:00Z")
        assert deliver(invitation_id=invitation.pk, policy=WORKER) is None
        assert len(sandbox.invitations) == 1
        assert lots(invitation) == {(InviteeState.INVITED, ""), (InviteeState.SKIPPED, CONFERENCE_LOCKED)}

    def test_sending_and_inviting_again_are_refused_until_it_is_unlocked(
        self, conference: Conference, organizer: User
    ) -> None:
        finished = sent_into(conference, organizer)
        lock(conference=conference)
        with pytest.raises(ConferenceLocked):
            sent_into(conference, organizer)
        with pytest.raises(ConferenceLocked):
            invite_again(invitation=finished, states=[InviteeState.SKIPPED], user=organizer)
        assert unlock(conference=conference).locked_at is None
        again = invite_again(invitation=finished, states=[InviteeState.SKIPPED], user=organizer)
        assert lots(again) == {(InviteeState.PENDING, "")}

    def test_whoever_was_sent_in_the_same_moment_is_left_out_by_the_next_recovery(
        self, conference: Conference, organizer: User
    ) -> None:
        invitation = sent_into(conference, organizer)
        Conference.objects.update(locked_at="2026-01-01T00:00Z")
        leave_out_the_late()
        assert lots(invitation) == {(InviteeState.SKIPPED, CONFERENCE_LOCKED)}

    def test_refused_lock_changes_nothing(
        self, sandbox: SandboxServer, conference: Conference, organizer: User
    ) -> None:
        invitation = sent_into(conference, organizer)
        sandbox.add_fault("code:noPermission", operation="lock")
        with pytest.raises(DingTalkRefused):
            lock(conference=conference)
        conference.refresh_from_db()
        assert conference.locked_at is None
        assert lots(invitation) == {(InviteeState.PENDING, "")}

    def test_answer_that_says_neither_yes_nor_no_is_told_as_unsure(
        self, sandbox: SandboxServer, conference: Conference
    ) -> None:
        sandbox.add_fault("html_502", operation="lock")
        with pytest.raises(DingTalkRefused) as refusal:
            lock(conference=conference)
        assert refusal.value.is_unsure
        assert "once more" in str(refusal.value)

    def test_app_that_is_switched_off_locks_nothing(self, conference: Conference) -> None:
        App.objects.update(enabled=False)
        conference.app.refresh_from_db()
        with pytest.raises(AppUnavailable):
            lock(conference=conference)


class TestEnd:
    @pytest.fixture
    def invitation(self, conference: Conference, organizer: User) -> Invitation:
        return sent_into(conference, organizer)

    def test_ending_the_meeting_here_leaves_out_whoever_still_waits(
        self, conference: Conference, invitation: Invitation
    ) -> None:
        close(conference=conference, union_id=DEMO_ORGANIZER.union_id)
        assert lots(invitation) == {(InviteeState.SKIPPED, "confClosed")}

    def test_reading_that_it_has_ended_leaves_out_whoever_still_waits(
        self, sandbox: SandboxServer, conference: Conference, invitation: Invitation
    ) -> None:
        sandbox.close_conference(conference.conference_id)
        refresh(conference=conference)
        assert lots(invitation) == {(InviteeState.SKIPPED, "confClosed")}

    def test_lock_of_a_conference_that_has_ended_is_told_as_its_end(
        self, sandbox: SandboxServer, conference: Conference, invitation: Invitation
    ) -> None:
        sandbox.close_conference(conference.conference_id)
        ended = lock(conference=conference)
        assert (ended.status, ended.locked_at) == (ConferenceStatus.ENDED, None)
        assert lots(invitation) == {(InviteeState.SKIPPED, "confClosed")}

    def test_meeting_that_goes_on_leaves_nobody_out(
        self, conference: Conference, invitation: Invitation
    ) -> None:
        refresh(conference=conference)
        assert lots(invitation) == {(InviteeState.PENDING, "")}


class TestPages:
    @pytest.fixture
    def browser(self, signed_in: SignedIn, organizer: User) -> Client:
        return signed_in(organizer)

    def at(self, name: str, conference: Conference) -> str:
        return reverse(f"invites:conference_{name}", args=[conference.pk])

    def test_page_asks_first_and_names_who_would_be_left_out(
        self, browser: Client, conference: Conference, organizer: User
    ) -> None:
        assertContains(browser.get(self.at("detail", conference)), self.at("lock", conference))
        assertNotContains(browser.get(self.at("lock", conference)), "left out")
        sent_into(conference, organizer, people=3)
        page = browser.get(self.at("lock", conference))
        assertContains(page, "3 people who are still to be called will be left out.")
        conference.refresh_from_db()
        assert conference.locked_at is None

    def test_locked_meeting_says_so_and_can_be_unlocked(
        self, browser: Client, conference: Conference
    ) -> None:
        page = browser.post(self.at("lock", conference), follow=True)
        assertContains(page, "This meeting is locked")
        assertContains(page, "DingTalk does not tell")
        assertNotContains(page, self.at("lock", conference))
        page = browser.post(self.at("unlock", conference), follow=True)
        assertContains(page, "Unlocked.")
        assertNotContains(page, "This meeting is locked")

    def test_refusal_is_shown_with_the_code_on_the_page_that_asked(
        self, browser: Client, sandbox: SandboxServer, conference: Conference
    ) -> None:
        sandbox.add_fault("code:noPermission", operation="lock")
        page = browser.post(self.at("lock", conference))
        assertContains(page, "noPermission", status_code=HTTPStatus.CONFLICT)
        assertContains(page, "Lock the meeting", status_code=HTTPStatus.CONFLICT)

    def test_refused_unlocking_leaves_it_locked(
        self, browser: Client, sandbox: SandboxServer, conference: Conference
    ) -> None:
        lock(conference=conference)
        sandbox.add_fault("code:noPermission", operation="lock")
        assert browser.post(self.at("unlock", conference)).status_code == HTTPStatus.CONFLICT
        conference.refresh_from_db()
        assert conference.locked_at is not None

    def test_meeting_that_turns_out_to_be_over_is_said_to_be(
        self, browser: Client, sandbox: SandboxServer, conference: Conference
    ) -> None:
        sandbox.close_conference(conference.conference_id)
        page = browser.post(self.at("lock", conference), follow=True)
        assertContains(page, "DingTalk says that this conference has ended.")

    def test_only_those_who_share_the_conference_may(
        self, signed_in: SignedIn, conference: Conference, other_organizer: User, auditor: User
    ) -> None:
        for name in ("lock", "unlock"):
            address = self.at(name, conference)
            assert signed_in(other_organizer).post(address).status_code == HTTPStatus.NOT_FOUND
            assert signed_in(auditor).post(address).status_code == HTTPStatus.FORBIDDEN
            assert Client().post(address)["Location"].startswith(reverse("login"))
        conference.refresh_from_db()
        assert conference.locked_at is None

    def test_unlocking_is_never_a_page_that_is_read(self, browser: Client, conference: Conference) -> None:
        assert browser.get(self.at("unlock", conference)).status_code == HTTPStatus.METHOD_NOT_ALLOWED
