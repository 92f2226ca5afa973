"""An installation that has a history already gets everything that the new one is searched, counted and sealed by."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from invites.models import (
    AppCount,
    Attempt,
    AttemptInvitee,
    ConferenceCount,
    Invitation,
    Invitee,
    Person,
    Turnout,
)
from invites.models.attempt import AttemptState, Channels
from invites.models.invitee import InviteeState

BEFORE = [("invites", "0004_kept_by_the_database")]
# Two days by the clock of the installation, and by no other: 00:30 in Shanghai.
AT = datetime.fromisoformat("2026-03-01T16:30:00+00:00")


def migrate(target: list[tuple[str, str]]) -> Any:
    executor = MigrationExecutor(connection)
    return executor.migrate(target).apps


@pytest.fixture
def installation(transactional_db: None) -> Iterator[Any]:
    """The models as they were, in a database of that time."""
    yield migrate(BEFORE)
    migrate(MigrationExecutor(connection).loader.graph.leaf_nodes())


def fill(old: Any) -> None:
    """An invitation of three people by two channels: one call of two that failed, one of the third that went well."""
    user = old.get_model("invites", "User").objects.create(username="anna")
    app = old.get_model("invites", "App").objects.create(name="App", kind="fixed_token")
    conference = old.get_model("invites", "Conference").objects.create(
        app=app, owner=user, conference_id="c" * 24
    )
    invitation = old.get_model("invites", "Invitation").objects.create(
        conference=conference, state="finished", sent_by=user, sent_at=AT, finished_at=AT
    )
    draft = old.get_model("invites", "Invitation").objects.create(conference=conference)
    invitee, sending = old.get_model("invites", "Invitee"), old.get_model("invites", "AttemptInvitee")
    people = [
        invitee.objects.create(invitation=invitation, position=n, channel=channel, value=value, nick=nick)
        for n, (channel, value, nick) in enumerate(
            [("union_id", "zhang3", "张三"), ("phone", "+8613800138000", "Kim"), ("union_id", "bob", "Bob")]
        )
    ]
    invitee.objects.create(invitation=draft, position=0, channel="union_id", value="later", nick="Later")
    batch = old.get_model("invites", "Batch").objects.create(
        invitation=invitation, number=1, people=3, state="taken"
    )
    attempt = old.get_model("invites", "Attempt")
    common = {
        "invitation": invitation,
        "batch": batch,
        "started_at": AT,
        "deadline": AT + timedelta(seconds=30),
    }
    failed = attempt.objects.create(
        **common, number=1, people=2, state="failed", people_state="failed", error_code="paramsError",
        finished_at=AT, duration_ms=300,
    )  # fmt: skip
    succeeded = attempt.objects.create(
        **common,
        number=2,
        people=1,
        state="succeeded",
        people_state="invited",
        finished_at=AT,
        duration_ms=90,
    )
    attempt.objects.create(**common, number=3, people=1, state="started")
    for person in people[:2]:
        sending.objects.create(attempt=failed, invitee=person)
    sending.objects.create(attempt=succeeded, invitee=people[2])


def test_history_that_was_there_is_known_and_counted(installation: Any) -> None:
    fill(installation)
    migrate(MigrationExecutor(connection).loader.graph.leaf_nodes())
    day = timezone.localdate(AT)
    assert str(day) == "2026-03-02"
    assert Invitation.objects.get(sent_at__isnull=False).day == day
    assert Invitation.objects.get(sent_at__isnull=True).day is None
    assert {str(person) for person in Person.objects.all()} == {"张三", "Kim", "Bob"}
    assert Person.objects.matching("zs", by_phone_number=False).get().value == "zhang3"
    assert Person.objects.matching("138000", by_phone_number=True).get().nick == "Kim"
    assert len({bytes(person.salt) for person in Person.objects.all()}) == 3
    assert Invitee.objects.get(value="later").person is None
    failed, succeeded, started = Attempt.objects.order_by("number")
    assert (failed.channels, succeeded.channels) == (Channels.BOTH, Channels.UNION_ID)
    assert (failed.conference, failed.app.name, str(failed.organizer)) == (
        failed.invitation.conference,
        "App",
        "anna",
    )
    assert bytes(failed.salt) != bytes(succeeded.salt)
    for sending in AttemptInvitee.objects.select_related("invitee"):
        assert (sending.person_id, sending.started_at) == (sending.invitee.person_id, AT)
    for counts in (AppCount, ConferenceCount):
        found = counts.objects.order_by("state").values_list(
            "day", "state", "error_code", "attempts", "people"
        )
        assert list(found) == [(day, "failed", "paramsError", 1, 2), (day, "succeeded", "", 1, 1)]
    assert AppCount.objects.filter(state="failed", ms_500=1, ms_sum=300, slowest_attempt=failed.pk).exists()
    assert AppCount.objects.filter(state="succeeded", ms_100=1).exists()
    assert Turnout.objects.get().invitations == 1
    # What follows is counted in the same rows, by the triggers.
    Attempt.objects.finish(
        started.pk,
        state=AttemptState.SUCCEEDED,
        people_state=InviteeState.INVITED,
        finished_at=timezone.now(),
        duration_ms=10,
    )
    rows = AppCount.objects.filter(state="succeeded")
    assert (sum(row.attempts for row in rows), sum(row.ms_100 for row in rows)) == (2, 2)
