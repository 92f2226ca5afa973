"""The code of each release since 0007 reads, changes, deletes and writes every kind of row beside the newest tables.

Its models are made of the migrations that it knew: their statements name the columns of that time and no others.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import pytest
import time_machine
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.models import Model
from django.utils import timezone

from invites import clock
from invites.models import (
    App,
    AppCheck,
    CachedToken,
    CacheRow,
    CallCount,
    ColumnMapping,
    Conference,
    DraftEdit,
    Erasure,
    IdempotentRequest,
    Invitation,
    Observation,
    Pace,
    Person,
    ReceivedEvent,
    SealedDay,
    SealedSection,
    SignInPolicy,
    User,
    Verification,
    WeeklyMail,
    Worker,
)
from invites.models.draft_edit import EditKind
from invites.models.received_event import EventOutcome, EventWay
from invites.models.user import Role
from tests.conftest import SignedIn
from tests.factories import UserFactory
from tests.invites.held import hold
from tests.keeping import tampering
from tests.project.belongings import belongings
from tests.project.test_migrations import BASELINE, later_migrations

RELEASES: Final = [BASELINE, *later_migrations()[:-1]]
# What the database counts by itself while calls are written; rows that were there before are added to.
COUNTED: Final = {"appcount", "conferencecount", "turnout", "dayturnout", "booksize", "groupsize"}

pytestmark = pytest.mark.django_db


def models_of(release: str) -> list[type[Model]]:
    """Ours as that release knows them, with those that only join others; what is counted comes first."""
    apps = MigrationLoader(None).project_state(("invites", release)).apps
    ours = [
        model for model in apps.get_models(include_auto_created=True) if model._meta.app_label == "invites"
    ]
    return sorted(ours, key=lambda model: model._meta.model_name not in COUNTED)


def rows_of(model: type[Model]) -> list[Any]:
    return list(model._base_manager.order_by("pk"))


def plain(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview) else value


def told(models: list[type[Model]]) -> dict[str, list[dict[str, object]]]:
    """Everything that stands in the columns that these models know."""
    return {
        model._meta.label: [
            {field.attname: plain(getattr(row, field.attname)) for field in model._meta.concrete_fields}
            for row in rows_of(model)
        ]
        for model in models
        if model._meta.model_name not in COUNTED
    }


def put_behind(user: User) -> None:
    """What no page makes at once: what workers and processes note, and what comes with the months."""
    now, today = timezone.now(), clock.today()
    app, conference = App.objects.earliest("pk"), Conference.objects.earliest("pk")
    day = SealedDay.objects.create(day=today - timedelta(days=1), key_id="k", digest=bytes(32))
    user.groups.add(Group.objects.create(name="Staff"))
    user.user_permissions.add(Permission.objects.earliest("pk"))
    for row in (
        AppCheck(app=app),
        CacheRow(cache_key="key", value="value", expires=now),
        CachedToken(fingerprint="token"),
        CallCount(app=app, operation="invite", month=today.replace(day=1)),
        ColumnMapping(user=user, headings="names", columns=["nick"]),
        DraftEdit(invitation=Invitation.objects.earliest("pk"), revision=1, kind=EditKind.ADDED),
        Erasure(person=Person.objects.earliest("pk"), by=user, reason="Asked"),
        IdempotentRequest(user=user, key="once", digest="d"),
        Observation(conference=conference),
        Pace(key="app"),
        ReceivedEvent(
            app=app, event_id="1", event_type="x", way=EventWay.STREAM, outcome=EventOutcome.APPLIED
        ),
        SealedSection(day=day, name="attempts", rows=1, digest=bytes(32), marks=b"m"),
        Verification(started_at=now),
        WeeklyMail(user=user, week=today),
        Worker(name="one", started_at=now, seen_at=now),
    ):
        row.save(force_insert=True)
    SignInPolicy.objects.get_or_create(pk=1)


class TestBesideTheNewestTables:
    @pytest.fixture(autouse=True)
    def standing_clock(self) -> Iterator[None]:
        """What is written again says when: then it is as it was."""
        with time_machine.travel(timezone.now(), tick=False):
            yield

    @pytest.fixture
    def full(self, organizer: User, administrator: User, signed_in: SignedIn) -> None:
        """Rows of every kind."""
        signed_in(organizer)
        belongings(organizer, colleague=UserFactory(role=Role.ORGANIZER))
        hold(administrator)
        put_behind(administrator)

    @pytest.mark.usefixtures("full")
    @pytest.mark.parametrize("release", RELEASES)
    def test_old_code_reads_changes_deletes_and_writes_every_kind_of_row(self, release: str) -> None:
        models = models_of(release)
        before = told(models)
        assert [label for label, rows in before.items() if not rows] == []
        kept = {model: rows_of(model) for model in models}
        with tampering():
            for model, rows in kept.items():
                for row in rows:
                    row.save(force_update=True)
                assert rows_of(model) == rows
            for model in models:
                model._base_manager.all()._raw_delete(connection.alias)
        for model, rows in kept.items():
            model._base_manager.bulk_create(rows)
        connection.check_constraints()
        assert told(models) == before
