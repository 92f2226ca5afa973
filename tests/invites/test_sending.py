"""Sending a draft: once, seen, frozen, cut into batches."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection
from django_tasks_db.models import DBTaskResult
from pytest_django import DjangoCaptureOnCommitCallbacks

from invites.errors import (
    AlreadySent,
    AppUnavailable,
    ConferenceEnded,
    DemoPersonRefused,
    DraftChanged,
    InviteError,
    NobodyToInvite,
)
from invites.models import App, Conference, Invitation, Invitee, User
from invites.models.conference import ConferenceStatus
from invites.models.invitation import InvitationState
from invites.models.invitee import InviteeState
from invites.sending import invite_again, send
from tests.factories import ConferenceFactory, InvitationFactory, InviteeFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft(organizer: User) -> Invitation:
    invitation = InvitationFactory(conference=ConferenceFactory(owner=organizer), revision=3)
    for position in range(3):
        InviteeFactory(invitation=invitation, position=position)
    return invitation


class TestSend:
    def test_draft_is_frozen_with_who_and_when(self, draft: Invitation, organizer: User) -> None:
        send(invitation=draft, revision=3, user=organizer)
        draft.refresh_from_db()
        assert (draft.state, draft.sent_by) == (InvitationState.SENDING, organizer)
        assert draft.sent_at is not None

    def test_worker_is_rung_for_on_commit(
        self,
        draft: Invitation,
        organizer: User,
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            send(invitation=draft, revision=3, user=organizer)
            assert not DBTaskResult.objects.exists()
        task = DBTaskResult.objects.get()
        assert task.args_kwargs == {"args": [draft.pk], "kwargs": {}}

    def test_people_are_cut_into_batches_in_their_order(self, draft: Invitation, organizer: User) -> None:
        App.objects.update(batch_size=2)
        send(invitation=draft, revision=3, user=organizer)
        assert [p.batch.number for p in draft.invitees.in_order() if p.batch] == [1, 1, 2]

    def test_number_of_queries_does_not_grow_with_the_list(
        self, draft: Invitation, organizer: User, django_assert_max_num_queries: Callable[..., object]
    ) -> None:
        Invitee.objects.bulk_create(
            InviteeFactory.build(invitation=draft, position=n, value=f"many{n}") for n in range(3, 203)
        )
        with django_assert_max_num_queries(15):  # type: ignore[attr-defined]
            send(invitation=draft, revision=3, user=organizer)


class TestRefusals:
    @pytest.fixture(autouse=True)
    def nothing_changes(self, draft: Invitation) -> object:
        yield
        assert not Invitee.objects.filter(batch__isnull=False).exists()
        return None

    def test_sent_draft_is_not_sent_again(self, draft: Invitation, organizer: User) -> None:
        Invitation.objects.update(
            state=InvitationState.SENDING, sent_at="2026-01-01T00:00Z", day="2026-01-01"
        )
        with pytest.raises(AlreadySent):
            send(invitation=draft, revision=3, user=organizer)

    def test_list_that_changed_since_it_was_seen_is_not_sent(
        self, draft: Invitation, organizer: User
    ) -> None:
        with pytest.raises(DraftChanged):
            send(invitation=draft, revision=2, user=organizer)

    def test_empty_list_is_not_sent(self, draft: Invitation, organizer: User) -> None:
        draft.invitees.all().delete()
        with pytest.raises(NobodyToInvite):
            send(invitation=draft, revision=3, user=organizer)

    def test_ended_conference_gets_nobody(self, draft: Invitation, organizer: User) -> None:
        Conference.objects.update(status=ConferenceStatus.ENDED)
        with pytest.raises(ConferenceEnded):
            send(invitation=draft, revision=3, user=organizer)

    def test_disabled_app_sends_nothing(self, draft: Invitation, organizer: User) -> None:
        App.objects.update(enabled=False)
        with pytest.raises(AppUnavailable):
            send(invitation=draft, revision=3, user=organizer)

    @pytest.mark.parametrize("value", ["sandbox-person-01", "+861000000001"])
    def test_nobody_of_the_sandbox_goes_through_a_real_app(
        self, draft: Invitation, organizer: User, value: str
    ) -> None:
        channel = "phone" if value.startswith("+") else "union_id"
        InviteeFactory(invitation=draft, position=9, value=value, channel=channel)
        with pytest.raises(DemoPersonRefused):
            send(invitation=draft, revision=3, user=organizer)


@pytest.mark.django_db(transaction=True)
class TestOncePerPress:
    def test_many_presses_at_once_send_once(self, draft: Invitation, organizer: User) -> None:
        results: list[type[InviteError] | None] = []
        start = threading.Barrier(10)

        def press() -> None:
            start.wait()
            try:
                send(invitation=draft, revision=3, user=organizer)
                results.append(None)
            except InviteError as error:
                results.append(type(error))
            finally:
                connection.close()

        threads = [threading.Thread(target=press) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(results, key=str) == [AlreadySent] * 9 + [None]
        assert draft.batches.count() == 1
        assert DBTaskResult.objects.count() == 1


class TestInviteAgain:
    @pytest.fixture
    def finished(self, draft: Invitation, organizer: User) -> Invitation:
        send(invitation=draft, revision=3, user=organizer)
        first, second, third = draft.invitees.in_order()
        for person, state in ((first, "invited"), (second, "failed"), (third, "unknown")):
            Invitee.objects.filter(pk=person.pk).update(state=state)
        Invitation.objects.update(state=InvitationState.FINISHED, finished_at="2026-01-01T00:00Z")
        return draft

    def test_only_the_chosen_people_are_invited_again(self, finished: Invitation, organizer: User) -> None:
        again = invite_again(invitation=finished, states=[InviteeState.FAILED], user=organizer)
        assert again.repeats == finished
        assert [p.value for p in again.invitees.all()] == [finished.invitees.get(state="failed").value]
        assert again.invitees.get().state == InviteeState.PENDING

    def test_call_shows_whoever_invites_again_not_who_invited_first(
        self, finished: Invitation, other_organizer: User
    ) -> None:
        again = invite_again(invitation=finished, states=[InviteeState.FAILED], user=other_organizer)
        finished.refresh_from_db()
        assert finished.operator_union_id == "operator-of-organizer"
        assert again.operator_union_id == other_organizer.union_id

    def test_second_press_invites_nobody_again(self, finished: Invitation, organizer: User) -> None:
        invite_again(invitation=finished, states=[InviteeState.FAILED], user=organizer)
        with pytest.raises(AlreadySent):
            invite_again(invitation=finished, states=[InviteeState.FAILED], user=organizer)
        assert Invitation.objects.count() == 2

    def test_nobody_in_the_chosen_state_is_an_error(self, finished: Invitation, organizer: User) -> None:
        with pytest.raises(NobodyToInvite):
            invite_again(invitation=finished, states=[InviteeState.SKIPPED], user=organizer)
