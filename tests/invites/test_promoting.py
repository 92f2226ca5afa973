"""An app's next secret takes over when DingTalk does not take the other any more, and nobody notices."""

import threading

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from invites.connecting import client_for
from invites.delivering import WORKER, deliver
from invites.dingtalk import NotAuthorised
from invites.dingtalk.errors import DingTalkError
from invites.dingtalk.sandbox import SandboxServer
from invites.dingtalk.sandbox.people import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET
from invites.dingtalk.sandbox.routes import Operation
from invites.models import App, AuditEntry, Batch, CachedToken, Invitation, User
from invites.models.app import AppKind
from invites.models.invitee import InviteeState
from invites.promoting import promote_next_secret
from invites.sending import send
from tests.factories import AppFactory, InvitationFactory, InviteeFactory
from tests.invites.conftest import QUIET_CONFERENCE

NEXT = "the-next-secret"


@pytest.fixture
def app(sandbox: SandboxServer, db: None) -> App:
    """An internal app at the sandbox, whose next secret has been entered."""
    return AppFactory(
        kind=AppKind.INTERNAL,
        base_url=sandbox.base_url,
        client_id=SANDBOX_CLIENT_ID,
        client_secret=SANDBOX_CLIENT_SECRET,
        next_client_secret=NEXT,
        access_token="",
    )


def ask(app: App) -> None:
    """Makes a call that needs a token."""
    client_for(App.objects.get(pk=app.pk)).directory.list_departments()


def secrets_of(app: App) -> tuple[str, str]:
    stored = App.objects.get(pk=app.pk)
    return stored.client_secret, stored.next_client_secret


class TestTakingOver:
    def test_current_secret_is_used_as_long_as_it_is_taken(self, app: App) -> None:
        ask(app)
        assert secrets_of(app) == (SANDBOX_CLIENT_SECRET, NEXT)

    def test_next_secret_becomes_the_current_one_when_it_is_refused(
        self, app: App, sandbox: SandboxServer
    ) -> None:
        ask(app)
        sandbox.change_secret(NEXT)
        sandbox.expire_tokens()
        ask(app)
        assert secrets_of(app) == (NEXT, "")
        sandbox.expire_tokens()
        ask(app)

    def test_tokens_in_flight_go_on(self, app: App, sandbox: SandboxServer) -> None:
        ask(app)
        sandbox.change_secret(NEXT)
        ask(app)
        assert secrets_of(app) == (SANDBOX_CLIENT_SECRET, NEXT)
        assert CachedToken.objects.count() == 1

    def test_entering_a_next_secret_asks_for_no_new_token(self, app: App, sandbox: SandboxServer) -> None:
        App.objects.filter(pk=app.pk).update(next_client_secret="")
        ask(app)
        App.objects.filter(pk=app.pk).update(next_client_secret=NEXT)
        ask(app)
        assert [each.operation for each in sandbox.received].count(Operation.TOKEN) == 1

    def test_both_wrong_is_refused_and_changes_nothing(self, app: App, sandbox: SandboxServer) -> None:
        sandbox.change_secret("a third one")
        with pytest.raises(NotAuthorised) as refused:
            ask(app)
        assert refused.value.code == "invalidClientIdOrSecret"
        assert secrets_of(app) == (SANDBOX_CLIENT_SECRET, NEXT)
        assert not {NEXT, SANDBOX_CLIENT_SECRET} & set(str(refused.value).split())

    @pytest.mark.parametrize("fault", ["quota", "throttled", "html_502", "code:systemError"])
    def test_other_refusals_are_not_taken_for_a_wrong_secret(
        self, fault: str, app: App, sandbox: SandboxServer
    ) -> None:
        sandbox.add_fault(fault, operation="token")
        with pytest.raises(DingTalkError):
            ask(app)
        assert secrets_of(app) == (SANDBOX_CLIENT_SECRET, NEXT)

    def test_it_is_on_record_without_its_value(self, app: App, sandbox: SandboxServer) -> None:
        sandbox.change_secret(NEXT)
        ask(app)
        entry = AuditEntry.objects.filter(object_id=app.pk).latest("pk")
        assert entry.changes["client_secret"] == ["•••", "•••"]
        assert entry.changes["next_client_secret"] == ["•••", ""]
        assert NEXT not in str(entry.changes)


class TestTogether:
    def test_secret_that_is_entered_meanwhile_is_not_lost(self, app: App) -> None:
        App.objects.filter(pk=app.pk).update(next_client_secret="entered meanwhile")
        assert not promote_next_secret(app.pk, NEXT)
        assert secrets_of(app) == (SANDBOX_CLIENT_SECRET, "entered meanwhile")

    def test_second_one_to_find_out_changes_nothing(self, app: App) -> None:
        assert promote_next_secret(app.pk, NEXT)
        assert not promote_next_secret(app.pk, NEXT)
        assert AuditEntry.objects.filter(object_id=app.pk).count() == 2

    def test_app_that_no_key_opens_is_left_alone(self, app: App, settings: Settings) -> None:
        settings.SECRET_KEY = "another-key-another-key-another-key-another"
        assert not promote_next_secret(app.pk, NEXT)


@pytest.mark.django_db(transaction=True)
class TestUnderLoad:
    PEOPLE = 30
    SENDERS = 3

    def test_nobody_fails_while_the_secret_changes(
        self, app: App, sandbox: SandboxServer, organizer: User
    ) -> None:
        App.objects.update(batch_size=1, calls_per_second=500)
        sandbox.add_conference(conference_id=QUIET_CONFERENCE)
        draft = InvitationFactory(conference__app=app, conference__conference_id=QUIET_CONFERENCE)
        for position in range(self.PEOPLE):
            InviteeFactory(invitation=draft, position=position)
        draft.conference.app.refresh_from_db()
        invitation = send(invitation=draft, revision=draft.revision, user=organizer)
        ask(app)
        threads = [threading.Thread(target=self.deliver, args=(invitation,)) for _ in range(self.SENDERS)]
        for thread in threads:
            thread.start()
        while not sandbox.invitations:
            sandbox.members(QUIET_CONFERENCE)
        sandbox.change_secret(NEXT)
        sandbox.expire_tokens()
        for thread in threads:
            thread.join()
        Batch.objects.update(not_before=timezone.now())
        self.deliver(invitation)
        assert set(invitation.invitees.values_list("state", flat=True)) == {InviteeState.INVITED}
        rung = [person.value for post in sandbox.invitations if post.status == 200 for person in post.people]
        assert (len(rung), len(set(rung))) == (self.PEOPLE, self.PEOPLE)
        assert secrets_of(app) == (NEXT, "")

    @staticmethod
    def deliver(invitation: Invitation) -> None:
        try:
            deliver(invitation_id=invitation.pk, policy=WORKER)
        finally:
            connection.close()
