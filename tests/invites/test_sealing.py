"""Days of the history are sealed, and whatever is changed afterwards is found and named."""

import hashlib
import logging
from datetime import UTC, date, timedelta

import pytest
import time_machine
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from pytest_django import Settings

from invites import clock, sealing, tasks
from invites.models import AttemptInvitee, AuditEntry, Person, SealedDay, Verification
from invites.models.attempt import AttemptState
from invites.models.invitee import InviteeState
from invites.recovering import recover
from invites.sealing import Problem, keys
from invites.sealing.lines import blocks, lines
from invites.sealing.sections import ATTEMPTS, ENTRIES, INVITATIONS, INVITEES, SECTIONS, SENDINGS
from tests.factories import AttemptFactory
from tests.invites.sealed import DayOfHistory, days_ago, make_day
from tests.keeping import tampering

pytestmark = pytest.mark.django_db
MIDNIGHT = timedelta(hours=12)


@pytest.fixture
def history() -> list[DayOfHistory]:
    """Three days, of which one had nothing, all sealed, and a day after them."""
    days = [make_day(4), make_day(2)]
    sealing.seal_due()
    return days


def found() -> list[tuple[str, str]]:
    """What does not fit, and where."""
    return [(finding.problem.value, finding.where) for finding in sealing.verify().findings]


class TestSealing:
    def test_every_day_that_is_over_is_sealed_in_turn_also_an_empty_one(
        self, history: list[DayOfHistory]
    ) -> None:
        sealed = SealedDay.objects.in_order().with_rows()
        assert [day.day for day in sealed] == [clock.day_of(days_ago(days)) for days in (4, 3, 2, 1)]
        assert [day.rows for day in sealed] == [7, 0, 7, 0]

    def test_seals_are_no_changes_on_record(self, history: list[DayOfHistory]) -> None:
        assert not AuditEntry.objects.filter(content_type__model="sealedday").exists()

    def test_today_is_not_sealed(self, db: None) -> None:
        make_day(0)
        assert sealing.seal_due() == []

    def test_a_day_is_left_open_for_some_minutes(self, db: None) -> None:
        make_day(1)
        midnight = days_ago(0) - MIDNIGHT
        assert list(sealing.due_days(midnight + timedelta(minutes=4))) == []
        assert list(sealing.due_days(midnight + timedelta(minutes=6))) == [clock.day_of(days_ago(1))]

    def test_a_day_waits_for_calls_that_are_still_under_way(self, db: None) -> None:
        attempt = AttemptFactory(
            state=AttemptState.STARTED,
            people_state=InviteeState.SENDING,
            finished_at=None,
            started_at=days_ago(2),
            invitation__sent_at=days_ago(2),
        )
        assert sealing.seal_due() == []
        attempt.state, attempt.people_state = AttemptState.SUCCEEDED, InviteeState.INVITED
        attempt.finished_at = timezone.now()
        attempt.save()
        assert len(sealing.seal_due()) == 2

    def test_the_care_of_workers_seals(self, db: None) -> None:
        make_day(1)
        recover()
        assert SealedDay.objects.count() == 1

    def test_what_is_sealed_once_is_not_sealed_again(self, history: list[DayOfHistory]) -> None:
        assert sealing.seal_due() == []

    def test_nothing_at_all_is_nothing_to_seal(self, db: None) -> None:
        assert sealing.seal_due() == []
        assert sealing.verify().fits

    def test_round_begins_no_further_day_once_its_time_is_up(self, db: None) -> None:
        make_day(3)
        assert sealing.seal_due(seconds=0) == []

    @pytest.mark.django_db(transaction=True)
    def test_somebody_else_who_seals_is_left_alone(self) -> None:
        if connection.vendor != "postgresql":
            # One writes at a time: whoever has begun to seal is alone.
            assert sealing.closing._is_ours()
            return
        make_day(1)
        other = connection.copy()
        try:
            with transaction.atomic(), other.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_lock(%s)", [0x5EA1_DA75])
                assert sealing.seal_due() == []
        finally:
            other.close()
        assert len(sealing.seal_due()) == 1

    @pytest.mark.django_db(transaction=True)
    def test_a_day_waits_for_what_began_on_it_and_is_not_stored_yet(self) -> None:
        if connection.vendor != "postgresql":
            # One writes at a time, and nobody waits for longer than the margin.
            assert not sealing.closing._is_being_written(clock.today())
            return
        make_day(0)
        other = connection.copy()
        try:
            with other.cursor() as cursor:
                cursor.execute("BEGIN")
                cursor.execute("UPDATE invites_conference SET title = title")
                # Seen from tomorrow, somebody is still writing since today.
                tomorrow = timezone.now() + timedelta(days=1)
                assert next(sealing.due_days(tomorrow)) == clock.today()
                assert sealing.closing._next_due(tomorrow) is None
                cursor.execute("ROLLBACK")
                assert sealing.closing._next_due(tomorrow) == clock.today()
        finally:
            other.close()


