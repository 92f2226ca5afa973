"""The same thing asked for twice under one key is done once, whatever happens in between."""

import re
import subprocess
import sys
import threading
from collections import Counter
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path

import pytest
import time_machine
from django.db import connection
from django.test import override_settings
from django.utils import timezone
from pytest_django import Settings

from invites import deduplicating, delivering, erasing
from invites.dingtalk.sandbox import SandboxServer
from invites.errors import RequestUnderWay
from invites.models import Conference, ConferenceCreation, Contact, IdempotentRequest, Invitation, User
from invites.models.api_token import KEPT
from invites.models.invitee import Channel
from tests.factories import AddressBookFactory, UserFactory
from tests.invites.programs import Program, code_of, fields_of, invite_into
from tests.services.processes import environment_of

ROOT = Path(__file__).resolve().parents[2]
BODY = {"inviteeList": [{"unionId": "exxxxxxxxQiE", "nick": "Test user"}]}
ABANDONED = timedelta(seconds=21)


def let_it_be_abandoned() -> None:
    for request in IdempotentRequest.objects.all():
        request.began_at -= ABANDONED
        request.save()


def deliver_all() -> None:
    for invitation in Invitation.objects.all():
        delivering.deliver(invitation_id=invitation.pk, policy=delivering.WORKER)


@pytest.fixture
def program(organizer: User) -> Program:
    return Program(organizer)


