"""What every worker puts right: attempts whose process died, and bells that nobody heard."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, OperationalError, connection
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from pytest_django import DjangoCaptureOnCommitCallbacks

from invites import recovering
from invites.delivering import PROCESS_DIED
from invites.delivering.claiming import claim_next_batch
from invites.models import Attempt, Invitation, User
from invites.models.attempt import AttemptState
from invites.models.invitation import InvitationState
from invites.models.invitee import InviteeState
from invites.recovering import recover
from invites.sending import send
from tests.factories import ConferenceFactory, InvitationFactory, InviteeFactory
from tests.keeping import tampering

pytestmark = pytest.mark.django_db


@pytest.fixture
def invitation(organizer: User) -> Invitation:
    draft = InvitationFactory(conference=ConferenceFactory(owner=organizer))
    InviteeFactory(invitation=draft)
    return send(invitation=draft, revision=0, user=organizer)


class TestDeadAttempts:
    def test_attempt_of_a_dead_process_becomes_unknown(self, invitation: Invitation) -> None:
        claim_next_batch(invitation)
        Attempt.objects.update(deadline=timezone.now() - timedelta(seconds=1))
        recover()
        attempt = Attempt.objects.get()
        assert (attempt.state, attempt.error_code) == (AttemptState.UNKNOWN, PROCESS_DIED)
        assert invitation.invitees.get().state == InviteeState.UNKNOWN
        invitation.refresh_from_db()
        assert invitation.state == InvitationState.FINISHED

    def test_attempt_that_died_a_month_ago_does_not_stop_the_recovery(self, invitation: Invitation) -> None:
        claim_next_batch(invitation)
        long_ago = timezone.now() - timedelta(days=40)
        with tampering():
            Attempt.objects.update(started_at=long_ago, deadline=long_ago)
        recover()
        assert Attempt.objects.get().state == AttemptState.UNKNOWN

    def test_attempt_that_still_has_time_is_left_alone(self, invitation: Invitation) -> None:
        claim_next_batch(invitation)
        recover()
        assert Attempt.objects.get().state == AttemptState.STARTED


class TestLostBells:
    @pytest.fixture(autouse=True)
    def no_task(self, invitation: Invitation) -> None:
        DBTaskResult.objects.all().delete()

    def test_invitation_that_no_worker_took_up_is_rung_for_again(
        self, invitation: Invitation, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        Invitation.objects.update(rung_at=timezone.now() - timedelta(minutes=1))
        with django_capture_on_commit_callbacks(execute=True):
            recover()
        assert DBTaskResult.objects.get().args_kwargs["args"] == [invitation.pk]

    def test_of_several_workers_that_find_it_at_the_same_moment_one_rings(
        self, invitation: Invitation
    ) -> None:
        Invitation.objects.update(rung_at=timezone.now() - timedelta(minutes=1))
        unheard = timezone.now() - timedelta(seconds=30)
        found = [Invitation.objects.unheard(rung_before=unheard).get() for _worker in range(3)]
        taken = [Invitation.objects.take_ring(each.pk, rung_before=unheard) for each in found]
        assert taken == [True, False, False]

    def test_bell_that_has_just_rung_is_not_rung_again(
        self, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            recover()
        assert not DBTaskResult.objects.exists()


class TestSteps:
    @pytest.mark.parametrize("mistake", [ZeroDivisionError, IntegrityError, OperationalError])
    def test_a_mistake_in_one_step_keeps_no_other_from_being_taken(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, mistake: type[Exception]
    ) -> None:
        taken: list[str] = []

        def wrong() -> None:
            raise mistake

        monkeypatch.setattr(recovering, "_STEPS", (wrong, lambda: taken.append("the next")))
        recover()
        assert taken == ["the next"]
        assert mistake.__name__ in caplog.text

    def test_a_database_that_is_away_ends_the_round(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def away() -> None:
            raise OperationalError

        def refuse(*args: object) -> None:
            raise OperationalError

        monkeypatch.setattr(recovering, "_STEPS", (away,))
        with pytest.raises(OperationalError), connection.execute_wrapper(refuse):
            recover()