class TestHead:
    """The head of the chain leaves the house."""

    def test_every_seal_is_a_line_of_the_log(self, caplog: pytest.LogCaptureFixture) -> None:
        make_day(1)
        with caplog.at_level(logging.INFO, logger="invites.sealing"):
            (day,) = sealing.seal_due()
        assert f"{day.day}: {bytes(day.digest).hex()}" in caplog.text

    def test_last_head_of_a_round_is_sent_by_mail(self, settings: Settings) -> None:
        settings.HISTORY_MAIL = ["audit@example.com"]
        make_day(3)
        *_, last = sealing.seal_due()
        (message,) = mail.outbox
        assert message.to == ["audit@example.com"]
        assert bytes(last.digest).hex() in message.body

    def test_worker_that_seals_waits_for_no_mail_server(self, settings: Settings) -> None:
        settings.HISTORY_MAIL = ["audit@example.com"]
        make_day(1)
        recover()
        assert mail.outbox == []
        bell = DBTaskResult.objects.get()
        assert bell.queue_name == tasks.LISTS
        tasks.tell_head.call(*bell.args_kwargs["args"])
        (message,) = mail.outbox
        assert SealedDay.objects.get().hex in message.body

    def test_mail_that_cannot_be_sent_keeps_no_day_open(
        self, settings: Settings, caplog: pytest.LogCaptureFixture
    ) -> None:
        settings.HISTORY_MAIL = ["audit@example.com"]
        options = {"host": "127.0.0.1", "port": 9}
        settings.MAILERS = {
            "default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": options}
        }
        make_day(1)
        assert len(sealing.seal_due()) == 1
        assert "could not be sent by mail" in caplog.text

    def test_earlier_head_is_part_of_the_chain(self, history: list[DayOfHistory]) -> None:
        heads = [bytes(day.digest) for day in SealedDay.objects.in_order()]
        assert sealing.verify(heads=heads).fits

    def test_chain_that_was_made_anew_does_not_contain_the_head_that_left(
        self, history: list[DayOfHistory]
    ) -> None:
        left = SealedDay.objects.last_sealed()
        assert left is not None
        with tampering() as cursor:
            cursor.execute("DELETE FROM invites_sealedsection")
            cursor.execute("DELETE FROM invites_sealedday")
            cursor.execute("UPDATE invites_attempt SET people = 99")
        sealing.seal_due()
        assert sealing.verify().fits
        (finding,) = sealing.verify(heads=[bytes(left.digest)]).findings
        assert finding.problem == Problem.HEAD_UNKNOWN


