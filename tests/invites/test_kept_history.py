"""What is on record cannot be changed, deleted or emptied: not by the ORM, not by SQL, not from the admin site."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.db.utils import DatabaseError
from django.utils import timezone

from invites import sealing
from invites.models import (
    Attempt,
    AttemptInvitee,
    AuditEntry,
    Erasure,
    Invitation,
    Invitee,
    Person,
    SealedDay,
    SealedSection,
    User,
)
from invites.models.attempt import AttemptState
from invites.models.invitee import InviteeState
from tests.conftest import SignedIn
from tests.factories import AttemptFactory, InvitationFactory, InviteeFactory, MemberFactory
from tests.invites.sealed import DayOfHistory, make_day

pytestmark = pytest.mark.django_db

CHANGES: dict[type[models.Model], dict[str, Any]] = {
    Attempt: {"error_message": "nothing happened"},
    AttemptInvitee: {"started_at": timezone.now()},
    Invitation: {"sent_by": None},
    Invitee: {"nick": "Somebody else"},
    Person: {"value": "somebody-else"},
    AuditEntry: {"object_repr": "something else"},
    SealedDay: {"digest": b"another"},
    SealedSection: {"rows": 9},
    Erasure: {"reason": "another"},
}
TABLES = sorted(model._meta.db_table for model in CHANGES)


@pytest.fixture
def history() -> DayOfHistory:
    """One sealed day, and somebody on it who is to be erased."""
    day = make_day(2)
    sealing.seal_due()
    Erasure.objects.create(person=Person.objects.get(value="+8613800000002"))
    return day


@contextmanager
def refused() -> Iterator[None]:
    with pytest.raises(DatabaseError, match="history is kept"), transaction.atomic():
        yield


class TestNothingIsChanged:
    @pytest.mark.parametrize("model", CHANGES, ids=lambda model: model.__name__)
    def test_update_through_the_orm_is_refused(
        self, model: type[models.Model], history: DayOfHistory
    ) -> None:
        with refused():
            model._default_manager.update(**CHANGES[model])

    @pytest.mark.parametrize("model", CHANGES, ids=lambda model: model.__name__)
    def test_saving_an_object_is_refused(self, model: type[models.Model], history: DayOfHistory) -> None:
        row = model._default_manager.first()
        assert row is not None
        for name, value in CHANGES[model].items():
            setattr(row, name, value)
        with refused():
            row.save()

    @pytest.mark.parametrize(
        "assignment",
        [
            "attempt SET state = 'succeeded', error_code = ''",
            "attempt SET salt = ''",
            "attempt SET response_excerpt = ''",
            "attempt SET day = '2001-01-01'",
            "attempt SET organizer_id = NULL",
            "attemptinvitee SET person_id = person_id + 1",
            "invitation SET operator_union_id = 'another'",
            "invitation SET day = NULL",
            "invitee SET person_id = NULL",
            "invitee SET position = position + 100",
            "invitee SET overridden_reason = 'because'",
            "person SET nick = 'another'",
            "person SET salt = ''",
            "auditentry SET actor_id = NULL, object_repr = 'x'",
            "auditentry SET changes = NULL",
            "sealedday SET key_id = 'another'",
            "sealedsection SET marks = digest",
            "erasure SET reason = 'another'",
        ],
    )
    def test_update_by_sql_is_refused(self, assignment: str, history: DayOfHistory) -> None:
        with refused(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE invites_{assignment}")


class TestNothingIsDeleted:
    @pytest.mark.parametrize("table", TABLES)
    def test_delete_by_sql_is_refused(self, table: str, history: DayOfHistory) -> None:
        with refused(), connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608 - a table of ours

    @pytest.mark.parametrize("model", CHANGES, ids=lambda model: model.__name__)
    def test_delete_through_the_orm_is_refused(
        self, model: type[models.Model], history: DayOfHistory
    ) -> None:
        row = model._default_manager.first()
        assert row is not None
        with pytest.raises(IntegrityError), transaction.atomic():
            row.delete()

    @pytest.mark.parametrize("table", TABLES)
    @pytest.mark.django_db(transaction=True)
    def test_truncate_is_refused(self, table: str) -> None:
        # SQLite knows none.
        by = "history is kept" if connection.vendor == "postgresql" else "syntax error"
        with pytest.raises(DatabaseError, match=by), connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {table} CASCADE")


class TestAdminSite:
    @pytest.mark.parametrize("noun", ["attempt", "invitation", "invitee"])
    def test_offers_neither_change_nor_deletion(
        self, noun: str, history: DayOfHistory, administrator: User, signed_in: SignedIn
    ) -> None:
        client = signed_in(administrator)
        row: models.Model = {
            "attempt": history.attempt,
            "invitation": history.invitation,
            "invitee": history.by_union_id,
        }[noun]
        page = f"/admin/invites/{noun}/{row.pk}"
        assert client.post(f"{page}/change/", {"nick": "Somebody else"}).status_code == 403
        assert client.post(f"{page}/delete/", {"post": "yes"}).status_code == 403
        assert type(row)._default_manager.filter(pk=row.pk).exists()

    @pytest.mark.parametrize("noun", ["person", "auditentry", "sealedday", "sealedsection", "erasure"])
    def test_does_not_show_what_nobody_may_touch(
        self, noun: str, administrator: User, signed_in: SignedIn
    ) -> None:
        assert signed_in(administrator).get(f"/admin/invites/{noun}/").status_code == 404


class TestWhatStaysAllowed:
    def test_attempt_that_is_under_way_is_finished_once(self, db: None) -> None:
        attempt = AttemptFactory(
            state=AttemptState.STARTED, people_state=InviteeState.SENDING, finished_at=None, duration_ms=None
        )
        outcome = {"state": AttemptState.SUCCEEDED, "people_state": InviteeState.INVITED}
        assert Attempt.objects.finish(attempt.pk, finished_at=timezone.now(), **outcome)  # type: ignore[arg-type]
        with refused():
            Attempt.objects.filter(pk=attempt.pk).update(people=9)

    def test_attempt_that_is_under_way_keeps_what_it_began_with(self, db: None) -> None:
        attempt = AttemptFactory(
            state=AttemptState.STARTED, people_state=InviteeState.SENDING, finished_at=None
        )
        with refused():
            Attempt.objects.filter(pk=attempt.pk).update(people=9)

    def test_state_of_a_person_and_what_the_conference_reports_may_change(
        self, history: DayOfHistory
    ) -> None:
        member = MemberFactory(conference=history.invitation.conference)
        person = Invitee.objects.filter(pk=history.by_union_id.pk)
        assert person.update(state=InviteeState.INVITED, member=member, last_attempt=history.attempt) == 1

    def test_course_of_an_invitation_may_change(self, history: DayOfHistory) -> None:
        assert Invitation.objects.update(rings_left=1, rung_at=timezone.now()) == 1

    def test_how_somebody_is_found_may_be_spelled_anew(self, history: DayOfHistory) -> None:
        assert Person.objects.update(search_text=" another spelling") == 2

    def test_draft_and_its_people_may_change_and_go(self, db: None) -> None:
        draft = InvitationFactory()
        person = InviteeFactory(invitation=draft)
        Invitee.objects.filter(pk=person.pk).update(nick="Another")
        person.delete()
        draft.delete()

    def test_person_whom_nobody_refers_to_may_go(self, db: None) -> None:
        person = Person(value="nobody", nick="Nobody", channel="union_id")
        person.spell()
        person.save()
        assert person.delete()[0] == 1


class TestErasure:
    """What erasure lets go, and of whom: only of those of whom it is on record."""

    def test_nobody_is_erased_who_is_not_on_record_as_such(self, history: DayOfHistory) -> None:
        other = Person.objects.get(value="person-2")
        gone: dict[str, Any] = {"value": "", "nick": "", "search_text": "", "salt": b"", "digest": b"x"}
        with refused():
            Person.objects.filter(pk=other.pk).update(**gone)
        nobody = {"nick": "—", "value": f"+erased-{history.by_union_id.pk}"}
        with refused():
            Invitee.objects.filter(pk=history.by_union_id.pk).update(**nobody)

    def test_erased_snapshot_says_nothing_else_than_that(self, history: DayOfHistory) -> None:
        person = Invitee.objects.filter(pk=history.by_phone.pk)
        with refused():
            person.update(nick="Somebody else", value=f"+erased-{history.by_phone.pk}")
        with refused():
            person.update(nick="—", value="+8613900000000")
        assert person.update(nick="—", value=f"+erased-{history.by_phone.pk}") == 1

    def test_texts_of_an_attempt_go_once_and_nothing_else_of_it(self, history: DayOfHistory) -> None:
        attempt = Attempt.objects.filter(pk=history.attempt.pk)
        gone: dict[str, Any] = {
            "error_message": "",
            "response_excerpt": "",
            "salt": b"",
            "texts_digest": b"x",
        }
        with refused():
            attempt.update(**gone | {"people": 1})
        assert attempt.update(**gone) == 1
        with refused():
            attempt.update(texts_digest=b"y")

    def test_entry_keeps_who_and_when(self, history: DayOfHistory) -> None:
        gone: dict[str, Any] = {
            "object_repr": "",
            "changes_text": "",
            "changes": None,
            "serialized_data": None,
            "additional_data": None,
            "salt": b"",
            "digest": b"x",
        }
        entry = AuditEntry.objects.filter(pk=history.entry.pk)
        with refused():
            entry.update(**gone | {"timestamp": timezone.now()})
        assert entry.update(**gone) == 1


class TestRetention:
    """What retention lets go: rows of days of which it is on record that they are removed."""

    def test_removed_day_lets_go_of_its_rows(self, history: DayOfHistory) -> None:
        SealedDay.objects.filter(day=history.day).update(removed_at=timezone.now())
        AttemptInvitee.objects.all().delete()
        Attempt.objects.all().delete()
        Invitee.objects.all().delete()
        AuditEntry.objects.filter(pk=history.entry.pk).delete()
        assert not Attempt.objects.exists()

    def test_invitation_stays_all_the_same(self, history: DayOfHistory) -> None:
        SealedDay.objects.filter(day=history.day).update(removed_at=timezone.now())
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("DELETE FROM invites_invitation")

    def test_day_is_removed_once_and_for_good(self, history: DayOfHistory) -> None:
        day = SealedDay.objects.filter(day=history.day)
        day.update(removed_at=timezone.now())
        with refused():
            day.update(removed_at=None)

    def test_removed_day_keeps_its_digest(self, history: DayOfHistory) -> None:
        with refused():
            SealedDay.objects.filter(day=history.day).update(removed_at=timezone.now(), digest=b"another")

    def test_row_of_another_day_stays(self, history: DayOfHistory) -> None:
        other = make_day(1)
        SealedDay.objects.filter(day=history.day).update(removed_at=timezone.now())
        with refused(), connection.cursor() as cursor:
            cursor.execute("DELETE FROM invites_auditentry WHERE id = %s", [other.entry.pk])
