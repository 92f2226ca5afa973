"""Sending at a set time: put aside until then, sent once, or else a reason that says what to do."""

import threading
from datetime import timedelta

import pytest
import time_machine
from cryptography.fernet import Fernet
from django.db import connection
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from invites import composing, scheduling
from invites.errors import (
    AlreadySent,
    ComposerInUse,
    ConferenceEnded,
    ConferenceLocked,
    DraftChanged,
    InviteError,
    NobodyToInvite,
    PutAside,
)
from invites.models import App, Conference, DraftEdit, DraftLine, Invitation, Invitee, User
from invites.models.conference import ConferenceStatus
from invites.models.draft_edit import EditKind
from invites.models.draft_line import LineProblem
from invites.models.invitation import InvitationState, ScheduleProblem
from invites.models.user import Role
from invites.recovering import recover
from invites.sending import send
from tests.factories import ConferenceFactory, InvitationFactory, InviteeFactory

pytestmark = pytest.mark.django_db

NOW = timezone.now().replace(second=0, microsecond=0)
SOON = NOW + timedelta(minutes=20)


@pytest.fixture
def draft(organizer: User) -> Invitation:
    invitation: Invitation = InvitationFactory(conference=ConferenceFactory(owner=organizer), revision=3)
    for position in range(3):
        InviteeFactory(invitation=invitation, position=position)
    return invitation


@pytest.fixture
def scheduled(draft: Invitation, organizer: User) -> Invitation:
    return scheduling.schedule(invitation=draft, revision=3, at=SOON, user=organizer)