class TestLines:
    """Both databases make the same lines: a history that moves from one to the other still verifies."""

    @pytest.fixture
    def golden(self) -> DayOfHistory:
        return make_day(5)

    def test_lines_of_each_kind_are_these(self, golden: DayOfHistory) -> None:
        at, day = days_ago(5).astimezone(UTC), golden.day
        stamp = f"{at:%Y-%m-%d %H:%M:%S}"
        invitation, attempt, entry = golden.invitation, golden.attempt, golden.entry
        created = f"{invitation.created_at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}".rstrip("0").rstrip(".")
        assert self.texts(INVITATIONS, day) == [
            (
                f"{invitation.pk}\t{day}\t{invitation.conference_id}\t{invitation.sent_by_id}\t"
                f"\t{created}+00\t{stamp}+00\tweb\t\\N\tf\ttrace\\n5\n"
            )
        ]
        person = Person.objects.get(value="person-5")
        known = sealing.digest_of(person.salt, "union_id", "person-5", "张三丰\tthe \\ elder").hex()
        assert self.texts(INVITEES, day)[0] == (
            f"{golden.by_union_id.pk}\t{invitation.pk}\t{golden.by_union_id.position}\tunion_id\t{person.pk}"
            f"\t\\N\t\tf\t1\t{known}\n"
        )
        texts = sealing.digest_of(attempt.salt, attempt.error_message, attempt.response_excerpt).hex()
        assert self.texts(ATTEMPTS, day) == [
            (
                f"{attempt.pk}\t{day}\t{invitation.pk}\t{attempt.batch_id}\t1\tfailed\t2\tfailed\t{stamp}.12+00"
                f"\t{at + timedelta(seconds=30):%Y-%m-%d %H:%M:%S}.12+00\t{stamp}.24+00\t120\t200\tunknownUserError\t"
                f"\t{attempt.conference_id}\t{attempt.app_id}\t{attempt.organizer_id}\tboth\t\t{texts}\n"
            )
        ]
        sent = AttemptInvitee.objects.order_by("pk").first()
        assert sent is not None
        assert self.texts(SENDINGS, day)[0] == (
            f"{sent.pk}\t{attempt.pk}\t{golden.by_union_id.pk}\t{person.pk}\t{stamp}.12+00\n"
        )
        documents = (
            None,
            (
                '{"b": [1, true], "é": [null, "quote \\" and \\\\ and \x7f"], '
                '"nick": ["before", "张三丰\\tthe \\\\ elder"]}'
            ),
            '{"ab": {"c": null, "z": [], "é": "ü"}, "people": 3}',
        )
        told = sealing.digest_of(entry.salt, "张三丰\tthe \\ elder", "", *documents).hex()
        assert self.texts(ENTRIES, day) == [
            f"{entry.pk}\t{day}\t{entry.content_type_id}\t7\t7\t1\t\\N\t\\N\t\t{stamp}+00\t{told}\n"
        ]

    def test_many_at_a_time_are_the_same_as_one_at_a_time(self, golden: DayOfHistory) -> None:
        make_day(3)
        for section in SECTIONS:
            by_day: dict[date, bytes] = {}
            for day, block in blocks(section, golden.day, clock.today()):
                by_day[day] = by_day.get(day, b"") + block
            assert len(by_day) >= 2
            for day, found_there in by_day.items():
                assert found_there == b"".join(line for _key, line in lines(section, day))

    def test_length_stands_before_each_text_so_that_none_passes_for_two(self) -> None:
        assert sealing.digest_of(b"salt", "ab", None) == hashlib.sha256(b"salt2:ab-").digest()
        assert sealing.digest_of(b"", "a", "b") != sealing.digest_of(b"", "ab", "")

    @staticmethod
    def texts(section: object, day: date) -> list[str]:
        return [line.decode() for _key, line in lines(section, day)]  # type: ignore[arg-type]


CHANGES = {
    "Attempt": "UPDATE invites_attempt SET people_state = 'invited' WHERE id = {attempt}",
    "Attempt ": "UPDATE invites_attempt SET error_message = 'somebody else' WHERE id = {attempt}",
    "Attempt  ": "UPDATE invites_attempt SET day = '2001-01-01' WHERE id = {attempt}",
    "Invitation": "UPDATE invites_invitation SET sent_by_id = NULL WHERE id = {invitation}",
    "Invitee": "UPDATE invites_invitee SET nick = 'Somebody else' WHERE id = {by_union_id}",
    "Invitee ": "UPDATE invites_invitee SET person_id = NULL WHERE id = {by_union_id}",
    "Invitee  ": "UPDATE invites_person SET value = 'somebody-else' WHERE nick LIKE '张三丰%%' AND value = 'person-4'",
    "AuditEntry": "UPDATE invites_auditentry SET changes = '{{}}' WHERE id = {entry}",
    "AuditEntry ": "UPDATE invites_auditentry SET actor_id = (SELECT min(id) FROM invites_user) WHERE id = {entry}",
}


