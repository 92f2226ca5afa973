"""Every column of what is sealed, changed by somebody who rules the database: one table that has to name each of them.

`tests.invites.test_sealing` holds which row is named; here it is held that nothing sealed is left out.
"""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import models, transaction

from invites import erasing, removing, sealing
from invites.clock import today
from invites.models import (
    Attempt,
    AttemptInvitee,
    AuditEntry,
    Invitation,
    Invitee,
    Person,
    SealedDay,
    SealedSection,
)
from invites.models.invitee import Channel
from tests.factories import ContactFactory
from tests.invites.sealed import DayOfHistory, make_day
from tests.keeping import tampering

pytestmark = pytest.mark.django_db

# What no seal knows of: the course of things, which goes on, and what nobody ever fills in.
NOT_SEALED: dict[type[models.Model], set[str]] = {
    Invitation: {
        "state",
        "revision",
        "finished_at",
        "cancelled_at",
        "cancelled_by_id",
        "resumed_at",
        "rung_at",
        "rings_left",
        "ring_again_at",
        "ring_again_minutes",
        "ring_again_waits",
        "lookups",
        "scheduled_for",
        "scheduled_by_id",
        "schedule_problem",
    },
    Invitee: {
        "state",
        "skipped_because",
        "changed_at",
        "contact_id",
        "batch_id",
        "member_id",
        "member_is_probable",
        "last_attempt_id",
    },
    Attempt: set(),
    AttemptInvitee: set(),
    # How somebody is found may be spelled anew. Only who was erased has a digest.
    Person: {"search_text", "digest"},
    AuditEntry: {"remote_addr", "remote_port"},
    SealedDay: {"sealed_at", "removed_at", "removed_by_id", "removed_because"},
    SealedSection: {"id"},
}
SEALED = [
    (model, field.attname)
    for model, others in NOT_SEALED.items()
    for field in model._meta.concrete_fields
    if field.attname not in others
]


@pytest.fixture
def history() -> DayOfHistory:
    """The first of some sealed days."""
    first = make_day(3)
    make_day(2)
    sealing.seal_due()
    return first


def another(field: Any, value: Any) -> Any:
    """A value of the same kind that differs as little as it can."""
    if value is None and isinstance(field, models.BinaryField):
        return b"x"
    if isinstance(field, models.JSONField):
        return {"other": 1}
    others: dict[type, Any] = {
        bool: lambda: not value,
        datetime: lambda: value + timedelta(microseconds=1),
        date: lambda: value - timedelta(days=1),
        bytes: lambda: value + b"x",
        memoryview: lambda: bytes(value) + b"x",
        str: lambda: max(
            (key for key, _word in field.choices or () if key != value),
            default=f"x{value}"[: field.max_length],
        ),
    }
    return others.get(type(value), lambda: (value or 0) + 10_000)()


def change(model: type[models.Model], column: str, **which: Any) -> None:
    """Changes one column of the first row, and verifies meanwhile; afterwards it is as it was."""
    rows = model._default_manager.filter(**which).order_by("pk")
    row = rows.first()
    assert row is not None
    (field,) = (field for field in model._meta.concrete_fields if field.attname == column)
    with transaction.atomic():
        with tampering():
            value = another(field, getattr(row, column))
            assert rows.filter(pk=row.pk).update(**{column: value}) == 1
        assert not sealing.verify().fits
        transaction.set_rollback(True)
    assert sealing.verify().fits


class TestEveryColumn:
    def test_columns_that_are_not_sealed_are_there(self) -> None:
        for model, names in NOT_SEALED.items():
            assert names <= {field.attname for field in model._meta.concrete_fields}, model

    @pytest.mark.parametrize(("model", "column"), SEALED, ids=lambda each: getattr(each, "__name__", each))
    def test_change_is_found(self, history: DayOfHistory, model: type[models.Model], column: str) -> None:
        which: dict[str, Any] = {}
        if model is AuditEntry:
            # Today has some as well, which is not sealed.
            which = {"day": history.day}
        elif (model, column) == (Invitee, "channel"):
            # No number could be made of a unionId.
            which = {"channel": Channel.PHONE}
        change(model, column, **which)

    @pytest.mark.parametrize(
        ("model", "column"),
        [(Person, "digest"), (Attempt, "texts_digest"), (AuditEntry, "digest")],
        ids=lambda each: getattr(each, "__name__", each),
    )
    def test_change_of_what_stays_of_somebody_erased_is_found(
        self, history: DayOfHistory, model: type[models.Model], column: str
    ) -> None:
        ContactFactory(pk=history.entry.object_id, union_id="person-3")
        erasing.erase(channel=Channel.UNION_ID, value="person-3", by=None, because="Asked for it")
        change(model, column, **{f"{column}__isnull": False})


class TestRemovedDays:
    """Of a removed day invitations stay, and whoever is part of a kept call: neither may be changed."""

    @pytest.fixture
    def removed(self, history: DayOfHistory) -> DayOfHistory:
        removing.order(today() - timedelta(days=2), by=None, because="Kept for long enough")
        return history

    @pytest.mark.parametrize(
        ("model", "column"),
        [(Invitation, "operator_union_id"), (Invitee, "nick"), (Attempt, "error_code"), (Attempt, "id")],
        ids=lambda each: getattr(each, "__name__", each),
    )
    def test_change_of_what_is_still_there_is_found(
        self, removed: DayOfHistory, model: type[models.Model], column: str
    ) -> None:
        change(model, column)

    def test_husk_that_stays_is_still_checked(self, removed: DayOfHistory) -> None:
        removing.sweep()
        assert sealing.verify().fits
        change(Invitation, "sent_by_id")

    def test_what_is_missing_of_it_was_removed(self, removed: DayOfHistory) -> None:
        with tampering():
            AttemptInvitee.objects.filter(attempt=removed.attempt).delete()
        assert sealing.verify().fits