class TestSchedule:
    def test_draft_is_put_aside_with_when_and_by_whom(self, scheduled: Invitation, organizer: User) -> None:
        scheduled.refresh_from_db()
        assert scheduled.is_put_aside
        assert (scheduled.scheduled_for, scheduled.scheduled_by) == (SOON, organizer)
        assert composing.find_draft(scheduled.conference) is None

    def test_bell_is_put_off_until_then(
        self,
        draft: Invitation,
        organizer: User,
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            scheduling.schedule(invitation=draft, revision=3, at=SOON, user=organizer)
        task = DBTaskResult.objects.get()
        assert (task.task_path, task.run_after) == ("invites.scheduling.send_scheduled", SOON)

    def test_list_that_was_not_seen_is_refused(self, draft: Invitation, organizer: User) -> None:
        with pytest.raises(DraftChanged):
            scheduling.schedule(invitation=draft, revision=2, at=SOON, user=organizer)

    def test_nobody_on_it_is_refused(self, draft: Invitation, organizer: User) -> None:
        draft.invitees.all().delete()
        with pytest.raises(NobodyToInvite):
            scheduling.schedule(invitation=draft, revision=3, at=SOON, user=organizer)

    def test_ended_conference_is_refused(self, draft: Invitation, organizer: User) -> None:
        Conference.objects.update(status=ConferenceStatus.ENDED)
        with pytest.raises(ConferenceEnded):
            scheduling.schedule(invitation=draft, revision=3, at=SOON, user=organizer)

    def test_second_press_changes_nothing(self, scheduled: Invitation, other_organizer: User) -> None:
        with pytest.raises(PutAside):
            scheduling.schedule(invitation=scheduled, revision=4, at=NOW, user=other_organizer)
        scheduled.refresh_from_db()
        assert scheduled.scheduled_for == SOON

    def test_what_was_sent_meanwhile_is_not_put_aside(self, draft: Invitation, organizer: User) -> None:
        send(invitation=draft, revision=3, user=organizer)
        with pytest.raises(AlreadySent):
            scheduling.schedule(invitation=draft, revision=3, at=SOON, user=organizer)

    def test_list_that_is_put_aside_is_neither_sent_nor_edited_by_an_old_page(
        self, scheduled: Invitation, organizer: User
    ) -> None:
        with pytest.raises(PutAside):
            send(invitation=scheduled, revision=scheduled.revision, user=organizer)
        with pytest.raises(PutAside):
            composing.add_text(draft=scheduled, text="Kim, 13800138000", user=organizer)


class TestTakeBack:
    def test_it_stands_in_the_composer_with_its_time(self, organizer: User, scheduled: Invitation) -> None:
        scheduling.take_back(invitation=scheduled, user=organizer)
        draft = composing.find_draft(scheduled.conference)
        assert draft == scheduled
        assert draft.scheduled_for == SOON

    def test_empty_list_makes_room_for_it(self, organizer: User, scheduled: Invitation) -> None:
        empty = composing.open_draft(conference=scheduled.conference)
        scheduling.take_back(invitation=scheduled, user=organizer)
        assert not Invitation.objects.filter(pk=empty.pk).exists()

    def test_list_with_people_is_not_pushed_away(self, organizer: User, scheduled: Invitation) -> None:
        InviteeFactory(invitation=composing.open_draft(conference=scheduled.conference))
        with pytest.raises(ComposerInUse):
            scheduling.take_back(invitation=scheduled, user=organizer)
        scheduled.refresh_from_db()
        assert scheduled.is_put_aside

    def test_list_with_lines_to_correct_is_not_pushed_away(
        self, organizer: User, scheduled: Invitation
    ) -> None:
        standing = composing.open_draft(conference=scheduled.conference)
        DraftLine.objects.create(invitation=standing, text="nobody", problem=LineProblem.NOTHING_USABLE)
        with pytest.raises(ComposerInUse):
            scheduling.take_back(invitation=scheduled, user=organizer)

    def test_it_still_goes_out_at_its_time_from_there(self, scheduled: Invitation, organizer: User) -> None:
        draft = scheduling.take_back(invitation=scheduled, user=organizer)
        composing.add_text(draft=draft, text="Kim, 13800138000", user=organizer)
        with time_machine.travel(SOON):
            assert scheduling.send_due() == 1
        draft.refresh_from_db()
        assert draft.state == InvitationState.SENDING
        assert draft.batches.get().people == 4

    def test_it_is_put_aside_again_with_the_same_time(
        self, organizer: User, scheduled: Invitation, other_organizer: User
    ) -> None:
        draft = scheduling.take_back(invitation=scheduled, user=organizer)
        by = draft.scheduled_by
        scheduling.put_aside(invitation=draft, revision=draft.revision, user=organizer)
        draft.refresh_from_db()
        assert draft.is_put_aside
        assert (draft.scheduled_for, draft.scheduled_by) == (SOON, by)

    def test_without_its_time_it_waits_for_a_press(self, organizer: User, scheduled: Invitation) -> None:
        draft = scheduling.take_back(invitation=scheduled, user=organizer)
        scheduling.unschedule(invitation=draft, revision=draft.revision, user=organizer)
        with time_machine.travel(SOON):
            assert scheduling.send_due() == 0
        draft.refresh_from_db()
        assert draft.is_draft

    def test_what_has_no_time_cannot_be_put_aside(self, organizer: User, draft: Invitation) -> None:
        with pytest.raises(DraftChanged):
            scheduling.put_aside(invitation=draft, revision=3, user=organizer)


class TestOnRecord:
    def test_every_change_is_noted_with_whoever_made_it(
        self, scheduled: Invitation, organizer: User, other_organizer: User
    ) -> None:
        draft = scheduling.take_back(invitation=scheduled, user=other_organizer)
        scheduling.put_aside(invitation=draft, revision=draft.revision, user=organizer)
        draft = scheduling.take_back(invitation=scheduled, user=organizer)
        scheduling.unschedule(invitation=draft, revision=draft.revision, user=other_organizer)
        assert list(DraftEdit.objects.order_by("pk").values_list("kind", "by")) == [
            (EditKind.SCHEDULED, organizer.pk),
            (EditKind.TAKEN_BACK, other_organizer.pk),
            (EditKind.PUT_ASIDE, organizer.pk),
            (EditKind.TAKEN_BACK, organizer.pk),
            (EditKind.UNSCHEDULED, other_organizer.pk),
        ]

    def test_time_that_passed_is_noted_as_nobodys_doing(self, scheduled: Invitation) -> None:
        with time_machine.travel(SOON + timedelta(minutes=61)):
            scheduling.send_due()
        last = DraftEdit.objects.order_by("pk").last()
        assert last is not None
        assert (last.kind, last.by) == (EditKind.UNSCHEDULED, None)


class TestSendNow:
    def test_it_is_sent_in_the_name_of_whoever_presses(
        self, scheduled: Invitation, other_organizer: User
    ) -> None:
        scheduling.send_now(invitation=scheduled, revision=scheduled.revision, user=other_organizer)
        scheduled.refresh_from_db()
        assert (scheduled.state, scheduled.sent_by) == (InvitationState.SENDING, other_organizer)

    def test_second_press_and_its_time_send_nothing_more(
        self, scheduled: Invitation, organizer: User
    ) -> None:
        revision = scheduled.revision
        scheduling.send_now(invitation=scheduled, revision=revision, user=organizer)
        with pytest.raises(AlreadySent):
            scheduling.send_now(invitation=scheduled, revision=revision, user=organizer)
        with time_machine.travel(SOON):
            assert scheduling.send_due() == 0

    def test_locked_conference_is_refused(self, scheduled: Invitation, organizer: User) -> None:
        Conference.objects.update(locked_at=NOW)
        with pytest.raises(ConferenceLocked):
            scheduling.send_now(invitation=scheduled, revision=scheduled.revision, user=organizer)

    def test_what_stands_in_the_composer_is_not_meant(self, draft: Invitation, organizer: User) -> None:
        with pytest.raises(DraftChanged):
            scheduling.send_now(invitation=draft, revision=3, user=organizer)


class TestDiscard:
    def test_it_goes_with_its_people(self, scheduled: Invitation) -> None:
        DraftLine.objects.create(invitation=scheduled, text="nobody", problem=LineProblem.NOTHING_USABLE)
        scheduling.discard(invitation=scheduled)
        assert not Invitation.objects.exists()
        assert not Invitee.objects.exists()

    def test_what_was_sent_stays(self, scheduled: Invitation, organizer: User) -> None:
        scheduling.send_now(invitation=scheduled, revision=scheduled.revision, user=organizer)
        with pytest.raises(AlreadySent):
            scheduling.discard(invitation=scheduled)
        assert scheduled.invitees.count() == 3


class TestSendDue:
    def test_nothing_is_sent_before_its_time(self, scheduled: Invitation) -> None:
        with time_machine.travel(SOON - timedelta(seconds=1), tick=False):
            assert scheduling.send_due() == 0

    def test_it_is_sent_in_the_name_of_whoever_set_the_time(
        self, scheduled: Invitation, organizer: User
    ) -> None:
        with time_machine.travel(SOON):
            assert scheduling.send_due() == 1
            assert scheduling.send_due() == 0
        scheduled.refresh_from_db()
        assert (scheduled.state, scheduled.sent_by) == (InvitationState.SENDING, organizer)
        assert scheduled.operator_union_id == organizer.union_id

    def test_worker_that_was_down_for_a_moment_sends_it_later(self, scheduled: Invitation) -> None:
        with time_machine.travel(SOON + timedelta(minutes=59)):
            recover()
        scheduled.refresh_from_db()
        assert scheduled.state == InvitationState.SENDING

    def test_lines_that_need_a_look_stay_for_the_next_list(self, scheduled: Invitation) -> None:
        line = DraftLine.objects.create(
            invitation=scheduled, text="nobody", problem=LineProblem.NOTHING_USABLE
        )
        with time_machine.travel(SOON):
            scheduling.send_due()
        following = composing.find_draft(scheduled.conference)
        assert following is not None
        assert following.draft_lines.get() == line

    @pytest.mark.parametrize(
        ("what", "problem"),
        [
            ("conference ended", ScheduleProblem.CONFERENCE_ENDED),
            ("conference locked", ScheduleProblem.CONFERENCE_LOCKED),
            ("app disabled", ScheduleProblem.APP_UNAVAILABLE),
            ("nobody on it", ScheduleProblem.NOBODY_TO_INVITE),
            ("somebody of the sandbox", ScheduleProblem.DEMO_PERSON),
            ("conference taken away", ScheduleProblem.NOT_ALLOWED),
            ("role taken away", ScheduleProblem.NOT_ALLOWED),
            ("account closed", ScheduleProblem.NOT_ALLOWED),
            ("too late", ScheduleProblem.TOO_LATE),
        ],
    )
    def test_what_cannot_be_sent_says_why_and_calls_nobody(
        self, scheduled: Invitation, other_organizer: User, what: str, problem: ScheduleProblem
    ) -> None:
        at = SOON
        match what:
            case "conference ended":
                Conference.objects.update(status=ConferenceStatus.ENDED)
            case "conference locked":
                Conference.objects.update(locked_at=NOW)
            case "app disabled":
                App.objects.update(enabled=False)
            case "nobody on it":
                scheduled.invitees.all().delete()
            case "somebody of the sandbox":
                InviteeFactory(invitation=scheduled, value="sandbox-person-01", position=9)
            case "conference taken away":
                Conference.objects.update(owner=other_organizer)
            case "role taken away":
                User.objects.filter(username="organizer").update(role=Role.AUDITOR)
            case "account closed":
                User.objects.filter(username="organizer").update(is_active=False)
            case "too late":
                at = SOON + timedelta(minutes=61)
        with time_machine.travel(at):
            assert scheduling.send_due() == 0
        scheduled.refresh_from_db()
        assert scheduled.is_put_aside
        assert scheduled.scheduled_for is None
        assert scheduled.schedule_problem == problem
        assert scheduled.problem_of_schedule
        assert not scheduled.batches.exists()

    def test_one_that_cannot_be_sent_keeps_no_other_waiting(
        self, scheduled: Invitation, organizer: User
    ) -> None:
        scheduled.invitees.all().delete()
        other = InviteeFactory(invitation__conference__owner=organizer).invitation
        scheduling.schedule(invitation=other, revision=0, at=SOON + timedelta(seconds=1), user=organizer)
        with time_machine.travel(SOON + timedelta(minutes=1)):
            assert scheduling.send_due() == 1
        other.refresh_from_db()
        assert other.state == InvitationState.SENDING

    def test_app_whose_secrets_cannot_be_read_keeps_those_of_no_other_waiting(
        self, scheduled: Invitation, organizer: User, settings: Settings
    ) -> None:
        other = InviteeFactory(
            invitation__conference__owner=organizer, invitation__conference__app__access_token=""
        ).invitation
        scheduling.schedule(invitation=other, revision=0, at=SOON + timedelta(seconds=1), user=organizer)
        settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
        with time_machine.travel(SOON + timedelta(minutes=1)):
            scheduling.send_due()
        assert Invitation.objects.filter(pk=other.pk, state=InvitationState.SENDING).exists()

    def test_new_time_forgets_why_the_last_one_passed(self, scheduled: Invitation, organizer: User) -> None:
        with time_machine.travel(SOON + timedelta(minutes=61)):
            scheduling.send_due()
            draft = scheduling.take_back(invitation=scheduled, user=organizer)
            scheduling.schedule(
                invitation=draft, revision=draft.revision, at=SOON + timedelta(hours=2), user=organizer
            )
        scheduled.refresh_from_db()
        assert (scheduled.schedule_problem, scheduled.scheduled_for) == ("", SOON + timedelta(hours=2))


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_of_many_workers_one_sends(self, scheduled: Invitation) -> None:
        sent: list[int] = []

        def work() -> None:
            try:
                sent.append(scheduling.send_due())
            finally:
                connection.close()

        with time_machine.travel(SOON):
            threads = [threading.Thread(target=work) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert sorted(sent) == [0] * 7 + [1]
        assert scheduled.batches.count() == 1

    def test_press_at_the_very_moment_sends_once(self, scheduled: Invitation, organizer: User) -> None:
        outcomes: list[str] = []

        def at_its_time() -> None:
            try:
                outcomes.extend(["sent"] * scheduling.send_due())
            finally:
                connection.close()

        def by_hand() -> None:
            try:
                scheduling.send_now(invitation=scheduled, revision=scheduled.revision, user=organizer)
                outcomes.append("sent")
            except InviteError:
                pass
            finally:
                connection.close()

        with time_machine.travel(SOON):
            threads = [threading.Thread(target=work) for work in (at_its_time, by_hand) * 3]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert outcomes == ["sent"]
        assert scheduled.batches.count() == 1
