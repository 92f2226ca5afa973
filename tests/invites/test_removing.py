"""Retention removes whole sealed days, says so, and leaves a chain that verifies."""

from datetime import date, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from invites import clock, erasing, removing, sealing
from invites.models import (
    AppCount,
    Attempt,
    AttemptInvitee,
    AuditEntry,
    Invitation,
    Invitee,
    Person,
    SealedDay,
    User,
)
from invites.models.invitation import InvitationState
from invites.models.invitee import Channel, InviteeState
from tests.conftest import SignedIn
from tests.factories import AttemptFactory, BatchFactory, InviteeFactory, SentInvitationFactory
from tests.invites.sealed import DayOfHistory, days_ago, make_day

pytestmark = pytest.mark.django_db
BECAUSE = "Kept for two days"


def day(ago: int) -> date:
    return clock.day_of(days_ago(ago))


@pytest.fixture
def history(db: None) -> list[DayOfHistory]:
    """Two days with something, the older of which is to go."""
    days = [make_day(5), make_day(2)]
    sealing.seal_due()
    return days


def remove(before: date, by: User | None = None) -> dict[str, int]:
    removing.order(before, by=by, because=BECAUSE)
    return removing.sweep()


class TestRemoving:
    def test_everything_of_the_removed_days_goes_and_nothing_of_the_others(
        self, history: list[DayOfHistory]
    ) -> None:
        gone, kept = history
        assert remove(day(3)) == {"attempts": 1, "invitees": 2, "entries": 1, "people": 2}
        assert list(Attempt.objects.values_list("pk", flat=True)) == [kept.attempt.pk]
        assert set(Invitee.objects.values_list("invitation", flat=True)) == {kept.invitation.pk}
        assert AttemptInvitee.objects.count() == 2
        assert not AuditEntry.objects.filter(pk=gone.entry.pk).exists()
        assert AuditEntry.objects.filter(pk=kept.entry.pk).exists()
        assert sorted(Person.objects.values_list("value", flat=True)) == ["+8613800000002", "person-2"]

    def test_invitations_and_counts_stay(self, history: list[DayOfHistory]) -> None:
        before = sum(AppCount.objects.values_list("attempts", flat=True))
        remove(day(3))
        assert Invitation.objects.filter(pk=history[0].invitation.pk).exists()
        assert sum(AppCount.objects.values_list("attempts", flat=True)) == before

    def test_page_of_an_invitation_says_that_its_people_were_removed(
        self, history: list[DayOfHistory], auditor: User, signed_in: SignedIn
    ) -> None:
        page = f"/invitations/{history[0].invitation.pk}/"
        client = signed_in(auditor)
        assert "has been removed from the history" not in client.get(page).content.decode()
        remove(day(3))
        assert "has been removed from the history" in client.get(page).content.decode()

    def test_history_says_up_to_which_day_it_was_removed(
        self, history: list[DayOfHistory], auditor: User, signed_in: SignedIn
    ) -> None:
        remove(day(3))
        assert "has been removed by retention" in signed_in(auditor).get("/history/").content.decode()

    def test_chain_still_verifies_through_the_digests(self, history: list[DayOfHistory]) -> None:
        remove(day(3))
        verdict = sealing.verify()
        assert verdict.fits
        assert (verdict.days, verdict.removed, verdict.rows) == (5, 2, 7)

    def test_who_removed_what_and_why_is_on_record(
        self, history: list[DayOfHistory], administrator: User
    ) -> None:
        remove(day(3), administrator)
        last = SealedDay.objects.last_removed()
        assert last is not None
        assert (last.day, last.removed_by, last.removed_because) == (day(4), administrator, BECAUSE)
        entry = AuditEntry.objects.filter(content_type__model="sealedday").latest("pk")
        assert entry.actor == administrator
        assert entry.changes["removed_because"][1] == BECAUSE

    def test_day_that_is_not_sealed_stays(self, history: list[DayOfHistory]) -> None:
        make_day(0)
        removing.order(clock.today() + timedelta(days=9), by=None, because=BECAUSE)
        removing.sweep()
        assert Attempt.objects.get().day == clock.today()

    def test_whoever_is_on_a_kept_attempt_stays(self, db: None) -> None:
        invitation = SentInvitationFactory(sent_at=days_ago(5))
        late, early = InviteeFactory.create_batch(2, invitation=invitation, state=InviteeState.INVITED)
        batch = BatchFactory(invitation=invitation)
        first = AttemptFactory(
            invitation=invitation, batch=batch, sent_to=[late, early], started_at=days_ago(5)
        )
        second = AttemptFactory(
            invitation=invitation, batch=batch, number=2, sent_to=[late], started_at=days_ago(2)
        )
        Invitee.objects.filter(pk=late.pk).update(last_attempt=second)
        Invitee.objects.filter(pk=early.pk).update(last_attempt=first)
        sealing.seal_due()
        remove(day(3))
        assert Invitee.objects.get() == late
        assert Attempt.objects.get() == second
        assert sealing.verify().fits

    def test_whoever_is_still_to_be_called_stays(self, db: None) -> None:
        invitation = SentInvitationFactory(
            sent_at=days_ago(5), state=InvitationState.PAUSED, finished_at=None
        )
        person = InviteeFactory(invitation=invitation, state=InviteeState.PENDING)
        attempt = AttemptFactory(invitation=invitation, sent_to=[person], started_at=days_ago(5))
        Invitee.objects.filter(pk=person.pk).update(last_attempt=attempt)
        sealing.seal_due()
        remove(day(3))
        person.refresh_from_db()
        assert person.last_attempt is None
        assert not Attempt.objects.exists()

    def test_somebody_who_is_on_a_kept_invitation_as_well_stays_known(self, db: None) -> None:
        for ago in (5, 2):
            invitation = SentInvitationFactory(sent_at=days_ago(ago))
            person = InviteeFactory(invitation=invitation, value="regular", nick="Regular")
            AttemptFactory(invitation=invitation, sent_to=[person], started_at=days_ago(ago))
        sealing.seal_due()
        remove(day(3))
        assert Person.objects.get().value == "regular"

    def test_what_was_stopped_goes_on(self, history: list[DayOfHistory]) -> None:
        removing.order(day(3), by=None, because=BECAUSE)
        assert Attempt.objects.count() == 2
        removing.sweep()
        assert Attempt.objects.count() == 1
        assert removing.sweep() == {"attempts": 0, "invitees": 0, "entries": 0, "people": 0}

    @pytest.mark.django_db(transaction=True)
    def test_people_go_by_an_index_that_is_there_for_that_time_only(self) -> None:
        make_day(5)
        sealing.seal_due()
        assert remove(day(3))["people"] == 2
        with connection.cursor() as cursor:
            indexes = connection.introspection.get_constraints(cursor, "invites_invitee")
        assert "invites_invitee_removing" not in indexes

    def test_works_in_pieces(self, history: list[DayOfHistory], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("invites.removing.PIECE", 1)
        heard: list[tuple[str, int]] = []
        removing.order(clock.today(), by=None, because=BECAUSE)
        removing.sweep(progress=lambda kind, rows: heard.append((kind, rows)))
        assert [rows for kind, rows in heard if kind == "attempts"] == [1, 2]
        assert not Invitee.objects.exists()

    def test_nothing_is_removed_that_is_not_on_record_first(self, history: list[DayOfHistory]) -> None:
        assert removing.sweep()["attempts"] == 0
        with pytest.raises(IntegrityError), transaction.atomic():
            AttemptInvitee.objects.all().delete()

    def test_erased_person_stays_since_that_is_on_record(self, history: list[DayOfHistory]) -> None:
        person = Person.objects.get(value="person-5")
        erasing.erase(channel=Channel.UNION_ID, value="person-5", by=None, because="Asked for it")
        remove(day(3))
        assert Person.objects.filter(pk=person.pk).exists()


class TestCommand:
    def test_dry_run_counts_and_removes_nothing(
        self, history: list[DayOfHistory], capsys: pytest.CaptureFixture[str]
    ) -> None:
        call_command("remove_history", "--before", str(day(3)), "--reason", BECAUSE, "--dry-run")
        out = capsys.readouterr().out
        assert f"2 days from {day(5)} to {day(4)}" in out
        assert "1 attempts" in out
        assert Attempt.objects.count() == 2

    def test_removes_after_yes(
        self,
        history: list[DayOfHistory],
        administrator: User,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setattr("builtins.input", lambda question: "yes")
        call_command(
            "remove_history", "--before", str(day(3)), "--reason", BECAUSE, "--by", administrator.username
        )
        assert "Removed 1 attempts, 2 invitees, 1 entries, 2 people." in capsys.readouterr().out
        assert SealedDay.objects.removed().count() == 2

    def test_any_other_answer_removes_nothing(
        self, history: list[DayOfHistory], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("builtins.input", lambda question: "y")
        with pytest.raises(CommandError, match="Nothing was removed"):
            call_command("remove_history", "--before", str(day(3)), "--reason", BECAUSE)
        assert not SealedDay.objects.removed().exists()

    def test_nothing_to_remove_is_said(
        self, history: list[DayOfHistory], capsys: pytest.CaptureFixture[str]
    ) -> None:
        call_command("remove_history", "--before", "2001-01-01", "--reason", BECAUSE, "--yes")
        assert "nothing to remove" in capsys.readouterr().out

    @pytest.mark.parametrize(
        "arguments",
        [
            ["--reason", BECAUSE],
            ["--before", "2024-01-01"],
            ["--before", "new year", "--reason", BECAUSE],
            ["--before", "2024-01-01", "--reason", BECAUSE, "--by", "nobody"],
            ["--before", "2024-01-01", "--reason", " "],
            ["--before", "2024-01-01", "--reason", "x" * 201],
        ],
    )
    def test_argument_that_is_missing_or_wrong_is_refused(self, arguments: list[str], db: None) -> None:
        with pytest.raises(CommandError):
            call_command("remove_history", *arguments)