@pytest.mark.django_db
class TestKey:
    def test_same_request_is_answered_with_what_it_brought_about(
        self, program: Program, conference: Conference, sandbox: SandboxServer
    ) -> None:
        first = program.post(invite_into(conference), BODY, key="a")
        assert (first.status_code, first["Idempotent-Replayed"]) == (HTTPStatus.CREATED, "false")
        deliver_all()
        second = program.post(invite_into(conference), BODY, key="a")
        assert (second.status_code, second["Idempotent-Replayed"]) == (HTTPStatus.CREATED, "true")
        assert second.json()["id"] == first.json()["id"]
        assert second.json()["counts"]["invited"] == 1
        deliver_all()
        assert len(sandbox.invitations) == 1

    def test_nothing_of_anybody_is_kept_with_the_key(self, program: Program, conference: Conference) -> None:
        program.post(invite_into(conference), BODY, key="a")
        [kept] = IdempotentRequest.objects.values()
        assert "exxxxxxxxQiE" not in str(kept)
        # All that was sent is behind a keyed digest, and of the answer no more than a key is kept.
        assert re.fullmatch("[0-9a-f]{64}", kept["digest"])
        assert kept["answer"] == {"made": Invitation.objects.get().pk}
        assert set(kept) == {"id", "user_id", "key", "digest", "began_at", "status", "answer"}

    def test_same_key_with_another_request_is_refused_and_is_free_for_others(
        self, program: Program, conference: Conference, other_organizer: User
    ) -> None:
        program.post(invite_into(conference), BODY, key="a")
        changed = program.post(invite_into(conference), BODY | {"despiteDoNotInvite": True}, key="a")
        assert fields_of(changed) == {"Idempotency-Key": "keyUsedBefore"}
        conference.co_organizers.add(other_organizer)
        assert (
            Program(other_organizer).post(invite_into(conference), BODY, key="a").status_code
            == HTTPStatus.CREATED
        )
        assert Invitation.objects.count() == 2

    def test_it_is_remembered_whoever_is_erased(
        self, program: Program, conference: Conference, organizer: User, sandbox: SandboxServer
    ) -> None:
        body = {"inviteeList": [{"unionId": "made"}]}
        program.post(invite_into(conference), body, key="a")
        deliver_all()
        erasing.erase(channel=Channel.UNION_ID, value="made", by=organizer, because="Asked for")
        again = program.post(invite_into(conference), body, key="a")
        assert (again.status_code, again["Idempotent-Replayed"]) == (HTTPStatus.CREATED, "true")

    @pytest.mark.parametrize("key", ["", "a b", "ä", "x" * 256])
    def test_unusable_key_is_told(self, key: str, program: Program, conference: Conference) -> None:
        answer = program.ask("POST", invite_into(conference), body=BODY, headers={"Idempotency-Key": key})
        assert list(fields_of(answer)) == ["Idempotency-Key"]
        assert list(fields_of(program.ask("POST", invite_into(conference), body=BODY))) == ["Idempotency-Key"]

    def test_refusal_leaves_the_key_for_another_try(self, program: Program, conference: Conference) -> None:
        conference.locked_at = timezone.now()
        conference.save()
        refused = program.post(invite_into(conference), BODY, key="a")
        assert (refused.status_code, code_of(refused)) == (HTTPStatus.CONFLICT, "conferenceLocked")
        conference.locked_at = None
        conference.save()
        assert program.post(invite_into(conference), BODY, key="a").status_code == HTTPStatus.CREATED

    def test_key_of_a_contact_adds_one(self, program: Program, organizer: User) -> None:
        book = AddressBookFactory(owner=organizer)
        for _time in range(2):
            answer = program.post(f"/books/{book.pk}/contacts", {"nick": "A", "unionId": "a1"}, key="a")
            assert answer.status_code == HTTPStatus.CREATED
        assert Contact.objects.count() == 1

    def test_key_of_a_conference_creates_one_also_where_the_answer_was_lost(
        self, program: Program, conference: Conference, sandbox: SandboxServer
    ) -> None:
        sandbox.add_fault("drop", operation="create")
        first = program.post("/conferences", {"title": "Once"}, key="a")
        assert first.json()["error"]["dingtalk"]["isUnsure"] is True
        under_way = program.post("/conferences", {"title": "Once"}, key="a")
        assert (code_of(under_way), under_way["Retry-After"]) == ("requestUnderWay", "5")
        let_it_be_abandoned()
        assert program.post("/conferences", {"title": "Once"}, key="a").json()["error"]["dingtalk"][
            "isUnsure"
        ]
        assert ConferenceCreation.objects.count() == 1

    def test_claim_that_was_taken_over_stays_where_nothing_tells_what_the_first_has_done(
        self, program: Program, conference: Conference, sandbox: SandboxServer, settings: Settings
    ) -> None:
        sandbox.add_fault("drop", operation="create")
        program.post("/conferences", {"title": "Once"}, key="a")
        let_it_be_abandoned()
        with override_settings(LIMITS=settings.LIMITS | {"looking_up": (1, 60)}):
            refused = program.post("/conferences", {"title": "Once"}, key="a")
            assert code_of(refused) == "tooManyRequests"
        let_it_be_abandoned()
        again = program.post("/conferences", {"title": "Once"}, key="a")
        assert again.json()["error"]["dingtalk"]["isUnsure"] is True
        assert ConferenceCreation.objects.count() == 1

    def test_key_that_is_too_old_to_be_remembered_is_one_that_was_never_used(
        self, program: Program, conference: Conference, sandbox: SandboxServer
    ) -> None:
        first = program.post("/conferences", {"title": "Then"}, key="a")
        IdempotentRequest.objects.update(began_at=timezone.now() - KEPT - timedelta(hours=1))
        second = program.post("/conferences", {"title": "Now"}, key="a")
        assert second["Idempotent-Replayed"] == "false"
        assert second.json()["id"] != first.json()["id"]

    def test_keys_are_forgotten_after_a_week(self, program: Program, conference: Conference) -> None:
        program.post(invite_into(conference), BODY, key="a")
        deduplicating.forget_old()
        assert IdempotentRequest.objects.count() == 1
        with time_machine.travel(timezone.now() + KEPT + timedelta(hours=1)):
            deduplicating.forget_old()
        assert not IdempotentRequest.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_many_requests_at_the_same_moment_send_once(
        self, organizer: User, conference: Conference, sandbox: SandboxServer
    ) -> None:
        programs = [Program(organizer) for _program in range(8)]
        together = threading.Barrier(len(programs))
        answers: Counter[int] = Counter()

        def run(program: Program) -> None:
            try:
                together.wait()
                answers[program.post(invite_into(conference), BODY, key="a").status_code] += 1
            finally:
                connection.close()

        threads = [threading.Thread(target=run, args=[program]) for program in programs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(answers) <= {HTTPStatus.CREATED, HTTPStatus.CONFLICT}
        assert answers[HTTPStatus.CREATED] >= 1
        deliver_all()
        assert len(sandbox.invitations) == 1

    def test_whoever_was_only_slow_finds_the_claim_gone_and_does_nothing(self, organizer: User) -> None:
        slow = deduplicating.claim(user=organizer, key="a", asked="x")
        let_it_be_abandoned()
        slow.began_at -= ABANDONED
        other = deduplicating.claim(user=organizer, key="a", asked="x")
        with pytest.raises(RequestUnderWay), deduplicating.settling(slow):
            pytest.fail("It was the other's.")
        deduplicating.release(slow)
        with deduplicating.settling(other):
            deduplicating.settle(other, status=HTTPStatus.CREATED, made=1)
        assert deduplicating.made(deduplicating.claim(user=organizer, key="a", asked="x")) == 1


@pytest.mark.django_db(transaction=True)
class TestDeath:
    """A process is killed in the middle of a request: at a statement, before it is made."""

    @pytest.mark.parametrize(
        ("statement", "was_sent"),
        [
            ('INSERT INTO "invites_invitation"', False),
            ('UPDATE "invites_idempotentrequest"', False),
            ('INSERT INTO "django_tasks', True),
        ],
    )
    def test_whoever_asks_again_has_people_called_once(
        self, statement: str, was_sent: bool, conference: Conference, sandbox: SandboxServer
    ) -> None:
        user: User = UserFactory.create()
        conference.co_organizers.add(user)
        program = Program(user)
        command = [sys.executable, "-m", "tests.invites.dying", statement, program.token, str(conference.pk)]
        command.append(sandbox.base_url)
        environment = environment_of(connection) | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
        died = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False)
        assert died.returncode == -9, died.stderr.decode()
        assert Invitation.objects.exists() == was_sent
        if not was_sent:
            early = program.post(invite_into(conference), BODY, key="a")
            assert (early.status_code, code_of(early)) == (HTTPStatus.CONFLICT, "requestUnderWay")
            let_it_be_abandoned()
        again = program.post(invite_into(conference), BODY, key="a")
        assert again.status_code == HTTPStatus.CREATED
        assert again["Idempotent-Replayed"] == ("true" if was_sent else "false")
        deliver_all()
        assert len(sandbox.invitations) == 1