class TestTampering:
    """Whoever rules the database can change a row, and it is found and named."""

    def test_untouched_history_fits(self, history: list[DayOfHistory]) -> None:
        verdict = sealing.verify()
        assert verdict.fits
        assert (verdict.days, verdict.rows) == (4, 14)

    @pytest.mark.parametrize("name", CHANGES)
    def test_changed_row_is_named(self, name: str, history: list[DayOfHistory]) -> None:
        first = history[0]
        keys_of = {
            "attempt": first.attempt.pk,
            "invitation": first.invitation.pk,
            "by_union_id": first.by_union_id.pk,
            "entry": first.entry.pk,
        }
        with tampering() as cursor:
            cursor.execute(CHANGES[name].format(**keys_of))
            assert cursor.rowcount == 1
        key = {"Attempt": first.attempt, "Invitation": first.invitation, "Invitee": first.by_union_id}
        row = key.get(name.strip(), first.entry)
        ((problem, where),) = found()
        if name == "Attempt  ":
            # A row on another day is added there, before the chain begins.
            assert problem == Problem.ADDED
        else:
            assert (problem, where) == ("changed", f"{name.strip()} {row.pk}")

    def test_changed_sending_is_named(self, history: list[DayOfHistory]) -> None:
        sent = AttemptInvitee.objects.order_by("pk").last()
        assert sent is not None
        with tampering() as cursor:
            cursor.execute(
                "UPDATE invites_attemptinvitee SET started_at = %s WHERE id = %s", [timezone.now(), sent.pk]
            )
        assert found() == [("changed", f"AttemptInvitee {sent.pk}")]

    def test_deleted_row_is_named(self, history: list[DayOfHistory]) -> None:
        entry = history[1].entry
        with tampering() as cursor:
            cursor.execute("DELETE FROM invites_auditentry WHERE id = %s", [entry.pk])
        (finding,) = sealing.verify().findings
        assert (finding.problem, finding.where) == (Problem.MISSING, f"AuditEntry {entry.pk}")
        assert finding.day == history[1].day

    def test_added_row_is_named(self, history: list[DayOfHistory]) -> None:
        added = AttemptFactory(started_at=days_ago(3), invitation=history[0].invitation)
        assert found() == [("added", f"Attempt {added.pk}")]

    def test_row_before_the_first_sealed_day_is_found(self, history: list[DayOfHistory]) -> None:
        AttemptFactory(started_at=days_ago(30), invitation=history[0].invitation)
        (finding,) = sealing.verify().findings
        assert (finding.problem, finding.day) == (Problem.ADDED, clock.day_of(days_ago(30)))

    def test_first_of_several_rows_is_named(self, history: list[DayOfHistory]) -> None:
        with tampering() as cursor:
            cursor.execute("UPDATE invites_attempt SET people = 99")
        assert found() == [("changed", f"Attempt {history[0].attempt.pk}")]

    def test_missing_day_is_named(self, history: list[DayOfHistory]) -> None:
        gone = clock.day_of(days_ago(3))
        with tampering() as cursor:
            cursor.execute("DELETE FROM invites_sealedsection WHERE day_id = %s", [gone])
            cursor.execute("DELETE FROM invites_sealedday WHERE day = %s", [gone])
        (finding,) = sealing.verify().findings
        assert (finding.problem, finding.day) == (Problem.DAY_MISSING, gone)

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE invites_sealedsection SET rows = rows + 1 WHERE day_id = %s AND name = 'attempts'",
            "UPDATE invites_sealedsection SET digest = marks WHERE day_id = %s AND name = 'entries'",
            "UPDATE invites_sealedsection SET marks = digest WHERE day_id = %s AND name = 'attempts'",
            "DELETE FROM invites_sealedsection WHERE day_id = %s AND name = 'invitees'",
            "UPDATE invites_sealedday SET digest = (SELECT digest FROM invites_sealedsection LIMIT 1) WHERE day = %s",
        ],
    )
    def test_seal_that_was_changed_breaks_the_chain(
        self, statement: str, history: list[DayOfHistory]
    ) -> None:
        with tampering() as cursor:
            cursor.execute(statement, [history[0].day])
        (finding,) = sealing.verify().findings
        assert (finding.problem, finding.day) == (Problem.CHAIN_BROKEN, history[0].day)

    def test_row_changed_together_with_its_section_breaks_the_chain(
        self, history: list[DayOfHistory]
    ) -> None:
        with tampering() as cursor:
            cursor.execute("UPDATE invites_attempt SET people = 99")
            digest = hashlib.sha256(b"".join(line for _key, line in lines(ATTEMPTS, history[0].day))).digest()
            cursor.execute(
                "UPDATE invites_sealedsection SET digest = %s WHERE name = 'attempts' AND day_id = %s",
                [digest, history[0].day],
            )
        (finding,) = sealing.verify().findings
        assert finding.problem == Problem.CHAIN_BROKEN

    def test_day_that_is_over_and_not_sealed_is_told(self, history: list[DayOfHistory]) -> None:
        last = SealedDay.objects.last_sealed()
        assert last is not None
        with tampering() as cursor:
            cursor.execute("DELETE FROM invites_sealedsection WHERE day_id = %s", [last.day])
            cursor.execute("DELETE FROM invites_sealedday WHERE day = %s", [last.day])
        (finding,) = sealing.verify().findings
        assert (finding.problem, finding.day) == (Problem.NOT_SEALED, last.day)

    def test_day_that_ends_while_the_history_is_checked_is_not_expected_to_be_sealed(
        self, history: list[DayOfHistory]
    ) -> None:
        with time_machine.travel(timezone.now(), tick=False) as clock_on_the_wall:
            verdict = sealing.verify(
                progress=lambda day, rows: clock_on_the_wall.shift(timedelta(days=1)),
            )
        assert verdict.fits

    def test_check_that_begins_later_looks_at_nothing_before(self, history: list[DayOfHistory]) -> None:
        with tampering() as cursor:
            cursor.execute("UPDATE invites_attempt SET people = 99 WHERE id = %s", [history[0].attempt.pk])
        assert sealing.verify(since=history[1].day).fits
        assert not sealing.verify(since=history[0].day).fits


