"""Every call to DingTalk is counted, for each app, operation and month."""

import threading
from datetime import UTC, date, datetime

import pytest
import time_machine
from django.db import connection, connections, transaction

from invites.connecting import client_for
from invites.counting import count_call
from invites.dingtalk import Invitee
from invites.dingtalk.sandbox import SandboxServer
from invites.dingtalk.sandbox.people import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET
from invites.models import App, Conference
from invites.models.app import AppKind
from invites.models.spending import CallCount, quota_month
from tests.factories import AppFactory


def counts(app: App) -> dict[str, int]:
    return dict(CallCount.objects.of(app).values_list("operation", "calls"))


@pytest.mark.django_db
class TestCountCall:
    def test_calls_of_one_operation_add_up(self) -> None:
        app = AppFactory()
        count_call(app.pk, "InviteUsers")
        count_call(app.pk, "InviteUsers", calls=3)
        count_call(app.pk, "QueryConferenceInfo")
        assert counts(app) == {"InviteUsers": 4, "QueryConferenceInfo": 1}

    def test_each_app_has_its_own(self) -> None:
        app, other = AppFactory(), AppFactory()
        count_call(app.pk, "InviteUsers")
        assert not counts(other)

    def test_calls_for_tokens_and_contacts_are_not_taken_from_the_quota(self) -> None:
        app = AppFactory()
        for operation in ("GetAccessToken", "GetCorpAccessToken", "GetUser", "InviteUsers"):
            count_call(app.pk, operation)
        assert CallCount.objects.of(app).spent() == 1

    def test_month_ends_when_it_ends_in_china(self) -> None:
        app = AppFactory()
        with time_machine.travel(datetime(2026, 11, 30, 15, 59, tzinfo=UTC), tick=False):
            count_call(app.pk, "InviteUsers")
        with time_machine.travel(datetime(2026, 11, 30, 16, 1, tzinfo=UTC), tick=False):
            assert quota_month() == date(2026, 12, 1)
            count_call(app.pk, "InviteUsers")
        assert set(CallCount.objects.values_list("month", "calls")) == {
            (date(2026, 11, 1), 1),
            (date(2026, 12, 1), 1),
        }

    def test_it_goes_with_the_transaction_that_it_is_in(self) -> None:
        app = AppFactory()
        with transaction.atomic():
            count_call(app.pk, "InviteUsers")
            transaction.set_rollback(True)
        assert not counts(app)


@pytest.mark.django_db(transaction=True)
def test_nothing_is_lost_where_many_count_at_once() -> None:
    app = AppFactory()

    def count() -> None:
        for _each in range(20):
            count_call(app.pk, "InviteUsers")
        connections.close_all()

    threads = [threading.Thread(target=count) for _each in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts(app) == {"InviteUsers": 80}


class TestClient:
    def test_calls_are_counted_with_those_for_tokens(self, conference: Conference) -> None:
        client = client_for(conference.app)
        client.query_conference_info(conference_id=conference.conference_id)
        client.query_conference_members(conference_id=conference.conference_id)
        client.query_conference_members(conference_id=conference.conference_id)
        assert counts(conference.app) == {
            "GetAccessToken": 1,
            "QueryConferenceInfo": 1,
            "QueryConferenceMembers": 2,
        }

    def test_invitation_is_left_to_whoever_records_its_attempt(self, conference: Conference) -> None:
        client_for(conference.app).invite_users(
            conference_id=conference.conference_id,
            union_id=None,
            invitees=[Invitee(union_id="abc123", nick="A")],
        )
        assert set(counts(conference.app)) == {"GetAccessToken"}

    def test_rows_of_the_same_credentials_count_apart(
        self, conference: Conference, sandbox: SandboxServer
    ) -> None:
        twin = App.objects.create(
            name="twin",
            kind=AppKind.INTERNAL,
            base_url=sandbox.base_url,
            client_id=SANDBOX_CLIENT_ID,
            client_secret=SANDBOX_CLIENT_SECRET,
        )
        client_for(twin).query_conference_info(conference_id=conference.conference_id)
        client_for(conference.app).query_conference_info(conference_id=conference.conference_id)
        assert counts(twin) == {"GetAccessToken": 1, "QueryConferenceInfo": 1}
        assert counts(conference.app) == {"QueryConferenceInfo": 1}

    @pytest.mark.django_db(transaction=True)
    def test_call_is_made_though_it_cannot_be_counted(
        self, conference: Conference, caplog: pytest.LogCaptureFixture
    ) -> None:
        client = client_for(conference.app)
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE invites_callcount RENAME TO out_of_reach")
        try:
            assert client.query_conference_info(conference_id=conference.conference_id).title
        finally:
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE out_of_reach RENAME TO invites_callcount")
        assert "could not be counted" in caplog.text