class TestKeys:
    def test_new_key_in_front_seals_and_the_old_one_still_verifies(self, settings: Settings) -> None:
        settings.HISTORY_KEYS = ["a" * 32]
        make_day(1)
        (first,) = sealing.seal_due()
        settings.HISTORY_KEYS = ["b" * 32, "a" * 32]
        assert keys.sealing_key().name != first.key_id
        assert sealing.verify().fits

    def test_what_the_secret_key_sealed_verifies_after_keys_were_set(
        self, history: list[DayOfHistory], settings: Settings
    ) -> None:
        settings.HISTORY_KEYS = ["a" * 32]
        assert sealing.verify().fits

    def test_key_that_is_not_configured_is_told_as_such(
        self, history: list[DayOfHistory], settings: Settings
    ) -> None:
        settings.SECRET_KEY = "another secret key, another secret key"
        (finding,) = sealing.verify().findings
        assert (finding.problem, finding.day) == (Problem.KEY_UNKNOWN, history[0].day)

    def test_changed_row_is_seen_also_without_the_key(
        self, history: list[DayOfHistory], settings: Settings
    ) -> None:
        settings.SECRET_KEY = "another secret key, another secret key"
        with tampering() as cursor:
            cursor.execute("UPDATE invites_attempt SET people = 99")
        assert found() == [("keyUnknown", ""), ("changed", "Attempt")]

    def test_neither_fingerprint_nor_representation_tells_a_key(self) -> None:
        key = keys.sealing_key()
        assert key.chain.hex() not in repr(key)
        assert len(key.name) == 16


class TestCommands:
    def test_sealing_says_what_it_has_sealed(self, capsys: pytest.CaptureFixture[str]) -> None:
        make_day(1)
        call_command("seal_history")
        day = SealedDay.objects.get()
        assert capsys.readouterr().out == f"{day.day} {bytes(day.digest).hex()}\n"

    def test_history_that_fits_is_status_zero_and_on_record(
        self, history: list[DayOfHistory], capsys: pytest.CaptureFixture[str]
    ) -> None:
        call_command("verify_history")
        head = SealedDay.objects.last_sealed()
        assert head is not None
        out = capsys.readouterr().out
        assert "Everything fits: 4 days, 14 rows" in out
        assert bytes(head.digest).hex() in out
        last = Verification.objects.newest()
        assert last is not None
        assert (last.fits, last.days, last.rows, bytes(last.head or b"")) == (True, 4, 14, bytes(head.digest))

    def test_row_that_does_not_fit_is_named_with_status_one(
        self, history: list[DayOfHistory], capsys: pytest.CaptureFixture[str]
    ) -> None:
        with tampering() as cursor:
            cursor.execute("UPDATE invites_attempt SET people = 99")
        with pytest.raises(SystemExit) as end:
            call_command("verify_history")
        assert end.value.code == 1
        assert f"Attempt {history[0].attempt.pk} was changed" in capsys.readouterr().err
        last = Verification.objects.newest()
        assert last is not None
        assert (last.problem, last.where) == ("changed", f"Attempt {history[0].attempt.pk}")

    def test_head_and_day_are_taken_from_the_command_line(self, history: list[DayOfHistory]) -> None:
        head = SealedDay.objects.last_sealed()
        assert head is not None
        call_command(
            "verify_history", "--head", bytes(head.digest).hex(), "--since", history[1].day.isoformat()
        )
        with pytest.raises(SystemExit):
            call_command("verify_history", "--head", "00" * 32)

    @pytest.mark.parametrize("arguments", [["--head", "xyz"], ["--head", "00"], ["--since", "yesterday"]])
    def test_argument_that_cannot_be_is_refused(self, arguments: list[str]) -> None:
        with pytest.raises(CommandError):
            call_command("verify_history", *arguments)


class TestAtOnce:
    @pytest.mark.django_db(transaction=True)
    def test_check_is_of_one_moment_and_keeps_nobody_from_writing(self) -> None:
        make_day(2)
        sealing.seal_due()
        seen = []

        def somebody_calls(day: date, rows: int) -> None:
            other = connection.copy()
            try:
                with other.cursor() as cursor:
                    cursor.execute("UPDATE invites_conference SET title = 'meanwhile'")
                    seen.append(cursor.rowcount)
            finally:
                other.close()

        assert sealing.verify(progress=somebody_calls).fits
        assert seen
